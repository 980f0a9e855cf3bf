#include "tapd/discover/resolve.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "tapd/discover/name.h"
#include "tapd/helper/lookup.h"
#include "tapd/log/log.h"

#define LOOKUPS	      4
#define LIMIT_S	      20
#define INTERVAL_MS   30000 /* ±20 % */
#define UNANSWERED_MS 5000  /* while a name never had an answer */
#define LINKS_S	      1	    /* changes of links come in bursts */
#define SILENT	      "the name server is silent"
#define BROKEN_OFF    "its lookup ended too early"
#define GATHER_MS     20L /* answers that come together are told together */

struct lookup {
	struct resolve *r;
	unsigned number;
	struct helper_job *job; /* NULL: idle */
};

struct resolve {
	struct helper *helper;
	const struct resolve_ops *ops;
	void *user;
	struct name *names;
	size_t count;
	struct name *spare; /* resolve_reserve's */
	size_t spare_count;
	struct lookup lookups[LOOKUPS];
	struct event *again, *gather;
	bool links_changed; /* while it was asking */
};

/* ---- what it hears ---- */

static void on_line(void *user, const char *line)
{
	const struct timeval gather = { .tv_usec = GATHER_MS * 1000 };
	const struct lookup *lookup = user;
	struct resolve *r = lookup->r;
	char *text;
	size_t number = strtoul(line, &text, 10);

	if (number < r->count && *text == ' ' &&
	    name_hear(&r->names[number], text + 1, r->ops->what))
		evtimer_add(r->gather, &gather);
}

/* ---- when ---- */

bool resolve_is_asking(const struct resolve *r)
{
	for (unsigned i = 0; i < LOOKUPS; i++)
		if (r->lookups[i].job)
			return true;
	return false;
}

static void ask_again(struct resolve *r)
{
	unsigned ms = INTERVAL_MS, jitter;
	struct timeval delay;

	for (size_t i = 0; i < r->count; i++)
		if (r->names[i].known.count == 0)
			ms = UNANSWERED_MS;
	/* Daemons that start together need not ask together for ever. */
	if (getrandom(&jitter, sizeof(jitter), 0) != sizeof(jitter))
		jitter = 0;
	ms = ms / 10 * 8 + jitter % (ms / 10 * 4);
	delay = (struct timeval){ .tv_sec = ms / 1000,
				  .tv_usec = ms % 1000 * 1000L };
	evtimer_add(r->again, &delay);
}

/* The last of the lookups is done, or none could be started. */
static void end(struct resolve *r)
{
	if (!r->ops->when_told)
		ask_again(r);
	if (r->links_changed) {
		r->links_changed = false;
		resolve_links_changed(r);
	}
	if (r->ops->asked)
		r->ops->asked(r->user);
}

/* The one that a lookup died waiting for is asked for last the next time, and fails now.
 * Those after it were not asked for: what is known of them stands. */
static void note_silence(struct resolve *r, const struct lookup *lookup)
{
	struct name *first = NULL;

	for (size_t i = lookup->number; i < r->count; i += LOOKUPS) {
		struct name *n = &r->names[i];

		if (!n->answered && (!first || n->turn < first->turn))
			first = n;
	}
	if (first) {
		first->silent = true;
		first->unreached = false;
		name_fail(first, SILENT, r->ops->what);
	}
	for (size_t i = lookup->number; i < r->count; i += LOOKUPS) {
		struct name *n = &r->names[i];

		n->unreached = !n->answered && n != first;
		if (n->known.count == 0 && !n->failure[0])
			name_fail(n, SILENT, r->ops->what);
	}
}

/* No fork, no memory, or killed: nothing is known of the names it did not come to. */
static void note_end(struct resolve *r, const struct lookup *lookup)
{
	for (size_t i = lookup->number; i < r->count; i += LOOKUPS)
		if (!r->names[i].answered)
			name_fail(&r->names[i], BROKEN_OFF, r->ops->what);
}

static void on_done(void *user, int status, bool timed_out)
{
	struct lookup *lookup = user;
	struct resolve *r = lookup->r;

	lookup->job = NULL;
	if (timed_out)
		note_silence(r, lookup);
	else if (status != 0)
		note_end(r, lookup);
	if (!resolve_is_asking(r))
		end(r);
}

/* Names that the last lookup did not come to, then those that were answered; those that
 * were not waited out last. */
static void add_names(const struct lookup *lookup)
{
	const struct resolve *r = lookup->r;
	char text[CONF_TEXT_MAX + 32];
	size_t turn = 0;

	for (int rank = 0; rank < NAME_RANKS; rank++)
		for (size_t i = lookup->number; i < r->count; i += LOOKUPS) {
			struct name *n = &r->names[i];

			if (name_rank(n) != rank)
				continue;
			n->turn = ++turn;
			snprintf(text, sizeof(text), "%zu %s%s", i,
				 n->peer.is_service ? LOOKUP_SERVICE : "",
				 n->peer.host);
			helper_job_add(lookup->job, text);
		}
}

static void start_lookup(struct lookup *lookup)
{
	static const struct child_ops ops = { .line = on_line,
					      .done = on_done };
	struct resolve *r = lookup->r;

	lookup->job = helper_job_new(
		r->helper, HELPER_LOOK_UP,
		r->ops->limit_s ? r->ops->limit_s : LIMIT_S, &ops, lookup);
	if (lookup->job) {
		add_names(lookup);
		if (helper_job_run(lookup->job))
			return;
		lookup->job = NULL;
	}
	for (size_t i = lookup->number; i < r->count; i += LOOKUPS)
		name_fail(&r->names[i], helper_why(r->helper), r->ops->what);
}

