/* What every file of node/ stands on: the node's parts, and the least it can do. */
#ifndef TAPD_NODE_CORE_H
#define TAPD_NODE_CORE_H

#include "base/bucket.h"
#include "base/bytes.h"
#include "base/table.h"
#include "base/timer.h"
#include "bridge/bridge.h"
#include "bridge/declaration.h"
#include "bridge/querier.h"
#include "bridge/router.h"
#include "node/lane.h"
#include "node/node.h"
#include "node/punch_state.h"
#include "node/shares.h"
#include "tunnel/aead.h"
#include "tunnel/cookie.h"
#include "tunnel/wire.h"

/*
 * The files of node/ have an order, and each calls only those before it:
 *
 *	liveness pmtu reason path rekey_state punch_state shares
 *	plain_mtu                arithmetic, states and texts
 *	lane core control        the node's parts; the hooks of control protocols
 *	hold                     what would overtake what left by another path
 *	local_groups             what our own side of the TAP wants
 *	endpoint                 addresses: where a peer may be
 *	peers leg sought         peer identities; the ways to them by others
 *	peer_sessions peer       their sessions, and their lives
 *	wanted hints             the hosts that sources list, or peers tell of
 *	conflict loop            peers that show what is our TAP's own
 *	sight                    frames that are shown to who captures
 *	plain plain_groups plain_peers
 *	                         VXLAN and GRE: peers without sessions
 *	send                     control records, sealed
 *	announce hello probe paths path_loss relay legs seek plpmtud groups rekey
 *	copied exchange
 *	answer                   the control protocols
 *	candidate                sessions whose peer is not decided yet
 *	admission                which strangers are worked for
 *	dial handshake           who is called, and when; messages 1 to 3
 *	observed punch           how others see us; ways past NATs
 *	outgoing plain_transmit transmit deliver plain_receive receive
 *	                         frames, and the datagrams they travel in
 *	ping group_test mesh asking
 *	                         what the owner asks of peers: ask.h
 *	access renew info detail watch node
 *	                         what the owner sets, sees and calls
 *	debug                    what tests see besides
 */

/* Half-open handshakes we answered, but for those on a reserve; beyond
 * NODE_HALF_OPEN_LOAD of them, an initiator must show a cookie first. */
#define NODE_HALF_OPEN_MAX  256
#define NODE_HALF_OPEN_LOAD 64
/* Sessions that are not yet a peer's, of both roles, besides one on the reserve of
 * each endpoint. */
#define NODE_CANDIDATES_MAX (2 * NODE_HALF_OPEN_MAX)
/* Handshakes answered a second: a quarter millisecond of work each. */
#define NODE_HANDSHAKE_RATE 500
/* Cookies a second, a few hundredths of that work each: many, for whoever replays
 * one initiation faster than this takes them from those who need one. */
#define NODE_COOKIE_RATE 50000
/* Replays a second that are opened, to see whether they prove a copied sender. */
#define NODE_COPIED_RATE 10
/* How long the host we know has to answer when another one shows its key. */
#define NODE_PROBATION_US	(1 * CLOCK_S)
#define NODE_PROBATION_PROBE_US (250 * CLOCK_MS)
/* Between probes of a path that a peer seems to have moved to. */
#define NODE_MOVE_US (250 * CLOCK_MS)
/* How long a peer that went down is still sent what is flooded. */
#define NODE_FLOOD_DOWN_US (10 * CLOCK_S)
/* Between dials of an endpoint that was refused for a lasting reason. */
#define NODE_REFUSED_US (30 * CLOCK_S)
/* Spread of the first dials, so that one of two ends is usually first. */
#define NODE_SPREAD_US	(100 * CLOCK_MS)
#define NODE_FDB_AGE_US (300 * CLOCK_S)

/* Who answers to a local index. */
enum index_kind {
	INDEX_PENDING = 1,
	INDEX_CANDIDATE,
	INDEX_SESSION,
	INDEX_REKEY
};

struct index_entry {
	enum index_kind kind;
	struct endpoint *endpoint;   /* PENDING */
	struct candidate *candidate; /* CANDIDATE */
	struct peer *peer;	     /* SESSION, REKEY */
	struct session *session;     /* CANDIDATE, SESSION */
};

enum node_timer {
	NODE_TIMER_ENDPOINT,
	NODE_TIMER_PEER,
	NODE_TIMER_CANDIDATE,
	NODE_TIMER_AGE,
	NODE_TIMER_ROUTER,
	NODE_TIMER_HINTS,
	NODE_TIMER_LEGS,
	NODE_TIMER_SEEK,
	NODE_TIMER_RELAY,
	NODE_TIMER_HOLD,
	NODE_TIMER_PING,
	NODE_TIMER_TEST,
	NODE_TIMER_MESH,
};

