/* Whether this host's kernel finds the next hop to a peer: its neighbour table. */
#ifndef TAPD_UNDERLAY_NEIGHBOURS_H
#define TAPD_UNDERLAY_NEIGHBOURS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "tapd/underlay/routing.h"

/*
 * A peer may be silent because nothing leaves for it: the next hop, which is the peer
 * itself or a router, does not answer ARP or neighbour discovery, or the kernel has no
 * room to ask (gc_thresh3 bounds the table, for all network namespaces together). The
 * kernel tells senders nothing of the one, and of the other no more than ENOBUFS. It
 * is asked (rtnetlink) when somebody asks why a peer is not up, never for a datagram.
 */
struct neighbours;

/* For datagrams of that routing, which is copied. NULL if the kernel cannot be asked. */
struct neighbours *neighbours_new(const struct routing *routing);
void neighbours_free(struct neighbours *n);
/* Writes what is wrong with the way to that address, for people. False, and an empty
 * text, if nothing is known to be wrong, or n is NULL. */
bool neighbours_why(struct neighbours *n, const struct addr *to, char *text,
		    size_t size);

/*
 * The limit, if the table is as good as full; 0 if not, or not known. stat:
 * /proc/net/stat/arp_cache, or ndisc_cache: lines of hexadecimal numbers under their
 * names; the first is the number of entries. limit: its gc_thresh3 of /proc/sys.
 */
unsigned neighbours_full(const char *stat, const char *limit);

#endif
