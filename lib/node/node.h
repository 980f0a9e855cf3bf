/* The whole endpoint as one object: bridge and tunnel joined, without I/O. */
#ifndef TAPD_NODE_NODE_H
#define TAPD_NODE_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/counters.h"
#include "base/datagram.h"
#include "base/drop.h"
#include "base/frame.h"
#include "base/key.h"

/*
 * A node is one host's end of the overlay. Its owner feeds it what was read
 * (node_from_tap, node_from_udp), tells it the time (node_tick, at the latest
 * at node_deadline), and carries out what it hands to struct node_ops. It keeps
 * no file descriptor and reads no clock, so one process can hold many of them
 * and a test can be the network between.
 *
 * Invariants: no allocation after node_new but when a handshake with a valid
 * mac1 is answered or completed, or a plain peer is made, and that is bounded;
 * nothing of a peer changes before a datagram of its session opened; nothing is
 * retained of a buffer passed in after the call that borrows it ends.
 */
struct node;

#define NODE_SECRETS_MAX 2
#define NODE_NAME_MAX	 63
#define NODE_PORT	 8273 /* unless configured otherwise */
#define NODE_SOCKETS_MAX 8
#define NODE_PEERS_MAX	 512
#define NODE_PORT_WORDS	 9 /* a bit for each peer, and for the TAP */
/* Addresses that may be wanted: several for each peer. */
#define NODE_ENDPOINTS_MAX (3 * NODE_PEERS_MAX)

enum node_event_type {
	NODE_PEER_UP,	     /* peer, at */
	NODE_PEER_DOWN,	     /* peer, at, text: why */
	NODE_PEER_RESTARTED, /* peer, at: same key, new epoch */
	NODE_PEER_COPIED,    /* peer, at, other: its memory was copied or put
				back; where another copy sent from */
	NODE_COPIED,	     /* peer, at: it says so of ours */
	NODE_PEER_MOVED,     /* peer, at: new endpoint */
	NODE_PEER_PATH,	   /* peer, at: by a relay, or no more, or by another */
	NODE_PEER_REFUSED, /* at, text: why (untrusted key, table full, …) */
	NODE_DUPLICATE_KEY, /* peer, at: where we know it, other: the second */
	NODE_OWN_KEY,	    /* at: a host that is not us has our key */
	NODE_SELF,	    /* at: an endpoint that is ourselves */
	NODE_RECURSION,	    /* at: an endpoint whose route leads into the TAP */
	/* peer, at: it shows an address of our own TAP: other, without port. */
	NODE_DUPLICATE_ADDRESS,
	NODE_DUPLICATE_MAC, /* peer, at: it shows our TAP's own MAC */
	/* peer, at, mac: it sends frames of our own side back, so many that what is
	 * flooded goes neither to it nor comes from it for a second */
	NODE_LOOP,
	NODE_EVENT_COUNT
};

/* Borrowed until the callback returns. Fields the type does not name are zero
 * or empty. Peers, and strangers, can cause as many as the node answers handshakes:
 * whoever writes them down limits how often. */
struct node_event {
	enum node_event_type type;
	struct public_key key;
	const char *peer; /* its name, "" if not known yet */
	struct addr at, other;
	const char *text;
	const char
		*via; /* a relay that carries for the peer, by name, or NULL */
	uint8_t mac[6];
	bool wanted; /* a source lists the peer, or the endpoint */
};

struct node_ops {
	/* Fills buf from a cryptographic generator. */
	void (*random)(void *user, void *buf, size_t len);
	/* Sends the runs in order, all of them in one go if it can; they are
	 * borrowed until it returns. Losses are reported with
	 * node_send_failed, which may be called from inside. */
	void (*udp_send)(void *user, const struct datagram_run *runs, size_t n);
	/* Writes the frames in order; borrowed until it returns. */
	void (*tap_write)(void *user, const struct frame *frames, size_t n);
	void (*event)(void *user, const struct node_event *event);
	/* True if the route to a host that a peer told of leads into the TAP: then
	 * it is not tried. NULL: none does. */
	bool (*leads_into_tap)(void *user, const struct addr *to);
};

/* What the TAP takes besides complete frames of ordinary size. */
struct node_tap_takes {
	/* Frames whose TCP or UDP checksum is partial; false: they are
	 * completed, which costs a walk over each. */
	bool partial;
	/* GSO frames, of TCP segments and of UDP datagrams; only of what has
	 * partial checksums. */
	bool tcp, udp;
};

