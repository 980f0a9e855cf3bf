/* Members of the network, which hold the secret, that misbehave beside the hosts. */
#ifndef TAPD_SIM_INSIDER_H
#define TAPD_SIM_INSIDER_H

#include "sim.h"
#include "support/member.h"
#include "tunnel/wire_leg.h"

/*
 * What a member says to one host, spoken by hand (support/member.h). It is at
 * addresses in 10.9.0.0/16, where no host is, and what it sends arrives at once. It
 * holds the keys of no host but the public ones, which it may claim: an initiation
 * proves no key. Frames of its own come from MACs that begin with 06.
 */
/* Keys of its own, each at a place of its own. */
#define INSIDER_PLACES (MEMBER_KEYS - MEMBER_KEY_OWN)
#define INSIDER_REKEYS 32
#define INSIDER_LEGS   64
/* Not its own: there it never reads. It claims to be there, or at its honest peer's
 * (MEMBER_AT_HONEST). */
#define INSIDER_FORGED MEMBER_AT_LEG

struct insider {
	struct sim *sim;
	unsigned host;
	struct clock now;
	struct member member;
	bool deaf; /* to responses: none of its handshakes goes on */
	/* Initiations, made once and sent again and again. */
	uint8_t (*pool)[WIRE_INITIATION_LEN];
	size_t pool_count, pool_next;
	uint32_t pool_index; /* of the first */
	/* First messages of a rekey, and the session that they are bound to. */
	uint8_t rekeys[INSIDER_REKEYS][WIRE_REKEY_1_LEN];
	uint32_t rekeys_of, rekeys_next;
	unsigned keys; /* with so many it meets its host */
	struct member_session *met[INSIDER_PLACES]; /* NULL: refused */
	uint64_t met_us;
	/* Records that it does not know what to do about; or NULL. */
	void (*reads)(struct insider *i, struct member_session *s,
		      const struct wire_record *r);
	/* … and of legs; or NULL. */
	void (*hears_leg)(struct insider *i, struct member_session *s,
			  const struct wire_leg *leg);
	uint64_t told;		     /* bytes of what it was */
	unsigned asked;		     /* for legs, how often */
	uint32_t legs[INSIDER_LEGS]; /* that relays gave it */
	size_t legs_count;
	uint32_t serial;		/* of what it makes up */
	uint32_t versions[MEMBER_KEYS]; /* of its groups */
};

/* The host's public key may be claimed as MEMBER_KEY_HONEST of the others'. */
struct insider *insider_new(struct sim *s, unsigned host);
/* The same member before another host: with its keys, at its addresses. */
struct insider *insider_like(const struct insider *other, unsigned host);
/* From now on it answers whoever dials one of its places, with the key that is there. */
void insider_answers(struct insider *i);
/* A member may be there: no host is. */
bool insiders_own(const struct addr *a);
/* All there are; *n: how many. */
struct insider *const *insiders_all(const struct sim *s, unsigned *n);
void insiders_free(struct sim *s);

/* Does what is to be done about all that came to it. */
void insider_turn(struct insider *i);
/* Handshakes with the nth of its keys, and says hello: that is the host's peer. NULL
 * if the host refuses. */
struct member_session *insider_join(struct insider *i, unsigned n);
/* … with as many of them as it has keys. */
void insider_meet(struct insider *i);
/* Where it claims to be now: at one of its places, or another's. */
unsigned insider_anywhere(struct insider *i);
/* n initiations, more unlike ones than a node answers in 5 s, with this key, from the
 * first `addresses` of its places in turn; each shows the newest cookie. */
void insider_initiate(struct insider *i, size_t n, unsigned key,
		      unsigned addresses);
/* A datagram of three first messages of a rekey, on its session; no answer to them is
 * taken up. */
void insider_rekey(struct insider *i, struct member_session *s);
/* Seals records and sends them. */
void insider_say(struct insider *i, struct member_session *s, unsigned at,
		 const uint8_t *records, size_t len);

/* What is to hold of every member's host: an address where nobody reads was sent no
 * more than came from there. */
void insiders_check(struct sim *s);

/* network.c: a host sends this; it may be to a member. */
void insiders_see(struct sim *s, unsigned host, const struct addr *to,
		  const uint8_t *bytes, size_t len);
/* traffic.c: a member sent this frame. */
bool insider_made(const uint8_t *frame);

#endif
