#include "tapd/ctl/render.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/drop.h"
#include "tapd/ctl/answer.h"
#include "tapd/ctl/color.h"
#include "tapd/ctl/columns.h"
#include "tapd/ctl/units.h"

/* ---- status ---- */

/* First of all, if it is so. */
static void status_plain(FILE *out, const json_t *status)
{
	const char *kind = answer_text(status, "encapsulation");
	const bool numbered =
		json_is_integer(json_object_get(status, "network_id"));
	char id[UNITS_STRLEN];

	if (!json_is_false(json_object_get(status, "sealed")))
		return;
	columns_label(out, "network",
		      "not sealed: %s%s%s: whoever is on the network below can"
		      " read frames and send its own",
		      strcmp(kind, "vxlan") == 0 ? "VXLAN"
		      : strcmp(kind, "gre") == 0 ? "GRE"
						 : kind,
		      numbered ? " " : "",
		      numbered ? answer_integer(status, "network_id", id) : "");
}

static void status_routing(FILE *out, const json_t *status)
{
	const bool bound = json_is_string(json_object_get(status, "device"));
	const json_t *mark = json_object_get(status, "mark");
	char text[32] = "";

	if (json_is_integer(mark))
		snprintf(text, sizeof(text), "mark 0x%jx",
			 (uintmax_t)json_integer_value(mark));
	if (bound || *text)
		columns_label(out, "underlay", "%s%s%s%s",
			      bound ? "device " : "",
			      bound ? answer_text(status, "device") : "",
			      bound && *text ? ", " : "", text);
}

static void status_interface(FILE *out, const json_t *status)
{
	const json_t *i = json_object_get(status, "interface");
	const json_t *carrier = json_object_get(i, "carrier");
	char mtu[UNITS_STRLEN];

	columns_label(out, "interface", "%s %s mtu %s carrier %s",
		      answer_text(i, "name"), answer_text(i, "mac"),
		      answer_integer(i, "mtu", mtu),
		      json_is_boolean(carrier)
			      ? (json_is_true(carrier) ? "up" : "down")
			      : "-");
}

static void status_node(FILE *out, const json_t *status)
{
	char uptime[UNITS_STRLEN];

	columns_label(out, "node", "%s", answer_text(status, "name"));
	units_duration(answer_number(status, "uptime_s"), uptime);
	if (json_is_false(json_object_get(status, "sealed"))) {
		columns_label(out, "tapd", "%s, up %s",
			      answer_text(status, "version"), uptime);
		return;
	}
	columns_label(out, "key", "%s", answer_text(status, "key"));
	columns_label(out, "tapd", "%s, up %s, sealing with %s",
		      answer_text(status, "version"), uptime,
		      answer_text(status, "aead"));
}

static void status_offload(FILE *out, const json_t *status)
{
	const json_t *o = json_object_get(status, "offload");
	const json_t *merging = json_object_get(status, "merging");

	if (!o)
		return;
	columns_label(out, "offload", "tap %s, merge %s, send %s, receive %s",
		      answer_text(o, "tap"), answer_text(o, "merge"),
		      answer_text(o, "send"), answer_text(o, "receive"));
	if (json_is_false(json_object_get(merging, "on")))
		columns_label(out, "merging", "off: %s",
			      answer_text(merging, "why"));
}

static void status_traffic(FILE *out, const json_t *status, const char *name,
			   const char *side)
{
	const json_t *rates = json_object_get(status, "rates");
	const json_t *sums = json_object_get(status, side);
	char key[32], f[UNITS_STRLEN], b[UNITS_STRLEN];
	char all_f[UNITS_STRLEN], all_d[UNITS_STRLEN], all_b[UNITS_STRLEN];

	snprintf(key, sizeof(key), "%s_frames", side);
	units_count(answer_number(rates, key), f);
	snprintf(key, sizeof(key), "%s_bytes", side);
	units_bytes(answer_number(rates, key), b);
	columns_label(out, name,
		      "%s frames/s, %s/s; in all %s frames, %s datagrams, %s",
		      f, b, units_count(answer_number(sums, "frames"), all_f),
		      units_count(answer_number(sums, "datagrams"), all_d),
		      units_bytes(answer_number(sums, "bytes"), all_b));
}

