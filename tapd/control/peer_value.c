#include "tapd/control/peer_value.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "tapd/control/values.h"

static const char *const state_names[] = {
	[NODE_PEER_STATE_UP] = "up",
	[NODE_PEER_STATE_CONNECTING] = "connecting",
	[NODE_PEER_STATE_DOWN] = "down",
};
static_assert(sizeof(state_names) / sizeof(state_names[0]) ==
		      NODE_PEER_STATE_DOWN + 1,
	      "every state has a name");

/* Who lists it, by name. */
static json_t *sources(const struct node_peer_info *p)
{
	json_t *all = json_array();

	for (int i = 0; i < VALUE_SOURCES; i++)
		if (i < NODE_SOURCE_COUNT ? p->sources >> i & 1 : p->suggested)
			json_array_append_new(
				all, json_string(value_source_names[i]));
	return all;
}

json_t *peer_via(const struct node_peer_info *p)
{
	if (!p->relayed)
		return json_null();
	return json_string(*p->via ? p->via : "a relay");
}

json_t *peer_value(const struct snapshot_peer *peer, uint64_t now_us)
{
	const struct node_peer_info *p = &peer->info;
	bool heard = p->heard_us != 0;
	char endpoint[ADDR_STRLEN] = "", local[ADDR_STRLEN] = "";
	char listed[ADDR_STRLEN] = "";
	json_t *o = json_object();

	if (p->has_endpoint)
		addr_print(&p->endpoint, endpoint);
	if (p->has_local)
		addr_print(&p->local, local);
	if (p->has_listed)
		addr_print(&p->listed, listed);
	value_set(o, "name", value_text(p->name));
	value_set(o, "key", p->has_key ? value_key(&p->key) : json_null());
	value_set(o, "endpoint", value_text(endpoint));
	value_set(o, "local", value_text(local));
	value_set(o, "via", peer_via(p));
	value_set(o, "state", json_string(state_names[p->state]));
	value_set(o, "why", json_string(p->reason));
	value_set(o, "rtt_us", value_number(p->rtt_us));
	value_set(o, "loss",
		  heard && !peer->plain && isfinite(p->loss)
			  ? json_real(p->loss)
			  : json_null());
	value_set(o, "datagram_size", value_number(p->datagram_size));
	value_set(o, "tx", value_counters(&p->tx));
	value_set(o, "rx", value_counters(&p->rx));
	value_set(o, "rates",
		  p->has_key || peer->plain ? value_rates(&peer->rates)
					    : json_null());
	value_set(o, "tap_mtu", value_number(p->tap_mtu));
	value_set(o, "up_s", value_seconds_or_null(now_us, p->up_since_us));
	value_set(o, "heard_s", value_seconds_or_null(now_us, p->heard_us));
	value_set(o, "wanted", json_boolean(p->wanted));
	value_set(o, "sources", sources(p));
	value_set(o, "listed", value_text(listed));
	return o;
}

/* Enough of a key that it is no name. */
#define KEY_PREFIX_MIN 4

static bool is_at(const struct node_peer_info *p, const char *which)
{
	struct addr a;

	if (!p->has_endpoint)
		return false;
	if (addr_parse(&a, which, 0))
		return addr_equal(&a, &p->endpoint);
	/* Without a port: that of any. */
	if (!addr_parse(&a, which, 1))
		return false;
	a.port = p->endpoint.port;
	return addr_equal(&a, &p->endpoint);
}

bool peer_is(const struct node_peer_info *p, const char *which)
{
	const size_t len = strlen(which);
	char key[KEY_STRLEN];

	if (!*which)
		return false;
	if (strcmp(p->name, which) == 0 || is_at(p, which))
		return true;
	return p->has_key && len >= KEY_PREFIX_MIN &&
	       strncmp(key_print(p->key.bytes, key), which, len) == 0;
}
