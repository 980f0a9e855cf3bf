/* Plain peers: the addresses that sources list. */
#ifndef TAPD_NODE_PLAIN_PEERS_H
#define TAPD_NODE_PLAIN_PEERS_H

#include "node/plain.h"

/*
 * An address that is listed is a peer, up as long as it is listed. Nothing tells such
 * a host by anything but its address, and VTEPs answer from whichever port they like,
 * so an IP address is one peer, whatever the port; where it is listed twice, its
 * datagrams go to the port that was listed first.
 *
 * A host that is listed with addresses of both families would get everything twice. It
 * is reached over IPv4; what comes from its other address is its own as well, if it is
 * clear whose: not where a name has several IPv4 addresses, for that may be a name of
 * many hosts. Several addresses of one family are several hosts.
 *
 * One is not a peer although it is listed: ourselves, which shows when a datagram of
 * ours comes in; and whose route leads into the TAP.
 */

/* What is listed, or may not be sent to, has changed. Returns how many were not taken
 * for lack of room. */
size_t plain_peers_review(struct node *n, uint64_t now_us);

/* The peer at the address from which something came, NULL if there is none. What the
 * way says of our own address is noted. */
struct peer *plain_peers_heard(struct node *n, const struct way *from,
			       uint64_t now_us);
/* A frame of the peer came that way: it is answered from the address that was asked,
 * and from another one only when nothing comes there any more. */
void plain_peers_asked(struct node *n, struct peer *peer,
		       const struct way *from, uint64_t now_us);
/* The peer at that address, whatever the port. */
struct peer *plain_peers_at(const struct node *n, const struct addr *addr);

/* Our own kernel refused a datagram of that size: TCP segments to it become smaller,
 * for ten minutes. */
void plain_peers_too_big(struct node *n, struct peer *peer, size_t size,
			 uint64_t now_us);
/* Once in a while: tries larger ones again. */
void plain_peers_age(struct node *n, uint64_t now_us);

#endif
