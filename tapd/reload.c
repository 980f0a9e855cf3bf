#include "tapd/reload.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "tapd/common/error.h"
#include "tapd/common/keyfile.h"
#include "tapd/conf/encapsulation.h"
#include "tapd/conf/keys.h"
#include "tapd/conf/lists.h"
#include "tapd/conf/types.h"
#include "tapd/daemon_state.h"
#include "tapd/discover/resolve.h"
#include "tapd/discover/sources.h"
#include "tapd/log/log.h"
#include "tapd/service.h"
#include "tapd/tap/fitting_mtu.h"
#include "tapd/tap/interface.h"
#include "tapd/tap_events.h"
#include "tapd/wanted.h"

static void note(json_t *changes, const char *text)
{
	json_array_append_new(changes, json_string(text));
	log_info("reload: %s", text);
}

/* ---- what cannot change while it runs ---- */

static void note_pending(struct daemon *d, json_t *changes, const char *key)
{
	char text[96];

	snprintf(text, sizeof(text), "%s: takes effect when tapd is restarted",
		 key);
	json_array_append_new(changes, json_string(text));
	log_warning("reload: %s", text);
	d->restart_pending = true;
}

static bool same_listen(const struct conf *a, const struct conf *b)
{
	if (a->listen_set != b->listen_set ||
	    a->listen_count != b->listen_count)
		return false;
	for (unsigned i = 0; i < a->listen_count; i++)
		if (!addr_equal(&a->listen[i], &b->listen[i]))
			return false;
	return true;
}

static bool same_value(const struct conf *a, const struct conf *b,
		       const struct conf_key *key)
{
	const char *x = (const char *)a + key->offset;
	const char *y = (const char *)b + key->offset;

	if (key->type == &conf_type_listens)
		return same_listen(a, b);
	if (key->type == &conf_type_text)
		return strcmp(x, y) == 0;
	if (key->set_offset && *((const bool *)a + key->set_offset) !=
				       *((const bool *)b + key->set_offset))
		return false;
	return memcmp(x, y, key->size) == 0;
}

static_assert(sizeof(uint64_t) * 8 >= CONF_KEYS_MAX, "a bit for each key");

/* The running values stay in the new configuration, so that the next reload says again
 * what is still pending. Returns the keys that are, a bit for each. */
static uint64_t keep_fixed(const struct conf *old, struct conf *c)
{
	uint64_t pending = 0;

	for (size_t i = 0; i < conf_keys_count; i++) {
		const struct conf_key *key = &conf_keys[i];

		if (!key->fixed || same_value(c, old, key))
			continue;
		pending |= UINT64_C(1) << i;
		memcpy((char *)c + key->offset, (const char *)old + key->offset,
		       key->size);
		if (key->set_offset)
			*((bool *)c + key->set_offset) =
				*((const bool *)old + key->set_offset);
	}
	/* What belongs to the list besides its field. */
	c->listen_count = old->listen_count;
	c->listen_set = old->listen_set;
	return pending;
}

static void note_fixed(struct daemon *d, uint64_t pending, json_t *changes)
{
	d->restart_pending = pending != 0;
	for (size_t i = 0; i < conf_keys_count; i++)
		if (pending >> i & 1)
			note_pending(d, changes, conf_keys[i].path);
}

/* ---- what can ---- */

static void note_differences(const struct conf *from, const struct conf *to,
			     json_t *changes)
{
	char *diff = conf_diff(from, to), *rest = diff, *line;

	while (rest && (line = strsep(&rest, "\n")))
		if (*line)
			note(changes, line);
	free(diff);
}

static void apply_secrets(struct daemon *d, uint8_t secrets[][KEY_LEN],
			  size_t count, json_t *changes)
{
	if (!conf_is_sealed(d->conf))
		return;
	if (count == d->secrets_count &&
	    bytes_equal(secrets, d->secrets, count * KEY_LEN))
		return;
	note(changes, count == 1 ? "secret_file: another secret"
				 : "secret_file: other secrets");
	bytes_wipe(d->secrets, sizeof(d->secrets));
	memcpy(d->secrets, secrets, count * KEY_LEN);
	d->secrets_count = count;
	node_set_secrets(d->node, (const uint8_t(*)[KEY_LEN])d->secrets, count,
			 d->now);
}