/*
 * How frames travel. A sealed node speaks to nodes like itself. A plain one speaks
 * what hosts without such a node understand: VXLAN (RFC 7348) or GRE (RFC 2890). It
 * has no keys and asks nothing of its peers: every address that a source lists is a
 * peer, up at once and as long as it is listed, and whatever comes from there is
 * taken for the peer's.
 */
enum node_encapsulation { NODE_SEALED, NODE_VXLAN, NODE_GRE };

#define NODE_VXLAN_PORT 4789
#define NODE_VNI_MAX	UINT32_C(0xffffff)

struct node_config {
	enum node_encapsulation encapsulation;
	/* Of a plain one: VXLAN's VNI, which has to be set; GRE's key, or if it is not
	 * set, no key. */
	uint32_t network_id;
	bool network_id_set;
	/* What follows, up to the name, is a sealed one's; a plain one has none. */
	uint8_t private_key[KEY_LEN];
	uint8_t secrets[NODE_SECRETS_MAX][KEY_LEN]; /* [0] is initiated with */
	size_t secrets_count;			    /* 1 or 2 */
	/* Public keys that may connect; trusted NULL: every holder of the
	 * secret. Copied. */
	const struct public_key *trusted;
	size_t trusted_count;
	char name[NODE_NAME_MAX + 1];
	uint16_t tap_mtu;
	uint8_t tap_mac[6];    /* zero: not known yet */
	uint16_t underlay_mtu; /* 0: find out */
	uint64_t interval_us;
	uint32_t down_after;
	uint64_t expire_us; /* a peer that long down, and not wanted, goes */
	/* Multicast goes to members only; false: to all, reports included. */
	bool snooping;
	/* Ask our own TAP who wants what; false: this host wants everything. */
	bool querier;
	/* Learn of hosts from peers, and tell them of those that are up. */
	bool peer_exchange;
	/* Carry whatever peers that cannot reach each other send, and not their
	 * handshakes alone. */
	bool relay;
	/* Let peers change this host's routes by router advertisements and
	 * redirects; false: these are dropped. */
	bool router_advertisements;
	struct node_tap_takes tap_takes;
	/* Bounds; 0: the default. */
	uint32_t peers_max;    /* NODE_PEERS_MAX */
	uint32_t fdb_capacity; /* 16384 */
	uint32_t fdb_per_peer; /* from half full on: 1024 */
	uint32_t groups_max;   /* groups of one host: QUERIER_GROUPS, 10000 */
	uint32_t mdb_capacity; /* groups of all peers: 65536 */
	uint32_t frag_buffers; /* 256 */
	uint32_t frame_max;    /* largest frame record in reassembly: 65535 */
	const char *aead;      /* aead_new's backend; NULL: the fastest */
};

/*
 * The largest MTU of a TAP whose untagged frames fit the IP packets of a network of
 * that MTU, in plain datagrams over IPv4 or IPv6; keyed: GRE with a key. 0 if none
 * does.
 */
uint16_t node_plain_mtu(enum node_encapsulation encapsulation, bool keyed,
			uint16_t underlay_mtu, bool v6);

/* NULL with a message in *error if the AEAD backend is not there, memory is short or
 * the configuration cannot be. ops and user are kept; config is copied. */
struct node *node_new(const struct node_config *config,
		      const struct node_ops *ops, void *user, struct clock now,
		      const char **error);
/* Wipes every key and frees. Says nothing to the peers: see node_bye. */
void node_free(struct node *n);

/* ---- the data path ---- */

/*
 * Frames read from the TAP, GSO frames among them: one piece each, with
 * FRAME_HEADROOM writable bytes before it. They are borrowed until it returns, and
 * a checksum in them may be completed; what they become has been handed to udp_send
 * by then.
 */
void node_from_tap(struct node *n, const struct frame *frames, size_t count,
		   struct clock now);
/* Datagrams received, which are opened in place, each with the address of ours
 * that it was sent to, if the owner can tell: answers leave from there. Calls tap_write
 * and, for answers, udp_send before it returns. */
void node_from_udp(struct node *n, const struct datagram_run *datagrams,
		   size_t count, struct clock now);

/* When node_tick is due, or CLOCK_NEVER. */
uint64_t node_deadline(const struct node *n);
/* Runs the timers that are due, and flushes. Of thousands of leaves it does a
 * bounded part: node_deadline may be past already when it returns. What the TAP
 * holds should be read before: an answer to our query that waits there would
 * come late. */
