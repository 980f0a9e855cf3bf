/* What the files of node/ share: the node's parts and how they call each other. */
#ifndef TAPD_NODE_NODE_IMPL_H
#define TAPD_NODE_NODE_IMPL_H

#include "base/bytes.h"
#include "base/table.h"
#include "base/timer.h"
#include "bridge/declaration.h"
#include "bridge/forward.h"
#include "bridge/querier.h"
#include "bridge/router.h"
#include "ether/gso.h"
#include "ether/merge.h"
#include "node/node.h"
#include "node/peers.h"
#include "tunnel/cookie.h"
#include "tunnel/frag.h"
#include "tunnel/pack.h"
#include "tunnel/wire.h"

/* Half-open handshakes we answered; beyond NODE_HALF_OPEN_LOAD of them, who
 * asks must show a cookie first. */
#define NODE_HALF_OPEN_MAX  256
#define NODE_HALF_OPEN_LOAD 64
/* Sessions that are not yet a peer's, of both roles. */
#define NODE_CANDIDATES_MAX (2 * NODE_HALF_OPEN_MAX)
/* Handshakes answered a second: a quarter millisecond of work each. */
#define NODE_HANDSHAKE_RATE 500
/* Cookies a second, a few hundredths of that work each: many, for whoever replays
 * one initiation faster than this takes them from those who need one. */
#define NODE_COOKIE_RATE 5000
/* How long the host we know has to answer when another one shows its key. */
#define NODE_RIVAL_US	    (1 * CLOCK_S)
#define NODE_RIVAL_PROBE_US (250 * CLOCK_MS)
/* Between probes of a path that a peer seems to have moved to. */
#define NODE_MOVE_US (250 * CLOCK_MS)
/* Between log events of one kind that a stranger or a misfit could repeat. */
#define NODE_EVENT_US (10 * CLOCK_S)
/* Between dials of an endpoint that was refused for a lasting reason. */
#define NODE_REFUSED_US (30 * CLOCK_S)
/* Spread of the first dials, so that one of two ends is usually first. */
#define NODE_SPREAD_US	(100 * CLOCK_MS)
#define NODE_FDB_AGE_US (300 * CLOCK_S)
/* Frames whose verdicts are taken before the first of them is packed. */
#define NODE_CHUNK 64
/* Segments whose headers are kept until they are sealed: more than a datagram
 * has, at two pieces each. */
#define NODE_SEGMENTS (PACK_PIECES / 2 + 1)

/* Tokens per second, up to a second's worth. */
struct bucket {
	uint32_t rate;
	double tokens;
	uint64_t at_us;
};

/*
 * A session that is not a peer's yet. The responder's is half open until the
 * first data message opens; either role's is then waiting for the hello whose
 * epoch says who the other end is: node/peering.c.
 */
struct candidate {
	struct session session;
	struct public_key key;
	struct addr at;		  /* where it was dialled, or answered */
	struct endpoint *dialled; /* the initiator's, or NULL */
	uint64_t timestamp_us;	  /* of the initiation; the responder's only */
	struct wire_hello hello;  /* once heard */
	struct peer *rival_of;	  /* whose place it contests, or NULL */
	struct timer timer;
};

/* Who answers to a local index. */
enum index_kind { INDEX_PENDING = 1, INDEX_CANDIDATE, INDEX_SESSION };

struct index_entry {
	enum index_kind kind;
	struct endpoint *endpoint;   /* PENDING */
	struct candidate *candidate; /* CANDIDATE */
	struct peer *peer;	     /* SESSION */
	struct session *session;     /* CANDIDATE, SESSION */
};

enum node_timer {
	NODE_TIMER_ENDPOINT,
	NODE_TIMER_PEER,
	NODE_TIMER_CANDIDATE,
	NODE_TIMER_AGE,
	NODE_TIMER_ROUTER,
};

/* A peer's part in who wants which group: membership.c. By its port. */
struct port_groups {
	/* what it declared */
	uint32_t declared; /* the newest version it spoke of; 0: none */
	uint32_t held;	   /* the version that is in the MDB; 0: none */
	bool want_all, router;
	bool owes_ack;	  /* it wants to know what we hold now */
	uint64_t anew_us; /* when a whole set last took another's place */
	/* what we declared */
	uint32_t sent, acked; /* versions; 0: none */
	uint32_t flight;      /* records since all was acknowledged */
	uint32_t retries;     /* in a row */
	uint64_t retry_us;
};

