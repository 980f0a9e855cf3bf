/* The network secret: different ones, and how one is replaced. */
#include <string.h>

#include "scenario.h"

#define STRICT_PERIOD_US (50 * SIM_MS)

static void set_secrets(struct sim *s, unsigned host, const uint8_t *first,
			const uint8_t *second)
{
	struct node_config *c = &s->hosts[host].config;

	memcpy(c->secrets[0], first, KEY_LEN);
	c->secrets_count = 1;
	if (second) {
		memcpy(c->secrets[1], second, KEY_LEN);
		c->secrets_count = 2;
	}
	if (!s->hosts[host].node || s->failed)
		return;
	sim_note(s, "h%u has other secrets", host);
	node_set_secrets(s->hosts[host].node, (const uint8_t(*)[32])c->secrets,
			 c->secrets_count, host_clock(&s->hosts[host]));
	host_settle(&s->hosts[host]);
}

/* One host has another secret: nobody has it up, both sides say why; once it
 * has the right one it joins. */
static void wrong(struct sim *s)
{
	unsigned n = (unsigned)rng_range(&s->net.rng, 2, 6), odd = n - 1;
	uint8_t other[KEY_LEN];

	rng_bytes(&s->net.rng, other, KEY_LEN);
	sim_add_mesh(s, n);
	set_secrets(s, odd, other, NULL);
	sim_start_all(s);
	sim_run(s, 20 * SIM_S);
	for (unsigned i = 0; i < odd && !s->failed; i++) {
		if (sim_is_up(s, i, odd) || sim_is_up(s, odd, i))
			sim_fail(s, "h%u is up with another secret", odd);
		check_why(s, i, odd, "different secret");
		check_why(s, odd, i, "different secret");
		if (!s->failed && sim_drops(s, i, DROP_mac1) == 0)
			sim_fail(s, "h%u counted no mac1", i);
	}
	set_secrets(s, odd, s->secret, NULL);
	mesh_check(s);
}

/* The documented order: everybody also accepts the new secret; everybody uses it
 * first; everybody forgets the old one. */
static void rotate(struct sim *s, const uint8_t *next)
{
	for (int step = 0; step < 3; step++) {
		for (unsigned i = 0; i < s->host_count; i++) {
			if (step == 0)
				set_secrets(s, i, s->secret, next);
			else if (step == 1)
				set_secrets(s, i, next, s->secret);
			else
				set_secrets(s, i, next, NULL);
			sim_run(s, rng_below(&s->net.rng, 3 * SIM_S));
		}
		sim_run(s, rng_range(&s->net.rng, 2 * SIM_S, 200 * SIM_S));
	}
	sim_check_events(s, NODE_PEER_DOWN, 0, "rotation took a peer down");
}

/* Who was away meanwhile no longer gets in. */
static void check_stale(struct sim *s)
{
	unsigned stale = any_host(s);

	sim_stop(s, stale);
	memcpy(s->hosts[stale].config.secrets[0], s->secret, KEY_LEN);
	sim_start(s, stale);
	sim_run(s, 10 * SIM_S);
	for (unsigned i = 0; i < s->host_count; i++)
		if (i != stale && sim_is_up(s, i, stale))
			sim_fail(s, "the old secret still opens h%u", i);
}

/* No peer goes down, no frame is lost. */
static void rotation(struct sim *s)
{
	uint8_t next[KEY_LEN];

	mesh_up(s, 2, 6);
	rng_bytes(&s->net.rng, next, KEY_LEN);
	sim_run(s, rng_below(&s->net.rng, 150 * SIM_S));
	traffic_strict(s, true);
	traffic_start(s, STRICT_PERIOD_US, 4);
	rotate(s, next);
	traffic_stop(s);
	sim_run(s, 3 * SIM_S);
	traffic_check(s);
	traffic_strict(s, false);
	mesh_check(s);
	check_stale(s);
}

/* The same where one datagram in ten is lost. */
static void rotation_lossy(struct sim *s)
{
	struct link l = link_ideal();
	uint8_t next[KEY_LEN];

	mesh_up(s, 2, 6);
	rng_bytes(&s->net.rng, next, KEY_LEN);
	sim_run(s, rng_below(&s->net.rng, 150 * SIM_S));
	l.loss = 0.1;
	net_all_links(&s->net, &l);
	rotate(s, next);
	sim_heal(s);
	mesh_check(s);
}

/* The secret is replaced at once everywhere, seconds apart: the mesh falls
 * apart and comes together. */
static void replaced(struct sim *s)
{
	unsigned n = mesh_up(s, 2, 6);
	uint8_t next[KEY_LEN];

	rng_bytes(&s->net.rng, next, KEY_LEN);
	sim_run(s, rng_below(&s->net.rng, 150 * SIM_S));
	for (unsigned i = 0; i < n; i++) {
		set_secrets(s, i, next, NULL);
		sim_run(s, rng_below(&s->net.rng, 10 * SIM_S));
	}
	mesh_check(s);
}

/* One host is left behind when the secret is replaced: it is down everywhere as
 * soon as if it were cut off, and both sides say why. */
static void left_behind(struct sim *s)
{
	unsigned n = mesh_up(s, 2, 6), behind = any_host(s);
	uint8_t next[KEY_LEN];

	rng_bytes(&s->net.rng, next, KEY_LEN);
	sim_run(s, rng_below(&s->net.rng, 150 * SIM_S));
	for (unsigned i = 0; i < n; i++)
		if (i != behind)
			set_secrets(s, i, next, NULL);
	sim_run(s, 5 * SIM_S);
	for (unsigned i = 0; i < n; i++)
		if (i != behind &&
		    (sim_is_up(s, i, behind) || sim_is_up(s, behind, i)))
			sim_fail(s, "h%u is up with the old secret", behind);
	sim_run(s, 20 * SIM_S);
	check_why(s, any_other(s, behind), behind, "different secret");
	check_why(s, behind, any_other(s, behind), "different secret");
	set_secrets(s, behind, next, NULL);
	mesh_check(s);
}

const struct scenario scenarios_secret[] = {
	{ "secret/wrong", wrong, 30 },
	{ "secret/rotation", rotation, 30 },
	{ "secret/rotation_lossy", rotation_lossy, 30 },
	{ "secret/replaced", replaced, 20 },
	{ "secret/left_behind", left_behind, 20 },
	{ 0 },
};
