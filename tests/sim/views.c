/* What the nodes say about each other, and whether it is true. */
#include "sim.h"

#include <inttypes.h>
#include <string.h>

#include "nat.h"

uint64_t sim_running(const struct sim *s)
{
	uint64_t set = 0;

	for (unsigned i = 0; i < s->host_count; i++)
		if (s->hosts[i].node)
			set |= UINT64_C(1) << i;
	return set;
}

bool sim_is_up(const struct sim *s, unsigned host, unsigned other)
{
	return s->hosts[host].up >> s->hosts[other].identity & 1;
}

bool sim_mesh_up(struct sim *s)
{
	uint64_t running = sim_running(s);

	for (unsigned i = 0; i < s->host_count; i++) {
		uint64_t others = running & ~(UINT64_C(1) << i);

		if (s->hosts[i].node && (s->hosts[i].up & others) != others)
			return false;
	}
	return true;
}

bool sim_peer_info(struct sim *s, unsigned host, unsigned other,
		   struct node_peer_info *out)
{
	struct host *h = &s->hosts[host];
	const struct host *o = &s->hosts[other];
	struct node_peer_info info;
	bool found = false;
	struct node_iter at = { 0 };

	memset(out, 0, sizeof(*out));
	while (h->node && node_next_peer(h->node, &at, &info)) {
		if (info.has_key && public_key_equal(&info.key, &o->key)) {
			*out = info;
			return true;
		}
		if (!info.has_key && nat_host_is_at(o, &info.endpoint)) {
			*out = info;
			found = true;
		}
	}
	return found;
}

/* One line of a live node's peer list about another live node. */
static void check_peer(struct sim *s, const struct host *h,
		       const struct host *o, const struct node_peer_info *info)
{
	char at[ADDR_STRLEN];

	if (info->state != NODE_PEER_STATE_UP)
		sim_fail(s, "h%u has h%u in state %d: %s", h->index, o->index,
			 (int)info->state, info->reason);
	else if (!info->has_endpoint || !nat_host_is_at(o, &info->endpoint))
		sim_fail(s, "h%u has h%u at %s, where it is not", h->index,
			 o->index, addr_print(&info->endpoint, at));
	else if (strcmp(info->name, o->config.name) != 0)
		sim_fail(s, "h%u calls h%u \"%s\"", h->index, o->index,
			 info->name);
	else if (info->tap_mtu != o->config.tap_mtu)
		sim_fail(s, "h%u thinks the MTU of h%u is %u", h->index,
			 o->index, info->tap_mtu);
}

static void check_host(struct sim *s, struct host *h, uint64_t running)
{
	uint64_t listed = 0, others = running & ~(UINT64_C(1) << h->index);
	struct node_status status;
	struct node_peer_info info;
	struct node_iter at = { 0 };
	uint32_t total = 0, up = 0;

	while (node_next_peer(h->node, &at, &info)) {
		total++;
		up += info.state == NODE_PEER_STATE_UP;
		for (unsigned i = 0; i < s->host_count && info.has_key; i++) {
			uint64_t bit = UINT64_C(1) << i;

			if (!(others & bit) ||
			    !public_key_equal(&info.key, &s->hosts[i].key))
				continue;
			if (listed & bit)
				sim_fail(s, "h%u lists h%u twice", h->index, i);
			listed |= bit;
			check_peer(s, h, &s->hosts[i], &info);
		}
	}
	node_status(h->node, &status);
	if (listed != others)
		sim_fail(s, "h%u lists hosts %#" PRIx64 " of %#" PRIx64,
			 h->index, listed, others);
	else if ((h->up & others) != others)
		sim_fail(s, "h%u lists as up what it never reported", h->index);
	else if (status.peers_total != total || status.peers_up != up)
		sim_fail(s, "h%u counts %u of %u peers up, and lists %u of %u",
			 h->index, status.peers_up, status.peers_total, up,
			 total);
}

void sim_check_peers(struct sim *s)
{
	uint64_t running = sim_running(s);

	for (unsigned i = 0; i < s->host_count && !s->failed; i++)
		if (s->hosts[i].node)
			check_host(s, &s->hosts[i], running);
}

uint64_t sim_events(const struct sim *s, enum node_event_type type)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < s->host_count; i++)
		n += s->hosts[i].events[type];
	return n;
}

uint64_t sim_events_of_hosts(const struct sim *s, enum node_event_type type)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < s->host_count; i++)
		n += s->hosts[i].about_hosts[type];
	return n;
}

void sim_check_events(struct sim *s, enum node_event_type type, uint64_t was,
		      const char *what)
{
	uint64_t is = sim_events(s, type);

	if (is != was)
		sim_fail(s, "%s: %" PRIu64 " times", what, is - was);
}

uint64_t sim_drops(const struct sim *s, unsigned host, enum drop_reason reason)
{
	return node_drops(s->hosts[host].node)[reason];
}