static void status_queue(FILE *out, const json_t *status)
{
	const json_t *q = json_object_get(status, "queue");
	char backlog[UNITS_STRLEN], sojourn[UNITS_STRLEN];
	char drops[UNITS_STRLEN], marks[UNITS_STRLEN];

	if (!q)
		return;
	columns_label(out, "queue", "%s, waited %s; %s dropped, %s marked",
		      units_bytes(answer_number(q, "backlog"), backlog),
		      units_time(answer_number(q, "sojourn_us"), sojourn),
		      units_count(answer_number(q, "drops"), drops),
		      units_count(answer_number(q, "marks"), marks));
}

static void status_multicast(FILE *out, const json_t *status)
{
	const json_t *m = json_object_get(status, "multicast");
	const char *wants_all =
		json_string_value(json_object_get(m, "wants_all"));
	char buf[UNITS_STRLEN];
	const char *groups = answer_integer(m, "groups", buf);

	if (!json_is_object(m))
		columns_label(out, "multicast", "-");
	else if (json_is_false(json_object_get(m, "snooping")))
		columns_label(out, "multicast",
			      "flooded to all (snooping = false)");
	else if (wants_all)
		columns_label(out, "multicast",
			      "this host wants every group: %s", wants_all);
	else
		columns_label(out, "multicast",
			      "members only; %s group%s joined here", groups,
			      strcmp(groups, "1") == 0 ? "" : "s");
}

/* "file 12, exchange 3", with the word for those whose answers are not good. */
static void status_sources(FILE *out, const json_t *status)
{
	const json_t *sources = json_object_get(status, "sources");
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	for (size_t i = 0; f && i < json_array_size(sources); i++) {
		const json_t *s = json_array_get(sources, i);
		bool bad = json_is_string(json_object_get(s, "error"));
		char count[UNITS_STRLEN];

		fprintf(f, "%s%s %s%s", i ? ", " : "", answer_text(s, "source"),
			answer_integer(s, "endpoints", count),
			bad ? " (!)" : "");
	}
	if (f && fclose(f) == 0 && len > 0)
		columns_label(out, "sources", "%s", text);
	free(text);
}

static void status_peers(FILE *out, const json_t *status)
{
	const json_t *peers = json_object_get(status, "peers");
	char up[UNITS_STRLEN], total[UNITS_STRLEN], relayed[UNITS_STRLEN];
	const bool any = json_integer_value(json_object_get(status, "relayed"));

	columns_label(out, "peers", "%s of %s up%s%s%s",
		      answer_integer(peers, "up", up),
		      answer_integer(peers, "total", total), any ? ", " : "",
		      any ? answer_integer(status, "relayed", relayed) : "",
		      any ? " through relays" : "");
}

/* Where it carries something, or is to. */
static void status_relay(FILE *out, const json_t *status)
{
	const json_t *r = json_object_get(status, "relay");
	const bool one = json_integer_value(json_object_get(r, "legs")) == 1;
	char legs[UNITS_STRLEN], datagrams[UNITS_STRLEN], bytes[UNITS_STRLEN];

	if (!json_is_true(json_object_get(r, "on")) &&
	    json_integer_value(json_object_get(r, "datagrams")) == 0)
		return;
	columns_label(out, "relay",
		      "for %s pair%s of peers%s; in all %s datagrams, %s",
		      answer_integer(r, "legs", legs), one ? "" : "s",
		      json_is_true(json_object_get(r, "on"))
			      ? ""
			      : " (handshakes only)",
		      units_count(answer_number(r, "datagrams"), datagrams),
		      units_bytes(answer_number(r, "bytes"), bytes));
}

