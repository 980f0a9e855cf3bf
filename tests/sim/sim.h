/* A simulated network: nodes in one process, a virtual clock, bad links. */
#ifndef TAPD_SIM_SIM_H
#define TAPD_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/node.h"

#include "digest.h"
#include "support/alloc.h"
#include "support/forge.h"
#include "support/net.h"

/*
 * A run is a world of hosts, each with at most one live node, and directed
 * links between them. Time is virtual and jumps from event to event; every
 * choice is drawn from the run's seed, so a failing run can be repeated.
 *
 * What holds in every run is checked while it goes, not by the scenarios:
 *
 *  - a frame is delivered at most once per host, unaltered, never to its
 *    sender, and in order per (sender, receiver) while their link is ordered;
 *  - a unicast frame whose owner the sender's FDB knows reaches nobody else;
 *  - (receiver index, counter) never repeats per sender, and no index is sent
 *    on for longer than its keys may live;
 *  - nobody takes another for a copy, unless there are any: whatever is lost,
 *    doubled or late;
 *  - no datagram is carried by two relays;
 *  - datagrams and runs keep their limits; the node's timers move forward;
 *  - what comes from outside (attacker.h) delivers nothing, moves no peer,
 *    takes none down, and gets no more bytes back than it sent.
 *
 * A violation is reported with sim_fail; the run then ends quickly, for the
 * other functions do nothing in a failed world.
 */

#define SIM_HOSTS_MAX NET_HOSTS_MAX
#define SIM_MS	      UINT64_C(1000)
#define SIM_S	      UINT64_C(1000000)
#define SIM_YEAR      (INT64_C(365) * 86400 * INT64_C(1000000))
#define SIM_ALL	      UINT64_MAX /* every host, as a set */

/* 10.77.0.0/16: routes to there lead into every host's TAP. */
extern const struct prefix sim_overlay;

struct sim;

enum { FAMILY_V4, FAMILY_V6, FAMILIES };

#define HOST_WANTS_MAX 160
#define HOST_EVENTS    NODE_EVENT_COUNT
#define BACKLOG_MAX    512

struct host {
	struct sim *sim;
	unsigned index;
	unsigned identity; /* the first host with this key */
	struct node *node; /* NULL: not running */
	struct node_config config;
	struct public_key key;
	struct rng random;	/* what the node's ops.random draws from */
	struct rng salts;	/* … salts, if it has a memory */
	struct memory *memory;	/* NULL: it is not kept; memory.h */
	int64_t mono_offset_us; /* since this host's boot */
	int64_t wall_offset_us; /* how wrong its wall clock is */
	bool has[FAMILIES];
	struct addr addr[FAMILIES];
	struct addr wants[HOST_WANTS_MAX];
	size_t want_count;

	uint64_t tick_us; /* when the queued tick is due; CLOCK_NEVER: none */
	uint64_t window_us, window_ticks;    /* against spinning */
	unsigned row_ticks;		     /* one after the other at once */
	bool paused;			     /* the process is stopped */
	struct flight *backlog[BACKLOG_MAX]; /* its socket's receive queue */
	size_t backlog_count;

	uint64_t up;		       /* identities it reported up, as a set */
	uint64_t saw;		       /* identities it ever reported up */
	uint64_t up_us[SIM_HOSTS_MAX]; /* since when, in this life of theirs */
	uint64_t events[HOST_EVENTS];
	uint64_t about_hosts[HOST_EVENTS]; /* … of which the peer is a host */
	uint64_t sent_datagrams, sent_bytes;
};

/* What an outsider has sent and got back; see attacker.h. */
struct outside {
	bool injecting;
	bool genuine; /* a datagram that had not been delivered before */
	struct addr from;
	size_t question_len, answer_len;
	unsigned victim;
	struct record record; /* what arrived somewhere, for replays */
	uint64_t injected;
	double theft;  /* share of datagrams that arrive from elsewhere */
	double mirror; /* share of handshakes that come back to their sender */
};

struct ledger;	 /* of frames; traffic.h */
struct sessions; /* seen on the wire */
struct trace;
struct listeners; /* applications behind the TAPs; listeners.h */
struct insiders;  /* members that are no hosts; insider.h */
struct memory;	  /* what a node was told; memory.h */
struct nonces;
struct watch; /* on the wire; watch.h */
struct nats;  /* nat.h */
struct hops;  /* hops.h */

struct sim {
	uint64_t seed;
	struct net net;
	struct ledger *ledger;
	struct sessions *sessions;
	struct trace *trace;
	struct listeners *listeners; /* NULL: no host has any */
	struct insiders *insiders;   /* NULL: there are none */
	struct nonces *nonces;	     /* of hosts whose memory is kept */
	struct watch *watch;	     /* NULL: nobody does */
	struct nats *nats;	     /* NULL: there are none */
	struct hops *hops;
	struct outside outside;
	uint8_t secret[KEY_LEN];
	struct host *hosts;
	unsigned host_count;
	uint64_t steady_downs; /* nat_world.h */
	/* This relay loses what it carries, if that is larger. 0: none does. */
	struct {
		unsigned relay;
		size_t above;
	} loses;
	uint32_t addr_net, next_addr;
	uint64_t tick_late_us; /* ticks come up to this much late */
	uint64_t digest;       /* of everything on the wire */
	bool copies;	       /* a host's memory may be copied */
	bool same_indices;     /* copies draw the same ones */
	bool exchange;	       /* new hosts tell each other of their peers */
	bool verbose, failed;
	char failure[256];
};

