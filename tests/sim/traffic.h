/* Frames sent into the overlay, and who got them. */
#ifndef TAPD_SIM_TRAFFIC_H
#define TAPD_SIM_TRAFFIC_H

#include "sim.h"
#include "support/reports.h"

/*
 * Every frame sent is unlike any other and is remembered by its digest: who may
 * get it, who must, who has. Deliveries are checked as they happen, what must
 * arrive by traffic_check.
 */

enum traffic_to {
	TRAFFIC_BROADCAST,
	TRAFFIC_MULTICAST,
	TRAFFIC_UNICAST, /* to the MAC of host `other` */
	TRAFFIC_VMAC,	 /* to the virtual MAC that moves */
	TRAFFIC_GROUP,	 /* to the members of `group` */
};

struct traffic_spec {
	enum traffic_to to;
	unsigned other;
	size_t len;		   /* 0: any */
	uint16_t vlan;		   /* of a group: its own */
	const struct group *group; /* one of listeners.h */
	bool from_vmac;		   /* the source is the virtual MAC */
	bool csum;		   /* UDP with its checksum left to do */
};

#define TRAFFIC_BATCH_MAX 64

/* One batch, as read from the TAP of host. */
void traffic_send(struct sim *s, unsigned host,
		  const struct traffic_spec *specs, size_t count);
/* IGMP or MLD, with who must get it. */
struct traffic_message {
	uint64_t must;
	size_t len;
	uint8_t bytes[REPORT_MAX];
};

/* A batch of them. */
void traffic_hand(struct sim *s, unsigned host,
		  const struct traffic_message *messages, size_t count);
/* A batch of up to max random frames. */
void traffic_random(struct sim *s, unsigned host, size_t max);
/* From now on every live host sends a random batch about every period_us. */
void traffic_start(struct sim *s, uint64_t period_us, size_t max);
void traffic_stop(struct sim *s);
/*
 * From now on frames must reach every peer that is up both ways over a link
 * without faults. Only while nothing is about to be cut, stopped or moved.
 */
void traffic_strict(struct sim *s, bool strict);
/* Fails if a frame older than 2 s has not reached all who must get it. */
void traffic_check(struct sim *s);
/* What is on its way to host need not arrive. */
void traffic_excuse(struct sim *s, unsigned host);
/* What host sent last may be overtaken by its goodbye. */
void traffic_excuse_late(struct sim *s, unsigned host);
/* Every live host broadcasts; after 2 s every other must have it. Then each
 * sends one unicast frame to each. */
void traffic_check_reach(struct sim *s);
/* Frames sent, and copies delivered, so far. */
uint64_t traffic_sent(const struct sim *s);
uint64_t traffic_delivered(const struct sim *s);
/* host got what was sent last. */
bool traffic_last_reached(const struct sim *s, unsigned host);

/* sim.c: the ops' tap_write; a host's turn to send. */
void traffic_write(void *user, const struct frame *frames, size_t n);
void traffic_turn(struct sim *s, unsigned host);
struct ledger *ledger_new(void);
void ledger_free(struct ledger *l);

#endif
