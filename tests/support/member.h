/*
 * For tests and fuzzing: a member of the network, spoken by hand, that says what no
 * node would. It holds several private keys, is at several addresses, and plays either
 * role of a handshake; what it is not told to do it does as a node would, if told to.
 * It has one node before it, and no Check behind it.
 */
#ifndef TAPD_TESTS_MEMBER_H
#define TAPD_TESTS_MEMBER_H

#include "base/clock.h"
#include "support/rng.h"
#include "tunnel/cookie.h"
#include "tunnel/noise.h"
#include "tunnel/session.h"

enum {
	MEMBER_KEY_VICTIM, /* the node's own, where it has that */
	MEMBER_KEY_HONEST, /* its honest peer's */
	MEMBER_KEY_OWN,	   /* and others */
	MEMBER_KEYS = 7
};

/* Addresses: the node wants the first two. At that of the honest peer it is never;
 * it only claims to be. */
enum {
	MEMBER_AT_V4,
	MEMBER_AT_V6,
	MEMBER_AT_OTHER,
	MEMBER_AT_OTHER_V6,
	MEMBER_AT_LEG,
	MEMBER_AT_PORT,
	MEMBER_AT_HONEST_LEG,
	MEMBER_AT_HONEST,
	MEMBER_ADDRS
};
#define MEMBER_WANTED 2

#define MEMBER_SECRETS	2
#define MEMBER_SESSIONS 8
#define MEMBER_PENDING	8
#define MEMBER_INBOX	32
#define MEMBER_POOL	32
#define MEMBER_TAP_MTU	1500 /* its hellos say */

/* What it does by itself. */
enum {
	MEMBER_ANSWERS = 1,  /* initiations, with answer_key */
	MEMBER_GREETS = 2,   /* hellos that want one */
	MEMBER_ECHOES = 4,   /* probes */
	MEMBER_REKEYS = 8,   /* message 1 of a rekey */
	MEMBER_COOKIES = 16, /* initiates once more with a cookie it got */
	/* Its hellos and echoes leave from `elsewhere`, not from where it read. */
	MEMBER_STRAYS = 32
};

struct member_session {
	struct session session;
	unsigned key, at; /* where it shook hands */
	bool greeted;	  /* a hello was answered */
};

struct member_pending {
	struct noise noise;
	uint32_t index; /* 0: the place is free */
	unsigned key, at, secret;
	bool rekey;
	uint8_t initiation[WIRE_INITIATION_LEN];
};

struct member_mail {
	uint8_t *bytes;
	size_t len;
	bool passed_on; /* the honest peer's, which it hands on from there */
	unsigned at;
};

/* Where it is, and whom it speaks to. */
struct member_world {
	/* Hands the node a datagram. What the node sends may come to member_sees
	 * before it returns. */
	void (*deliver)(void *user, const struct addr *from,
			const uint8_t *bytes, size_t len);
	void *user;
	const struct clock *now;
	struct addr victim, honest; /* where the node is, and its honest peer */
	unsigned
		blind; /* bits: what is sent to these addresses it never sees */
	/* What it does not know what to do about; may be NULL. */
	void (*record)(void *user, struct member_session *s, unsigned at,
		       const struct wire_record *r);
};

struct member {
	struct member_world world;
	struct rng rng;
	struct aead *aead;
	uint8_t private_keys[MEMBER_KEYS][KEY_LEN];
	struct public_key keys[MEMBER_KEYS];
	uint64_t epochs[MEMBER_KEYS];
	struct secret secrets[MEMBER_SECRETS];
	struct addr addrs[MEMBER_ADDRS];
	/* Bytes between the node and each address. */
	uint64_t to[MEMBER_ADDRS], from[MEMBER_ADDRS];
	uint8_t cookies[MEMBER_ADDRS][COOKIE_LEN];
	bool has_cookie[MEMBER_ADDRS];

	unsigned does, answer_key, elsewhere;
	unsigned lives_at[MEMBER_ADDRS]; /* the key it answers with there; 0:
					    answer_key */
	uint32_t capabilities;		 /* its hellos say */
	/* Of a list of peers, its echoes say. */
	uint64_t digest;
	uint32_t list;
	uint32_t index; /* the last of its own: none is used twice */
	struct member_pending pending[MEMBER_PENDING];
	struct member_session sessions[MEMBER_SESSIONS];
	unsigned next_pending, next_session;
	struct member_mail inbox[MEMBER_INBOX];
	size_t inbox_count;
	/* What it saw or sent, to be repeated. */
	struct member_mail pool[MEMBER_POOL];
	unsigned next_pool;
	/* It showed the honest peer's key with that one's epoch: it is it. */
	bool is_honest;
	uint64_t honest_epoch;
};

/* The secrets' and the keys' derivation, once for all inputs. */
void member_init(struct member *m);
/* Others than member_init made; before member_start. */
void member_set_key(struct member *m, unsigned key,
		    const uint8_t private_key[KEY_LEN]);
void member_set_secret(struct member *m, unsigned secret,
		       const uint8_t psk[KEY_LEN]);
/* A new life against a node. Its addresses may be changed then. */
void member_start(struct member *m, const struct member_world *world);
void member_stop(struct member *m);

/* The node sent this; it is seen if it came to where the member is. */
void member_sees(struct member *m, const struct addr *to, const uint8_t *bytes,
		 size_t len);
/* The member saw it on its way between others. */
void member_overhears(struct member *m, const uint8_t *bytes, size_t len);
/* … and kept it, to hand it on from another address. */
void member_passes_on(struct member *m, unsigned at, const uint8_t *bytes,
		      size_t len);
/* Does what is to be done about what it saw: member_turn.c. */
void member_turn(struct member *m);

/* Any datagram from that address. */
void member_send(struct member *m, unsigned at, const uint8_t *bytes,
		 size_t len);
/* Message 1, without a cookie: borrowed until MEMBER_PENDING others were made. */
const uint8_t *member_make(struct member *m, unsigned key, unsigned at,
			   unsigned secret, uint64_t timestamp_us);
void member_initiate(struct member *m, unsigned key, unsigned at,
		     unsigned secret, uint64_t timestamp_us, bool cookie);
/* The beginning of either handshake, as either end. */
void member_noise(const struct member *m, struct noise *noise, bool initiator,
		  const void *prologue, size_t prologue_len, unsigned key,
		  unsigned secret);
/* The prologue that binds a rekey to the session which carries it: its length. */
size_t member_rekey_prologue(const struct session *s,
			     uint8_t out[10 + NOISE_HASH_LEN]);
/* Seals records on a session and sends them from that address. */
void member_say(struct member *m, struct member_session *s, unsigned at,
		const uint8_t *records, size_t len);
void member_hello(struct member *m, struct member_session *s, unsigned at,
		  bool ack, bool want, uint64_t epoch);
/* Message 1 of a rekey, that shows this static key. */
void member_rekey_record(struct member *m, const struct member_session *s,
			 unsigned key, unsigned secret,
			 uint8_t record[WIRE_REKEY_1_LEN]);
void member_rekey(struct member *m, struct member_session *s, unsigned at,
		  unsigned key, unsigned secret);
/* One of its sessions; NULL if it has none there. */
struct member_session *member_session(struct member *m, unsigned which);

#endif
