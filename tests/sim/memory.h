/* Hosts whose memory is copied, or put back. */
#ifndef TAPD_SIM_MEMORY_H
#define TAPD_SIM_MEMORY_H

#include "sim.h"

/*
 * A node does what it is told and draws: nothing else. So all that a host's node was
 * told is kept, with the clock that it was told by, and a second node that is told
 * the same, and draws from the same generator, has the same memory. What it sends
 * while it is made is thrown away, and must be what the first one sent.
 *
 * No host with a memory uses a nonce twice, and neither do its copies together:
 * their salts are drawn from generators of their own, whatever else they share.
 */

/* From its start on. Before that. */
void memory_keep(struct sim *s, unsigned host);
/*
 * copy, which is not running, goes on from what host's memory was us ago, with the
 * clock that it had then. same: with its generator, too, salts apart.
 */
void memory_copy(struct sim *s, unsigned host, unsigned copy, uint64_t us,
		 bool same);
/* The host itself is put back; its wall clock, too, if wall. */
void memory_put_back(struct sim *s, unsigned host, uint64_t us, bool wall,
		     bool same);
void memory_free(struct host *h);
void nonces_free(struct sim *s);

/* ---- between the files of the simulator: what is told, before it is ---- */

void memory_start(struct host *h);
void memory_want(struct host *h);
void memory_udp(struct host *h, const struct datagram_run *runs, size_t n);
void memory_tap(struct host *h, const struct frame *frames, size_t n);
void memory_tick(struct host *h);
/* A datagram that it sends. True if it is thrown away. */
bool memory_sends(struct host *h, const uint8_t *bytes, size_t len);
/* It is being made. */
bool memory_is_made(const struct host *h);

#endif
