#include "tapd/ctl/top_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/ctl/answer.h"
#include "tapd/ctl/columns.h"

/* ---- rates ---- */

static const char *const sides[] = { "tx", "rx" };
static const char *const counts[] = { "frames", "bytes" };

static double counter(const json_t *peer, const char *side, const char *count)
{
	return answer_number(json_object_get(peer, side), count);
}

/* Null if one of them is not known, or the peer began again. */
static json_t *rate(const json_t *before, const json_t *now, const char *side,
		    const char *count, double seconds)
{
	double more = counter(now, side, count) - counter(before, side, count);

	return seconds > 0 && isfinite(more) && more >= 0
		       ? json_real(more / seconds)
		       : json_null();
}

static json_t *rates(const json_t *before, const json_t *now, double seconds)
{
	json_t *all = json_object();

	for (size_t s = 0; s < 2; s++)
		for (size_t c = 0; c < 2; c++) {
			char name[32];

			snprintf(name, sizeof(name), "%s_%s", sides[s],
				 counts[c]);
			json_object_set_new(all, name,
					    rate(before, now, sides[s],
						 counts[c], seconds));
		}
	return all;
}

static json_t *row(const json_t *before, const json_t *now, double seconds)
{
	static const char *const same[] = { "name",  "key",    "endpoint",
					    "state", "rtt_us", "loss" };
	json_t *out = json_object();

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		json_t *value = json_object_get(now, same[i]);

		json_object_set(out, same[i], value ? value : json_null());
	}
	json_object_set_new(out, "rates", rates(before, now, seconds));
	return out;
}

/* What it is known again by; NULL: nothing. A peer to which nothing is sealed has no
 * key. */
static const char *identity(const json_t *peer)
{
	const char *key = json_string_value(json_object_get(peer, "key"));

	return key ? key : json_string_value(json_object_get(peer, "endpoint"));
}

/* The peers by what they are known by. */
static json_t *by_identity(const json_t *peers)
{
	json_t *all = json_object();

	for (size_t i = 0; i < json_array_size(peers); i++) {
		json_t *peer = json_array_get(peers, i);
		const char *id = identity(peer);

		if (id)
			json_object_set(all, id, peer);
	}
	return all;
}

/* ---- order ---- */

struct ranked {
	json_t *row;
	double weight;
};

static double weight(const json_t *r)
{
	const json_t *all = json_object_get(r, "rates");
	double tx = answer_number(all, "tx_bytes");
	double rx = answer_number(all, "rx_bytes");

	return (isfinite(tx) ? tx : 0) + (isfinite(rx) ? rx : 0);
}

static int compare(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;

	if (a->weight != b->weight)
		return a->weight > b->weight ? -1 : 1;
	return strverscmp(answer_text(a->row, "name"),
			  answer_text(b->row, "name"));
}

/* Takes the references. */
static json_t *sorted(struct ranked *rows, size_t count)
{
	json_t *all = json_array();

	for (size_t i = 0; i < count; i++)
		rows[i].weight = weight(rows[i].row);
	if (count > 0)
		qsort(rows, count, sizeof(rows[0]), compare);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(all, rows[i].row);
	return all;
}

json_t *top_rows(const json_t *before, const json_t *now, double seconds)
{
	const size_t count = json_array_size(now);
	struct ranked *rows = calloc(count + 1, sizeof(rows[0]));
	json_t *known = by_identity(before), *all;

	for (size_t i = 0; rows && i < count; i++) {
		const json_t *peer = json_array_get(now, i);
		const char *id = identity(peer);

		rows[i].row = row(id ? json_object_get(known, id) : NULL, peer,
				  seconds);
	}
	all = rows ? sorted(rows, count) : NULL;
	json_decref(known);
	free(rows);
	return all;
}

/* ---- text ---- */

static const struct column top_columns[] = {
	{ "NAME", COLUMN_FLEXIBLE }, { "STATE", COLUMN_TEXT },
	{ "RTT", COLUMN_NUMBER },    { "LOSS", COLUMN_NUMBER },
	{ "TX/s", COLUMN_NUMBER },   { "FRAMES", COLUMN_NUMBER },
	{ "RX/s", COLUMN_NUMBER },   { "FRAMES", COLUMN_NUMBER },
};
#define TOP_COLUMNS  (sizeof(top_columns) / sizeof(top_columns[0]))
#define STATE_COLUMN 1

static void add(struct columns *c, const json_t *r)
{
	const json_t *all = json_object_get(r, "rates");
	const char *name = answer_text(r, "name");
	const char *state = answer_text(r, "state");
	const bool up = strcmp(state, "up") == 0;
	char rtt[UNITS_STRLEN], loss[UNITS_STRLEN], tx[UNITS_STRLEN];
	char txf[UNITS_STRLEN], rx[UNITS_STRLEN], rxf[UNITS_STRLEN];
	const char *cells[COLUMNS_MAX] = {
		strcmp(name, "-") == 0 ? answer_text(r, "endpoint") : name,
		state,
		up ? units_time(answer_number(r, "rtt_us"), rtt) : NULL,
		units_percent(answer_number(r, "loss"), loss),
		units_bytes(answer_number(all, "tx_bytes"), tx),
		units_count(answer_number(all, "tx_frames"), txf),
		units_bytes(answer_number(all, "rx_bytes"), rx),
		units_count(answer_number(all, "rx_frames"), rxf),
	};

	columns_add(c, cells, NULL);
	columns_color(c, STATE_COLUMN, up ? COLOR_GOOD : COLOR_DOUBTFUL);
}

static void head(FILE *out, const json_t *status)
{
	const json_t *interface = json_object_get(status, "interface");
	const json_t *peers = json_object_get(status, "peers");
	const json_t *all = json_object_get(status, "rates");
	char up[UNITS_STRLEN], total[UNITS_STRLEN], uptime[UNITS_STRLEN];
	char tx[UNITS_STRLEN], rx[UNITS_STRLEN];

	columns_label(out, answer_text(interface, "name"),
		      "%s, up %s; %s of %s peers up",
		      answer_text(status, "name"),
		      units_duration(answer_number(status, "uptime_s"), uptime),
		      answer_integer(peers, "up", up),
		      answer_integer(peers, "total", total));
	columns_label(out, "traffic", "sent %s/s, received %s/s; %zu warnings",
		      units_bytes(answer_number(all, "tx_bytes"), tx),
		      units_bytes(answer_number(all, "rx_bytes"), rx),
		      json_array_size(json_object_get(status, "warnings")));
}

/* The lines above the rows, and the one below. */
#define OTHER_LINES 5

void top_render(FILE *out, const json_t *status, const json_t *rows,
		size_t lines)
{
	struct columns *c = columns_new(top_columns, TOP_COLUMNS);
	const size_t count = json_array_size(rows);
	size_t most = count;

	if (lines > 0 && lines < count + OTHER_LINES)
		most = lines > OTHER_LINES ? lines - OTHER_LINES : 0;
	for (size_t i = 0; i < most; i++)
		add(c, json_array_get(rows, i));
	head(out, status);
	fputc('\n', out);
	columns_print(c, out);
	if (most < count)
		fprintf(out, "(and %zu more)\n", count - most);
	columns_free(c);
}
