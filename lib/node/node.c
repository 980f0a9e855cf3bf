/* The node as a whole: made, told the time, set, freed. */
#include <stdlib.h>
#include <string.h>

#include "node/announce.h"
#include "node/answer.h"
#include "node/asking.h"
#include "node/candidate.h"
#include "node/conflict.h"
#include "node/copied.h"
#include "node/deliver.h"
#include "node/dial.h"
#include "node/exchange.h"
#include "node/group_test.h"
#include "node/groups.h"
#include "node/hello.h"
#include "node/hints.h"
#include "node/hold.h"
#include "node/legs.h"
#include "node/mesh.h"
#include "node/path_loss.h"
#include "node/paths.h"
#include "node/ping.h"
#include "node/plain_groups.h"
#include "node/plain_peers.h"
#include "node/plpmtud.h"
#include "node/probe.h"
#include "node/punch.h"
#include "node/rekey.h"
#include "node/relay.h"
#include "node/renew.h"
#include "node/seek.h"
#include "node/sought.h"
#include "node/wanted.h"
#include "node/watch.h"

/* The control protocols, in the order in which their hooks are called. */
static const struct control *const controls[] = {
	&announce_control,     &hello_control,
	&renew_control,	       &probe_control,
	&groups_control,       &punch_control,
	&paths_control,	       &path_loss_control,
	&relay_control,	       &legs_control,
	&seek_control,	       &plpmtud_control,
	&candidate_control,    &rekey_control,
	&rekey_answer_control, &copied_control,
	&exchange_control,     &answer_control,
	&ping_control,	       &asking_control,
	&bye_control,	       NULL,
};

/* A plain peer is told nothing, and tells nothing, of its own accord. */
static const struct control *const no_controls[] = { NULL };

static void send_runs(void *user, const struct datagram_run *runs, size_t count)
{
	struct node *n = user;

	if (hold_any(n))
		hold_send(n, runs, count);
	else
		n->ops.udp_send(n->user, runs, count);
}

static void draw_salt(void *user, uint8_t salt[WIRE_SALT_LEN])
{
	struct node *n = user;

	n->ops.random(n->user, salt, WIRE_SALT_LEN);
}

static const struct pack_ops pack_ops = { .send = send_runs,
					  .salt = draw_salt };

/* The node's own: of ages, routers, hints, legs, whom they are sought for, what is
 * relayed or held, pings, tests and the mesh. */
#define TIMERS_OWN 10

static void set_defaults(struct node_config *c)
{
	if (!c->peers_max || c->peers_max > NODE_PEERS_MAX)
		c->peers_max = NODE_PEERS_MAX;
	if (!c->fdb_capacity)
		c->fdb_capacity = 16384;
	if (!c->fdb_per_peer)
		c->fdb_per_peer = 1024;
	if (!c->groups_max)
		c->groups_max = QUERIER_GROUPS;
	if (!c->mdb_capacity)
		c->mdb_capacity = 65536;
	if (!c->frag_buffers)
		c->frag_buffers = 256;
	if (!c->frame_max)
		c->frame_max = 65535;
}

