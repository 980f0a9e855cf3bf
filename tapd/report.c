#include "tapd/report.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* A datagram lost in twenty is worth a word. */
#define LOSS_WARNING 0.05
/* How many peers a warning names before it only counts. */
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

/* Text that is empty is not known. So is what is no UTF-8: json_string gives
 * NULL, and so does a lack of memory; json_object_set_new refuses neither. */
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

static json_t *counters(const struct node_counters *c)
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

static json_t *rate(double per_second)
{
	return isfinite(per_second) ? json_integer(llround(per_second))
				    : json_null();
}

/* ---- warnings ---- */

/* "web1 (1400), web2 (9000), web3 (1400) and 7 more" */
struct naming {
	char text[NAMED_MAX * (NODE_NAME_MAX + 16)];
	size_t len;
	unsigned count;
};

static const char *peer_label(const struct node_peer_info *p,
			      char text[ADDR_STRLEN])
{
	if (*p->name)
		return p->name;
	return p->has_endpoint ? addr_print(&p->endpoint, text) : "a peer";
}

static void naming_add(struct naming *n, const struct node_peer_info *p,
		       unsigned value, const char *unit)
{
	char label[ADDR_STRLEN];
	int len;

	if (n->count++ >= NAMED_MAX)
		return;
	len = snprintf(n->text + n->len, sizeof(n->text) - n->len,
		       "%s%s (%u%s)", n->len ? ", " : "", peer_label(p, label),
		       value, unit);
	n->len += (size_t)len;
	if (n->len >= sizeof(n->text))
		n->len = sizeof(n->text) - 1;
}

static void warn(json_t *warnings, const char *text)
{
	json_array_append_new(warnings, json_string(text));
}

static void warn_naming(json_t *warnings, const char *what,
			const struct naming *n)
{
	char text[sizeof(n->text) + 160];

	if (n->count > NAMED_MAX)
		snprintf(text, sizeof(text), "%s: %s and %u more", what,
			 n->text, n->count - NAMED_MAX);
	else if (n->count > 0)
		snprintf(text, sizeof(text), "%s: %s", what, n->text);
	else
		return;
	warn(warnings, text);
}

static void warn_of_peers(json_t *warnings, const struct report_source *s)
{
	struct naming mtus = { 0 }, losses = { 0 };
	struct node_peer_info p;
	char text[96];
	uint32_t at = 0;

	while (node_next_peer(s->node, &at, &p, s->now_us)) {
		if (p.state != NODE_PEER_STATE_UP)
			continue;
		if (p.tap_mtu && p.tap_mtu != s->interface.mtu)
			naming_add(&mtus, &p, p.tap_mtu, "");
		if (p.loss >= LOSS_WARNING)
			naming_add(&losses, &p, (unsigned)lround(100 * p.loss),
				   " %");
	}
	snprintf(text, sizeof(text), "peers whose interface MTU is not our %u",
		 s->interface.mtu);
	warn_naming(warnings, text, &mtus);
	warn_naming(warnings, "peers with datagrams lost", &losses);
}

static json_t *warnings(const struct report_source *s,
			const struct node_status *status)
{
	json_t *all = json_array();

	for (size_t i = 0; i < s->warnings_count; i++)
		warn(all, s->warnings[i]);
	if (status->peers_total == 0)
		warn(all, "no peer is known: add one to peers");
	else if (status->peers_up == 0)
		warn(all, "no peer is up: tapctl peers says why");
	warn_of_peers(all, s);
	return all;
}

/* ---- the reports ---- */

json_t *report_status(const struct report_source *s)
{
	const struct report_interface *i = &s->interface;
	const struct report_rates *r = &s->rates;
	struct node_status status;
	json_t *interface, *peers, *rates;

	node_status(s->node, &status);
	interface =
		json_pack("{s:o, s:o, s:I, s:b}", "name", text_or_null(i->name),
			  "mac", mac_text(i->mac), "mtu", (json_int_t)i->mtu,
			  "carrier", (int)i->carrier);
	peers = json_pack("{s:I, s:I}", "total", (json_int_t)status.peers_total,
			  "up", (json_int_t)status.peers_up);
	rates = json_pack("{s:o, s:o, s:o, s:o}", "tx_frames",
			  rate(r->tx_frames), "tx_bytes", rate(r->tx_bytes),
			  "rx_frames", rate(r->rx_frames), "rx_bytes",
			  rate(r->rx_bytes));
	return json_pack(
		"{s:s, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:I, s:o}",
		"version", TAPD_VERSION, "name", text_or_null(s->node_name),
		"key", key_text(&status.key), "interface", interface,
		"uptime_s", seconds(s->now_us, s->started_us), "peers", peers,
		"tx", counters(&status.tx), "rx", counters(&status.rx), "rates",
		rates, "aead", text_or_null(status.aead), "fdb",
		(json_int_t)status.fdb_count, "warnings", warnings(s, &status));
}

static json_t *peer(const struct node_peer_info *p, uint64_t now_us)
{
	char endpoint[ADDR_STRLEN] = "";
	bool heard = p->heard_us != 0;

	if (p->has_endpoint)
		addr_print(&p->endpoint, endpoint);
	return json_pack(
		"{s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
		"s:o, s:b}",
		"name", text_or_null(p->name), "key",
		p->has_key ? key_text(&p->key) : json_null(), "endpoint",
		text_or_null(endpoint), "state", state_names[p->state], "why",
		p->why, "rtt_us", number_or_null(p->rtt_us), "loss",
		heard && isfinite(p->loss) ? json_real(p->loss) : json_null(),
		"datagram_size", number_or_null(p->datagram_size), "tx",
		counters(&p->tx), "rx", counters(&p->rx), "tap_mtu",
		number_or_null(p->tap_mtu), "up_s",
		seconds_or_null(now_us, p->up_since_us), "heard_s",
		seconds_or_null(now_us, p->heard_us), "wanted", (int)p->wanted);
}

json_t *report_peers(const struct report_source *s)
{
	json_t *all = json_array();
	struct node_peer_info p;
	uint32_t at = 0;

	while (node_next_peer(s->node, &at, &p, s->now_us))
		json_array_append_new(all, peer(&p, s->now_us));
	return all;
}

json_t *report_fdb(const struct report_source *s)
{
	json_t *all = json_array();
	struct node_status status;
	struct node_fdb_info m;
	uint32_t at = UINT32_MAX;

	node_status(s->node, &status);
	while (node_next_mac(s->node, &at, &m, s->now_us)) {
		json_t *entry = json_pack(
			"{s:o, s:i, s:o, s:o, s:I}", "mac", mac_text(m.mac),
			"vlan", (int)m.vlan, "owner",
			text_or_null(m.local ? "local" : m.owner), "owner_key",
			key_text(m.local ? &status.key : &m.owner_key), "age_s",
			(json_int_t)(m.age_us / CLOCK_S));

		json_array_append_new(all, entry);
	}
	return all;
}

json_t *report_drops(const struct report_source *s)
{
	const uint64_t *drops = node_drops(s->node);
	json_t *all = json_object();

	for (int i = DROP_NONE + 1; i < DROP_REASON_COUNT; i++)
		json_object_set_new(all, drop_name((enum drop_reason)i),
				    json_integer((json_int_t)drops[i]));
	return all;
}
