/* Whether somebody captures IP on the TAP, asked once a second. */
#ifndef TAPD_TAP_CAPTURE_WATCH_H
#define TAPD_TAP_CAPTURE_WATCH_H

#include <stdint.h>

#include "tapd/tap/captures.h"
#include "tapd/tap/link.h"

/*
 * A packet socket on a network card sees complete checksums and datagrams as they
 * were sent. While one captures on the TAP, or on what is above it, what is written
 * there has to be so (offload_level_capture).
 */
struct capture_watch;

/* NULL if memory is short. The list of packet sockets is that of the namespace that
 * the thread is in, for good. */
struct capture_watch *capture_watch_new(void);
void capture_watch_free(struct capture_watch *w);

/*
 * Looks. Returns the capture that counts, or one whose end was seen less than two
 * looks ago, a second apart; its protocol is 0 if there is none. Where the list is
 * hidden, or the TAP was moved to another namespace, there is none, and that is
 * logged once.
 */
struct capture capture_watch_look(struct capture_watch *w, struct link *l,
				  uint64_t now_us);

#endif
