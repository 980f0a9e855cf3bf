#include "tapd/conf/lists.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/node.h"
#include "tapd/conf/encapsulation.h"
#include "tapd/conf/peer.h"
#include "tapd/conf/source.h"

/*
 * Every list is one of texts, and saying the same twice is saying it once.
 * `add` checks one of them and appends it.
 */
typedef bool (*add_fn)(struct conf_reader *r, const struct conf_key *key,
		       const config_setting_t *at, const char *text);

static bool read_list(struct conf_reader *r, const struct conf_key *key,
		      config_setting_t *at, int max, add_fn add)
{
	int count = config_setting_length(at);

	if (!config_setting_is_array(at) && !config_setting_is_list(at))
		return conf_fail(r, key, at,
				 "must be a list; write it as [ \"…\" ]");
	if (count > max)
		return conf_fail(r, key, at, "has %d entries; use at most %d",
				 count, max);
	for (int i = 0; i < count; i++) {
		config_setting_t *element =
			config_setting_get_elem(at, (unsigned)i);

		if (config_setting_type(element) != CONFIG_TYPE_STRING)
			return conf_fail(r, key, element,
					 "entry %d is no text; put it in "
					 "quotes",
					 i + 1);
		if (!add(r, key, element, config_setting_get_string(element)))
			return false;
	}
	return true;
}

static void print_item(FILE *out, size_t i, const char *text)
{
	const char *before = i == 0 ? "[ " : i % 4 == 0 ? ",\n\t" : ", ";

	fprintf(out, "%s\"%s\"", before, text);
}

static void print_end(FILE *out, size_t count)
{
	fputs(count ? " ]" : "[ ]", out);
}

/* ---- interface.address ---- */

#define MAX_OF(member)                              \
	((int)(sizeof(((struct conf *)0)->member) / \
	       sizeof(((struct conf *)0)->member[0])))

static bool add_prefix(struct conf_reader *r, const struct conf_key *key,
		       const config_setting_t *at, const char *text)
{
	struct conf *c = r->conf;
	struct prefix p;

	if (!prefix_parse(&p, text))
		return conf_fail(r, key, at,
				 "\"%s\" is no address with a prefix length; "
				 "write it as \"10.77.0.1/24\"",
				 text);
	if (!addr_is_unicast(&p.addr) || p.len == 0)
		return conf_fail(r, key, at,
				 "\"%s\" cannot be a host's address; use one "
				 "such as \"10.77.0.1/24\"",
				 text);
	for (unsigned i = 0; i < c->interface.address_count; i++)
		if (prefix_equal(&c->interface.address[i], &p))
			return true;
	c->interface.address[c->interface.address_count++] = p;
	return true;
}

static bool read_prefixes(struct conf_reader *r, const struct conf_key *key,
			  config_setting_t *at)
{
	return read_list(r, key, at, MAX_OF(interface.address), add_prefix);
}

static void print_prefixes(FILE *out, const struct conf *c,
			   const struct conf_key *key)
{
	char text[PREFIX_STRLEN];

	(void)key;
	for (unsigned i = 0; i < c->interface.address_count; i++)
		print_item(out, i,
			   prefix_print(&c->interface.address[i], text));
	print_end(out, c->interface.address_count);
}

const struct conf_type conf_type_prefixes = { read_prefixes, print_prefixes };

/* ---- listen ---- */

static bool is_unspecified(const struct addr *a)
{
	struct addr any4 = addr_v4(0, a->port);
	struct addr any6 = { .port = a->port };

	return addr_equal(a, &any4) || addr_equal(a, &any6);
}

/* What may stand for all of a host's addresses. */
static const char *examples(uint16_t port)
{
	switch (port) {
	case 0:
		return "\"::\", \"0.0.0.0\"";
	case NODE_VXLAN_PORT:
		return "\"[::]:4789\", \"0.0.0.0:4789\"";
	default:
		return "\"[::]:8273\", \"0.0.0.0:8273\"";
	}
}

static bool refuse_port(struct conf_reader *r, const struct conf_key *key,
			const config_setting_t *at, const char *text)
{
	return conf_fail(r, key, at,
			 "\"%s\" has a port, and GRE has none; write the "
			 "host alone",
			 text);
}

