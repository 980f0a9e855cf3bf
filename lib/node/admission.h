/* Whether there is room and time for a stranger's message 1. */
#ifndef TAPD_NODE_ADMISSION_H
#define TAPD_NODE_ADMISSION_H

#include "node/candidate.h"

/* On what account a handshake is answered. */
struct admission {
	struct addr holder;	 /* whose share it is of */
	struct endpoint *wanted; /* whose reserve it is; NULL: none's */
};

/* Handshakes pile up, or come faster than they can be answered: only who shows that
 * he receives at his address is worked for. */
bool admission_under_load(struct node *n, uint64_t now_us);
/* Message 1 may be answered: DROP_NONE, and makes room. Or DROP_handshake_rate.
 * proven: its cookie is right. */
enum drop_reason admission_take(struct node *n, const struct way *from,
				bool proven, uint64_t now_us,
				struct admission *a);
/* It was answered: the half-open session is on that account. */
void admission_keep(struct node *n, struct candidate *c,
		    const struct admission *a);

#endif
