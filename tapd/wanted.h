/* The peers this host wants: those that the configuration names, and its sources list. */
#ifndef TAPD_WANTED_H
#define TAPD_WANTED_H

#include <stdbool.h>

struct daemon;

/* Begins to resolve their names and to ask the sources, and wants what is known
 * already. False if memory is short. */
bool daemon_find_peers(struct daemon *d);
/* Tells the node the peers it should want: the addresses in the configuration,
 * and what its names resolve to. */
void daemon_want_peers(struct daemon *d);
/* This host's addresses may have: one that is listed may be ourselves from now on, or be
 * another host's. */
void daemon_addresses_changed(struct daemon *d);

#endif
