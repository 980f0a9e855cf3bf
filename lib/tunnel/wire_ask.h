/* Records that ask a peer what it sees, and that answer: docs/PROTOCOL 7.12, 7.13. */
#ifndef TAPD_TUNNEL_WIRE_ASK_H
#define TAPD_TUNNEL_WIRE_ASK_H

#include "tunnel/wire.h"

/* What is asked. A kind that is none of these is a later version's: it unpacks, and
 * gets no answer. */
enum wire_ask_kind {
	WIRE_ASK_TEST = 1, /* what was heard of a test */
	WIRE_ASK_ROW = 2,  /* what each link to the asked one's peers is like */
};

/*
 * ask body: kind(1) reserved(1) first(2) token(8); of a test, vlan(2) address(16)
 * follow. The answer returns the token. Later versions may append.
 */
struct wire_ask {
	uint8_t kind;	/* WIRE_ASK_*, or one that is not known */
	uint16_t first; /* a row's: where it is to begin */
	uint64_t token; /* a test's: that its frames bear */
	uint16_t vlan;	/* a test's */
	uint8_t ip[16]; /* a test's group; IPv4 as v4-mapped */
};
#define WIRE_ASK_LEN	  (WIRE_RECORD_LEN + 12)
#define WIRE_ASK_TEST_LEN (WIRE_ASK_LEN + 18)

/* DROP_record_flag, DROP_record_bad. */
enum drop_reason wire_unpack_ask(struct wire_ask *a,
				 const struct wire_record *r);
/* The length written: WIRE_ASK_LEN, or of a test WIRE_ASK_TEST_LEN. */
size_t wire_pack_ask(const struct wire_ask *a, uint8_t out[WIRE_ASK_TEST_LEN]);

#define WIRE_ANSWER_MEMBER 0x01 /* the group was joined on its side */
#define WIRE_ANSWER_ALL	   0x02 /* it gets every group */
#define WIRE_ANSWER_HEARD  0x04 /* something was heard: the age says when */

/*
 * answer body: kind(1) what(1) first(2) token(8); then, of a test: heard(2)
 * unicast(2) age(4); of a row: next(2), and links, each key(8) rtt(4) loss(2). Bits
 * of `what` that are not known are ignored. A test's may be longer in later versions.
 */
struct wire_answer {
	uint8_t kind;
	uint16_t first; /* as asked */
	uint64_t token; /* as asked */
	/* a test's */
	bool member, all, any;
	uint16_t heard, unicast; /* frames to the group, and to the MAC alone */
	uint32_t age_us; /* of the first to the group, when this was sent */
	/* a row's */
	uint16_t next;	     /* where the rest begins; 0: there is none */
	struct cursor links; /* for wire_next_link; checked to the end */
};
#define WIRE_ANSWER_TEST_LEN (WIRE_RECORD_LEN + 20)
#define WIRE_ANSWER_ROW_LEN  (WIRE_RECORD_LEN + 14)

#define WIRE_LINK_KEY_LEN  8
#define WIRE_LINK_ALL_LOST 65535

/* How the answerer measures its link to one of its peers. */
struct wire_link {
	uint8_t key[WIRE_LINK_KEY_LEN]; /* the first bytes of the peer's */
	uint32_t rtt_us;		/* 0: unknown */
	uint16_t loss;			/* of WIRE_LINK_ALL_LOST */
};
#define WIRE_LINK_LEN 14

/* DROP_record_flag; DROP_record_bad: cut short. */
enum drop_reason wire_unpack_answer(struct wire_answer *a,
				    const struct wire_record *r);
bool wire_next_link(struct wire_answer *a, struct wire_link *out);
void wire_pack_answer_test(const struct wire_answer *a,
			   uint8_t out[WIRE_ANSWER_TEST_LEN]);
/* Writes a row's header and fixed fields. links: how many follow. */
void wire_pack_answer_row(const struct wire_answer *a, size_t links,
			  uint8_t out[WIRE_ANSWER_ROW_LEN]);
void wire_pack_link(const struct wire_link *l, uint8_t out[WIRE_LINK_LEN]);

#endif
