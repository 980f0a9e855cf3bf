/*
 * For tests: a network between hosts that are numbers, with a virtual clock. Its
 * links delay, lose, repeat and reorder datagrams, all drawn from one generator,
 * so that a run can be repeated. Who has which address, and what happens besides
 * arrivals, is for those to say who let time pass: sim.h and hosts.h.
 */
#ifndef TAPD_TESTS_NET_H
#define TAPD_TESTS_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "support/queue.h"
#include "support/rng.h"

#define NET_HOSTS_MAX 64

/* One datagram, on its way or as it was. */
struct flight {
	struct addr from, to;
	unsigned sender; /* host, or NET_HOSTS_MAX for someone else */
	uint64_t sent_us;
	size_t len;
	uint8_t bytes[];
};

struct flight *flight_new(unsigned sender, const struct addr *from,
			  const struct addr *to, const uint8_t *bytes,
			  size_t len);
struct flight *flight_copy(const struct flight *f);

/* From one host to another, one direction. All zero but the delay: ideal. */
struct link {
	double loss, dup, reorder; /* probability per datagram */
	uint64_t delay_min_us, delay_max_us;
	uint16_t datagram_max; /* larger ones vanish; 0: none do */
	bool too_big_tells;    /* … and the sending kernel says EMSGSIZE */
	bool cut;
	bool disordered;  /* has been able to reorder: order is not checked */
	uint64_t last_us; /* arrival of the last datagram: the FIFO's tail */
	uint64_t lost_us; /* when the last one was lost; 0: none was */
	uint64_t longest_us; /* the longest delay there was */
};

struct net {
	uint64_t now_us;
	struct rng rng;
	struct queue *queue;
	struct link *links;
};

/* All its links are like that one. */
void net_init(struct net *n, uint64_t now_us, struct rng rng,
	      const struct link *like);
void net_free(struct net *n);

struct link *net_link(struct net *n, unsigned from, unsigned to);
/* Every link becomes like this one; what it remembers stays. */
void net_all_links(struct net *n, const struct link *like);
/* Cuts or heals both directions between host and everybody. */
void net_isolate(struct net *n, unsigned host, bool cut);

enum net_fate { NET_SENT, NET_LOST, NET_TOO_BIG };

/* How late within a link's limits the next datagram is, 0 to 1. */
double net_draw_delay(struct net *n);
/* Sends it from its sender over the link to a host. The network owns what was
 * sent; what was not is still the caller's. */
enum net_fate net_send(struct net *n, unsigned to, struct flight *f,
		       double delay);
/* It arrives then, whatever the link is like. */
void net_launch(struct net *n, unsigned to, struct flight *f, uint64_t at_us);

#endif
