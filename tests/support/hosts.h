/*
 * For tests: a few nodes, the network between them, and the clock, all in the
 * test's hands. Nothing happens but in hosts_run, hosts_until and what the test
 * feeds a node itself; the same test gives the same bytes each time.
 */
#ifndef TAPD_TESTS_HOSTS_H
#define TAPD_TESTS_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "ether/eth.h"
#include "node/debug.h"
#include "support/net.h"
#include "tunnel/wire.h"

#define HOSTS_MAX    6
#define HOSTS_EVENTS 64
#define HOSTS_HELD   16
#define HOSTS_START  (1000 * CLOCK_S)
#define HOSTS_WALL   (UINT64_C(1750000000) * CLOCK_S)

/* HOLD: lost, but see hosts_release. */
enum fate { PASS, LOSE, HOLD };

struct host_event {
	enum node_event_type type;
	char peer[NODE_NAME_MAX + 1];
	struct addr at, other;
	char text[96];
	uint64_t at_us;
};

/* A frame written to a host's TAP. */
struct written {
	uint8_t *bytes;
	size_t len;
	struct offload offload;
};

struct hosts;

struct host {
	struct hosts *hosts;
	struct node_config config; /* what host_start uses */
	struct public_key key;	   /* its node's, as it was last started */
	struct node *node;	   /* NULL: off */
	/* Where it can be reached: an IPv4 address and maybe others. Its kernel
	 * chooses the first that fits the destination's family. */
	struct addr addrs[3];
	size_t addrs_count;
	int64_t wall_offset_us;
	struct rng rng;
	struct host_event events[HOSTS_EVENTS];
	size_t events_count;
	struct written *written;
	size_t written_count, written_size;
};

struct hosts {
	struct net net;	     /* its links are ideal but for the latency */
	uint64_t latency_us; /* one way; see hosts_set_latency */
	struct host host[HOSTS_MAX];
	size_t count;
	struct flight **log; /* all that was sent, judged or not */
	size_t log_count, log_size;
	const struct flight *held[HOSTS_HELD];
	size_t held_count;
	/* Asked of every datagram sent, in order; it may change *p. NULL: all
	 * pass. */
	enum fate (*judge)(struct hosts *hosts, struct flight *p);
	/* Called as time passes, for what was written to the TAPs; or NULL. */
	void (*tap_sides)(struct hosts *hosts);
	uint64_t sent; /* datagrams so far */
	uint64_t lose; /* mask of those to lose: bit 0 is the first */
};

/* count hosts "a", "b", … at 10.9.0.1, 10.9.0.2, …, all off. */
void hosts_init(struct hosts *h, size_t count);
void hosts_free(struct hosts *h);
/* One way, between all hosts; 5 ms to begin with. */
void hosts_set_latency(struct hosts *h, uint64_t us);
/* Undoes what was done to the links. */
void hosts_heal(struct hosts *h);
struct link *hosts_link(struct hosts *h, const struct host *from,
			const struct host *to);
void hosts_forget_log(struct hosts *h);
/* Who has the address; NULL: nobody. */
struct host *hosts_at(struct hosts *h, const struct addr *addr);
struct clock hosts_clock(const struct host *host);

void host_start(struct host *host);
/* The process is gone, without a word. */
void host_stop(struct host *host);
void host_want(struct host *host, const struct addr *endpoints, size_t count);
/* from dials to. */
void host_dial(struct host *from, const struct host *to);

/* Lets time pass: datagrams arrive, timers fire. */
void hosts_run(struct hosts *h, uint64_t us);
/* The same until it is true, at most for us; what it was at the end. */
bool hosts_until(struct hosts *h, bool (*done)(const struct hosts *h),
		 uint64_t us);
/* True if every host that is on has all the others up. */
bool hosts_all_up(const struct hosts *h);
/* True if the first two have each other up. */
bool hosts_pair_up(const struct hosts *h);
/* Starts the first count hosts, each dialling those before it, and waits until
 * all are up. */
void hosts_mesh(struct hosts *h, size_t count);

