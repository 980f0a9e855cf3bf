/* A new configuration for a running daemon. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "tapd/common/error.h"
#include "tapd/common/keyfile.h"
#include "tapd/daemon_state.h"
#include "tapd/log.h"

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

/* The running values stay in the new configuration, so that the next reload
 * says again what is still pending. */
static void keep_fixed(struct daemon *d, struct conf *c, json_t *changes)
{
	const struct conf *old = d->conf;
	const struct {
		const char *key;
		char *to;
		const char *from;
		size_t size;
	} texts[] = {
#define TEXT(member) { #member, c->member, old->member, sizeof(c->member) }
		TEXT(interface.name),
		TEXT(key_file),
		TEXT(control_socket),
		TEXT(user),
#undef TEXT
	};

	d->restart_pending = false;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(texts[i].to, texts[i].from) == 0)
			continue;
		note_pending(d, changes, texts[i].key);
		memcpy(texts[i].to, texts[i].from, texts[i].size);
	}
	if (!same_listen(c, old)) {
		note_pending(d, changes, "listen");
		memcpy(c->listen, old->listen, sizeof(c->listen));
		c->listen_count = old->listen_count;
		c->listen_set = old->listen_set;
	}
	if (c->underlay_mtu != old->underlay_mtu) {
		note_pending(d, changes, "underlay_mtu");
		c->underlay_mtu = old->underlay_mtu;
	}
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
	if (count == d->secrets_count &&
	    bytes_equal(secrets, d->secrets, count * KEY_LEN))
		return;
	note(changes, count == 1 ? "secret_file: another secret"
				 : "secret_file: other secrets");
	memcpy(d->secrets, secrets, count * KEY_LEN);
	d->secrets_count = count;
	node_set_secrets(d->node, (const uint8_t(*)[KEY_LEN])d->secrets, count,
			 d->now);
}

/* Takes c. */
static void apply_conf(struct daemon *d, struct conf *c)
{
	struct conf *old = d->conf;

	d->conf = c;
	log_set_level((enum log_level)c->log_level);
	if (strcmp(old->name, c->name) != 0)
		node_set_name(d->node, c->name, d->now);
	node_set_trusted(d->node, c->trusted_keys, c->trusted_keys_count,
			 d->now);
	node_set_liveness(d->node, daemon_interval_us(c),
			  c->liveness_down_after, c->liveness_expire * CLOCK_S,
			  d->now);
	d->busy_poll.limit_us = c->busy_poll;
	daemon_set_multicast(d);
	daemon_set_offloads(d);
	daemon_follow_link(d);
	if (!resolve_set(d->resolve, c->peers, c->peers_count))
		log_error("reload: out of memory: names of peers stay as they"
			  " were");
	daemon_want_peers(d);
	d->peers_changed = true; /* interface.carrier may be another */
	conf_free(old);
}

/* Everything that can fail, before anything is applied. *c is NULL, and that is
 * well, if there is no file. */
static bool read_all(struct daemon *d, struct conf **c,
		     uint8_t secrets[NODE_SECRETS_MAX][KEY_LEN],
		     size_t *secrets_count, char **error)
{
	*c = NULL;
	if (d->conf->path) {
		*c = conf_read(d->conf->path, error);
		if (!*c)
			return false;
	}
	*secrets_count = secret_file_read(
		*c ? (*c)->secret_file : d->conf->secret_file, secrets, error);
	if (*secrets_count > 0)
		return true;
	conf_free(*c);
	return false;
}

json_t *daemon_reload(struct daemon *d, char **error)
{
	uint8_t secrets[NODE_SECRETS_MAX][KEY_LEN];
	json_t *changes = json_array();
	size_t count;
	struct conf *c;

	if (!read_all(d, &c, secrets, &count, error)) {
		json_decref(changes);
		return NULL;
	}
	/* The last thing that may fail, if address_from leads nowhere. */
	if (c && !interface_reconfigure(d->interface, c, error)) {
		conf_free(c);
		bytes_wipe(secrets, sizeof(secrets));
		json_decref(changes);
		return NULL;
	}
	if (c) {
		keep_fixed(d, c, changes);
		note_differences(d->conf, c, changes);
		apply_conf(d, c);
	}
	apply_secrets(d, secrets, count, changes);
	bytes_wipe(secrets, sizeof(secrets));
	if (json_array_size(changes) == 0)
		log_info("reload: nothing changed");
	return json_pack("{s:o}", "changes", changes);
}
