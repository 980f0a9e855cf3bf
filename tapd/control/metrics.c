#include "tapd/control/metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/control/metric_families.h"

/* "web1", or "web1~" and its key: no name has such a sign. */
#define LABEL_MAX (NODE_NAME_MAX + 1 + KEY_STRLEN)

struct metrics {
	struct metric_source source;
	size_t family, at; /* what is next */
	bool introduced;   /* the family */
	char line[1024];
};

/* ---- names ---- */

static int compare_names(const void *left, const void *right)
{
	const struct metric_peer *const *a = left, *const *b = right;

	return strcmp((*a)->info.name, (*b)->info.name);
}

/* Two series with the same labels are an error for all of the text. */
static bool find_namesakes(struct metric_source *from)
{
	struct metric_peer **sorted =
		malloc((from->peers_count + 1) * sizeof(struct metric_peer *));

	if (!sorted)
		return false;
	for (size_t i = 0; i < from->peers_count; i++)
		sorted[i] = &from->peers[i];
	qsort(sorted, from->peers_count, sizeof(struct metric_peer *),
	      compare_names);
	for (size_t i = 1; i < from->peers_count; i++)
		if (compare_names(&sorted[i - 1], &sorted[i]) == 0)
			sorted[i - 1]->shares_name = sorted[i]->shares_name =
				true;
	free(sorted);
	return true;
}

/* ---- beginning ---- */

static void take_peers(struct metric_source *out, const struct snapshot *s)
{
	for (size_t i = 0; i < s->peers_count; i++) {
		const struct node_peer_info *info = &s->peers[i].info;

		out->states[info->state]++;
		if ((info->has_key || !out->sealed) && *info->name)
			out->peers[out->peers_count++] =
				(struct metric_peer){ .info = *info };
	}
}

static void count_warning(void *counts, const struct check *check,
			  const char *what)
{
	(void)what;
	((unsigned *)counts)[check - checks]++;
}

static bool take(struct metric_source *out, const struct snapshot *s)
{
	*out = (struct metric_source){ .status = s->status,
				       .multicast = s->multicast,
				       .flooded = s->flooded_count,
				       .now_us = s->now_us,
				       .wall_us = s->wall_us,
				       .started_wall_us = s->started_wall_us,
				       .reload_wall_us = s->reload_wall_us,
				       .reload_failed = s->reload_failed,
				       .carrier = s->interface.carrier,
				       .sealed =
					       s->encapsulation == NODE_SEALED,
				       .sources_count = s->sources_count };
	snprintf(out->interface, sizeof(out->interface), "%s",
		 s->interface.name);
	memcpy(out->sources, s->sources, sizeof(out->sources));
	memcpy(out->drops, node_drops(s->node), sizeof(out->drops));
	/* One more: calloc may give NULL for none. */
	out->peers = calloc(s->peers_count + 1, sizeof(*out->peers));
	out->found = calloc(checks_count, sizeof(*out->found));
	if (!out->peers || !out->found)
		return false;
	take_peers(out, s);
	checks_run(s, count_warning, out->found);
	return find_namesakes(out);
}

struct metrics *metrics_new(const struct snapshot *s)
{
	struct metrics *m = calloc(1, sizeof(*m));

	if (m && take(&m->source, s))
		return m;
	metrics_free(m);
	return NULL;
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	free(m->source.peers);
	free(m->source.found);
	free(m);
}

/* ---- lines ---- */

/* Appends to the line, whose end is at *len; there is room for the longest. */
static void append(struct metrics *m, size_t *len, const char *text)
{
	const size_t room = sizeof(m->line) - *len;
	const int n = snprintf(m->line + *len, room, "%s", text);

	*len += (size_t)n < room ? (size_t)n : room - 1;
}

/* A label's value in quotes. Peers and kernels name things: what is no plain
 * character is shown as "?", and what would end the value is escaped. */
static void append_label(struct metrics *m, size_t *len, const char *name,
			 const char *value)
{
	append(m, len, m->line[*len - 1] == '{' ? "" : ",");
	append(m, len, name);
	append(m, len, "=\"");
	for (; *value; value++) {
		const char text[] = { *value, '\0' };

		if (*value == '"' || *value == '\\')
			append(m, len, "\\");
		append(m, len, *value < ' ' || *value > '~' ? "?" : text);
	}
	append(m, len, "\"");
}

static void append_peer(struct metrics *m, size_t *len,
			const struct metric_peer *peer)
{
	char label[LABEL_MAX + 1], key[KEY_STRLEN];

	snprintf(label, sizeof(label), "%s%s%s", peer->info.name,
		 peer->shares_name ? "~" : "",
		 peer->shares_name ? key_print(peer->info.key.bytes, key) : "");
	append_label(m, len, "peer", label);
}

static const char *introduce(struct metrics *m, const struct family *f)
{
	snprintf(m->line, sizeof(m->line), "# HELP %s %s\n# TYPE %s %s",
		 f->name, f->help, f->name, f->type);
	m->introduced = true;
	return m->line;
}

static const char *show(struct metrics *m, const struct family *f, size_t at,
			double value)
{
	const struct metric_source *from = &m->source;
	const struct metric_labels labels = f->row->labels(from, at);
	size_t len = 0;
	char number[32];

	append(m, &len, f->name);
	append(m, &len, "{");
	append_label(m, &len, "interface", from->interface);
	if (labels.peer)
		append_peer(m, &len, labels.peer);
	for (size_t i = 0; i < METRIC_LABELS_MAX && labels.names[i]; i++)
		append_label(m, &len, labels.names[i], labels.values[i]);
	snprintf(number, sizeof(number), "} %.15g", value);
	append(m, &len, number);
	return m->line;
}

const char *metrics_next(struct metrics *m)
{
	while (m->family < families_count) {
		const struct family *f = &families[m->family];

		if (!m->introduced)
			return introduce(m, f);
		while (m->at < f->row->count(&m->source)) {
			const size_t at = m->at++;
			const double value = f->value(&m->source, at);

			if (!isnan(value))
				return show(m, f, at, value);
		}
		m->family++;
		m->at = 0;
		m->introduced = false;
	}
	return NULL;
}

/* ---- as a list ---- */

struct metric_list {
	struct control_list list;
	struct metrics *metrics;
};

static enum control_step step(struct control_list *list, json_t **row)
{
	const char *line = metrics_next(((struct metric_list *)list)->metrics);

	if (!line)
		return CONTROL_END;
	*row = json_string(line);
	return *row ? CONTROL_ROW : CONTROL_FAILED;
}

static void free_list(struct control_list *list)
{
	metrics_free(((struct metric_list *)list)->metrics);
	free(list);
}

struct control_list *list_metrics(const struct snapshot *s)
{
	struct metric_list *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->list = (struct control_list){ .step = step, .free = free_list };
	l->metrics = metrics_new(s);
	if (l->metrics)
		return &l->list;
	free(l);
	return NULL;
}
