/* Many hosts. */
#include "scenario.h"

/* 24 hosts start together at 5 % loss. */
static void mesh24(struct sim *s)
{
	struct link l = link_ideal();

	l.loss = 0.05;
	net_all_links(&s->net, &l);
	sim_add_mesh(s, 24);
	sim_start_all(s);
	sim_await(s, sim_mesh_up, 15 * SIM_S, "mesh of 24 at 5 % loss");
	sim_heal(s);
	mesh_check(s);
}

/* 64 hosts start together; a third of them restarts, one is cut off; frames
 * reach everybody. */
static void mesh64(struct sim *s)
{
	sim_add_mesh(s, 64);
	sim_start_all(s);
	sim_await(s, sim_mesh_up, 15 * SIM_S, "mesh of 64");
	mesh_check(s);
	for (unsigned i = 0; i < s->host_count; i += 3)
		sim_restart(s, i);
	sim_await(s, sim_mesh_up, 5 * SIM_S, "mesh of 64 after restarts");
	sim_isolate(s, 1, true);
	sim_run(s, 10 * SIM_S);
	sim_isolate(s, 1, false);
	sim_await(s, sim_mesh_up, 6 * SIM_S, "mesh of 64 after a cut");
	mesh_check(s);
}

/* 64 hosts over bad links, through a rekey. */
static void lossy64(struct sim *s)
{
	struct link l = {
		.loss = 0.05, .dup = 0.02, .reorder = 0.05, .delay_max_us = 2000
	};

	net_all_links(&s->net, &l);
	sim_add_mesh(s, 64);
	sim_start_all(s);
	sim_await(s, sim_mesh_up, 20 * SIM_S, "mesh of 64 at 5 % loss");
	traffic_start(s, 2 * SIM_S, 2);
	sim_run(s, 20 * SIM_S);
	traffic_stop(s);
	sim_heal(s);
	mesh_check(s);
	sim_check_events(s, NODE_PEER_DOWN, 0, "a peer went down at 5 % loss");
}

const struct scenario scenarios_large[] = {
	{ "large/mesh24", mesh24, 4 },
	{ "large/mesh64", mesh64, 2 },
	{ "large/lossy64", lossy64, 2 },
	{ 0 },
};