void node_tick(struct node *n, struct clock now);
/* Says goodbye to every peer and flushes, before node_free. */
void node_bye(struct node *n, struct clock now);

/* From udp_send: `count` datagrams of `size` payload bytes to `to` were lost to
 * `reason` (one of DROP_send_*). _too_big also shrinks that peer's datagrams. */
void node_send_failed(struct node *n, const struct addr *to,
		      enum drop_reason reason, size_t size, uint64_t count,
		      struct clock now);
/* From udp_send: the local address of that way is not this host's any more, and the
 * datagram left from another. A peer whose path it was forgets the address. */
void node_local_gone(struct node *n, const struct way *way);
/* Counts what only the owner can see: tap_write, udp_overflow. */
void node_count_drop(struct node *n, enum drop_reason reason, uint64_t count);

/* ---- what may change at run time ---- */

/* Where an endpoint was configured or found. It stays until no source lists it. */
enum node_source {
	NODE_SOURCE_PEERS,   /* `peers` of the configuration or command line */
	NODE_SOURCE_FILE,    /* discover.file */
	NODE_SOURCE_COMMAND, /* discover.command */
	NODE_SOURCE_DNS,     /* discover.dns */
	NODE_SOURCE_COUNT
};

/*
 * Replaces the endpoints one source wants. New ones are dialled at once; those
 * no longer wanted keep a session that is up. Returns how many were not taken for
 * lack of room.
 */
size_t node_want(struct node *n, enum node_source source,
		 const struct addr *endpoints, size_t count, struct clock now);
/* The same; hosts[i], below NODE_ENDPOINTS_MAX, is the number of the host whose
 * address endpoints[i] is: what is shown and counted are hosts. node_want takes each
 * address for a host. */
size_t node_want_hosts(struct node *n, enum node_source source,
		       const struct addr *endpoints, const uint16_t *hosts,
		       size_t count, struct clock now);
/* Sessions made with a secret that is no longer listed are wiped and made again;
 * if the first secret changed, all others rekey at once. */
void node_set_secrets(struct node *n, const uint8_t (*secrets)[KEY_LEN],
		      size_t count, struct clock now);
/* Peers no longer trusted are thrown out. trusted NULL: all are. The list is
 * copied. False if memory is short: then nothing has changed. */
bool node_set_trusted(struct node *n, const struct public_key *trusted,
		      size_t count, struct clock now);
/* This host's memory may have been copied, or put back: it slept, was cloned, or
 * somebody says so. Wipes the keys of all sessions, draws a new epoch, as a restart
 * does, and dials everybody; peers, their MACs and groups stay. Returns how many
 * sessions it wiped. */
size_t node_forget(struct node *n, struct clock now);
/* … or it was not, and what hints at it could be a stranger's doing: the wall clock
 * was stepped. Makes every session anew within 10 s, without the loss of a frame,
 * and wipes the old ones 5 s after that; at most once a minute: until then it is put
 * off. */
void node_renew(struct node *n, struct clock now);
void node_set_name(struct node *n, const char *name, struct clock now);
void node_set_tap_mtu(struct node *n, uint16_t mtu, struct clock now);
/* The interface's own MAC, which peers are told. */
void node_set_tap_mac(struct node *n, const uint8_t mac[6], struct clock now);
/* From the next batch on. */
void node_set_tap_takes(struct node *n, const struct node_tap_takes *takes);
void node_set_liveness(struct node *n, uint64_t interval_us,
		       uint32_t down_after, uint64_t expire_us,
		       struct clock now);
/* As in struct node_config. Off, what was learned so far stays as it is. */
void node_set_peer_exchange(struct node *n, bool on, struct clock now);
/* As in struct node_config. */
void node_set_relay(struct node *n, bool on, struct clock now);
/* As in struct node_config: from the next frame on. */
void node_set_router_advertisements(struct node *n, bool let_in);
/* Where the owner's sockets are bound, at most NODE_SOCKETS_MAX. A frame from there
 * to an endpoint is one of our own datagrams: it is dropped. */
void node_set_sockets(struct node *n, const struct addr *bound, size_t count);
/* Whether the route to a wanted endpoint leads into the TAP. One that does is not
 * dialled, and said to be so once (NODE_RECURSION). */
void node_set_recursive(struct node *n, const struct addr *endpoint,
			bool recursive, struct clock now);
