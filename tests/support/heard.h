/* For tests: what snoop and report say of a frame. */
#ifndef TAPD_TESTS_HEARD_H
#define TAPD_TESTS_HEARD_H

#include "support/reports.h"

#define RECORDS_MAX 128

/* What snoop_parse and report_next say of a frame; it is held to the
 * header's contract. They get a heap copy of exactly its length, so that
 * AddressSanitizer sees the first byte read past the end. */
struct heard {
	struct report m;
	struct group_record records[RECORDS_MAX];
	size_t count;
};

struct heard hear(const uint8_t *frame, size_t len);
struct heard hear_igmp(const char *hex);
struct heard hear_mld(const char *hex);
/* Fails the test unless record i is of this group and says this. */
void heard_assert(const struct heard *h, size_t i, const char *ip,
		  enum report_says says, bool current);

#endif
