#include "tapd/control/views.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/control/checks.h"

/* How many peers a reason names before it only counts. */
#define NAMED_MAX 3

static const char *const state_names[] = {
	[NODE_PEER_STATE_UP] = "up",
	[NODE_PEER_STATE_CONNECTING] = "connecting",
	[NODE_PEER_STATE_DOWN] = "down",
};
static_assert(sizeof(state_names) / sizeof(state_names[0]) ==
		      NODE_PEER_STATE_DOWN + 1,
	      "every state has a name");

/* ---- values ---- */

/* Text that is empty is not known; neither is what is no UTF-8, for which
 * json_string gives NULL. */
static json_t *text_or_null(const char *text)
{
	json_t *value = *text ? json_string(text) : NULL;

	return value ? value : json_null();
}

static json_t *number_or_null(uint64_t n)
{
	return n ? json_integer((json_int_t)n) : json_null();
}

static json_t *mac_text(const uint8_t m[6])
{
	char text[18];

	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", m[0],
		 m[1], m[2], m[3], m[4], m[5]);
	return json_string(text);
}

static json_t *key_text(const struct public_key *key)
{
	char text[KEY_STRLEN];

	return json_string(key_print(key->bytes, text));
}

static json_t *counters(const struct counters *c)
{
	return json_pack("{s:I, s:I, s:I}", "frames", (json_int_t)c->frames,
			 "datagrams", (json_int_t)c->datagrams, "bytes",
			 (json_int_t)c->bytes);
}

/* Whole seconds between two readings of the clock. */
static json_int_t seconds(uint64_t now_us, uint64_t then_us)
{
	return now_us > then_us ? (json_int_t)((now_us - then_us) / CLOCK_S)
				: 0;
}

/* Null if then_us is 0: never. */
static json_t *seconds_or_null(uint64_t now_us, uint64_t then_us)
{
	return then_us ? json_integer(seconds(now_us, then_us)) : json_null();
}

static json_t *rates(const struct traffic_rates *r)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "tx_frames",
			 (json_int_t)llround(r->tx_frames), "tx_bytes",
			 (json_int_t)llround(r->tx_bytes), "rx_frames",
			 (json_int_t)llround(r->rx_frames), "rx_bytes",
			 (json_int_t)llround(r->rx_bytes));
}

/* ---- the views ---- */

/* Takes the value; without memory for it the key is missing. */
static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static json_t *flooded(const struct snapshot *s)
{
	json_t *all = json_array();

	for (size_t i = 0; i < s->flooded_count; i++) {
		const struct node_flooded_info *f = &s->flooded[i];

		json_array_append_new(all,
				      json_pack("{s:o, s:o}", "peer",
						text_or_null(f->peer), "why",
						text_or_null(f->reason)));
	}
	return all;
}

/* In the words of the configuration. */
static json_t *offload(const struct offload_levels *o)
{
	return json_pack("{s:s, s:s, s:s, s:s}", "tap",
			 tap_offload_words[o->tap], "merge",
			 conf_merge_words[o->merge], "send",
			 udp_batching_words[o->send], "receive",
			 udp_batching_words[o->receive]);
}

static json_t *multicast(const struct snapshot *s)
{
	const struct node_multicast_status *m = &s->multicast;

	return json_pack("{s:b, s:b, s:b, s:I, s:o, s:o}", "snooping",
			 (int)m->snooping, "querier", (int)m->querier, "router",
			 (int)m->router, "groups", (json_int_t)m->groups,
			 "wants_all",
			 text_or_null(m->wants_all ? m->wants_all : ""),
			 "flooded", flooded(s));
}

static void add_warning(void *warnings, const struct check *check,
			const char *what)
{
	(void)check;
	json_array_append_new(warnings, json_string(what));
}

static json_t *warnings(const struct snapshot *s)
{
	json_t *all = json_array();

	checks_run(s, add_warning, all);
	return all;
}

json_t *view_status(const struct snapshot *s)
{
	const struct snapshot_interface *i = &s->interface;
	const struct node_status *status = &s->status;
	json_t *o = json_object();

	set(o, "version", json_string(TAPD_VERSION));
	set(o, "name", text_or_null(s->node_name));
	set(o, "key", key_text(&status->key));
	set(o, "interface",
	    json_pack("{s:o, s:o, s:I, s:b}", "name", text_or_null(i->name),
		      "mac", mac_text(i->mac), "mtu", (json_int_t)i->mtu,
		      "carrier", (int)i->carrier));
	set(o, "uptime_s", json_integer(seconds(s->now_us, s->started_us)));
	set(o, "peers",
	    json_pack("{s:I, s:I}", "total", (json_int_t)status->peers_total,
		      "up", (json_int_t)status->peers_up));
	set(o, "tx", counters(&status->tx));
	set(o, "rx", counters(&status->rx));
	set(o, "rates", rates(&s->rates));
	set(o, "aead", text_or_null(status->aead));
	set(o, "fdb", json_integer((json_int_t)status->fdb_count));
	set(o, "multicast", multicast(s));
	set(o, "warnings", warnings(s));
	set(o, "offload", offload(&s->offloads));
	return o;
}