/* Peers by public key, endpoints by address: peer.h, endpoint.h. */
struct peers {
	struct table *by_key;
	struct table *by_addr;
	uint32_t by_leg, by_leg_max; /* endpoints at the ends of legs */
};

/* Who has shown what is our TAP's own: conflict.c. */
struct shown {
	uint64_t at_us;	  /* when last; 0: nobody did */
	uint64_t told_us; /* when the owner was last told; 0: never */
	struct public_key key;
	char name[NODE_NAME_MAX + 1];
	uint8_t mac[6]; /* by which */
};

struct own_address {
	struct node_tap_address is;
	struct shown shown;
};

struct answers;
struct control;
struct exchange;
struct hints;
struct holds;
struct legs;
struct mesh;
struct pings;
struct plain;
struct port_groups;
struct relay;
struct search;
struct test;
struct wanted;

struct node {
	struct node_ops ops;
	void *user;
	const struct control *const *controls; /* its rows; NULL at the end */
	node_changed *changed;		       /* NULL: nobody watches */
	node_seen *seen;		       /* NULL: nobody captures */
	struct node_config config; /* trusted points into `trusted` */
	struct secret secrets[NODE_SECRETS_MAX];
	uint32_t secrets_count;
	struct public_key *trusted; /* NULL: every holder of the secret */
	struct public_key key;
	uint64_t epoch;
	uint64_t timestamp_us; /* of our last initiation: strictly grows */
	struct addr sockets[NODE_SOCKETS_MAX]; /* the owner's */
	size_t sockets_count;
	uint32_t want_mark;
	struct own_address own[NODE_TAP_ADDRESSES_MAX];
	size_t own_count;
	bool own_router;      /* this host forwards IPv6 */
	struct shown own_mac; /* config.tap_mac */

	struct aead *aead;
	struct timers timers;
	struct timer age_timer;
	struct peers peers;
	struct wanted *wanted;
	struct hints *hints;
	struct holds *holds;
	uint32_t holds_count;  /* ways that are held: hold.c */
	struct legs *legs;     /* that end here */
	struct search *search; /* whom legs are wanted to: sought.h */
	struct relay *relay;   /* … and that are joined here */
	struct exchange *exchange;
	struct answers *answers;
	struct pings *pings;
	struct test *test;
	struct mesh *mesh;
	struct table *indices;	  /* local index → struct index_entry */
	struct table *sessions;	  /* local index → struct session: the pool */
	struct table *candidates; /* local index → struct candidate */
	struct table *asked;	  /* mac1 of message 1 → candidate's index */
	uint32_t half_open;
	uint64_t rekeys; /* sessions that took another's place */
	struct shares *half_open_shares;
	struct shares *answered; /* handshakes, since answered_us */
	uint64_t answered_us;
	struct shares *peer_shares; /* while one must go */
	struct cookie_jar jar;
	struct bucket handshakes, cookies, copies;
	struct observed observed;
	struct punches punches;

	struct bridge *bridge;
	struct querier *querier;
	struct declaration *declaration;
	struct port_groups *ports;
	struct timer router_timer; /* until when one is on our side */
	unsigned int tap_wants;	   /* bits of enum node_tap_wants */
	bool tap_up;
	bool groups_dirty; /* what is wanted here may have changed */
	bool want_all_sent, router_sent; /* as declared */
	uint32_t announced; /* the version that peers were told of */

	struct {
		bool came_back; /* the frame at hand had a MAC of our side */
		bool any;	/* there may be one that is stopped */
		struct port_set
			stopped; /* not flooded to, or not lately: loop.c */
	} loops;

	struct plain *plain; /* NULL: sealed */
	struct lane lane;
};

static inline void node_drop(struct node *n, enum drop_reason reason)
{
	n->lane.drops[reason]++;
}

void node_random(struct node *n, void *buf, size_t len);
/* base ± 25 % */
uint64_t node_jitter(struct node *n, uint64_t base_us);
bool node_trusts(const struct node *n, const struct public_key *key);
/* Tells the owner of a group, if it watches: whose is NULL for our own side. */
void node_tell_group(const struct node *n, enum node_change_type type,
		     const struct group *group, const char *who);
/* Tells the owner. event->peer and event->text may be NULL: nothing is known. */
void node_emit(struct node *n, struct node_event event);
/* A fresh index bound to *entry; 0 if the table is full. */
uint32_t node_index_new(struct node *n, const struct index_entry *entry);
/* The largest frame that the TAP may carry and whose record still has a length, or
 * whose plain datagram has. */
size_t node_frame_max(const struct node *n);

#endif
