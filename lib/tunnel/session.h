/* One pair of keys between two nodes: seal, open, confirm, rekey, expire. */
#ifndef TAPD_TUNNEL_SESSION_H
#define TAPD_TUNNEL_SESSION_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/drop.h"
#include "base/key.h"
#include "tunnel/aead.h"
#include "tunnel/noise.h"
#include "tunnel/replay.h"
#include "tunnel/salts.h"
#include "tunnel/wire.h"

/*
 * A session is what one completed handshake left: a key for each direction,
 * one contiguous counter of ours, a window over the other's.
 *
 *	HALF_OPEN   the responder's, from message 1 until the first data
 *	            message opens: until then nobody has proven the key.
 *	CONFIRMED   the other end holds the keys. Carries hellos only.
 *	OPEN        both hellos are through. May carry frames.
 *
 * Invariant: a counter is used once, also if sealing or sending failed. Should the
 * memory with the counter itself be copied or put back, the salt in each nonce keeps
 * the two apart. Freshness is a matter of the counter alone.
 */
enum session_stage {
	SESSION_NONE,
	SESSION_HALF_OPEN,
	SESSION_CONFIRMED,
	SESSION_OPEN
};

/* Ages from the handshake on; see session_wants_rekey. Those of a mesh that was
 * started at once are spread over the jitter, or all would be renewed at once. */
#define SESSION_REKEY_INITIATOR_US (120 * CLOCK_S)
#define SESSION_REKEY_JITTER_US	   (12 * CLOCK_S)
#define SESSION_REKEY_RESPONDER_US (150 * CLOCK_S)
#define SESSION_LIFE_US		   (180 * CLOCK_S)
#define SESSION_REKEY_COUNTER	   (UINT32_C(1) << 30)
#define SESSION_LAST_COUNTER	   (UINT32_C(1) << 31)
/* Two sessions confirmed this close together are one collision. */
#define SESSION_COLLISION_US (5 * CLOCK_S)
/* How long one that is no longer sent on still receives. */
#define SESSION_RETIRE_US (30 * CLOCK_S)
/* … where its keys may be known to another. */
#define SESSION_BRIEF_US (5 * CLOCK_S)
/* How long one is kept, only to tell copies of the peer so. */
#define SESSION_COPIED_US (5 * CLOCK_S)
/* How long a handshake may stay unconfirmed or unidentified. */
#define SESSION_HALF_OPEN_US (5 * CLOCK_S)
/* Between repetitions of a hello. */
#define SESSION_HELLO_US (250 * CLOCK_MS)

/* The first line holds what every datagram needs, but for the window. */
struct session {
	struct aead_key *send_key, *receive_key;
	uint32_t counter; /* the next to send */
	uint64_t born_us;
	uint64_t retire_us;   /* wiped then, if another is sent on */
	uint32_t remote;      /* the peer's index */
	uint32_t local;	      /* ours: data to us names it */
	uint32_t fragment_id; /* the next to use */
	enum session_stage stage;
	bool initiator;
	bool hello_heard; /* the peer's, on this session */
	bool hello_acked; /* ours, by the peer */
	bool renew;	  /* its keys are to be replaced: rekey now */
	bool brief;	  /* once retired, it lives for SESSION_BRIEF_US only */
	bool carried;	  /* another session carried its handshake */
	bool burnt;	  /* the peer's state was copied: nothing opens */

	struct replay replay;
	struct salts salts; /* of what was received */

	/* Another index of ours, by which it was offered elsewhere; 0: none. */
	uint32_t also_local;
	uint64_t confirmed_us;
	uint64_t hello_us; /* when to repeat our hello */
	/* When a hello was answered, before the session is open; 0: never. */
	uint64_t answered_us;
	uint8_t psk[KEY_LEN];	      /* the secret it was made with */
	uint8_t hash[NOISE_HASH_LEN]; /* of its handshake */
};
static_assert(offsetof(struct session, replay) <= 64,
	      "what every datagram needs is in the first line");

/*
 * From a completed Noise handshake. False if memory is short; then *s is
 * zeroed. The noise state is left to the caller to wipe.
 */
bool session_init(struct session *s, struct aead *aead,
		  const struct noise *noise, bool initiator, uint32_t local,
		  uint32_t remote, uint64_t now_us);
/* Wipes the keys and zeroes *s. Harmless on a zeroed one. */
void session_wipe(struct session *s);

/*
 * A data message whose place in the order is fixed, and whose bytes are not: it
 * has its counter and its header, and nothing is sealed yet. session_reserve gives
 * counters in the order of its calls; session_job_seal needs the job alone, so
 * that sealing could be anybody's, in any order.
 */
struct session_job {
	struct aead_key *key;
	uint8_t *out; /* the header is there; the rest goes behind it */
};
/* False if the keys are used up or too old. out: WIRE_DATA_OVERHEAD bytes and the
 * pieces. salt: see pack.h. */
bool session_reserve(struct session *s, const uint8_t salt[WIRE_SALT_LEN],
		     uint8_t *out, uint64_t now_us, struct session_job *job);
/* The length written, or 0 if the library fails: the counter is lost then. */
size_t session_job_seal(const struct session_job *job,
			const struct iovec *pieces, size_t count);

/*
 * Both at once: seals the pieces as one data message to out (their sum + WIRE_DATA_OVERHEAD
 * bytes). The length written, or 0 if the keys are used up or too old.
 */
size_t session_seal(struct session *s, const uint8_t salt[WIRE_SALT_LEN],
		    const struct iovec *pieces, size_t count, uint8_t *out,
		    uint64_t now_us);

/*
 * Opens a data message of this session in place. *records and *records_len are
 * the plaintext; *advance by how much it moved the highest counter (0: it came
 * late). DROP_NONE, DROP_replay, DROP_data_auth, DROP_key_exhausted.
 */
enum drop_reason session_unseal(struct session *s, uint8_t *datagram,
				size_t len, uint64_t now_us,
				const uint8_t **records, size_t *records_len,
				uint64_t *advance);

/* Of a datagram that was refused as a replay, before it is opened: true if it proves
 * that the sender's state was copied, should it be authentic: its counter was used
 * with another salt, or the session is burnt. */
bool session_may_prove_copy(const struct session *s, const uint8_t *datagram);
/* True if it opens. It is overwritten. */
bool session_authentic(const struct session *s, uint8_t *datagram, size_t len);

/* True from the age or the counter on at which this end should make a new one. */
bool session_wants_rekey(const struct session *s, uint64_t now_us);
/* True if it must not be used any more: 180 s old, or retired. */
bool session_expired(const struct session *s, uint64_t now_us);
/* When one of the two above changes by time. */
uint64_t session_deadline(const struct session *s, uint64_t now_us);

/*
 * Which of two open sessions to send on: the later confirmed; of two confirmed
 * within SESSION_COLLISION_US, which both ends may see in another order, the
 * one whose initiator has the smaller public key. Not so if their secrets
 * differ: the other end, which made the later one, may have wiped the earlier
 * with its secret. True if a is the better.
 * we_are_smaller: our public key is smaller than the peer's.
 */
bool session_better(const struct session *a, const struct session *b,
		    bool we_are_smaller);

#endif