/* Where that is not plain: behind a NAT. */
static void status_nat(FILE *out, const json_t *status)
{
	const json_t *nat = json_object_get(status, "nat");
	const json_t *observed = json_object_get(nat, "observed");
	const bool symmetric = json_is_true(json_object_get(nat, "symmetric"));

	if (!json_is_true(json_object_get(nat, "translated")))
		return;
	columns_label(out, "NAT", "peers see this host at %s%s",
		      answer_shown(json_array_get(observed, 0)),
		      symmetric ? ", and each at another address" : "");
}

void render_status(FILE *out, const json_t *status)
{
	const json_t *warnings = json_object_get(status, "warnings");

	status_plain(out, status);
	status_interface(out, status);
	status_routing(out, status);
	status_node(out, status);
	status_offload(out, status);
	status_peers(out, status);
	status_nat(out, status);
	status_relay(out, status);
	status_sources(out, status);
	status_traffic(out, status, "sent", "tx");
	status_traffic(out, status, "received", "rx");
	status_queue(out, status);
	status_multicast(out, status);
	for (size_t i = 0; i < json_array_size(warnings); i++)
		columns_label(out, "warning", "%s",
			      answer_shown(json_array_get(warnings, i)));
}

/* ---- peers ---- */

static const struct column peer_columns[] = {
	{ "NAME", COLUMN_FLEXIBLE }, { "ENDPOINT", COLUMN_FLEXIBLE },
	{ "FROM", COLUMN_FLEXIBLE }, { "STATE", COLUMN_TEXT },
	{ "RTT", COLUMN_NUMBER },    { "LOSS", COLUMN_NUMBER },
	{ "SIZE", COLUMN_NUMBER },   { "TX/s", COLUMN_NUMBER },
	{ "RX/s", COLUMN_NUMBER },
};
#define PEER_COLUMNS (sizeof(peer_columns) / sizeof(peer_columns[0]))
#define FROM_COLUMN  2

#define FROM_STRLEN 64

/* "file,dns". That peers told of one, as they do of all, is said only if nothing else
 * lists it. */
static const char *peer_from(const json_t *peer, char buf[FROM_STRLEN])
{
	const json_t *sources = json_object_get(peer, "sources");
	size_t len = 0, count = json_array_size(sources);

	snprintf(buf, FROM_STRLEN, "-");
	for (size_t i = 0; i < count && len < FROM_STRLEN; i++) {
		const char *name = answer_shown(json_array_get(sources, i));

		if (count > 1 && strcmp(name, "exchange") == 0)
			continue;
		len += (size_t)snprintf(buf + len, FROM_STRLEN - len, "%s%s",
					len ? "," : "", name);
	}
	return buf;
}

/* Where all are from the configuration's list that is not worth a column. */
static bool any_is_discovered(const json_t *peers)
{
	char from[FROM_STRLEN];

	for (size_t i = 0; i < json_array_size(peers); i++) {
		const json_t *p = json_array_get(peers, i);

		if (json_array_size(json_object_get(p, "sources")) > 0 &&
		    strcmp(peer_from(p, from), "peers") != 0)
			return true;
	}
	return false;
}

/* Where it is: behind that relay, as seen from here. To be freed; NULL if memory is
 * short. */
static char *peer_place(const json_t *peer)
{
	const bool relayed = json_is_string(json_object_get(peer, "via"));
	char *text;

	if (asprintf(&text, "%s%s", relayed ? "via " : "",
		     answer_text(peer, relayed ? "via" : "endpoint")) < 0)
		return NULL;
	return text;
}

static enum color state_color(const char *state)
{
	if (strcmp(state, "up") == 0)
		return COLOR_GOOD;
	return strcmp(state, "down") == 0 ? COLOR_BAD : COLOR_DOUBTFUL;
}

