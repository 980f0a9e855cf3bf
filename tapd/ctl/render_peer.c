/* All there is to know of a peer, as text. */
#include <stdlib.h>
#include <string.h>

#include "tapd/ctl/answer.h"
#include "tapd/ctl/columns.h"
#include "tapd/ctl/render.h"

/* How many groups are named before the rest is only counted. */
#define GROUPS_SHOWN 40

static void print_list(FILE *f, const json_t *texts, const char *between)
{
	for (size_t i = 0; i < json_array_size(texts); i++)
		fprintf(f, "%s%s", i ? between : "",
			answer_shown(json_array_get(texts, i)));
}

static void peer_state(FILE *out, const json_t *p)
{
	char since[UNITS_STRLEN], heard[UNITS_STRLEN], sent[UNITS_STRLEN];

	columns_label(out, "state", "%s for %s; heard %s ago, sent to %s ago",
		      answer_text(p, "state"),
		      units_duration(answer_number(p, "state_s"), since),
		      units_duration(answer_number(p, "heard_s"), heard),
		      units_duration(answer_number(p, "sent_s"), sent));
	if (json_string_length(json_object_get(p, "why")) > 0)
		columns_label(out, "why", "%s", answer_text(p, "why"));
}

static void peer_found(FILE *out, const json_t *p)
{
	const json_t *sources = json_object_get(p, "sources");
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return;
	print_list(f, sources, ", ");
	if (fclose(f) == 0)
		columns_label(out, "found by", "%s",
			      len > 0 ? text
				      : "its own call: nothing lists it");
	free(text);
}

static void peer_quality(FILE *out, const json_t *p)
{
	char rtt[UNITS_STRLEN], loss[UNITS_STRLEN], mtu[UNITS_STRLEN];

	columns_label(out, "interface", "%s mtu %s", answer_text(p, "tap_mac"),
		      answer_integer(p, "tap_mtu", mtu));
	columns_label(out, "path", "round trip %s, loss %s",
		      units_time(answer_number(p, "rtt_us"), rtt),
		      units_percent(answer_number(p, "loss"), loss));
}

static void peer_traffic(FILE *out, const json_t *p, const char *name,
			 const char *side, const char *rate)
{
	const json_t *sums = json_object_get(p, side);
	char per_s[UNITS_STRLEN], frames[UNITS_STRLEN], bytes[UNITS_STRLEN];
	char datagrams[UNITS_STRLEN];

	columns_label(
		out, name, "%s/s; in all %s frames, %s datagrams, %s",
		units_bytes(answer_number(json_object_get(p, "rates"), rate),
			    per_s),
		units_count(answer_number(sums, "frames"), frames),
		units_count(answer_number(sums, "datagrams"), datagrams),
		units_bytes(answer_number(sums, "bytes"), bytes));
}

/* One that its datagrams do not take. */
static void peer_other_path(FILE *out, const json_t *path)
{
	const char *via = json_string_value(json_object_get(path, "via"));
	const json_t *proven = json_object_get(path, "proven_s");
	char rtt[UNITS_STRLEN], ago[UNITS_STRLEN];

	if (!json_is_integer(proven))
		columns_label(out, "", "%s: %s%s", answer_text(path, "state"),
			      via ? "via " : "",
			      via ? answer_text(path, "via")
				  : answer_text(path, "remote"));
	else
		columns_label(
			out, "", "%s: %s%s, round trip %s, answered %s ago",
			answer_text(path, "state"), via ? "via " : "",
			via ? answer_text(path, "via")
			    : answer_text(path, "remote"),
			units_time(answer_number(path, "rtt_us"), rtt),
			units_duration(answer_number(path, "proven_s"), ago));
}