struct node {
	struct node_ops ops;
	void *user;
	struct node_config config; /* trusted points into `trusted` */
	struct secret secrets[NODE_SECRETS_MAX];
	uint32_t secrets_count;
	struct public_key *trusted; /* NULL: every holder of the secret */
	struct public_key key;
	uint64_t epoch;
	uint64_t timestamp_us; /* of our last initiation: strictly grows */
	struct prefix prefixes[NODE_PREFIXES_MAX];
	size_t prefixes_count;
	uint32_t want_mark;

	struct aead *aead;
	struct timers timers;
	struct timer age_timer;
	struct peers peers;
	struct table *candidates; /* local index → struct candidate */
	struct table *indices;	  /* local index → struct index_entry */
	uint32_t half_open;
	struct cookie_jar jar;
	struct bucket handshakes, cookies;
	uint64_t event_us[NODE_EVENT_COUNT];

	struct forward_tables tables;
	struct mdb *mdb;
	struct querier *querier;
	struct declaration *declaration;
	struct port_groups *ports;
	struct timer router_timer; /* until when one is on our side */
	unsigned int tap_wants;	   /* bits of enum node_tap_wants */
	bool tap_up;
	bool says_all, says_router; /* as declared */
	uint32_t told;		    /* the version that peers were told of */

	struct frag *frag;
	struct packer packer;

	struct merge *merge;  /* frames for the TAP */
	uint32_t reassembled; /* of them, that are in frag's buffers */

	/* super-frames of the chunk under way, and headers cut from them */
	struct gso supers[NODE_CHUNK];
	size_t supers_count;
	uint8_t headers[NODE_SEGMENTS][FRAME_HEADROOM + GSO_HEADER_MAX];
	size_t header_at;

	struct counters tx, rx;
	uint64_t drops[DROP_REASON_COUNT];
};

static inline void node_drop(struct node *n, enum drop_reason reason)
{
	n->drops[reason]++;
}

/* ---- node.c ---- */

void node_random(struct node *n, void *buf, size_t len);
/* base ± 25 % */
uint64_t node_jitter(struct node *n, uint64_t base_us);
bool node_trusts(const struct node *n, const struct public_key *key);
bool bucket_take(struct bucket *b, uint64_t now_us);
/* True while the bucket is more than half empty. */
bool bucket_low(struct bucket *b, uint64_t now_us);
/* False if an event of this type was let through within NODE_EVENT_US. */
bool node_event_allowed(struct node *n, enum node_event_type type,
			uint64_t now_us);
void node_emit(struct node *n, enum node_event_type type,
	       const struct peer *peer, const struct addr *at,
	       const struct addr *other, const char *text);
/* A fresh index bound to *entry; 0 if the table is full. */
uint32_t node_index_new(struct node *n, const struct index_entry *entry);

/* ---- endpoints.c: who is dialled, and when ---- */

/* Finds or makes an endpoint, making room from those nobody needs. */
struct endpoint *endpoint_get(struct node *n, const struct addr *addr);
/* Starts dialling now, unless it is being dialled. */
void endpoint_kick(struct node *n, struct endpoint *e, uint64_t now_us);
/* Something true was heard from there: retry soon. */
void endpoint_heard(struct node *n, struct endpoint *e, uint64_t now_us);
/* Notes why nobody is up there. */
void endpoint_blame(struct node *n, const struct addr *addr,
		    enum endpoint_why why);
void endpoint_timer(struct node *n, struct endpoint *e, struct clock now);
/* Removes it if nobody needs it. */
void endpoint_release(struct node *n, struct endpoint *e);
bool endpoint_is_recursive(const struct node *n, const struct addr *addr);

/* ---- handshake.c: messages 1 to 3 ---- */

void handshake_dial(struct node *n, struct endpoint *e, struct clock now);
void handshake_cancel(struct node *n, struct endpoint *e);
void handshake_in(struct node *n, enum wire_type type, const struct addr *from,
		  uint8_t *datagram, size_t len, struct clock now);

/* ---- peering.c: sessions become peers ---- */

struct candidate *candidate_new(struct node *n, uint32_t index);
void candidate_drop(struct node *n, struct candidate *c);
void candidate_timer(struct node *n, struct candidate *c, uint64_t now_us);
/* The hello of a confirmed candidate came: it becomes a peer's session, a
 * rival, or nothing. The session it became, with *peer set; or NULL. */
struct session *candidate_identify(struct node *n, struct candidate *c,
				   const struct wire_hello *hello,
				   struct peer **peer, uint64_t now_us);
