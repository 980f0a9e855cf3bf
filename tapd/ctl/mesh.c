#include "tapd/ctl/mesh.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/ctl/answer.h"

/* Loss, and times the usual round trip, that are as bad as can be shown. */
#define LOSS_WORST  0.10
#define RATIO_WORST 20.0
/* A round trip of so many times the usual one, or longer by so little, is as good as
 * any. */
#define RATIO_EQUAL  3.0
#define RTT_EQUAL_US 1000.0

const struct mesh_link *mesh_link(const struct mesh *m, size_t from, size_t to)
{
	return &m->links[from * m->count + to];
}

static double number(const json_t *array, size_t i)
{
	const json_t *v = json_array_get(array, i);

	return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

static void read_row(struct mesh *m, size_t i, const json_t *row)
{
	const json_t *rtt = json_object_get(row, "rtt_us");
	const json_t *loss = json_object_get(row, "loss");

	m->answered[i] = json_is_true(json_object_get(row, "answered"));
	for (size_t j = 0; j < m->count; j++)
		m->links[i * m->count + j] = (struct mesh_link){
			.rtt_us = number(rtt, j),
			.loss = number(loss, j),
		};
}

static int compare_numbers(const void *left, const void *right)
{
	const double *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static double median_rtt(const struct mesh *m)
{
	double *all = calloc(m->count * m->count + 1, sizeof(*all));
	double median = (double)NAN;
	size_t n = 0;

	for (size_t i = 0; all && i < m->count * m->count; i++)
		if (!isnan(m->links[i].rtt_us))
			all[n++] = m->links[i].rtt_us;
	if (n > 0) {
		qsort(all, n, sizeof(*all), compare_numbers);
		median = all[n / 2];
	}
	free(all);
	return median;
}

/* Markup and the terminal get no more than names of hosts have, and keys. */
static void copy_name(char out[64], const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789._-+/=";

	snprintf(out, 64, "%s", name);
	for (char *c = out; *c; c++)
		if (!strchr(allowed, *c))
			*c = '?';
}

struct mesh *mesh_read(const json_t *rows)
{
	const json_t *names = json_object_get(json_array_get(rows, 0), "names");
	struct mesh *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->count = json_array_size(names);
	m->names = calloc(m->count + 1, sizeof(*m->names));
	m->answered = calloc(m->count + 1, sizeof(*m->answered));
	m->links = calloc(m->count * m->count + 1, sizeof(*m->links));
	if (!m->count || json_array_size(rows) != m->count + 1 || !m->names ||
	    !m->answered || !m->links) {
		mesh_free(m);
		return NULL;
	}
	for (size_t i = 0; i < m->count; i++) {
		copy_name(m->names[i], answer_shown(json_array_get(names, i)));
		read_row(m, i, json_array_get(rows, i + 1));
	}
	m->usual_rtt_us = median_rtt(m);
	return m;
}

void mesh_free(struct mesh *m)
{
	if (!m)
		return;
	free(m->names);
	free(m->answered);
	free(m->links);
	free(m);
}

double mesh_badness(const struct mesh *m, size_t from, size_t to)
{
	const struct mesh_link *l = mesh_link(m, from, to);
	double bad = 0, slow = 0;

	if (isnan(l->loss) && isnan(l->rtt_us))
		return (double)NAN;
	if (!isnan(l->loss))
		bad = l->loss / LOSS_WORST;
	if (!isnan(l->rtt_us) && m->usual_rtt_us > 0 &&
	    l->rtt_us > m->usual_rtt_us + RTT_EQUAL_US)
		slow = log(l->rtt_us / m->usual_rtt_us / RATIO_EQUAL) /
		       log(RATIO_WORST / RATIO_EQUAL);
	return fmin(1, fmax(bad, slow));
}

size_t mesh_worst(const struct mesh *m, struct mesh_place *out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < m->count * m->count; i++) {
		const struct mesh_place p = { i / m->count, i % m->count };
		const double bad = mesh_badness(m, p.from, p.to);
		size_t at = n;

		if (p.from == p.to || isnan(bad) || bad < MESH_DOUBTFUL)
			continue;
		while (at > 0 &&
		       bad > mesh_badness(m, out[at - 1].from, out[at - 1].to))
			at--;
		if (at == max)
			continue;
		n = n < max ? n + 1 : max;
		memmove(&out[at + 1], &out[at], (n - 1 - at) * sizeof(out[0]));
		out[at] = p;
	}
	return n;
}

static json_t *value(double v, bool whole)
{
	if (isnan(v))
		return json_null();
	return whole ? json_integer((json_int_t)v) : json_real(v);
}

json_t *mesh_json(const struct mesh *m)
{
	json_t *names = json_array(), *answered = json_array();
	json_t *rtt = json_array(), *loss = json_array();

	for (size_t i = 0; i < m->count; i++) {
		json_t *rtts = json_array(), *losses = json_array();

		for (size_t j = 0; j < m->count; j++) {
			const struct mesh_link *l = mesh_link(m, i, j);

			json_array_append_new(rtts, value(l->rtt_us, true));
			json_array_append_new(losses, value(l->loss, false));
		}
		json_array_append_new(names, json_string(m->names[i]));
		json_array_append_new(answered, json_boolean(m->answered[i]));
		json_array_append_new(rtt, rtts);
		json_array_append_new(loss, losses);
	}
	return json_pack("{s:o, s:o, s:o, s:o}", "names", names, "rtt_us", rtt,
			 "loss", loss, "answered", answered);
}