/*
 * The interface's own addresses: a peer that comes up is told at which MAC they are,
 * and whoever else shows one of them is a duplicate (NODE_DUPLICATE_ADDRESS). They
 * must be this host's alone: an address that moves between hosts would be taken from
 * the one that has it now.
 */
struct node_tap_address {
	struct addr addr; /* without port */
	uint64_t from_us; /* monotonic; before then it counts for nothing */
	/* It was set on purpose: peers are told as soon as it is here. */
	bool configured;
};
#define NODE_TAP_ADDRESSES_MAX 32
/* In place of those before; what is beyond the bound is left out. router: this host
 * forwards IPv6 from the interface. */
void node_set_tap_addresses(struct node *n,
			    const struct node_tap_address *addresses,
			    size_t count, bool router, struct clock now);

/* ---- who wants which multicast group on our side of the TAP ---- */

void node_set_multicast(struct node *n, bool snooping, bool querier,
			struct clock now);
/*
 * The TAP came up, or went down; a node begins with it down. Up, its side is
 * asked (IGMP and MLD queries through tap_write, from node_tick); until the
 * answers are in, and while it is down, every group's frames are wanted.
 */
void node_tap_up(struct node *n, struct clock now);
void node_tap_down(struct node *n, struct clock now);
/* The TAP's queue overflowed (its tx_dropped grew): a report may be lost. To be
 * told before node_tick. */
void node_tap_dropped(struct node *n, struct clock now);
/* The multicast MACs that the interface accepts (/proc/net/dev_mcast). Call it once
 * a second. */
void node_tap_listening(struct node *n, const uint8_t *macs, size_t count,
			struct clock now);
/* Why all multicast is wanted whatever is joined: bits. */
enum node_tap_wants {
	NODE_TAP_ALLMULTI = 1, /* the interface is all-multicast */
	NODE_TAP_BRIDGED = 2,  /* it is a port of a bridge or the like */
};
void node_set_tap_wants(struct node *n, unsigned int wants, struct clock now);

/* ---- what there is to see ---- */

/* Where a walk is. It begins zeroed; the same walk goes on with the same one. If the
 * node changed between, what was there all the time is still shown; what came or
 * went may be missing, or be shown twice. */
struct node_iter {
	uint32_t table, slot;
};

/* What this host carries for others. */
struct node_relay_info {
	uint32_t legs; /* pairs of peers, now */
	uint64_t datagrams, bytes;
};

/* How others see this host, as those say that it reaches directly. */
#define NODE_OBSERVED_MAX 4
struct node_nat_info {
	struct addr observed[NODE_OBSERVED_MAX]; /* by most, first */
	size_t count;
	/* On the way an address is put in place of ours; and, symmetric, another one
	 * for each host that we send to. */
	bool translated, symmetric;
};

struct node_status {
	struct public_key key;
	const char *aead; /* the backend in use */
	uint32_t peers_total, peers_up;
	/* tx.frames: read from the TAP; rx.frames: written to it; bytes: of UDP
	 * payload. */
	struct counters tx, rx;
	uint32_t fdb_count;
	uint64_t fdb_moves;	/* MACs seen behind another port than before */
	uint64_t rekeys;	/* sessions that were made to follow another */
	uint32_t peers_relayed; /* of those that are up */
	struct node_relay_info relay;
	struct node_nat_info nat;
};
void node_status(const struct node *n, struct node_status *out);

enum node_peer_state {
	NODE_PEER_STATE_UP,
	NODE_PEER_STATE_CONNECTING,
	NODE_PEER_STATE_DOWN
};

/* Why a peer that stays known goes down. */
enum node_down {
	NODE_DOWN_SILENT,  /* nothing of it was heard */
	NODE_DOWN_DEAF,	   /* it did not hear us */
	NODE_DOWN_BYE,	   /* it said goodbye */
	NODE_DOWN_EXPIRED, /* its keys, before new ones were made */
	NODE_DOWN_COUNT
};

/* A peer; or a wanted host, by one of its endpoints, if at none of them a peer is
 * known. */