static void start(struct resolve *r)
{
	for (size_t i = 0; i < r->count; i++)
		name_begin(&r->names[i]);
	for (unsigned i = 0; i < LOOKUPS && i < r->count; i++)
		start_lookup(&r->lookups[i]);
	if (!resolve_is_asking(r) && r->count > 0)
		end(r);
}

static void stop(struct resolve *r)
{
	for (unsigned i = 0; i < LOOKUPS; i++) {
		if (r->lookups[i].job)
			helper_job_cancel(r->lookups[i].job);
		r->lookups[i].job = NULL;
	}
	evtimer_del(r->again);
}

static void on_again(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	start(user);
}

static void on_gathered(evutil_socket_t fd, short what, void *user)
{
	struct resolve *r = user;

	(void)fd;
	(void)what;
	r->ops->changed(r->user);
}

/* ---- the outside ---- */

struct resolve *resolve_new(struct event_base *base, struct helper *helper,
			    const struct resolve_ops *ops, void *user)
{
	struct resolve *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->helper = helper;
	r->ops = ops;
	r->user = user;
	for (unsigned i = 0; i < LOOKUPS; i++)
		r->lookups[i] = (struct lookup){ .r = r, .number = i };
	r->again = evtimer_new(base, on_again, r);
	r->gather = evtimer_new(base, on_gathered, r);
	if (!r->again || !r->gather) {
		resolve_free(r);
		return NULL;
	}
	return r;
}

static void free_names(struct resolve *r)
{
	for (size_t i = 0; i < r->count; i++)
		name_free(&r->names[i]);
	free(r->names);
	r->names = NULL;
	r->count = 0;
}

void resolve_free(struct resolve *r)
{
	if (!r)
		return;
	if (r->again && r->gather)
		stop(r);
	if (r->again)
		event_free(r->again);
	if (r->gather)
		event_free(r->gather);
	free_names(r);
	free(r->spare);
	free(r);
}

static bool is_of(const struct name *n, const struct conf_peer *peer)
{
	return n->peer.port == peer->port &&
	       n->peer.is_service == peer->is_service &&
	       strcmp(n->peer.host, peer->host) == 0;
}

static struct name *find_name(const struct resolve *r,
			      const struct conf_peer *peer)
{
	for (size_t i = 0; i < r->count; i++)
		if (is_of(&r->names[i], peer))
			return &r->names[i];
	return NULL;
}

bool resolve_has(const struct resolve *r, const struct conf_peer *peers,
		 size_t count)
{
	size_t at = 0;

	for (size_t i = 0; i < count; i++) {
		if (peers[i].is_addr)
			continue;
		if (at == r->count || !is_of(&r->names[at++], &peers[i]))
			return false;
	}
	return at == r->count;
}

bool resolve_reserve(struct resolve *r, size_t count)
{
	struct name *names;

	if (r->spare && r->spare_count >= count)
		return true;
	names = calloc(count ? count : 1, sizeof(*names));
	if (!names)
		return false;
	free(r->spare);
	r->spare = names;
	r->spare_count = count;
	return true;
}

bool resolve_set(struct resolve *r, const struct conf_peer *peers, size_t count)
{
	struct name *names;
	size_t n = 0;

	if (!resolve_reserve(r, count))
		return false;
	names = r->spare;
	r->spare = NULL;
	r->spare_count = 0;
	for (size_t i = 0; i < count; i++) {
		struct name *name = find_name(r, &peers[i]);

		if (peers[i].is_addr)
			continue;
		if (name) {
			names[n++] = *name;
			/* Whoever has an answer frees it. */
			name->known = name->heard = (struct name_answer){ 0 };
		} else {
			names[n++].peer = peers[i];
		}
	}
	stop(r);
	free_names(r);
	r->names = names;
	r->count = n;
	start(r);
	return true;
}

void resolve_ask(struct resolve *r)
{
	if (!resolve_is_asking(r))
		start(r);
}

/* While they are asked for, the answers may be from before: asked once more. */
void resolve_links_changed(struct resolve *r)
{
	const struct timeval soon = { .tv_sec = LINKS_S };
	bool scoped = false;

	for (size_t i = 0; i < r->count; i++)
		scoped |= r->names[i].peer.is_scoped;
	if (!scoped)
		return;
	if (resolve_is_asking(r))
		r->links_changed = true;
	else
		evtimer_add(r->again, &soon);
}

size_t resolve_addresses(const struct resolve *r, struct addr *out,
			 uint16_t *names, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < r->count; i++)
		for (size_t j = 0; j < r->names[i].known.count && n < max;
		     j++) {
			if (names)
				names[n] = (uint16_t)i;
			out[n++] = r->names[i].known.addrs[j];
		}
	return n;
}

bool resolve_has_many(const struct resolve *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->names[i].known.count > 1)
			return true;
	return false;
}

const char *resolve_failure(const struct resolve *r, size_t at)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct name *n = &r->names[i];

		if (n->failure[0] && n->known.count == 0 && at-- == 0)
			return n->failure;
	}
	return NULL;
}

const char *resolve_last_failure(const struct resolve *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->names[i].failure[0])
			return r->names[i].failure;
	return NULL;
}
