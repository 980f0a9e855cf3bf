/* What a peer's rekey within the session has come to. */
#ifndef TAPD_NODE_REKEY_STATE_H
#define TAPD_NODE_REKEY_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "tunnel/noise.h"
#include "tunnel/wire.h"

/* A rekey begins, with keys of its own, at most so often; two may follow each other
 * at once. */
#define REKEY_EVERY_US (5 * CLOCK_S)
/* Between repetitions of its first message. */
#define REKEY_REPEAT_US (500 * CLOCK_MS)
/* Beginnings without an answer, from which on a handshake runs beside them. */
#define REKEY_TRIES 2

/* A peer has one of each: its rekeys need no place in any table that others share. */
struct rekey_state {
	/* Ours, under way. */
	struct {
		uint32_t index;	  /* of the session that is to be; 0: none */
		uint32_t carrier; /* index of the session that carries it */
		struct noise noise;
		uint64_t sent_us;
		uint8_t record[WIRE_REKEY_1_LEN]; /* as it is sent */
	} ours;
	uint32_t tries;	   /* begun since one was answered */
	uint64_t began_us; /* the last of them */

	/* The peer's last: a repeated message has the same answer. */
	struct {
		uint32_t index; /* ours, of the session it made; 0: none */
		uint32_t remote;
		uint8_t ephemeral[NOISE_KEY_LEN];
		uint8_t answer[WIRE_REKEY_2_LEN];
	} theirs;
	uint64_t due_us; /* when its next is in time: generic cell rate */
};

/* The peer may have one answered now: takes it from its allowance. */
bool rekey_take(struct rekey_state *r, uint64_t now_us);
/* Wipes all but the allowance. */
void rekey_wipe(struct rekey_state *r);

#endif