static bool add_listen(struct conf_reader *r, const struct conf_key *key,
		       const config_setting_t *at, const char *text)
{
	struct conf *c = r->conf;
	const uint16_t port = conf_default_port(c);
	struct addr a;

	if (!conf_addr_parse(&a, text, port))
		return port == 0 && addr_parse(&a, text, 1)
			       ? refuse_port(r, key, at, text)
			       : conf_fail(r, key, at,
					   "\"%s\" is no address; write it as "
					   "%s or this host's address",
					   text, examples(port));
	if (!addr_is_unicast(&a) && !is_unspecified(&a))
		return conf_fail(r, key, at,
				 "\"%s\" is no unicast address; use one of "
				 "this host's, or %s",
				 text, examples(port));
	for (unsigned i = 0; i < c->listen_count; i++)
		if (addr_equal(&c->listen[i], &a))
			return true;
	c->listen[c->listen_count++] = a;
	return true;
}

static bool read_listens(struct conf_reader *r, const struct conf_key *key,
			 config_setting_t *at)
{
	struct conf *c = r->conf;
	const struct addr usual = { .port = conf_default_port(c) };

	c->listen_count = 0;
	if (!read_list(r, key, at, MAX_OF(listen), add_listen))
		return false;
	if (c->listen_count == 0)
		return conf_fail(r, key, at,
				 "names no address; add one, or remove the key "
				 "for all of this host's");
	/* The default spelled out is the default: it too may fall back. */
	c->listen_set =
		c->listen_count > 1 || !addr_equal(&c->listen[0], &usual);
	return true;
}

static void print_listens(FILE *out, const struct conf *c,
			  const struct conf_key *key)
{
	char text[ADDR_STRLEN];

	(void)key;
	for (unsigned i = 0; i < c->listen_count; i++)
		print_item(out, i, addr_print(&c->listen[i], text));
	print_end(out, c->listen_count);
}

const struct conf_type conf_type_listens = { read_listens, print_listens };

/* ---- trusted_keys ---- */

static bool add_key(struct conf_reader *r, const struct conf_key *key,
		    const config_setting_t *at, const char *text)
{
	struct conf *c = r->conf;
	struct public_key k;

	/* The text is not repeated: it may be a secret pasted by mistake. */
	if (!key_parse(k.bytes, text))
		return conf_fail(r, key, at,
				 "entry is no public key; write the 44 "
				 "characters that `tapctl pubkey` prints");
	for (size_t i = 0; i < c->trusted_keys_count; i++)
		if (public_key_equal(&c->trusted_keys[i], &k))
			return true;
	c->trusted_keys[c->trusted_keys_count++] = k;
	return true;
}

static bool read_keys(struct conf_reader *r, const struct conf_key *key,
		      config_setting_t *at)
{
	r->conf->trusted_keys =
		calloc(CONF_LIST_MAX, sizeof(*r->conf->trusted_keys));
	if (!r->conf->trusted_keys)
		return conf_fail(r, key, at, "out of memory");
	return read_list(r, key, at, CONF_LIST_MAX, add_key);
}

static void print_keys(FILE *out, const struct conf *c,
		       const struct conf_key *key)
{
	char text[KEY_STRLEN];

	(void)key;
	for (size_t i = 0; i < c->trusted_keys_count; i++)
		print_item(out, i, key_print(c->trusted_keys[i].bytes, text));
	print_end(out, c->trusted_keys_count);
}

const struct conf_type conf_type_keys = { read_keys, print_keys };

/* ---- peers ---- */

