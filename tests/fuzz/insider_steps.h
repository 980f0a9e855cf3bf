/* What an input has a member do, step by step. */
#ifndef TAPD_TESTS_FUZZ_INSIDER_STEPS_H
#define TAPD_TESTS_FUZZ_INSIDER_STEPS_H

#include "base/bytes.h"
#include "sides.h"
#include "support/member.h"

/* Each takes from the input what it needs; too short an input reads as zeros. */
void insider_initiate(struct member *m, struct cursor *c);
/* Many at once, from all addresses in turn: the node is under load. */
void insider_flood(struct member *m, struct cursor *c);
/* Sends again what it saw or sent, perhaps with a byte that is another. */
void insider_replay(struct member *m, struct cursor *c);
void insider_hello(struct member *m, struct cursor *c);
/* Records of the input's own; groups of the epoch 0 are given the member's. */
void insider_say(struct member *m, struct cursor *c);
/* The header of one of its sessions, and bytes that nobody sealed. */
void insider_garbage(struct member *m, struct cursor *c);
/* A datagram of the input's own, with a mac1 or a cookie's mac2 if it says so. */
void insider_raw(struct member *m, struct cursor *c);
void insider_rekey(struct member *m, struct cursor *c);
/* Its memory was put back: it uses counters of a session again. */
void insider_rewind_counter(struct member *m, struct cursor *c);
/* Asks for, offers or ends a leg, to one of its keys or to nobody's. */
void insider_leg(struct member *m, struct cursor *c);
/* A message that it saw or sent once more, by a leg that the node told it of, or by one of
 * the input's own. */
void insider_relay(struct member *m, struct cursor *c);
/* Addresses of its own, or of nobody. */
void insider_addresses(struct member *m, struct cursor *c);
/* From here on it does by itself what MEMBER_… say. */
void insider_behave(struct member *m, struct cursor *c);

/* A member's world.record: what is to be known for the above. */
void insider_hears(void *user, struct member_session *s, unsigned at,
		   const struct wire_record *r);
/* Nothing was heard yet. */
void insider_forget(void);

/* Bytes of the input with their length before them; what is missing is left out. */
const uint8_t *insider_take(struct cursor *c, size_t *len);

#endif
