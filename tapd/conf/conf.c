#include "tapd/conf/conf.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "node/node.h"
#include "tapd/common/error.h"
#include "tapd/conf/encapsulation.h"
#include "tapd/conf/keys.h"
#include "tapd/conf/plain.h"
#include "tapd/conf/source.h"
#include "tapd/conf/syntax.h"
#include "tapd/conf/types.h"
#include "tapd/conf/unknown.h"

/* ---- defaults ---- */

static struct conf *conf_new(const char *path)
{
	struct conf *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	if (path && !(c->path = strdup(path))) {
		free(c);
		return NULL;
	}
	c->listen_count = 1; /* [::] */
	for (size_t i = 0; i < conf_keys_count; i++)
		conf_preset(c, &conf_keys[i]);
	return c;
}

/* The file's base name without ".conf"; "tap0" without a file. */
static bool default_interface(struct conf_reader *r)
{
	const struct conf_key *key = conf_key_find("interface.name");
	struct conf *c = r->conf;
	const char *base;
	char name[256];
	size_t len;

	if (!c->path) {
		snprintf(c->interface.name, sizeof(c->interface.name), "%s",
			 "tap0");
		return true;
	}
	base = strrchr(c->path, '/');
	snprintf(name, sizeof(name), "%s", base ? base + 1 : c->path);
	len = strlen(name);
	if (len > 5 && strcmp(name + len - 5, ".conf") == 0)
		name[len - 5] = '\0';
	if (conf_check_interface(name))
		return conf_fail(r, key, NULL,
				 "not set, and the file's own name \"%s\" %s; "
				 "or set interface.name",
				 name, conf_check_interface(name));
	memcpy(c->interface.name, name, strlen(name) + 1);
	return true;
}

/* The host's name, as far as there is room; what may not be in a node's name
 * becomes '-'. */
static void default_name(struct conf *c)
{
	char name[HOST_NAME_MAX + 1] = "";

	if (gethostname(name, sizeof(name)) != 0 || !*name)
		snprintf(name, sizeof(name), "%s", "localhost");
	c->name_is_cut = strlen(name) >= sizeof(c->name);
	name[sizeof(c->name) - 1] = '\0';
	for (char *at = name; *at; at++) {
		char one[2] = { *at, '\0' };

		if (conf_check_name(one))
			*at = '-';
	}
	memcpy(c->name, name, strlen(name) + 1);
}

/* What the service manager hands over (systemd's LoadCredential=), if it does. */
static void default_secret(struct conf *c)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	int len = folder && *folder == '/'
			  ? snprintf(c->secret_file, sizeof(c->secret_file),
				     "%s/secret", folder)
			  : -1;

	if (len < 0 || (size_t)len >= sizeof(c->secret_file) ||
	    access(c->secret_file, F_OK) != 0)
		snprintf(c->secret_file, sizeof(c->secret_file), "%s",
			 "/etc/tapd/secret");
}

static bool fill_defaults(struct conf_reader *r)
{
	struct conf *c = r->conf;

	if (!*c->interface.name && !default_interface(r))
		return false;
	if (!c->listen_set)
		c->listen[0].port = conf_default_port(c);
	if (!*c->secret_file && conf_is_sealed(c))
		default_secret(c);
	if (!*c->name)
		default_name(c);
	if (!conf_is_sealed(c))
		*c->key_file = '\0'; /* there is no key */
	else if (!*c->key_file)
		snprintf(c->key_file, sizeof(c->key_file),
			 "/var/lib/tapd/%s.key", c->interface.name);
	if (!*c->control_socket)
		snprintf(c->control_socket, sizeof(c->control_socket),
			 "/run/tapd/%s.sock", c->interface.name);
	return true;
}

/* ---- what must fit together ---- */

/* True if the host bits are all zeros (a network's own address) or, for IPv4,
 * all ones (its broadcast). Point-to-point lengths have neither. */
static bool is_network_address(const struct prefix *p)
{
	bool v4 = addr_is_v4(&p->addr);
	unsigned len = v4 ? 96u + p->len : p->len;
	bool zeros = true, ones = v4;

	if (len >= 127)
		return false;
	for (unsigned bit = len; bit < 128; bit++) {
		if (p->addr.ip[bit / 8] & (0x80 >> bit % 8))
			zeros = false;
		else
			ones = false;
	}
	return zeros || ones;
}