static void peer_path(FILE *out, const json_t *path)
{
	const bool used = strcmp(answer_text(path, "state"), "used") == 0;
	const bool relayed = json_is_string(json_object_get(path, "via"));
	char size[UNITS_STRLEN], max[UNITS_STRLEN], probed[UNITS_STRLEN];
	const char *tried = answer_integer(path, "size_probed", probed);

	if (!used) {
		peer_other_path(out, path);
		return;
	}
	columns_label(out, "",
		      "used: %s %s%s%s, datagrams of %s bytes, at most %s%s%s",
		      relayed ? "via" : answer_text(path, "remote"),
		      relayed ? "" : "from ",
		      answer_text(path, relayed ? "via" : "local"),
		      relayed ? ", a relay" : "",
		      answer_integer(path, "datagram_size", size),
		      answer_integer(path, "size_max", max),
		      *tried == '-' ? "" : ", trying ",
		      *tried == '-' ? "" : tried);
}

static void peer_session(FILE *out, const json_t *s, bool first)
{
	char age[UNITS_STRLEN], sent[UNITS_STRLEN], received[UNITS_STRLEN];
	const bool used = json_is_true(json_object_get(s, "used"));
	const bool ours = json_is_true(json_object_get(s, "initiator"));

	columns_label(out, first ? "sessions" : "",
		      "%s, %s by %s, %s old; %s datagrams sent, %s received",
		      used ? "used" : "receives",
		      json_is_true(json_object_get(s, "rekeyed")) ? "rekeyed"
								  : "made",
		      ours ? "this host" : "the peer",
		      units_duration(answer_number(s, "age_s"), age),
		      units_count(answer_number(s, "sent"), sent),
		      units_count(answer_number(s, "received"), received));
}

static void print_groups(FILE *f, const json_t *groups, double total)
{
	size_t count = json_array_size(groups), i;

	for (i = 0; i < count && i < GROUPS_SHOWN; i++) {
		const json_t *g = json_array_get(groups, i);
		char vlan[UNITS_STRLEN];
		const char *tag = answer_integer(g, "vlan", vlan);
		bool untagged = strcmp(tag, "0") == 0 || *tag == '-';

		fprintf(f, "%s%s%s%s", i ? " " : "", answer_text(g, "group"),
			untagged ? "" : "@", untagged ? "" : tag);
	}
	if (total > (double)i)
		fprintf(f, " and %.0f more", total - (double)i);
}

static void peer_groups(FILE *out, const json_t *p)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return;
	print_groups(f, json_object_get(p, "groups"),
		     answer_number(p, "groups_total"));
	if (fclose(f) == 0)
		columns_label(out, "groups", "%s", len > 0 ? text : "none");
	free(text);
	if (json_is_string(json_object_get(p, "gets_all")))
		columns_label(out, "", "gets every group: %s",
			      answer_text(p, "gets_all"));
}

static void render_peer(FILE *out, const json_t *p)
{
	const json_t *paths = json_object_get(p, "paths");
	const json_t *sessions = json_object_get(p, "sessions");

	columns_label(out, "name", "%s", answer_text(p, "name"));
	columns_label(out, "key", "%s", answer_text(p, "key"));
	if (json_is_string(json_object_get(p, "via")))
		columns_label(out, "via", "%s, which carries for it",
			      answer_text(p, "via"));
	else
		columns_label(out, "endpoint", "%s",
			      answer_text(p, "endpoint"));
	peer_state(out, p);
	peer_found(out, p);
	peer_quality(out, p);
	for (size_t i = 0; i < json_array_size(paths); i++)
		peer_path(out, json_array_get(paths, i));
	peer_traffic(out, p, "sent", "tx", "tx_bytes");
	peer_traffic(out, p, "received", "rx", "rx_bytes");
	for (size_t i = 0; i < json_array_size(sessions); i++)
		peer_session(out, json_array_get(sessions, i), i == 0);
	peer_groups(out, p);
}

void render_peer_details(FILE *out, const json_t *peers)
{
	for (size_t i = 0; i < json_array_size(peers); i++) {
		if (i > 0)
			fputc('\n', out);
		render_peer(out, json_array_get(peers, i));
	}
}
