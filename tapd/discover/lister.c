#include "tapd/discover/lister.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tapd/discover/hosts.h"
#include "tapd/discover/own_host.h"
#include "tapd/log/log.h"

/* ---- when ---- */

static struct source_view view(const struct lister *l)
{
	const struct listing *s = l->all;

	return (struct source_view){ .now_us = s->ops->now_us(s->user),
				     .interval_s = s->interval_s,
				     .peers_up = s->ops->peers_up(s->user),
				     .is_near = l->which == NODE_SOURCE_FILE };
}

static void wait_for(struct lister *l, uint64_t us)
{
	const struct timeval delay = { .tv_sec = (time_t)(us / CLOCK_S),
				       .tv_usec = (suseconds_t)(us % CLOCK_S) };

	l->due_us = l->all->ops->now_us(l->all->user) + us;
	evtimer_add(l->timer, &delay);
}

static uint64_t choose_wait(const struct lister *l)
{
	const struct source_view v = view(l);
	uint64_t random;

	l->all->ops->random(l->all->user, &random, sizeof(random));
	return source_wait_us(&l->source, &v, random);
}

void lister_wait_anew(struct lister *l, bool sooner)
{
	uint64_t wait = choose_wait(l);

	if (!l->on || !evtimer_pending(l->timer, NULL))
		return;
	if (!sooner || l->all->ops->now_us(l->all->user) + wait < l->due_us)
		wait_for(l, wait);
}

/* ---- how good an answer is ---- */

size_t lister_addresses(const struct lister *l, struct addr *out,
			uint16_t *hosts, size_t max)
{
	return l->on ? hosts_addresses(l->peers, l->count, l->resolve, out,
				       hosts, max)
		     : 0;
}

static void log_judgement(const struct lister *l, const char *before)
{
	const struct source *s = &l->source;

	/* Of names it was said already. */
	if (l->which == NODE_SOURCE_DNS || strcmp(s->error, before) == 0)
		return;
	if (s->error[0])
		log_warning("%s: %s%s", l->key, s->error,
			    s->good_us ? ": keeping its last good answer" : "");
	else
		log_info("%s: its answer is good again", l->key);
}

static void tell_early(struct lister *l)
{
	char own[ADDR_STRLEN];

	if (!source_tell_early(&l->source))
		return;
	own_host_towards(&l->all->addrs[0], own);
	log_warning("%s does not list this host%s%s%s: %s", l->key,
		    *own ? " (" : "", own, *own ? ")" : "",
		    l->which == NODE_SOURCE_COMMAND ? "is its tag right?"
						    : "is its record there?");
}

/* error: why what came is no answer; NULL: it is what is listed now. */
static void judge(struct lister *l, const char *error)
{
	struct listing *s = l->all;
	const struct source_view v = view(l);
	const bool tells_self =
		l->which == NODE_SOURCE_COMMAND ||
		(l->which == NODE_SOURCE_DNS && resolve_has_many(l->resolve));
	size_t count =
		lister_addresses(l, s->addrs, s->hosts, ANSWER_PEERS_MAX);
	struct source_answer a = { .error = error, .endpoints = count };
	char before[SOURCE_ERROR_MAX];

	memcpy(before, l->source.error, sizeof(before));
	a.tells_self = tells_self && count > 0;
	a.has_self =
		a.tells_self && s->ops->is_this_host(s->user, s->addrs, count);
	(void)source_take(&l->source, &a, &v);
	log_judgement(l, before);
	tell_early(l);
	wait_for(l, choose_wait(l));
}

/* Of names that are listed by an answer, one without an address is no fault of the
 * answer, as long as there are others. */
static void judge_names(struct lister *l)
{
	bool matters =
		l->which == NODE_SOURCE_DNS ||
		lister_addresses(l, l->all->addrs, l->all->hosts, 1) == 0;

	judge(l, matters ? resolve_last_failure(l->resolve) : NULL);
}

/* ---- text ---- */

static void tell_left_out(struct lister *l, const struct answer *a)
{
	if (strcmp(l->left_out, a->left_out) == 0)
		return;
	memcpy(l->left_out, a->left_out, sizeof(l->left_out));
	if (!a->left_out[0] || a->error[0])
		return;
	if (l->which == NODE_SOURCE_FILE)
		log_warning("%s: %s:%s: left out", l->key, l->all->path,
			    a->left_out);
	else
		log_warning("%s: line %s: left out", l->key, a->left_out);
}