static json_t *peer(const struct snapshot *s, const struct snapshot_peer *peer)
{
	const struct node_peer_info *p = &peer->info;
	bool heard = p->heard_us != 0;
	char endpoint[ADDR_STRLEN] = "";
	json_t *o = json_object();

	if (p->has_endpoint)
		addr_print(&p->endpoint, endpoint);
	set(o, "name", text_or_null(p->name));
	set(o, "key", p->has_key ? key_text(&p->key) : json_null());
	set(o, "endpoint", text_or_null(endpoint));
	set(o, "state", json_string(state_names[p->state]));
	set(o, "why", json_string(p->reason));
	set(o, "rtt_us", number_or_null(p->rtt_us));
	set(o, "loss",
	    heard && isfinite(p->loss) ? json_real(p->loss) : json_null());
	set(o, "datagram_size", number_or_null(p->datagram_size));
	set(o, "tx", counters(&p->tx));
	set(o, "rx", counters(&p->rx));
	set(o, "rates", p->has_key ? rates(&peer->rates) : json_null());
	set(o, "tap_mtu", number_or_null(p->tap_mtu));
	set(o, "up_s", seconds_or_null(s->now_us, p->up_since_us));
	set(o, "heard_s", seconds_or_null(s->now_us, p->heard_us));
	set(o, "wanted", json_boolean(p->wanted));
	return o;
}

json_t *view_peers(const struct snapshot *s)
{
	json_t *all = json_array();

	for (size_t i = 0; i < s->peers_count; i++)
		json_array_append_new(all, peer(s, &s->peers[i]));
	return all;
}

json_t *view_fdb(const struct snapshot *s)
{
	json_t *all = json_array();
	struct node_fdb_info m;
	struct node_iter at = { 0 };

	while (node_next_mac(s->node, &at, &m, s->now_us)) {
		json_t *entry = json_pack(
			"{s:o, s:i, s:o, s:o, s:I}", "mac", mac_text(m.mac),
			"vlan", (int)m.vlan, "owner",
			text_or_null(m.local ? "local" : m.owner), "owner_key",
			key_text(m.local ? &s->status.key : &m.owner_key),
			"age_s", (json_int_t)(m.age_us / CLOCK_S));

		json_array_append_new(all, entry);
	}
	return all;
}

/* Who gets every group: "web3: its groups are not known yet; …". */
struct reasons {
	char text[NAMED_MAX * (NODE_NAME_MAX + 96) + 32];
	bool any;
};

static void find_reasons(const struct snapshot *s, struct reasons *r)
{
	size_t len = 0;

	r->text[0] = '\0';
	for (size_t i = 0; i < s->flooded_count && i < NAMED_MAX; i++)
		if (len < sizeof(r->text))
			len += (size_t)snprintf(
				r->text + len, sizeof(r->text) - len,
				"%s%s: %s", i ? "; " : "",
				*s->flooded[i].peer ? s->flooded[i].peer
						    : "a peer",
				s->flooded[i].reason);
	if (s->flooded_count > NAMED_MAX && len < sizeof(r->text))
		snprintf(r->text + len, sizeof(r->text) - len, "; and %zu more",
			 s->flooded_count - NAMED_MAX);
	r->any = s->flooded_count > 0;
}

static int compare_groups(const void *left, const void *right)
{
	const struct node_group_info *a = left, *b = right;

	if (a->vlan != b->vlan)
		return a->vlan < b->vlan ? -1 : 1;
	return memcmp(a->ip, b->ip, sizeof(a->ip));
}

/* All of them, in order; to be freed. NULL if memory is short. */
static struct node_group_info *list_groups(const struct node *n, size_t *count)
{
	size_t size = 64;
	struct node_group_info *list = malloc(size * sizeof(*list)), *more;
	struct node_iter at = { 0 };

	*count = 0;
	while (list && node_next_group(n, &at, &list[*count])) {
		if (++*count < size)
			continue;
		size *= 2;
		more = reallocarray(list, size, sizeof(*list));
		if (!more)
			free(list);
		list = more;
	}
	if (list)
		qsort(list, *count, sizeof(*list), compare_groups);
	return list;
}

static json_t *group(const struct node *n, const struct node_group_info *g,
		     const struct reasons *r)
{
	struct addr a = { .port = 0 };
	json_t *members = json_array();
	char text[ADDR_STRLEN];
	const char *name;
	struct node_iter at = { 0 };

	memcpy(a.ip, g->ip, sizeof(a.ip));
	while ((name = node_next_member(n, g, &at)))
		json_array_append_new(members, text_or_null(name));
	return json_pack("{s:s, s:i, s:b, s:o, s:b, s:o}", "group",
			 addr_print_host(&a, text), "vlan", (int)g->vlan,
			 "local", (int)g->local, "members", members, "flooded",
			 (int)r->any, "why", text_or_null(r->text));
}

json_t *view_groups(const struct snapshot *s)
{
	struct node_group_info *list;
	json_t *all = json_array();
	struct reasons reasons;
	size_t count;

	if (!s->multicast.snooping)
		return all;
	find_reasons(s, &reasons);
	list = list_groups(s->node, &count);
	for (size_t i = 0; list && i < count; i++)
		json_array_append_new(all, group(s->node, &list[i], &reasons));
	if (!list) {
		json_decref(all);
		return NULL;
	}
	free(list);
	return all;
}

json_t *view_drops(const struct snapshot *s)
{
	const uint64_t *drops = node_drops(s->node);
	json_t *all = json_object();

	for (int i = DROP_NONE + 1; i < DROP_REASON_COUNT; i++)
		set(all, drop_name((enum drop_reason)i),
		    json_integer((json_int_t)drops[i]));
	return all;
}