static void add_peer(struct columns *c, const json_t *p, bool with_from)
{
	const char *state = answer_text(p, "state"),
		   *why = answer_text(p, "why");
	const json_t *rates = json_object_get(p, "rates");
	char rtt[UNITS_STRLEN], loss[UNITS_STRLEN], size[UNITS_STRLEN];
	char tx[UNITS_STRLEN], rx[UNITS_STRLEN], from[FROM_STRLEN];
	bool up = strcmp(state, "up") == 0;
	bool says_more = strcmp(why, "-") != 0 && strcmp(why, state) != 0;
	char *place = peer_place(p);
	/* The measures of one that is not up were of another time. */
	const char *cells[COLUMNS_MAX] = {
		answer_text(p, "name"),
		place,
		peer_from(p, from),
		state,
		up ? units_time(answer_number(p, "rtt_us"), rtt) : NULL,
		units_percent(answer_number(p, "loss"), loss),
		answer_integer(p, "datagram_size", size),
		units_bytes(answer_number(rates, "tx_bytes"), tx),
		units_bytes(answer_number(rates, "rx_bytes"), rx),
	};

	if (!with_from)
		memmove(&cells[FROM_COLUMN], &cells[FROM_COLUMN + 1],
			(PEER_COLUMNS - FROM_COLUMN - 1) * sizeof(cells[0]));
	columns_add(c, cells, says_more ? why : NULL);
	columns_color(c, with_from ? FROM_COLUMN + 1 : FROM_COLUMN,
		      state_color(state));
	free(place);
}

void render_peers(FILE *out, const json_t *peers)
{
	const bool with_from = any_is_discovered(peers);
	struct column columns[PEER_COLUMNS];
	struct columns *c;

	memcpy(columns, peer_columns, sizeof(columns));
	if (!with_from)
		memmove(&columns[FROM_COLUMN], &columns[FROM_COLUMN + 1],
			(PEER_COLUMNS - FROM_COLUMN - 1) * sizeof(columns[0]));
	c = columns_new(columns, PEER_COLUMNS - !with_from);
	for (size_t i = 0; i < json_array_size(peers); i++)
		add_peer(c, json_array_get(peers, i), with_from);
	columns_print(c, out);
	columns_free(c);
}

/* ---- fdb ---- */

static const struct column fdb_columns[] = {
	{ "MAC", COLUMN_TEXT },
	{ "VLAN", COLUMN_NUMBER },
	{ "AGE", COLUMN_NUMBER },
	{ "OWNER", COLUMN_TEXT },
};

void render_fdb(FILE *out, const json_t *fdb)
{
	struct columns *c = columns_new(fdb_columns, 4);

	for (size_t i = 0; i < json_array_size(fdb); i++) {
		const json_t *m = json_array_get(fdb, i);
		char vlan[UNITS_STRLEN], age[UNITS_STRLEN];
		const char *tag = answer_integer(m, "vlan", vlan);
		const char *cells[COLUMNS_MAX] = {
			answer_text(m, "mac"),
			strcmp(tag, "0") == 0 ? "-" : tag,
			units_duration(answer_number(m, "age_s"), age),
			answer_text(m, "owner")
		};

		columns_add(c, cells, NULL);
	}
	columns_print(c, out);
	columns_free(c);
}

/* ---- groups ---- */

static const struct column group_columns[] = {
	{ "GROUP", COLUMN_TEXT },
	{ "VLAN", COLUMN_NUMBER },
	{ "LOCAL", COLUMN_TEXT },
	{ "MEMBERS", COLUMN_TEXT },
};