static bool make_tables(struct node *n)
{
	const struct node_config *c = &n->config;
	/* A peer that is down may keep that of a leg that is gone. */
	const uint32_t by_leg = LEGS_MAX + c->peers_max;
	uint32_t endpoints = 3 * c->peers_max + by_leg;
	uint32_t candidates = NODE_CANDIDATES_MAX + endpoints;
	uint32_t sessions = candidates + PEERS_SESSIONS * c->peers_max;
	uint16_t ports = (uint16_t)(c->peers_max + 1);
	const struct bridge_config bridge = {
		.ports = ports,
		.snooping = c->snooping,
		.macs = c->fdb_capacity,
		.macs_per_port = c->fdb_per_peer,
		.mac_age_us = NODE_FDB_AGE_US,
		.groups = c->mdb_capacity,
		.groups_per_port = c->groups_max + 1 + QUERIER_VLANS_MAX,
	};
	uint8_t seed[TABLE_SEED_LEN];

	node_random(n, seed, sizeof(seed));
	n->asked = table_new(candidates, WIRE_MAC_LEN, sizeof(uint32_t), seed);
	n->half_open_shares = shares_new(NODE_HALF_OPEN_MAX + 1, seed);
	n->answered = shares_new(2 * NODE_HANDSHAKE_RATE, seed);
	n->peer_shares = shares_new(c->peers_max + 1u, seed);
	n->candidates = table_new(candidates, sizeof(uint32_t),
				  sizeof(struct candidate), seed);
	n->sessions = table_new(sessions, sizeof(uint32_t),
				sizeof(struct session), seed);
	/* Sessions may have two; and each peer may have a rekey under way. */
	n->indices =
		table_new(endpoints + 2 * sessions + c->peers_max,
			  sizeof(uint32_t), sizeof(struct index_entry), seed);
	n->bridge = bridge_new(&bridge, seed);
	if (!n->bridge || !groups_init(n, seed) || !hints_init(n, seed) ||
	    !leg_init(n, seed) || !sought_init(n, seed) ||
	    !relay_init(n, seed) || !exchange_init(n, seed) ||
	    !answers_init(n, seed) || !ping_init(n) || !group_test_init(n) ||
	    !mesh_init(n) || !hold_init(n))
		return false;
	watch_moves(n);
	n->lane.merge = merge_new(ports, &node_merge_ops, n);
	n->lane.frag =
		frag_new(c->frag_buffers, c->frame_max, ports, n->lane.drops);
	return peers_init(n, c->peers_max, seed) &&
	       endpoints_init(n, 3 * c->peers_max, by_leg, seed) &&
	       (n->wanted = wanted_new()) && plain_init(n, seed) &&
	       timers_init(&n->timers, endpoints + c->peers_max + candidates +
					       TIMERS_OWN) &&
	       pack_init(&n->lane.packer, &pack_ops, n) && n->candidates &&
	       n->asked && n->half_open_shares && n->answered &&
	       n->peer_shares && n->sessions && n->indices && n->lane.frag &&
	       n->lane.merge;
}

/* What is wrong with it, or NULL. */
static const char *unfit(const struct node_config *c)
{
	const bool named = wire_name_valid(c->name, strlen(c->name));

	switch (c->encapsulation) {
	case NODE_SEALED:
		return c->secrets_count && named
			       ? NULL
			       : "no network secret, or no valid name";
	case NODE_VXLAN:
		return c->network_id_set && c->network_id <= NODE_VNI_MAX &&
				       named
			       ? NULL
			       : "no valid network_id, or no valid name";
	case NODE_GRE:
		break;
	}
	return named ? NULL : "no valid name";
}

/* What only a sealed node has. False with a message. */
static bool make_keys(struct node *n, const struct node_config *config,
		      const char **error)
{
	if (n->plain)
		return true;
	n->aead = aead_new(config->aead);
	if (!n->aead) {
		*error = "AES-GCM backend not available";
		return false;
	}
	*error = "cannot compute the public key";
	return noise_public(n->key.bytes, n->config.private_key);
}

struct node *node_new(const struct node_config *config,
		      const struct node_ops *ops, void *user, struct clock now,
		      const char **error)
{
	const bool plain = config->encapsulation != NODE_SEALED;
	struct node *n = calloc(1, sizeof(*n));

	*error = n ? unfit(config) : "out of memory";
	if (*error) {
		free(n);
		return NULL;
	}
	*error = "out of memory";
	n->ops = *ops;
	n->user = user;
	n->controls = plain ? no_controls : controls;
	n->config = *config;
	set_defaults(&n->config);
	n->config.trusted = NULL;
	n->config.trusted_count = 0;
	n->handshakes = (struct bucket){ NODE_HANDSHAKE_RATE,
					 NODE_HANDSHAKE_RATE, now.mono_us };
	n->copies = (struct bucket){ NODE_COPIED_RATE, NODE_COPIED_RATE,
				     now.mono_us };
	n->cookies = (struct bucket){ NODE_COOKIE_RATE, NODE_COOKIE_RATE,
				      now.mono_us };
	punch_init(n, now.mono_us);
	node_random(n, &n->epoch, sizeof(n->epoch));
	if (!make_tables(n))
		goto failed;
	if (!make_keys(n, config, error))
		goto failed;
	*error = "out of memory";
	node_set_tap_takes(n, &config->tap_takes);
	node_set_router_advertisements(n, config->router_advertisements);
	if (!node_set_trusted(n, config->trusted, config->trusted_count, now))
		goto failed;
	node_set_secrets(n, config->secrets, config->secrets_count, now);
	/* They may be taken away; no copy stays then. */
	bytes_wipe(n->config.secrets, sizeof(n->config.secrets));
	n->age_timer.kind = NODE_TIMER_AGE;
	timers_set(&n->timers, &n->age_timer,
		   now.mono_us + NODE_FDB_AGE_US / 10);
	*error = NULL;
	return n;
failed:
	node_free(n);
	return NULL;
}