static bool check_addresses(struct conf_reader *r)
{
	const struct conf_key *key = conf_key_find("interface.address");
	const struct conf *c = r->conf;
	char text[PREFIX_STRLEN];

	for (unsigned i = 0; i < c->interface.address_count; i++) {
		const struct prefix *p = &c->interface.address[i];

		prefix_print(p, text);
		if (!*c->interface.address_from && is_network_address(p))
			return conf_fail(r, key, NULL,
					 "\"%s\" is the network, not a host in "
					 "it; fill in the host's part, or set "
					 "address_from",
					 text);
		if (!addr_is_v4(&p->addr) && c->interface.mtu < 1280)
			return conf_fail(r, conf_key_find("interface.mtu"),
					 NULL,
					 "%u is too small for the IPv6 address "
					 "\"%s\"; use at least 1280",
					 c->interface.mtu, text);
	}
	return true;
}

static bool check_together(struct conf_reader *r)
{
	const struct conf_key *from = conf_key_find("interface.address_from");
	struct conf *c = r->conf;
	double down = c->liveness_interval * c->liveness_down_after;

	if (*c->interface.address_from)
		c->address_from_at = conf_where(r, from);
	if (c->interface.mtu_set)
		c->mtu_at = conf_where(r, conf_key_find("interface.mtu"));
	if (*c->interface.address_from && c->interface.address_count == 0)
		return conf_fail(r, from, NULL,
				 "there is no interface.address to complete; "
				 "add address = [ \"10.77.0.0/16\" ]");
	if (strcmp(c->routing.device, c->interface.name) == 0)
		return conf_fail(r, conf_key_find("device"), NULL,
				 "\"%s\" is the TAP itself; name an interface "
				 "of the network below, or a VRF",
				 c->interface.name);
	if (strcmp(c->interface.address_from, c->interface.name) == 0)
		return conf_fail(r, from, NULL,
				 "\"%s\" is the TAP itself; name the interface "
				 "that has the host's address",
				 c->interface.name);
	if (c->liveness_expire < down)
		return conf_fail(r, conf_key_find("liveness.expire"), NULL,
				 "%u s is less than a peer needs to be down, "
				 "interval × down_after; use at least %.15g",
				 c->liveness_expire, down);
	return conf_check_plain(r) && check_addresses(r);
}

/* ---- reading ---- */

static bool read_settings(struct conf_reader *r)
{
	if (!conf_check_known(r))
		return false;
	for (size_t i = 0; i < conf_keys_count; i++) {
		const struct conf_key *key = &conf_keys[i];
		config_setting_t *at = config_lookup(r->config, key->path);

		if (!at)
			continue;
		if (!key->type->read(r, key, at))
			return false;
		if (key->set_offset)
			*((bool *)r->conf + key->set_offset) = true;
	}
	return fill_defaults(r) && check_together(r);
}

/* Takes config: it is destroyed. */
static struct conf *conf_load(config_t *config, const char *path,
			      const struct conf_source *source, char **error)
{
	struct conf_reader r = { .conf = conf_new(path),
				 .source = source,
				 .config = config,
				 .error = error };
	bool ok = false;

	if (r.conf)
		ok = read_settings(&r);
	else
		error_set(error, "%s: out of memory",
			  path ? path : "command line");
	config_destroy(config);
	if (ok)
		return r.conf;
	conf_free(r.conf);
	return NULL;
}

/* line: where it was noticed. */
static void syntax_advice(const struct conf_source *source, unsigned line,
			  const struct syntax_mistake *m, char **error)
{
	char opened[32] = "";

	if (m->opened)
		snprintf(opened, sizeof(opened), " of line %u",
			 conf_source_line(source, m->opened));
	error_set(error, "%s:%u: syntax error; %s%s",
		  conf_source_file(source, line),
		  conf_source_line(source, line),
		  m->advice ? m->advice : "out of memory", opened);
}

