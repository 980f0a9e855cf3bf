#include "tapd/control/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "tapd/conf/conf.h"
#include "tapd/control/values.h"
#include "tapd/daemon_state.h"
#include "tapd/discover/resolve.h"
#include "tapd/discover/sources.h"
#include "tapd/log/log.h"
#include "tapd/underlay/neighbours.h"

static void take_interface(struct snapshot_interface *out,
			   const struct interface *interface)
{
	const struct link *link = interface_link(interface);
	const struct link_state *state = link_state(link);
	size_t count;
	const struct prefix *addresses = interface_addresses(interface, &count);

	*out = (struct snapshot_interface){
		.name = state->name,
		.mtu = state->mtu,
		.present = state->present,
		.up = state->up,
		.carrier = state->carrier,
	};
	memcpy(out->mac, state->mac, sizeof(out->mac));
	for (size_t i = 0; i < count; i++)
		if (!link_has_address(link, &addresses[i]))
			out->missing[out->missing_count++] = addresses[i];
}

static struct snapshot_source *add_source(struct snapshot *s, int which)
{
	struct snapshot_source *out = &s->sources[s->sources_count++];

	*out = (struct snapshot_source){ .name = value_source_names[which],
					 .error = "" };
	return out;
}

/* The names in peers are asked for again and again, each by itself. */
static void take_static(struct snapshot *s, const struct daemon *d)
{
	struct snapshot_source *out;
	const char *why;

	if (d->conf->peers_count == 0)
		return;
	why = resolve_last_failure(d->resolve);
	out = add_source(s, NODE_SOURCE_PEERS);
	out->endpoints = d->wanted[NODE_SOURCE_PEERS].count;
	out->error = why ? why : "";
}

static void take_asked(struct snapshot *s, const struct daemon *d,
		       enum node_source which)
{
	struct snapshot_source *out;
	struct sources_info info;

	if (!sources_info(d->sources, which, &info))
		return;
	out = add_source(s, (int)which);
	out->endpoints = d->wanted[which].count;
	out->good_us = info.good_us;
	out->failures = info.failures;
	out->asked = true;
	out->error = info.error;
	out->early = info.early;
}

/* After the peers. */
static void take_sources(struct snapshot *s, const struct daemon *d)
{
	struct snapshot_source *exchange;

	take_static(s, d);
	take_asked(s, d, NODE_SOURCE_FILE);
	take_asked(s, d, NODE_SOURCE_COMMAND);
	take_asked(s, d, NODE_SOURCE_DNS);
	if (!d->conf->discover.peer_exchange)
		return;
	exchange = add_source(s, NODE_SOURCE_COUNT);
	for (size_t i = 0; i < s->peers_count; i++)
		exchange->endpoints += s->peers[i].info.suggested;
}

static void take_unresolved(struct snapshot *s, const struct resolve *resolve)
{
	const char *failure;

	for (size_t i = 0; (failure = resolve_failure(resolve, i)); i++)
		if (s->unresolved_count < SNAPSHOT_UNRESOLVED_MAX)
			s->unresolved[s->unresolved_count++] = failure;
		else
			s->unresolved_more++;
}

/* Where nothing comes back, this host's kernel may know that nothing went out. */
static void ask_kernel(struct node_peer_info *peer,
		       struct neighbours *neighbours)
{
	char why[sizeof(peer->reason)];

	if (peer->unheard && peer->has_endpoint &&
	    neighbours_why(neighbours, &peer->endpoint, why, sizeof(why)))
		memcpy(peer->reason, why, sizeof(why));
}

/* The node counted its peers just now: there is room for each of them. */
static void take_peers(struct snapshot *s, const struct daemon *d)
{
	const size_t room = s->status.peers_total;
	struct node_iter at = { 0 };

	while (s->peers_count < room &&
	       node_next_peer(s->node, &at, &s->peers[s->peers_count].info)) {
		struct snapshot_peer *peer = &s->peers[s->peers_count++];

		peer->plain = s->encapsulation != NODE_SEALED &&
			      peer->info.state == NODE_PEER_STATE_UP;
		if (s->encapsulation == NODE_GRE)
			peer->info.local.port = 0; /* there are no ports */
		/* It is up without having said a word. */
		if (peer->plain && peer->info.rx.datagrams == 0)
			peer->info.heard_us = 0;
		if (peer->info.has_key || peer->plain)
			peer->rates =
				rates_of_peer(d->rates, &peer->info, s->now_us);
		ask_kernel(&peer->info, d->neighbours);
	}
	at = (struct node_iter){ 0 };
	while (s->flooded_count < room &&
	       node_next_flooded(s->node, &at, &s->flooded[s->flooded_count]))
		s->flooded_count++;
}

static bool take_node(struct snapshot *s, const struct daemon *d)
{
	node_status(s->node, &s->status);
	node_multicast_status(s->node, &s->multicast);
	s->rates = rates_of_node(d->rates, s->node, s->now_us);
	/* One more: calloc may give NULL for none. */
	s->peers = calloc(s->status.peers_total + 1, sizeof(*s->peers));
	s->flooded = calloc(s->status.peers_total + 1, sizeof(*s->flooded));
	if (!s->peers || !s->flooded)
		return false;
	take_peers(s, d);
	return true;
}

static void take_conflicts(struct snapshot *s)
{
	struct node_iter at = { 0 };

	while (s->conflicts_count < NODE_CONFLICTS_MAX &&
	       node_next_conflict(s->node, &at,
				  &s->conflicts[s->conflicts_count], s->now_us))
		s->conflicts_count++;
}

bool snapshot_take(struct snapshot *s, const struct daemon *d)
{
	*s = (struct snapshot){
		.now_us = d->now.mono_us,
		.started_us = d->started_us,
		.wall_us = d->now.wall_us,
		.started_wall_us = d->started_wall_us,
		.reload_wall_us = d->reload_wall_us,
		.reload_failed = d->reload_failed,
		.node = d->node,
		.conf = d->conf,
		.encapsulation =
			(enum node_encapsulation)d->conf->encapsulation,
		.network_id = d->conf->network_id,
		.network_id_set = d->conf->network_id_set,
		.routing = d->conf->routing,
		.relay = d->conf->relay,
		.node_name = d->conf->name,
		.offloads = d->offloads,
		.receive_buffer = udp_receive_buffer(d->udp),
		.log_lost = log_lost(),
		.fitting_mtu = d->fitting_mtu,
		.nobody_trusted = d->conf->trusted_keys_set &&
				  d->conf->trusted_keys_count == 0,
		.device_missing = d->device_missing,
		.restart_pending = d->restart_pending,
	};
	/* The kernel may have refused some since they were applied. */
	s->offloads.send = udp_send_batching(d->udp);
	s->offloads.receive = udp_receive_batching(d->udp);
	s->send_limit = udp_send_limit(d->udp);
	fq_info(d->queue, &s->queue);
	take_interface(&s->interface, d->interface);
	take_unresolved(s, d->resolve);
	take_conflicts(s);
	if (take_node(s, d)) {
		take_sources(s, d);
		return true;
	}
	snapshot_free(s);
	return false;
}

void snapshot_free(struct snapshot *s)
{
	free(s->peers);
	free(s->flooded);
	*s = (struct snapshot){ .now_us = 0 };
}
