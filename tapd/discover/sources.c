#include "tapd/discover/sources.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/conf/encapsulation.h"
#include "tapd/discover/lister.h"

enum { FILE_LISTER, COMMAND_LISTER, DNS_LISTER, LISTERS };

struct sources {
	struct listing all;
	struct lister listers[LISTERS];
};

/* ---- what is configured ---- */

static void set_file(struct sources *s, const char *path)
{
	struct lister *l = &s->listers[FILE_LISTER];

	if (strcmp(s->all.path, path) == 0)
		return;
	lister_forget(l);
	snprintf(s->all.path, sizeof(s->all.path), "%s", path);
	list_file_set(s->all.file, s->all.path);
	if (*path)
		lister_begin(l);
	s->all.ops->changed(s->all.user, l->which);
	if (*path)
		lister_ask(l);
}

static void set_command(struct sources *s, const char *text)
{
	struct lister *l = &s->listers[COMMAND_LISTER];

	if (strcmp(s->all.text, text) == 0)
		return;
	command_stop(s->all.command);
	lister_forget(l);
	snprintf(s->all.text, sizeof(s->all.text), "%s", text);
	if (*text)
		lister_begin(l);
	s->all.ops->changed(s->all.user, l->which);
	if (*text)
		lister_ask(l);
}

/* Names that stay keep their answers. */
static void set_dns(struct sources *s, const struct conf_peer *names,
		    size_t count)
{
	struct lister *l = &s->listers[DNS_LISTER];

	if (resolve_has(l->resolve, names, count))
		return;
	lister_forget(l);
	if (count > 0)
		lister_begin(l);
	(void)resolve_set(l->resolve, names, count); /* reserved */
	s->all.ops->changed(s->all.user, l->which);
}

bool sources_reserve(struct sources *s, const struct conf *c)
{
	for (int i = 0; i < LISTERS; i++)
		if (!resolve_reserve(s->listers[i].resolve,
				     i == DNS_LISTER ? c->discover.dns_count
						     : 0))
			return false;
	return true;
}

void sources_set(struct sources *s, const struct conf *c)
{
	bool other_pace = s->all.interval_s != c->discover.interval;

	s->all.interval_s = c->discover.interval;
	s->all.port = conf_default_port(c);
	set_file(s, c->discover.file);
	set_command(s, c->discover.command);
	set_dns(s, c->discover.dns, c->discover.dns_count);
	for (int i = 0; i < LISTERS && other_pace; i++)
		lister_wait_anew(&s->listers[i], false);
}

void sources_peers_changed(struct sources *s)
{
	/* With some up there is time. */
	for (int i = 0; i < LISTERS && s->all.ops->peers_up(s->all.user) == 0;
	     i++)
		lister_wait_anew(&s->listers[i], true);
}

void sources_links_changed(struct sources *s)
{
	for (int i = 0; i < LISTERS; i++)
		resolve_links_changed(s->listers[i].resolve);
}

/* ---- the outside ---- */

static void on_file_changed(void *user)
{
	lister_ask(user);
}

struct sources *sources_new(struct event_base *base, struct helper *helper,
			    const struct discover_ops *ops, void *user)
{
	static const struct lister kinds[LISTERS] = {
		{ .which = NODE_SOURCE_FILE, .key = "discover.file" },
		{ .which = NODE_SOURCE_COMMAND, .key = "discover.command" },
		{ .which = NODE_SOURCE_DNS, .key = "discover.dns" },
	};
	struct sources *s = calloc(1, sizeof(*s));
	bool ok = s != NULL;

	if (!s)
		return NULL;
	s->all.ops = ops;
	s->all.user = user;
	for (int i = 0; i < LISTERS; i++) {
		s->listers[i] = kinds[i];
		s->listers[i].all = &s->all;
	}
	for (int i = 0; i < LISTERS && ok; i++)
		ok = lister_init(&s->listers[i], base, helper);
	s->all.file =
		list_file_new(base, on_file_changed, &s->listers[FILE_LISTER]);
	s->all.command =
		command_new(helper, ANSWER_BYTES_MAX, lister_command_done,
			    &s->listers[COMMAND_LISTER]);
	if (ok && s->all.file && s->all.command)
		return s;
	sources_free(s);
	return NULL;
}

void sources_free(struct sources *s)
{
	if (!s)
		return;
	list_file_free(s->all.file);
	command_free(s->all.command);
	for (int i = 0; i < LISTERS; i++)
		lister_free(&s->listers[i]);
	free(s);
}

static const struct lister *find(const struct sources *s,
				 enum node_source which)
{
	for (int i = 0; i < LISTERS; i++)
		if (s->listers[i].which == which && s->listers[i].on)
			return &s->listers[i];
	return NULL;
}

size_t sources_addresses(const struct sources *s, enum node_source which,
			 struct addr *out, uint16_t *hosts, size_t max)
{
	const struct lister *l = find(s, which);

	return l ? lister_addresses(l, out, hosts, max) : 0;
}

bool sources_info(const struct sources *s, enum node_source which,
		  struct sources_info *out)
{
	const struct lister *l = find(s, which);

	*out = (struct sources_info){ .error = "" };
	if (!l)
		return false;
	out->good_us = l->source.good_us;
	out->failures = l->source.failures;
	out->error = l->source.error;
	out->early = l->source.early && s->all.ops->peers_up(s->all.user) == 0;
	return true;
}