/* Puts a datagram on the wire, unjudged and not logged, in front of the host that
 * has the address; or right into a node. */
void hosts_inject(struct hosts *h, const struct addr *from,
		  const struct addr *to, const uint8_t *bytes, size_t len);
void host_receive_way(struct host *host, const struct way *way,
		      const uint8_t *bytes, size_t len);
/* The same, and to which of its addresses is not known. */
void host_receive(struct host *host, const struct addr *from,
		  const uint8_t *bytes, size_t len);
/* The nth datagram that was held arrives now. */
void hosts_release(struct hosts *h, size_t nth);
/* All that is on its way to the host arrives now, in one read. Returns how many
 * datagrams that were. */
size_t host_receive_all(struct host *host);

/* The nth (from 0) datagram of that type in the log, sent since index since;
 * NULL if there is none. from and to may be NULL. */
const struct flight *hosts_sent(const struct hosts *h, enum wire_type type,
				const struct host *from, const struct host *to,
				size_t since, size_t nth);
size_t hosts_count_sent(const struct hosts *h, enum wire_type type,
			const struct host *from, const struct host *to,
			size_t since);

/* ---- what a host knows ---- */

struct node_status host_status(const struct host *host);
struct node_debug host_debug(const struct host *host);
/* Its node has a peer with that host's key, or that key. */
bool host_knows(const struct host *host, const struct host *of);
bool host_knows_key(const struct host *host, const struct public_key *key);
/* What is known of that peer; it must be there. */
struct node_debug_peer host_peer(const struct host *host,
				 const struct host *of);
struct node_debug_peer host_peer_by_key(const struct host *host,
					const struct public_key *key);
/* No session of that peer is left, and nothing of any other that is not used. */
void host_assert_no_sessions(const struct host *host, const struct host *of);
/* What is shown of it. */
struct node_peer_info host_info(const struct host *host, const struct host *of);
bool host_up(const struct host *host, const struct host *of);
/* Its datagrams for that host are sent there. */
bool host_sends_to(const struct host *host, const struct host *of,
		   const struct addr *at);
/* That address is known; and that host was the last to answer there. */
bool host_knows_at(const struct host *host, const struct addr *at);
bool host_found_at(const struct host *host, const struct addr *at,
		   const struct host *of);
size_t host_events(const struct host *host, enum node_event_type type);
/* The last one; it must be there. */
const struct host_event *host_event(const struct host *host,
				    enum node_event_type type);
void host_forget_events(struct host *host);
/* A count of node_drops. */
uint64_t host_drops(const struct host *host, enum drop_reason reason);
/* All of them together. */
uint64_t host_drops_total(const struct host *host);
/* What is shown for an endpoint (of a peer or without one); it must be there. */
struct node_peer_info host_shows(const struct host *host,
				 const struct addr *endpoint);

/* ---- frames ---- */

/* A frame of len bytes, its payload by seed, between MACs 02:00:00:00:00:dst
 * and …:src; dst 0xff: broadcast. Freed by the caller. */
uint8_t *hosts_frame(uint8_t dst, uint8_t src, size_t len, uint64_t seed);
/* A UDP packet over IPv4 to that port, between 02:00:00:00:00:01 and …:02. */
#define HOSTS_UDP_LEN (ETH_HEADER_LEN + 20 + 8 + 32)
void hosts_udp_frame(uint8_t frame[HOSTS_UDP_LEN], uint16_t port);
/* Reads frames from the host's TAP, and flushes. */
void host_tap(struct host *host, const uint8_t *bytes, size_t len);
void host_tap_offload(struct host *host, const uint8_t *bytes, size_t len,
		      struct offload offload);
/* A broadcast frame, new each time, from the host's own MAC. */
void host_say(struct host *host, uint64_t seed);
/* True if the last frame written is what that wrote. */
bool host_heard(const struct host *host, const struct host *from,
		uint64_t seed);
/* Says something new and lets it arrive; true if it was heard. */
bool host_talks(struct host *from, struct host *to);
void host_forget_written(struct host *host);

#endif
