#include "node/wanted.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "node/peer.h"

#define HOSTS (NODE_SOURCE_COUNT * NODE_ENDPOINTS_MAX)
static_assert(HOSTS <= UINT16_MAX, "a host's number is a uint16_t");

struct wanted {
	/* Two that are one: the number of the other, up to one that has its own. */
	uint16_t same[HOSTS]; /* as listed */
	/* Of the last review: those of all sources joined; */
	uint16_t joined[HOSTS];
	/* of the number that stands for it: whether it was found, or is ourselves,
	 * and the slot of the endpoint that is shown for it. */
	bool found[HOSTS], self[HOSTS];
	uint32_t shown[HOSTS];
};

struct wanted *wanted_new(void)
{
	struct wanted *w = calloc(1, sizeof(*w));

	for (int source = 0; w && source < NODE_SOURCE_COUNT; source++)
		wanted_begin(w, (enum node_source)source);
	return w;
}

void wanted_free(struct wanted *w)
{
	free(w);
}

static uint16_t number(enum node_source source, uint16_t host)
{
	return (uint16_t)(source * NODE_ENDPOINTS_MAX + host);
}

static uint16_t root(const uint16_t same[HOSTS], uint16_t host)
{
	while (same[host] != host)
		host = same[host];
	return host;
}

static void join(uint16_t same[HOSTS], uint16_t a, uint16_t b)
{
	a = root(same, a);
	b = root(same, b);
	if (a < b)
		same[b] = a;
	else
		same[a] = b;
}

void wanted_begin(struct wanted *w, enum node_source source)
{
	for (uint16_t host = 0; host < NODE_ENDPOINTS_MAX; host++)
		w->same[number(source, host)] = number(source, host);
}

void wanted_list(struct wanted *w, enum node_source source, struct endpoint *e,
		 uint16_t host, bool again)
{
	if (again)
		join(w->same, number(source, e->hosts[source]),
		     number(source, host));
	else
		e->hosts[source] = host;
}

/* ---- review ---- */

/* The number of a wanted endpoint's host. */
static uint16_t host_of(const struct wanted *w, const struct endpoint *e)
{
	int source = __builtin_ctz(e->sources);

	return root(w->joined,
		    number((enum node_source)source, e->hosts[source]));
}

static void join_sources(struct wanted *w, const struct endpoint *e)
{
	for (int source = 0; source < NODE_SOURCE_COUNT; source++)
		if (e->sources & (1u << source))
			join(w->joined, host_of(w, e),
			     number((enum node_source)source,
				    e->hosts[source]));
}

/* From the moment when our initiation came back. */
static bool is_self(const struct endpoint *e)
{
	return e->reason == ENDPOINT_SELF || e->pending.mirrored;
}

/* How much an endpoint's reason says about its host. */
static int rank(const struct endpoint *e)
{
	enum endpoint_reason reason = endpoint_shown_reason(e);

	if (endpoint_is_refused(e) || reason == ENDPOINT_OTHER_SECRET ||
	    reason == ENDPOINT_MIRRORED || reason == ENDPOINT_IGNORED)
		return 3;
	if (reason == ENDPOINT_NO_ANSWER)
		return 2;
	return reason == ENDPOINT_DIALLING;
}

static void show(struct wanted *w, const struct node *n,
		 const struct endpoint *e)
{
	uint32_t *shown = &w->shown[host_of(w, e)];
	const struct endpoint *before = table_at(n->peers.by_addr, *shown);

	if (!before || rank(e) > rank(before))
		*shown = table_slot(n->peers.by_addr, e);
}

/* Each host not found is shown; with_self: those that may be ourselves and others,
 * too. Returns how many. */
static uint32_t show_all(struct wanted *w, const struct node *n, bool with_self)
{
	uint32_t at = TABLE_NONE, count = 0;
	const struct endpoint *e;

	while ((e = endpoints_next(n, &at))) {
		uint16_t host;

		if (!e->sources || is_self(e))
			continue;
		host = host_of(w, e);
		if (w->found[host] || (w->self[host] && !with_self))
			continue;
		count += w->shown[host] == TABLE_NONE;
		show(w, n, e);
	}
	return count;
}

uint32_t wanted_review(const struct node *n)
{
	struct wanted *w = n->wanted;
	uint32_t at = TABLE_NONE, count;
	const struct endpoint *e;

	memcpy(w->joined, w->same, sizeof(w->joined));
	memset(w->found, 0, sizeof(w->found));
	memset(w->self, 0, sizeof(w->self));
	memset(w->shown, 0xff, sizeof(w->shown)); /* TABLE_NONE */
	while ((e = endpoints_next(n, &at)))
		if (e->sources)
			join_sources(w, e);
	at = TABLE_NONE;
	while ((e = endpoints_next(n, &at))) {
		if (!e->sources)
			continue;
		w->found[host_of(w, e)] |= e->peer != NULL;
		w->self[host_of(w, e)] |= !e->peer && is_self(e);
	}
	count = show_all(w, n, false);
	if (count == 0 && table_count(n->peers.by_key) == 0)
		count = show_all(w, n, true);
	return count;
}

uint16_t wanted_host(const struct node *n, const struct endpoint *e)
{
	return host_of(n->wanted, e);
}

bool wanted_stands_alone(const struct node *n, const struct endpoint *e)
{
	const struct wanted *w = n->wanted;

	return e->sources && !e->peer &&
	       w->shown[host_of(w, e)] == table_slot(n->peers.by_addr, e);
}