/* Takes the list. False if memory is short. */
static bool take_peers(struct lister *l, struct answer *a)
{
	bool same = resolve_has(l->resolve, a->peers, a->count);

	if (!same && !resolve_reserve(l->resolve, a->count))
		return false;
	free(l->peers);
	l->peers = a->peers;
	l->count = a->count;
	a->peers = NULL;
	if (same)
		return true;
	l->waits_for_names = true;
	(void)resolve_set(l->resolve, l->peers, l->count); /* reserved */
	/* Without names it is known at once. */
	l->waits_for_names = resolve_is_asking(l->resolve);
	return true;
}

static void refuse(struct lister *l, const char *why)
{
	char error[SOURCE_ERROR_MAX];

	if (l->which == NODE_SOURCE_FILE)
		snprintf(error, sizeof(error), "%s: %s", l->all->path, why);
	else
		snprintf(error, sizeof(error), "its output %s", why);
	judge(l, error);
}

static void take_text(struct lister *l, const char *text, size_t len)
{
	struct listing *s = l->all;
	struct answer a;

	answer_parse(&a, text, len, s->port);
	tell_left_out(l, &a);
	if (a.error[0] || a.count == 0)
		refuse(l, a.error[0] ? a.error : "is empty");
	else if (!take_peers(l, &a))
		judge(l, "out of memory");
	else {
		if (!l->waits_for_names)
			judge_names(l);
		s->ops->changed(s->user, l->which);
	}
	answer_free(&a);
}

static void read_file(struct lister *l)
{
	const char *why;
	size_t len;
	char *text = list_file_read(l->all->file, ANSWER_BYTES_MAX, &len, &why);

	if (text)
		take_text(l, text, len);
	else
		refuse(l, why);
	free(text);
}

/* ---- asking ---- */

void lister_ask(struct lister *l)
{
	struct listing *s = l->all;

	evtimer_del(l->timer);
	if (l->which == NODE_SOURCE_FILE)
		read_file(l);
	else if (l->which == NODE_SOURCE_COMMAND)
		command_run(s->command, s->text);
	else
		resolve_ask(l->resolve);
}

static void on_time(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	lister_ask(user);
}

void lister_command_done(void *user, const char *text, size_t len,
			 const char *error)
{
	struct lister *l = user;

	if (error)
		judge(l, error);
	else
		take_text(l, text, len);
}

static void on_names_asked(void *user)
{
	struct lister *l = user;

	if (!l->waits_for_names && l->which != NODE_SOURCE_DNS)
		return;
	l->waits_for_names = false;
	judge_names(l);
}

static void on_names_changed(void *user)
{
	const struct lister *l = user;

	l->all->ops->changed(l->all->user, l->which);
}

/* ---- its life ---- */

void lister_begin(struct lister *l)
{
	l->on = true;
	source_begin(&l->source, l->all->ops->now_us(l->all->user));
}

void lister_forget(struct lister *l)
{
	l->on = false;
	l->waits_for_names = false;
	l->left_out[0] = '\0';
	evtimer_del(l->timer);
	free(l->peers);
	l->peers = NULL;
	l->count = 0;
	if (l->which != NODE_SOURCE_DNS)
		(void)resolve_set(l->resolve, NULL, 0); /* reserved */
}

bool lister_init(struct lister *l, struct event_base *base,
		 struct helper *helper)
{
	static const struct resolve_ops ops[NODE_SOURCE_COUNT] = {
		[NODE_SOURCE_FILE] = { .what = "discover.file:",
				       .changed = on_names_changed,
				       .asked = on_names_asked },
		[NODE_SOURCE_COMMAND] = { .what = "discover.command:",
					  .changed = on_names_changed,
					  .asked = on_names_asked },
		[NODE_SOURCE_DNS] = { .what = "discover.dns:",
				      .changed = on_names_changed,
				      .asked = on_names_asked,
				      .when_told = true },
	};

	l->timer = evtimer_new(base, on_time, l);
	l->resolve = resolve_new(base, helper, &ops[l->which], l);
	return l->timer && l->resolve;
}

void lister_free(struct lister *l)
{
	resolve_free(l->resolve);
	if (l->timer)
		event_free(l->timer);
	free(l->peers);
}