struct node_peer_info {
	/* False: it has none, for the node is plain, or it is not known. key then says
	 * to node_peer_detail alone which peer it is. */
	bool has_key;
	struct public_key key;
	char name[NODE_NAME_MAX + 1]; /* "" if not known */
	bool has_endpoint, has_local;
	struct addr endpoint;
	struct addr local; /* ours, that its datagrams go to and from */
	/* A relay carries its datagrams; endpoint and local are that one's. */
	bool relayed;
	char via[NODE_NAME_MAX + 1]; /* its name; "" */
	bool symmetric; /* its NAT shows it to each host at another address */
	/* Where a source lists it, if it is not reached at any such address. */
	bool has_listed;
	struct addr listed;
	bool wanted;	  /* by any node_source */
	uint32_t sources; /* bits of enum node_source: by which */
	bool suggested;	  /* a peer told of it */
	enum node_peer_state state;
	char reason[96]; /* why it is not up; "" if it is */
	bool unheard;	 /* … and that is only that nothing comes back */
	uint32_t rtt_us; /* 0: unknown */
	double loss;
	uint16_t datagram_size; /* 0: unknown */
	uint16_t tap_mtu;	/* the peer's; 0: unknown */
	uint64_t
		up_since_us; /* monotonic; 0 unless up; a plain one: since listed */
	uint64_t heard_us;	/* monotonic; 0: never */
	uint64_t looped_us;	/* last NODE_LOOP of it; 0: never */
	struct counters tx, rx; /* tx.frames: copies sent to it */
	uint64_t sessions, sessions_incomplete; /* that opened; or did not */
	uint64_t downs[NODE_DOWN_COUNT];
};

/* Walks them in a stable order. False at the end. */
bool node_next_peer(const struct node *n, struct node_iter *it,
		    struct node_peer_info *out);

enum node_path_use {
	NODE_PATH_USED,	     /* its datagrams go there */
	NODE_PATH_SPARE,     /* they could: an echo came that way */
	NODE_PATH_VALIDATED, /* it may be there: being tried */
	NODE_PATH_KNOWN,     /* it has answered there */
};

enum node_path_rank { NODE_RANK_RELAYED, NODE_RANK_DIRECT, NODE_RANK_LOCAL };

struct node_path_info {
	enum node_path_use use;
	enum node_path_rank rank; /* a greater one is preferred */
	bool has_local;
	struct addr local, remote;
	char via[NODE_NAME_MAX + 1]; /* the relay's name; "": direct */
	uint64_t proven_us; /* when an echo last came that way; 0: not known */
	/* Of the one that is used; 0: unknown. size: of its datagrams; size_max: the
	 * largest that is tried; probed_size: what is being tried now. */
	uint32_t rtt_us;
	uint16_t size, size_max, probed_size;
};

struct node_session_info {
	bool used;	/* sent on; else it only receives */
	bool open;	/* both hellos are through */
	bool initiator; /* we began it */
	bool carried;	/* a session before it carried its handshake */
	uint64_t born_us;
	uint64_t sent, received; /* datagrams, lost ones among those received */
};

#define NODE_PATHS_MAX	       16
#define NODE_PEER_SESSIONS_MAX 8

/* What node_next_peer leaves out. */
struct node_peer_detail {
	uint16_t port;	    /* its bit in the members of a group */
	uint8_t tap_mac[6]; /* zero: not known */
	uint64_t state_since_us;
	uint64_t sent_us;     /* when it was last sent anything; 0: never */
	const char *gets_all; /* why it gets every group; NULL: it does not */
	struct node_path_info paths[NODE_PATHS_MAX];
	size_t paths_count;
	struct node_session_info sessions[NODE_PEER_SESSIONS_MAX];
	size_t sessions_count;
};
/* False if there is no such peer. */
bool node_peer_detail(const struct node *n, const struct public_key *key,
		      struct node_peer_detail *out);

/* The counters alone, as node_status and node_next_peer have them: cheap enough
 * to be read every second. */
struct node_traffic {
	struct counters tx, rx;
};
void node_traffic(const struct node *n, struct node_traffic *out);
/* Walks the peers, without hosts that none is known of, in the order of
 * node_next_peer. *key, of a plain one what it has in a key's place, is borrowed
 * until the node is called again. False at the end. */
bool node_next_peer_traffic(const struct node *n, struct node_iter *it,
			    const struct public_key **key,
			    struct node_traffic *out);

struct node_fdb_info {
	uint8_t mac[6];
	uint16_t vlan;
	bool local;
	char owner[NODE_NAME_MAX + 1];
	struct public_key owner_key;
	uint64_t age_us;
};
/* Walks the FDB. False at the end. */
bool node_next_mac(const struct node *n, struct node_iter *it,
		   struct node_fdb_info *out, uint64_t now_us);

