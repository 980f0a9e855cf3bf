/* What other hosts answered, as text. */
#include <math.h>
#include <stdlib.h>

#include "tapd/ctl/answer.h"
#include "tapd/ctl/color.h"
#include "tapd/ctl/columns.h"
#include "tapd/ctl/render.h"

/* ---- ping ---- */

void render_ping(FILE *out, const json_t *answer, long sequence)
{
	char rtt[UNITS_STRLEN], size[UNITS_STRLEN], *text;
	const bool relayed = json_is_string(json_object_get(answer, "via"));
	const double us = answer_number(answer, "rtt_us");
	int len;

	if (sequence == 1) {
		len = asprintf(&text,
			       "PING %s (%s%s%s) in the tunnel: %s bytes",
			       answer_text(answer, "peer"),
			       relayed ? "" : answer_text(answer, "endpoint"),
			       relayed ? "via " : " from ",
			       answer_text(answer, relayed ? "via" : "local"),
			       answer_integer(answer, "size", size));
		if (len < 0)
			return;
		columns_wrap(out, 0, 4, text);
		free(text);
	}
	if (isnan(us))
		fprintf(out, "no echo: seq=%ld\n", sequence);
	else
		fprintf(out, "echo: seq=%ld time=%s\n", sequence,
			units_time(us, rtt));
}

void render_pings(FILE *out, const json_t *all)
{
	const json_t *rtt = json_object_get(all, "rtt_us");
	const double sent = answer_number(all, "sent");
	const double received = answer_number(all, "received");
	char min[UNITS_STRLEN], avg[UNITS_STRLEN], max[UNITS_STRLEN];
	char size[UNITS_STRLEN], used[UNITS_STRLEN], lost[UNITS_STRLEN];

	fputs("--- ", out);
	columns_wrap(out, 4, 4, answer_text(all, "peer"));
	fprintf(out, "%.0f sent, %.0f received, %s lost\n", sent, received,
		units_percent(1 - received / sent, lost));
	if (json_is_object(rtt))
		fprintf(out, "round trip min/avg/max %s/%s/%s\n",
			units_time(answer_number(rtt, "min"), min),
			units_time(answer_number(rtt, "avg"), avg),
			units_time(answer_number(rtt, "max"), max));
	if (json_is_integer(json_object_get(all, "size_max")))
		fprintf(out, "largest datagram %s bytes, in use %s\n",
			answer_integer(all, "size_max", size),
			answer_integer(all, "datagram_size", used));
}

/* ---- test ---- */

static const struct column test_columns[] = {
	{ "HOST", COLUMN_FLEXIBLE }, { "MEMBER", COLUMN_TEXT },
	{ "HEARD", COLUMN_NUMBER },  { "UNICAST", COLUMN_NUMBER },
	{ "FIRST", COLUMN_NUMBER },
};
#define TEST_COLUMNS (sizeof(test_columns) / sizeof(test_columns[0]))

#define PART_STRLEN 64 /* two numbers */

static const char *print_part(const json_t *host, const char *key,
			      const char *of, char buf[PART_STRLEN])
{
	char heard[UNITS_STRLEN];

	if (!json_is_integer(json_object_get(host, key)))
		return "-";
	snprintf(buf, PART_STRLEN, "%s/%s", answer_integer(host, key, heard),
		 of);
	return buf;
}

static enum color test_color(const json_t *host)
{
	const bool member = json_is_true(json_object_get(host, "member"));
	const bool why = json_is_string(json_object_get(host, "why"));

	if (!why)
		return COLOR_GOOD;
	if (json_is_false(json_object_get(host, "member")))
		return COLOR_NONE;
	return member && answer_number(host, "heard") > 0 ? COLOR_DOUBTFUL
							  : COLOR_BAD;
}

static void add_host(struct columns *c, const json_t *host, const char *sent)
{
	char heard[PART_STRLEN], unicast[PART_STRLEN];
	char first[UNITS_STRLEN];
	const json_t *member = json_object_get(host, "member");
	const json_t *why = json_object_get(host, "why");
	const char *cells[COLUMNS_MAX] = {
		answer_text(host, "name"),
		json_is_true(member)	? "yes"
		: json_is_false(member) ? "no"
					: "-",
		print_part(host, "heard", sent, heard),
		print_part(host, "unicast", sent, unicast),
		units_time(answer_number(host, "first_ms") * 1000, first),
	};

	columns_add(c, cells, json_is_string(why) ? answer_shown(why) : NULL);
	columns_color(c, 2, test_color(host));
}

void render_test(FILE *out, const json_t *test)
{
	const json_t *hosts = json_object_get(test, "hosts");
	struct columns *c = columns_new(test_columns, TEST_COLUMNS);
	char sent[UNITS_STRLEN];
	const char *of = answer_integer(test, "sent", sent);

	columns_wrap(out, (size_t)fprintf(out, "%s frames to ", of), 4,
		     answer_text(test, "group"));
	for (size_t i = 0; i < json_array_size(hosts); i++)
		add_host(c, json_array_get(hosts, i), of);
	if (json_array_size(hosts) > 0)
		columns_print(c, out);
	else
		fputs("there are no peers\n", out);
	columns_free(c);
}