void node_free(struct node *n)
{
	if (!n)
		return;
	candidates_free(n);
	plain_free(n);
	peers_free(n);
	endpoints_free(n);
	wanted_free(n->wanted);
	hints_free(n);
	leg_free_all(n);
	sought_free(n);
	relay_free(n);
	exchange_free(n);
	answers_free(n);
	ping_free(n);
	group_test_free(n);
	mesh_free(n);
	hold_free(n);
	table_free(n->sessions);
	table_free(n->asked);
	shares_free(n->half_open_shares);
	shares_free(n->answered);
	shares_free(n->peer_shares);
	table_free(n->indices);
	groups_free(n);
	bridge_free(n->bridge);
	frag_free(n->lane.frag);
	merge_free(n->lane.merge);
	pack_free(&n->lane.packer);
	timers_free(&n->timers);
	aead_free(n->aead);
	free(n->trusted);
	bytes_wipe(n, sizeof(*n));
	free(n);
}

static void age(struct node *n, uint64_t now_us)
{
	bridge_age(n->bridge, now_us);
	groups_make_room(n, now_us);
	conflict_age(n, now_us);
	if (n->plain) {
		plain_groups_make_room(n);
		plain_peers_age(n, now_us);
	}
	timers_set(&n->timers, &n->age_timer, now_us + NODE_FDB_AGE_US / 10);
}

uint64_t node_deadline(const struct node *n)
{
	uint64_t due = timers_next(&n->timers);

	due = clock_earlier(due, frag_deadline(n->lane.frag));
	return clock_earlier(due, querier_deadline(n->querier));
}

void node_tick(struct node *n, struct clock now)
{
	struct timer *t;

	frag_age(n->lane.frag, now.mono_us);
	while ((t = timers_pop(&n->timers, now.mono_us))) {
		switch ((enum node_timer)t->kind) {
		case NODE_TIMER_ENDPOINT:
			endpoint_timer(n, t->owner, now);
			break;
		case NODE_TIMER_PEER:
			if (n->plain)
				plain_groups_timer(n, t->owner, now.mono_us);
			else
				peer_timer(n, t->owner, now.mono_us);
			break;
		case NODE_TIMER_CANDIDATE:
			candidate_timer(n, t->owner, now.mono_us);
			break;
		case NODE_TIMER_AGE:
			age(n, now.mono_us);
			break;
		case NODE_TIMER_ROUTER:
			local_groups_router_timer(n, now.mono_us);
			break;
		case NODE_TIMER_HINTS:
			hints_timer(n, now.mono_us);
			break;
		case NODE_TIMER_LEGS:
			legs_timer(n, now.mono_us);
			break;
		case NODE_TIMER_SEEK:
			seek_timer(n, now.mono_us);
			break;
		case NODE_TIMER_RELAY:
			relay_timer(n, now.mono_us);
			break;
		case NODE_TIMER_HOLD:
			hold_timer(n, now.mono_us);
			break;
		case NODE_TIMER_PING:
			ping_timer(n, now.mono_us);
			break;
		case NODE_TIMER_TEST:
			group_test_timer(n, now.mono_us);
			break;
		case NODE_TIMER_MESH:
			mesh_timer(n, now.mono_us);
			break;
		}
	}
	local_groups_tick(n, now.mono_us);
	groups_tell(n, now.mono_us);
	pack_flush(&n->lane.packer);
	plain_flush(n);
}

