/* The scenarios: what is tried, in tables. */
#ifndef TAPD_SIM_SCENARIO_H
#define TAPD_SIM_SCENARIO_H

#include "attacker.h"
#include "insider.h"
#include "listeners.h"
#include "memory.h"
#include "nat.h"
#include "sim.h"
#include "traffic.h"
#include "watch.h"

/*
 * One function tries one thing in a fresh world; which and how bad it is drawn
 * from the world's seed. It reports with sim_fail.
 */
struct scenario {
	const char *name; /* group/what; NULL ends a table */
	void (*run)(struct sim *s);
	unsigned seeds; /* how many are run, unless told */
};

extern const struct scenario scenarios_mesh[];
extern const struct scenario scenarios_faults[];
extern const struct scenario scenarios_change[];
extern const struct scenario scenarios_identity[];
extern const struct scenario scenarios_secret[];
extern const struct scenario scenarios_attack[];
extern const struct scenario scenarios_time[];
extern const struct scenario scenarios_large[];
extern const struct scenario scenarios_groups[];
extern const struct scenario scenarios_clock[];
extern const struct scenario scenarios_insider[];
extern const struct scenario scenarios_abuse[];
extern const struct scenario scenarios_copies[];
extern const struct scenario scenarios_queue[];
extern const struct scenario scenarios_exchange[];
extern const struct scenario scenarios_hints[];
extern const struct scenario scenarios_ask[];
extern const struct scenario scenarios_nat[];
extern const struct scenario scenarios_relay[];
extern const struct scenario scenarios_legs[];

/* Once the faults stop, everything is up again within this. */
#define HEAL_US (15 * SIM_S)

/* low to high hosts that list each other, started within a second, all up. */
unsigned mesh_up(struct sim *s, unsigned low, unsigned high);
/* Waits until the mesh is up, for HEAL_US at most, then checks what every node
 * lists, and that frames reach everybody. */
void mesh_check(struct sim *s);
/* A random host; another one. */
unsigned any_host(struct sim *s);
unsigned any_other(struct sim *s, unsigned host);
/* low to high hosts, of which each frame has to arrive from now on. */
void insider_world(struct sim *s, unsigned low, unsigned high,
		   uint64_t period_us);
/* They did, and what a member did took no host down, or moved it. */
void insider_unharmed(struct sim *s);
/* Fails unless host's `why` about other holds this text. */
void check_why(struct sim *s, unsigned host, unsigned other, const char *text);

#endif