/* ---- the run ---- */

struct sim *sim_new(uint64_t seed, bool verbose);
void sim_free(struct sim *s);
/* The first failure is kept, and ends the run. */
void sim_fail(struct sim *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void sim_note(struct sim *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* A figure of this run, to stdout: for people. */
void sim_measured(const struct sim *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The last things that happened, oldest first, to stdout. */
void sim_print_trace(const struct sim *s);

/* Lets this much virtual time pass. */
void sim_run(struct sim *s, uint64_t us);
/* Until holds(s) is true, looked at every 10 ms; how long that took. Fails,
 * naming what, if it is not within limit_us. */
uint64_t sim_await(struct sim *s, bool (*holds)(struct sim *s),
		   uint64_t limit_us, const char *what);

/* ---- hosts ---- */

/* A new host, not running, with one IPv4 address; returns its index. */
unsigned sim_add_host(struct sim *s);
/* n hosts that all list each other and, as one file for all does, themselves;
 * none is running. */
void sim_add_mesh(struct sim *s, unsigned n);
/* Gives it an address of this family (again: another one). */
void sim_give_addr(struct sim *s, unsigned host, int family);
/* Gives it somebody's key; before it is started. */
void sim_clone_key(struct sim *s, unsigned host, unsigned original);
/* Gives it another one; while it is not running. */
void sim_new_key(struct sim *s, unsigned host);
/* host lists every address that other has now. */
void sim_want(struct sim *s, unsigned host, unsigned other);
void sim_want_all(struct sim *s);
void sim_forget_wants(struct sim *s, unsigned host);
/* Hands the list to a node that runs. */
void sim_apply_wants(struct sim *s, unsigned host);

void sim_start(struct sim *s, unsigned host);
void sim_start_all(struct sim *s);
/* kill -9: no goodbye. */
void sim_crash(struct sim *s, unsigned host);
/* SIGTERM: goodbye. */
void sim_stop(struct sim *s, unsigned host);
void sim_restart(struct sim *s, unsigned host);
/* SIGSTOP and SIGCONT: the socket's queue fills meanwhile. */
void sim_pause(struct sim *s, unsigned host);
void sim_resume(struct sim *s, unsigned host);
/* Its address changes; whoever dials the old one reaches nobody. */
void sim_move(struct sim *s, unsigned host);
struct clock host_clock(const struct host *h);
/* Queues the tick again; after every call into the node. */
void host_settle(struct host *h);

/* ---- links ---- */

/* Cuts or heals both directions between host and everybody. */
void sim_isolate(struct sim *s, unsigned host, bool cut);
/* Everything ideal again; nobody paused. */
void sim_heal(struct sim *s);
/* An ideal link: 100 to 400 µs, ordered. */
struct link link_ideal(void);

/* ---- what the nodes think ---- */

/* The set of hosts with a live node. */
uint64_t sim_running(const struct sim *s);
/* host reports other as up. */
bool sim_is_up(const struct sim *s, unsigned host, unsigned other);
/* Every live host reports every other live host as up. */
bool sim_mesh_up(struct sim *s);
/* What host says about other: by key, else by endpoint. */
bool sim_peer_info(struct sim *s, unsigned host, unsigned other,
		   struct node_peer_info *out);
/* Fails unless what every live node lists is exactly the other live hosts: up,
 * once each, at an address they have, with their names and MTUs. */
void sim_check_peers(struct sim *s);
/* How often this happened, over all hosts. */
uint64_t sim_events(const struct sim *s, enum node_event_type type);
/* Fails unless sim_events is what it was. */
void sim_check_events(struct sim *s, enum node_event_type type, uint64_t was,
		      const char *what);
/* The same, of peers that are hosts. */
uint64_t sim_events_of_hosts(const struct sim *s, enum node_event_type type);
uint64_t sim_drops(const struct sim *s, unsigned host, enum drop_reason reason);
/* Sessions host has sent on so far. */
unsigned sim_sessions(const struct sim *s, unsigned host);

/* ---- between the files of the simulator ---- */

/* Its node, new at that time; as yet it wants nothing. */
void sim_make_node(struct host *h, struct clock now);

/* Of struct event, besides arrivals. */
enum { EVENT_TICK = EVENT_OTHERS, EVENT_TRAFFIC, EVENT_KERNEL };

/* network.c: the ops' udp_send; and the arrival of everything due now. */
void network_send(void *user, const struct datagram_run *runs, size_t n);
void network_arrive(struct sim *s, struct event first);
void network_deliver(struct host *h, struct flight **flights, size_t n);
/* Who has that address, and is behind no NAT. */
struct host *network_find(struct sim *s, const struct addr *a);
bool network_has(const struct host *h, const struct addr *a);
/* One that nobody had yet. */
struct addr sim_next_addr(struct sim *s, int family);
struct sessions *sessions_new(void);
void sessions_free(struct sessions *t);

/* trace.c */
struct trace *trace_new(void);
void trace_free(struct trace *t);
void trace_datagram(struct sim *s, const char *what, unsigned from,
		    const struct flight *f);

#endif