/* A group that somebody joined, here or behind a peer. */
struct node_group_info {
	uint8_t ip[16]; /* IPv4 as v4-mapped */
	uint16_t vlan;
	bool local; /* wanted on our side of the TAP */
	/* peers that joined it: for node_next_member */
	uint64_t members[NODE_PORT_WORDS];
};
/* Walks the groups, each once. False at the end. */
bool node_next_group(const struct node *n, struct node_iter *it,
		     struct node_group_info *out);
/* The names of the members, in a stable order: it->slot is the number of the one's
 * bit. NULL at the end; borrowed until the node is called again. */
const char *node_next_member(const struct node *n,
			     const struct node_group_info *group,
			     struct node_iter *it);
/* A peer that gets every group. */
struct node_flooded_info {
	const char
		*peer; /* its name; borrowed until the node is called again */
	const char *reason; /* for people */
};
/* Walks them in a stable order. False at the end. */
bool node_next_flooded(const struct node *n, struct node_iter *it,
		       struct node_flooded_info *out);

struct node_multicast_status {
	bool snooping, querier;
	bool router;	 /* a multicast router is on our side of the TAP */
	uint32_t groups; /* joined on our side */
	/* Why this host wants every group, for people; NULL: it does not. */
	const char *wants_all;
	/* … because who wants what cannot be known: worth a warning. */
	bool unknowable;
	/* Known members left the last queries without an answer. */
	bool silent_v4, silent_v6;
};
void node_multicast_status(const struct node *n,
			   struct node_multicast_status *out);

/* A peer that has shown an address of our own TAP, or its MAC, not long ago. */
struct node_conflict {
	bool of_mac;	     /* false: of address */
	struct addr address; /* without port */
	uint8_t mac[6];	     /* the peer's; or ours, of_mac */
	char peer[NODE_NAME_MAX + 1];
	struct public_key key;
	uint64_t age_us;
};
#define NODE_CONFLICTS_MAX (NODE_TAP_ADDRESSES_MAX + 1)
/* Walks them. False at the end. */
bool node_next_conflict(const struct node *n, struct node_iter *it,
			struct node_conflict *out, uint64_t now_us);

/* ---- what changes in the tables, as it happens ---- */

enum node_change_type {
	NODE_MAC_MOVED,	   /* vlan, mac, from, to */
	NODE_GROUP_JOINED, /* vlan, group, to: who joined */
	NODE_GROUP_LEFT,   /* vlan, group, to: who left */
};

/* Our own side of the TAP, as one who has a MAC or joins a group. */
#define NODE_OWN_SIDE "local"

struct node_change {
	enum node_change_type type;
	uint16_t vlan;
	uint8_t mac[6];
	uint8_t group[16]; /* IPv4 as v4-mapped */
	/* Names: of peers, "" if not known; NODE_OWN_SIDE; NULL: nobody, any more. */
	const char *from, *to;
};

/*
 * Calls changed, with the owner's user, of a change that a frame or a record makes;
 * NULL: nothing is told, which costs nothing. The change is borrowed until it
 * returns; it may not call the node. Peers can cause as many as they send frames.
 * A peer that goes down, or begins again, has left its groups without a word.
 */
typedef void node_changed(void *user, const struct node_change *change);
void node_watch(struct node *n, node_changed *changed);

/*
 * A frame as it is sent to a peer, or came from one, or is dropped: a segment, never
 * a GSO or merged frame, but for a GSO frame from the TAP that is dropped. In
 * pieces; borrowed.
 */
struct node_sight {
	const uint8_t *const *pieces;
	const size_t *lens;
	size_t count;		/* 1 or 2 */
	struct offload offload; /* whether its checksum is partial */
	bool from_tap;		/* else from a peer */
	const char *peer; /* its name, "" if not known; NULL: of no peer */
	const struct public_key *key; /* a sealed peer's, or NULL */
	enum drop_reason reason;      /* DROP_NONE: it goes its way */
};

/*
 * Calls seen, with the owner's user, for each of them; NULL: for none, which costs a
 * branch a batch. It may not call the node. Frames that are dropped before their
 * verdict, in the owner's queue, are not among them (the owner has them: queue/fq.h), nor
 * are datagrams that do not open.
 */
typedef void node_seen(void *user, const struct node_sight *sight);
void node_capture(struct node *n, node_seen *seen);

/* DROP_REASON_COUNT counters, indexed by enum drop_reason. */
const uint64_t *node_drops(const struct node *n);

#endif
