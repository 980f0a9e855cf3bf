/* Hosts whose applications join and leave groups; and who must get what. */
#ifndef TAPD_SIM_LISTENERS_H
#define TAPD_SIM_LISTENERS_H

#include "ether/group.h"

#include "sim.h"

/*
 * Behind each host's TAP is a kernel with one to three interfaces (the TAP's own
 * and macvlans, each with a MAC), which reports what is joined on it as Linux
 * does: at a join and at a leave, each said again a little later, and when asked.
 * It reads the queries that the node writes into the TAP.
 *
 * The property, checked for every frame to a group, whatever else goes on: a host
 * gets it if it joined, and its report was read by its node, longer ago than the
 * slowest datagram ever took from it to the sender; if both report each other as
 * up, its own report of it longer ago than that too; if the link to it is without
 * loss; and if nothing it sent to the sender was lost since, or not for a while.
 * Late, doubled and overtaken datagrams are no excuse. A host that wants every
 * group (no snooping, a router on its side, a TAP that is down) gets every group.
 *
 * In a quiet world listeners_check holds it to the opposite too: nobody else gets
 * it, and every node lists exactly who is a member of what.
 */

struct sim;

#define LISTENERS_GROUPS_MAX 4096

struct listeners_config {
	unsigned groups; /* of both families, in no VLAN and two others */
	/* Shares of what there is; probabilities. */
	double old;	   /* interfaces that speak IGMPv2 and MLDv1 */
	double macvlan;	   /* a second interface; a third */
	double firewalled; /* interfaces that never hear a query */
	double joined;	   /* groups joined by an interface before the start */
	double lossy;	   /* hosts whose TAP loses reports now and then */
};

/* Gives every host there is a kernel, and has it snoop. Before they start. */
void listeners_add(struct sim *s, const struct listeners_config *config);
void listeners_free(struct sim *s);

/* ---- what happens ---- */

void listeners_join(struct sim *s, unsigned host, unsigned interface,
		    unsigned group);
void listeners_leave(struct sim *s, unsigned host, unsigned interface,
		     unsigned group);
/* A random interface joins or leaves a random group. */
void listeners_act(struct sim *s);
/* `times` of them within about us. */
void listeners_churn(struct sim *s, unsigned times, uint64_t us);
/* A router on host's side of the TAP asks. */
void listeners_route(struct sim *s, unsigned host);
/* `ip link set tap0 up|down`. */
void listeners_set_tap(struct sim *s, unsigned host, bool up);
void listeners_set_multicast(struct sim *s, unsigned host, bool snooping,
			     bool querier);
/* From now on no TAP loses a report. */
void listeners_heal(struct sim *s);

/* ---- what must hold ---- */

/* Nothing changes any more, and nothing is lost: each host sends to every group,
 * or to `sample` of them; exactly the members get it, and all nodes list who they
 * are. */
void listeners_check(struct sim *s, unsigned sample);

/* ---- between the files of the simulator ---- */

/* A random one of the groups. */
const struct group *listeners_any(struct sim *s);
unsigned listeners_number(const struct sim *s, const struct group *group);
/* Who must and who may get a frame of sender to this group. */
void listeners_expect(struct sim *s, unsigned sender, const struct group *group,
		      uint64_t *must, uint64_t *may);
/* A frame that the node writes into its TAP. True if it is a query of its own
 * querier, which nobody sent. */
bool listeners_read_query(struct host *h, const uint8_t *bytes, size_t len);
/* A report or query of another host. */
void listeners_read(struct host *h, const uint8_t *bytes, size_t len);
/* sim.c: in a node's life. */
void listeners_started(struct host *h);
void listeners_resumed(struct host *h);
void listeners_before_tick(struct host *h);
void listeners_turn(struct sim *s, unsigned host);

#endif