/* Takes c: from here on it is everybody's, and nothing can fail. */
static void apply_conf(struct daemon *d, struct conf *c,
		       const struct interface_plan *plan)
{
	struct conf *old = d->conf;

	if (old->interface.mtu != c->interface.mtu && !c->interface.mtu_set &&
	    !old->interface.mtu_set)
		log_info("reload: %s: %u fits as its MTU, it was %u",
			 c->interface.name, c->interface.mtu,
			 old->interface.mtu);
	d->conf = c;
	interface_apply(d->interface, plan, c);
	d->fitting_mtu = fitting_mtu(c);
	log_set_level((enum log_level)c->log_level);
	if (strcmp(old->name, c->name) != 0)
		node_set_name(d->node, c->name, d->now);
	node_set_liveness(d->node, conf_interval_us(c), c->liveness_down_after,
			  c->liveness_expire * CLOCK_S, d->now);
	d->busy_poll.limit_us = c->busy_poll;
	moderation_set_limit(&d->moderation, c->moderation);
	node_set_router_advertisements(d->node,
				       c->interface.router_advertisements);
	daemon_set_multicast(d);
	daemon_set_offloads(d);
	daemon_follow_link(d);
	(void)resolve_set(d->resolve, c->peers, c->peers_count); /* reserved */
	daemon_want_peers(d);
	sources_set(d->sources, c);
	if (old->discover.peer_exchange != c->discover.peer_exchange)
		node_set_peer_exchange(d->node, c->discover.peer_exchange,
				       d->now);
	node_set_relay(d->node, c->relay, d->now);
	d->peers_changed = true; /* interface.carrier may be another */
	conf_free(old);
}

/* What a reload found, before anything is applied. */
struct found {
	struct conf
		*conf;	  /* NULL: there is no file, or it is of another kind */
	bool is_another;  /* … and that is why */
	uint64_t pending; /* keys that wait for the next start */
	struct interface_plan plan;
	uint8_t secrets[NODE_SECRETS_MAX][KEY_LEN];
	size_t secrets_count;
};

static void found_free(struct found *f)
{
	conf_free(f->conf);
	bytes_wipe(f, sizeof(*f));
}

/* Of a file for another encapsulation nothing suits this run: not its ports, nor its MTU,
 * nor that it has a secret or none. */
static bool read_conf(const struct daemon *d, struct found *f, char **error)
{
	f->conf = conf_read(d->conf->path, error);
	if (!f->conf)
		return false;
	f->is_another = f->conf->encapsulation != d->conf->encapsulation;
	if (f->is_another) {
		conf_free(f->conf);
		f->conf = NULL;
	}
	return true;
}

static bool find_secrets(const struct daemon *d, const struct conf *c,
			 struct found *f, char **error)
{
	char *warning;

	/* Who it is is fixed. */
	f->secrets_count = secret_file_read(c->secret_file, d->files_user,
					    f->secrets, &warning, error);
	if (warning)
		log_warning("reload: %s", warning);
	free(warning);
	return f->secrets_count > 0;
}

/* All that can fail but the list of trusted keys; it changes nothing. */
static bool find_all(const struct daemon *d, struct found *f, char **error)
{
	const struct conf *c = d->conf;

	if (c->path && !read_conf(d, f, error))
		return false;
	if (f->conf) {
		c = f->conf;
		/* What fits depends on some of them. */
		f->pending = keep_fixed(d->conf, f->conf);
		if (!fitting_mtu_set(f->conf, error) ||
		    !interface_plan(&f->plan, c, error))
			return false;
		if (!resolve_reserve(d->resolve, c->peers_count) ||
		    !sources_reserve(d->sources, c)) {
			error_set(error, "out of memory; nothing has changed");
			return false;
		}
	}
	return !conf_is_sealed(c) || find_secrets(d, c, f, error);
}

/* First of what is applied, for it may fail: nobody is let in, or kept in, by half
 * a reload. */
static bool apply_trusted(struct daemon *d, const struct conf *c, char **error)
{
	if (!c || !conf_is_sealed(c) ||
	    node_set_trusted(d->node, c->trusted_keys, c->trusted_keys_count,
			     d->now))
		return true;
	error_set(error, "trusted_keys: out of memory; nothing has changed");
	return false;
}

static json_t *reload(struct daemon *d, char **error)
{
	struct found f = { .conf = NULL };
	json_t *changes = json_array();

	if (!changes || !find_all(d, &f, error) ||
	    !apply_trusted(d, f.conf, error)) {
		found_free(&f);
		json_decref(changes);
		return NULL;
	}
	if (f.conf) {
		note_fixed(d, f.pending, changes);
		note_differences(d->conf, f.conf, changes);
		apply_conf(d, f.conf, &f.plan);
		f.conf = NULL;
	}
	if (f.is_another)
		note_pending(d, changes, "encapsulation, and all else");
	apply_secrets(d, f.secrets, f.secrets_count, changes);
	found_free(&f);
	if (json_array_size(changes) == 0)
		log_info("reload: nothing changed");
	return json_pack("{s:o}", "changes", changes);
}

json_t *daemon_reload(struct daemon *d, char **error)
{
	json_t *result;

	daemon_tell_reloading(d);
	result = reload(d, error);
	d->reload_failed = !result;
	d->reload_wall_us = d->now.wall_us;
	daemon_tell_reloaded(d);
	return result;
}
