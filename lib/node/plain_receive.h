/* Datagrams from plain peers. */
#ifndef TAPD_NODE_PLAIN_RECEIVE_H
#define TAPD_NODE_PLAIN_RECEIVE_H

#include "node/plain.h"

/* What came from one address: its frames go to the TAP, if it is a peer's. */
void plain_run_in(struct node *n, const struct datagram_run *run,
		  uint64_t now_us);

#endif
