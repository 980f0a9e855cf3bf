/* Frames on their way out: from the TAP into the queue, and from there to the node. */
#ifndef TAPD_OUTGOING_H
#define TAPD_OUTGOING_H

#include <stdbool.h>
#include <stddef.h>

struct daemon;

/* So that what waits in the queue is sent in the next turns of the loop. False if
 * memory is short. */
bool daemon_watch_queue(struct daemon *d);
/* Reads what waits in the TAP into the queue, and sends a batch if the sockets have
 * room: what is left when there is some again, or in the next turn of the loop. 0, or what tap_read said other than that there is no more. */
int daemon_move_frames(struct daemon *d);
/* The same until so many frames were read, or all that there are. */
int daemon_drain_frames(struct daemon *d, size_t frames);

#endif
