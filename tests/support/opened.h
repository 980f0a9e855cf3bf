/* For tests: what a data message between hosts says, whatever its length. */
#ifndef TAPD_TESTS_OPENED_H
#define TAPD_TESTS_OPENED_H

#include "support/hosts.h"

struct opened {
	unsigned records[WIRE_ADDRESSES + 1]; /* how many, by enum wire_kind */
	unsigned all;			      /* records */
	unsigned changes;		      /* of groups, in all records */
};

/* False if it is not to a host that can open it, or no data message. Ask while the
 * session lives: of what is on its way. */
bool hosts_open(struct hosts *h, const struct flight *f, struct opened *out);
/* Has a record of this kind. */
bool hosts_carries(struct hosts *h, const struct flight *f,
		   enum wire_kind kind);
/* Is one groups record with one change, and nothing else. */
bool hosts_tells_one_change(struct hosts *h, const struct flight *f);

#endif
