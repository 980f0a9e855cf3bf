/* Someone on the network who does not hold the secret. */
#ifndef TAPD_SIM_ATTACKER_H
#define TAPD_SIM_ATTACKER_H

#include "sim.h"

/*
 * It reads everything, sends anything from any address, and may take datagrams
 * off the wire and send them on from elsewhere. Its own addresses are
 * 198.51.100.0/24 (RFC 5737). Every datagram it sends is checked: it delivers
 * no frame, causes no event, and is answered with no more bytes than it had.
 */

enum attack {
	ATTACK_RANDOM,	  /* random bytes, mostly with a valid type */
	ATTACK_TRUNCATE,  /* a recorded datagram's beginning */
	ATTACK_EXTEND,	  /* a recorded datagram with bytes after it */
	ATTACK_FLIP,	  /* … with some bits changed */
	ATTACK_REPLAY,	  /* … as it was, from the same or another address */
	ATTACK_HANDSHAKE, /* a recorded initiation, response or cookie */
	ATTACK_SPLICE,	  /* the beginning of one and the end of another */
	ATTACK_REDIRECT,  /* one host's datagram to another */
	ATTACK_KINDS,
};

/* Starts recording what arrives, up to max datagrams, all kinds. */
void attacker_listen(struct sim *s, size_t max);
/* One datagram of this kind to a random live host. */
void attacker_attack(struct sim *s, enum attack kind);
/* n of random kinds, us apart. */
void attacker_flood(struct sim *s, size_t n, uint64_t us);
struct addr attacker_addr(struct sim *s);
bool attacker_owns(const struct addr *a);

/* network.c: keeps, or takes, a datagram that arrives. */
void attacker_record(struct sim *s, struct flight *f);
/* Removes what is stolen, and delivers it from an address of its own: the sender
 * is genuine, the place is not. Returns how many are left. */
size_t attacker_steal(struct sim *s, struct host *h, struct flight **flights,
		      size_t n);
/* Sends a handshake back to who sent it, before anybody can answer. */
void attacker_reflect(struct sim *s, unsigned sender, const struct addr *from,
		      const struct addr *to, const uint8_t *data, size_t len);
void attacker_free(struct sim *s);

#endif