/* The peer answered a probe sent since its rival appeared: the rival goes. */
void rival_refute(struct node *n, struct peer *peer, uint64_t now_us);
/* It did not answer: the rival is the peer now. */
void rival_wins(struct node *n, struct peer *peer, uint64_t now_us);

/* ---- upkeep.c: a peer's life ---- */

void peer_arm(struct node *n, struct peer *peer, uint64_t now_us);
void peer_timer(struct node *n, struct peer *peer, uint64_t now_us);
/* A session's datagram opened. */
void peer_heard(struct peer *peer, struct session *s, uint64_t advance,
		uint64_t now_us);
/* … and was read. One that was down is up again once it is heard and says that
 * it hears us. */
void peer_read(struct node *n, struct peer *peer, uint64_t now_us);
/* … being the newest of its session, of this size, from there. */
void peer_heard_from(struct node *n, struct peer *peer, const struct addr *from,
		     size_t size, uint64_t now_us);
void peer_set_endpoint(struct node *n, struct peer *peer, struct endpoint *e,
		       uint64_t now_us);
/* Both hellos are through: frames may go. */
void peer_session_opened(struct node *n, struct peer *peer, struct session *s,
			 uint64_t now_us);
void peer_session_drop(struct node *n, struct peer *peer, struct session *s);
void peer_sessions_drop(struct node *n, struct peer *peer);
void peer_down(struct node *n, struct peer *peer, enum peer_why why,
	       uint64_t now_us);
/* Forgets it. Its wanted endpoints stay, and are dialled. */
void peer_drop(struct node *n, struct peer *peer, enum peer_why why,
	       uint64_t now_us);

/* ---- records.c: what travels inside a session ---- */

void send_hello(struct node *n, struct peer *peer, struct session *s,
		const struct addr *to, bool ack, uint64_t now_us);
void send_candidate_hello(struct node *n, struct candidate *c, uint64_t now_us);
/* to: normally peer->endpoint. */
void send_probe(struct node *n, struct peer *peer, const struct addr *to,
		uint64_t now_us);
/* One padded to that size, which may be too large for the path; and before it a
 * small one, to compare with, that says so. */
void send_size_probes(struct node *n, struct peer *peer, size_t size,
		      uint64_t now_us);
/* To the address that the peer seems to have moved to. */
void send_move_probe(struct node *n, struct peer *peer, uint64_t now_us);
void send_bye(struct node *n, struct peer *peer, uint64_t now_us);
/* A groups record, of at most the peer's datagram size. */
void send_groups(struct node *n, struct peer *peer, const uint8_t *record,
		 size_t len, uint64_t now_us);
/* A data message of whoever owns its index. */
void data_in(struct node *n, const struct addr *from, uint8_t *datagram,
	     size_t len, uint64_t now_us);

/* ---- data.c: frames ---- */

void frame_in(struct node *n, struct peer *peer, const struct wire_frame *frame,
	      uint32_t reassembly_slot, uint64_t now_us);
extern const struct merge_ops node_merge_ops;

/* ---- membership.c: who wants which group ---- */

bool groups_init(struct node *n, const uint8_t seed[TABLE_SEED_LEN]);
void groups_free(struct node *n);
/* What a frame read from the TAP says of groups and routers. */
void groups_from_tap(struct node *n, const struct forward *f, uint64_t now_us);
void groups_router_timer(struct node *n, uint64_t now_us);
/* Declares what has changed, if anything has. */
void groups_tell(struct node *n, uint64_t now_us);
void groups_peer_up(struct node *n, struct peer *peer, uint64_t now_us);
void groups_peer_gone(struct node *n, const struct peer *peer);
/* When groups_tend has something to do, or CLOCK_NEVER. */
uint64_t groups_deadline(const struct node *n, const struct peer *peer);
void groups_tend(struct node *n, struct peer *peer, uint64_t now_us);
/* A groups record came; or a probe or echo, the newest so far. */
enum drop_reason groups_in(struct node *n, const struct peer *peer,
			   const struct wire_record *record, uint64_t now_us);
void groups_reported(struct node *n, struct peer *peer,
		     const struct wire_probe *probe, uint64_t now_us);
/* True if the peer is to be sent a probe that says what we hold. */
bool groups_take_ack(struct node *n, const struct peer *peer);
void groups_make_room(struct node *n, uint64_t now_us);
/* For people. NULL: it does not want all; it gets what it joined. */
const char *groups_why_all(const struct node *n);
const char *groups_why_flooded(const struct node *n, const struct peer *peer);

#endif
