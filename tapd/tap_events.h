/* The TAP's side of the loop: frames are read, its link is followed, its other
 * side is looked at. */
#ifndef TAPD_TAP_EVENTS_H
#define TAPD_TAP_EVENTS_H

#include <stdbool.h>

struct daemon;

/* Reads the TAP, follows its link, and looks at its other side every second if
 * that is asked who wants what: from events. False if memory is short. */
bool daemon_watch_interface(struct daemon *d);
/* Sets the offloads of both sides as configured, as far as they go. */
void daemon_set_offloads(struct daemon *d);
/* Tells the node what the interface has become. */
void daemon_follow_link(struct daemon *d);
/* Tells the node what it has to know of the TAP before it draws conclusions.
 * The daemon may be stopping afterwards. */
void daemon_before_tick(struct daemon *d);
/* The configuration may say otherwise about multicast now. */
void daemon_set_multicast(struct daemon *d);

#endif