static void syntax_error(const config_t *config,
			 const struct conf_source *source, char **error)
{
	unsigned line = (unsigned)config_error_line(config);
	const char *text = config_error_text(config);
	const char *advice = "look for a missing ';', quote or bracket here or "
			     "on the line before";
	struct syntax_mistake m;

	if (strstr(text, "duplicate"))
		advice = "a key may be given once; remove one of them";
	else if (strstr(text, "array"))
		advice = "put each entry in quotes";
	else if (syntax_find_mistake(conf_source_text(source), &m)) {
		syntax_advice(source, line, &m, error);
		free(m.advice);
		return;
	}
	error_set(error, "%s:%u: %s; %s", conf_source_file(source, line),
		  conf_source_line(source, line), text, advice);
}

/* What libconfig takes, but differently from how it was meant. */
static bool is_as_meant(const struct conf_source *source, char **error)
{
	struct syntax_mistake m;
	bool wrong =
		syntax_find_mistake(conf_source_text(source), &m) && m.accepted;

	if (wrong)
		syntax_advice(source, m.line, &m, error);
	free(m.advice);
	return !wrong;
}

struct conf *conf_read(const char *path, char **error)
{
	struct conf_source *source;
	struct conf *c = NULL;
	config_t config;

	*error = NULL;
	source = conf_source_read(path, error);
	if (!source)
		return NULL;
	config_init(&config);
	if (!config_read_string(&config, conf_source_text(source))) {
		syntax_error(&config, source, error);
		config_destroy(&config);
	} else if (!is_as_meant(source, error)) {
		config_destroy(&config);
	} else {
		c = conf_load(&config, path, source, error);
	}
	conf_source_free(source);
	return c;
}

void conf_free(struct conf *c)
{
	if (!c)
		return;
	free(c->path);
	free(c->address_from_at);
	free(c->mtu_at);
	free(c->trusted_keys);
	free(c->peers);
	free(c->discover.dns);
	free(c);
}

uint64_t conf_interval_us(const struct conf *c)
{
	return (uint64_t)(c->liveness_interval * (double)CLOCK_S);
}

/* ---- the command line ---- */

/* Adds a text, if there is one; false if memory is short. */
static bool add_text(config_setting_t *group, const char *name,
		     const char *text)
{
	config_setting_t *at;

	if (!text)
		return true;
	at = config_setting_add(group, name, CONFIG_TYPE_STRING);
	return at && config_setting_set_string(at, text);
}

static bool add_list(config_setting_t *group, const char *name,
		     const char *const *texts, size_t count)
{
	config_setting_t *at;

	if (count == 0)
		return true;
	at = config_setting_add(group, name, CONFIG_TYPE_LIST);
	if (!at)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!config_setting_set_string_elem(at, -1, texts[i]))
			return false;
	return true;
}

/* What is no number stays a text, for whoever reads it to refuse. */
static bool add_number(config_setting_t *group, const char *name,
		       const char *text)
{
	config_setting_t *at;
	char *end;
	long value;

	if (!text)
		return true;
	errno = 0;
	value = strtol(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10);
	if (!isdigit((unsigned char)*text) || *end || errno != 0)
		return add_text(group, name, text);
	at = config_setting_add(group, name, CONFIG_TYPE_INT64);
	return at && config_setting_set_int64(at, value);
}

/* The options become the settings a file would have, and go the same way. */
struct conf *conf_from_options(const struct conf_options *o, char **error)
{
	config_setting_t *root, *interface;
	config_t config;

	*error = NULL;
	config_init(&config);
	root = config_root_setting(&config);
	interface = config_setting_add(root, "interface", CONFIG_TYPE_GROUP);
	if (interface && add_text(interface, "name", o->interface) &&
	    add_list(interface, "address", o->addresses, o->addresses_count) &&
	    add_text(root, "secret_file", o->secret_file) &&
	    add_text(root, "name", o->name) &&
	    add_text(root, "key_file", o->key_file) &&
	    add_text(root, "control_socket", o->control_socket) &&
	    add_text(root, "encapsulation", o->encapsulation) &&
	    add_number(root, "network_id", o->network_id) &&
	    add_text(root, "device", o->device) &&
	    add_number(root, "mark", o->mark) &&
	    add_list(root, "listen", o->listens, o->listens_count) &&
	    add_list(root, "peers", o->peers, o->peers_count))
		return conf_load(&config, NULL, NULL, error);
	config_destroy(&config);
	error_set(error, "command line: out of memory");
	return NULL;
}