static bool add_peer(struct conf_reader *r, const struct conf_key *key,
		     const config_setting_t *at, const char *text)
{
	struct conf *c = r->conf;
	const uint16_t port = conf_default_port(c);
	struct conf_peer *peer = &c->peers[c->peers_count];

	if (!conf_peer_parse(peer, text, port) && port == 0 &&
	    conf_peer_parse(peer, text, 1))
		return refuse_port(r, key, at, text);
	if (!conf_peer_parse(peer, text, port))
		return conf_fail(r, key, at,
				 "\"%s\" is neither a host's address nor its "
				 "name; write it as \"10.9.0.2\", "
				 "\"10.9.0.2:8273\", \"[fd00::2]:8273\" or "
				 "\"node4.internal\"",
				 text);
	if (conf_peer_lacks_link(peer))
		return conf_fail(r, key, at,
				 "\"%s\" is one of a link; name the link's "
				 "interface too, as \"fe80::2%%eth0\"",
				 text);
	if (r->source)
		peer->line = conf_source_line(r->source,
					      config_setting_source_line(at));
	for (size_t i = 0; i < c->peers_count; i++)
		if (conf_peer_same(&c->peers[i], peer))
			return true;
	c->peers_count++;
	return true;
}

static bool read_peers(struct conf_reader *r, const struct conf_key *key,
		       config_setting_t *at)
{
	/* One more than may be kept: the next is parsed in place. */
	r->conf->peers = calloc(CONF_LIST_MAX + 1, sizeof(*r->conf->peers));
	if (!r->conf->peers)
		return conf_fail(r, key, at, "out of memory");
	return read_list(r, key, at, CONF_LIST_MAX, add_peer);
}

static void print_peers(FILE *out, const struct conf *c,
			const struct conf_key *key)
{
	(void)key;
	for (size_t i = 0; i < c->peers_count; i++)
		print_item(out, i, c->peers[i].text);
	print_end(out, c->peers_count);
}

const struct conf_type conf_type_peers = { read_peers, print_peers };

/* ---- discover.dns ---- */

/* "_tapd._udp.example.net" has its ports in its records (RFC 2782). */
static bool is_service(const char *name)
{
	const char *dot = strchr(name, '.');

	return name[0] == '_' && dot && dot[1] == '_' && strchr(dot + 1, '.');
}

static const char *check_dns_name(struct conf_peer *peer, const char *text,
				  uint16_t port)
{
	if (!conf_peer_parse(peer, text, port) && port == 0 &&
	    conf_peer_parse(peer, text, 1))
		return "has a port, and GRE has none; write the name alone";
	if (!conf_peer_parse(peer, text, port))
		return "is no name; write it as \"tapd.internal\", "
		       "\"tapd.internal:8273\" or "
		       "\"_tapd._udp.example.net\"";
	if (peer->is_addr || peer->is_scoped)
		return "is an address, and not asked of the DNS; put it into "
		       "peers";
	if (*text != '_')
		return NULL;
	peer->is_service = true;
	if (!is_service(peer->host))
		return "is no service's name; write it as "
		       "\"_tapd._udp.example.net\"";
	if (strchr(text, ':'))
		return "has its ports in its SRV records; remove the ':' and "
		       "the port";
	if (port == 0)
		return "is asked for ports, and GRE has none; name one with A "
		       "or AAAA records";
	return NULL;
}

static bool add_name(struct conf_reader *r, const struct conf_key *key,
		     const config_setting_t *at, const char *text)
{
	struct conf *c = r->conf;
	struct conf_peer *name = &c->discover.dns[c->discover.dns_count];
	const char *wrong = check_dns_name(name, text, conf_default_port(c));

	if (wrong)
		return conf_fail(r, key, at, "\"%s\" %s", text, wrong);
	for (size_t i = 0; i < c->discover.dns_count; i++)
		if (conf_peer_same(&c->discover.dns[i], name))
			return true;
	c->discover.dns_count++;
	return true;
}

static bool read_names(struct conf_reader *r, const struct conf_key *key,
		       config_setting_t *at)
{
	/* One more than may be kept: the next is parsed in place. */
	r->conf->discover.dns =
		calloc(CONF_DNS_MAX + 1, sizeof(*r->conf->discover.dns));
	if (!r->conf->discover.dns)
		return conf_fail(r, key, at, "out of memory");
	return read_list(r, key, at, CONF_DNS_MAX, add_name);
}

static void print_names(FILE *out, const struct conf *c,
			const struct conf_key *key)
{
	(void)key;
	for (size_t i = 0; i < c->discover.dns_count; i++)
		print_item(out, i, c->discover.dns[i].text);
	print_end(out, c->discover.dns_count);
}

const struct conf_type conf_type_names = { read_names, print_names };