void node_bye(struct node *n, struct clock now)
{
	uint32_t at = TABLE_NONE;
	struct peer *peer;

	/* Nothing is sent after it. */
	if (hold_any(n))
		hold_timer(n, CLOCK_NEVER);
	while ((peer = peers_next(n, &at)))
		if (peer->current)
			bye_send(n, peer, now.mono_us);
	pack_flush(&n->lane.packer);
}

static void path_too_big(struct node *n, struct peer *peer, size_t size,
			 uint64_t now_us)
{
	ping_too_big(n, peer, size);
	if (pmtu_too_big(&peer->path.pmtu, (uint16_t)size, now_us))
		peer_arm(n, peer, now_us);
}

/* Which peers' datagrams it was that a run to this one had is not known: its own, and
 * those that it relays. */
static void too_big(struct node *n, struct peer *peer, size_t size,
		    uint64_t now_us)
{
	uint32_t at = TABLE_NONE;
	struct peer *far;

	path_too_big(n, peer, size, now_us);
	if (!n->legs->relays[peer->port].count || size <= WIRE_RELAYED_LEN)
		return;
	while ((far = peers_next(n, &at)))
		if (far->path.way.remote.leg &&
		    leg_relay(n, far->path.way.remote.leg) == peer)
			path_too_big(n, far, size - WIRE_RELAYED_LEN, now_us);
}

void node_send_failed(struct node *n, const struct addr *to,
		      enum drop_reason reason, size_t size, uint64_t count,
		      struct clock now)
{
	struct endpoint *e = endpoints_find(n, to);

	n->lane.drops[reason] += count;
	if (!e)
		return;
	if (n->plain) {
		if (reason == DROP_send_too_big && e->peer)
			plain_peers_too_big(n, e->peer, size, now.mono_us);
		return;
	}
	if (reason == DROP_send_too_big && e->peer && e->peer->endpoint == e)
		too_big(n, e->peer, size, now.mono_us);
	if (reason == DROP_send_unreachable)
		peers_set_reason(n, to, ENDPOINT_UNREACHABLE);
}

void node_local_gone(struct node *n, const struct way *way)
{
	const struct endpoint *e = endpoints_find(n, &way->remote);

	if (e && e->peer)
		paths_local_gone(e->peer, way);
}

void node_count_drop(struct node *n, enum drop_reason reason, uint64_t count)
{
	n->lane.drops[reason] += count;
}

/* ---- settings ---- */

void node_set_relay(struct node *n, bool on, struct clock now)
{
	if (on == n->config.relay)
		return;
	n->config.relay = on;
	relay_set(n, now.mono_us);
	hello_repeat(n, now.mono_us);
}

void node_set_name(struct node *n, const char *name, struct clock now)
{
	if (!wire_name_valid(name, strlen(name)) ||
	    !strcmp(name, n->config.name))
		return;
	memcpy(n->config.name, name, strlen(name) + 1);
	hello_repeat(n, now.mono_us);
}

void node_set_tap_mtu(struct node *n, uint16_t mtu, struct clock now)
{
	if (mtu == n->config.tap_mtu)
		return;
	n->config.tap_mtu = mtu;
	hello_repeat(n, now.mono_us);
}

void node_set_tap_mac(struct node *n, const uint8_t mac[6], struct clock now)
{
	if (!memcmp(n->config.tap_mac, mac, sizeof(n->config.tap_mac)))
		return;
	memcpy(n->config.tap_mac, mac, sizeof(n->config.tap_mac));
	n->own_mac = (struct shown){ .at_us = 0 };
	hello_repeat(n, now.mono_us);
	announce_repeat(n, now.mono_us);
}

void node_set_liveness(struct node *n, uint64_t interval_us,
		       uint32_t down_after, uint64_t expire_us,
		       struct clock now)
{
	uint32_t at = TABLE_NONE;
	struct peer *peer;

	n->config.interval_us = interval_us;
	n->config.down_after = down_after;
	n->config.expire_us = expire_us;
	while ((peer = peers_next(n, &at)))
		peer_arm(n, peer, now.mono_us);
}