/* "web1 web2". To be freed; NULL if memory is short. */
static char *group_members(const json_t *group)
{
	const json_t *members = json_object_get(group, "members");
	size_t len, count = json_array_size(members);
	char *text = NULL;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	if (count == 0)
		fputc('-', f);
	for (size_t i = 0; i < count; i++)
		fprintf(f, "%s%s", i ? " " : "",
			answer_shown(json_array_get(members, i)));
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

static void add_group(struct columns *c, const json_t *g)
{
	char vlan[UNITS_STRLEN], *members = group_members(g);
	const char *tag = answer_integer(g, "vlan", vlan);
	const char *cells[COLUMNS_MAX] = {
		answer_text(g, "group"), strcmp(tag, "0") == 0 ? "-" : tag,
		json_is_true(json_object_get(g, "local")) ? "yes" : "no",
		members
	};

	columns_add(c, cells, NULL);
	free(members);
}

/* A line for each peer that gets every group. */
static void flooded_peers(FILE *out, const json_t *flooded)
{
	for (size_t i = 0; i < json_array_size(flooded); i++) {
		const json_t *f = json_array_get(flooded, i);
		char *text;

		if (asprintf(&text, "%s gets every group: %s",
			     answer_text(f, "peer"), answer_text(f, "why")) < 0)
			return;
		columns_wrap(out, 0, 4, text);
		free(text);
	}
}

void render_groups(FILE *out, const json_t *groups, const json_t *status)
{
	const json_t *multicast = json_object_get(status, "multicast");
	struct columns *c;

	if (json_is_false(json_object_get(multicast, "snooping"))) {
		fputs("all multicast goes to all peers"
		      " (multicast.snooping = false)\n",
		      out);
		return;
	}
	c = columns_new(group_columns, 4);
	for (size_t i = 0; i < json_array_size(groups); i++)
		add_group(c, json_array_get(groups, i));
	if (json_array_size(groups) > 0)
		columns_print(c, out);
	else
		fputs("no group was joined\n", out);
	columns_free(c);
	flooded_peers(out, json_object_get(multicast, "flooded"));
}

/* ---- drops ---- */

static const struct column drop_columns[] = {
	{ "COUNT", COLUMN_NUMBER },
	{ "REASON", COLUMN_TEXT },
	{ "MEANING", COLUMN_TEXT },
};

/* What a reason means, if this version knows it. */
static const char *meaning(const char *name)
{
	for (int i = DROP_NONE + 1; i < DROP_REASON_COUNT; i++)
		if (strcmp(name, drop_name((enum drop_reason)i)) == 0)
			return drop_text((enum drop_reason)i);
	return "-";
}

/* The reasons that happened, or those that did not. Returns how many. */
static size_t add_drops(struct columns *c, json_t *drops, bool happened)
{
	const char *name;
	json_t *value;
	size_t n = 0;

	json_object_foreach(drops, name, value)
	{
		char count[UNITS_STRLEN];
		const char *cells[COLUMNS_MAX] = {
			answer_integer(drops, name, count), name, meaning(name)
		};

		if ((json_number_value(value) > 0) != happened)
			continue;
		columns_add(c, cells, NULL);
		n++;
	}
	return n;
}

void render_drops(FILE *out, json_t *drops, bool all)
{
	struct columns *c = columns_new(drop_columns, 3);
	size_t happened = add_drops(c, drops, true);
	size_t others = json_object_size(drops) - happened;

	if (all)
		add_drops(c, drops, false);
	if (all || happened)
		columns_print(c, out);
	if (!all && happened)
		fprintf(out, "(%zu more at 0: tapctl drops --all)\n", others);
	else if (!all)
		fprintf(out, "nothing was dropped\n");
	columns_free(c);
}

/* ---- metrics ---- */

void render_lines(FILE *out, json_t *lines)
{
	json_t *line;
	size_t i;

	json_array_foreach(lines, i, line) if (json_is_string(line))
	{
		columns_text(out, json_string_value(line));
		fputc('\n', out);
	}
}

/* ---- reload ---- */

void render_reload(FILE *out, const json_t *result)
{
	const json_t *changes = json_object_get(result, "changes");

	for (size_t i = 0; i < json_array_size(changes); i++)
		columns_wrap(out, 0, 4,
			     answer_shown(json_array_get(changes, i)));
	if (json_array_size(changes) == 0)
		fputs("nothing changed\n", out);
}

/* ---- rekey ---- */

void render_rekey(FILE *out, const json_t *result)
{
	json_int_t sessions =
		json_integer_value(json_object_get(result, "sessions"));

	fprintf(out, "wiped the keys of %" JSON_INTEGER_FORMAT " session%s\n",
		sessions, sessions == 1 ? "" : "s");
}
