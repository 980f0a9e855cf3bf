#include "tapd/conf/plain.h"

#include "tapd/conf/encapsulation.h"
#include "tapd/conf/keys.h"

/* The interface's least. */
#define MTU_MIN 576U

static const config_setting_t *find(const struct conf_reader *r,
				    const char *path)
{
	return config_lookup(r->config, path);
}

static const char *word(const struct conf *c)
{
	return conf_encapsulation_words[c->encapsulation];
}

/* Keys that promise what only a sealed network keeps. */
static bool check_keys(struct conf_reader *r)
{
	static const char *const refused[] = { "secret_file", "trusted_keys" };
	const struct conf_key *exchange =
		conf_key_find("discover.peer_exchange");

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (find(r, refused[i]))
			return conf_fail(r, conf_key_find(refused[i]), NULL,
					 "means nothing with encapsulation = "
					 "\"%s\", which seals nothing; remove "
					 "one of the two",
					 word(r->conf));
	if (find(r, exchange->path) && r->conf->discover.peer_exchange)
		return conf_fail(r, exchange, NULL,
				 "means nothing with encapsulation = \"%s\", "
				 "whose hosts tell of no others; remove it",
				 word(r->conf));
	r->conf->discover.peer_exchange = false;
	if (r->conf->relay)
		return conf_fail(r, conf_key_find("relay"), NULL,
				 "means nothing with encapsulation = \"%s\", "
				 "which carries for no others; remove it",
				 word(r->conf));
	return true;
}

static bool check_network_id(struct conf_reader *r)
{
	const struct conf_key *key = conf_key_find("network_id");
	const struct conf *c = r->conf;

	if (c->encapsulation == NODE_SEALED && c->network_id_set)
		return conf_fail(
			r, key, NULL,
			"means nothing in a sealed network; remove it, "
			"or set encapsulation to \"vxlan\" or \"gre\"");
	if (c->encapsulation != NODE_VXLAN)
		return true;
	if (!c->network_id_set)
		return conf_fail(
			r, key, find(r, "encapsulation"),
			"is not set, and VXLAN needs one; add the VNI, "
			"as network_id = 42");
	if (c->network_id > NODE_VNI_MAX)
		return conf_fail(r, key, NULL, "%u is no VNI; use 0 to %u",
				 c->network_id, NODE_VNI_MAX);
	return true;
}

/* What the host's own interfaces carry is seen when it starts. */
static bool check_mtu(struct conf_reader *r)
{
	const unsigned below = r->conf->underlay_mtu;
	struct conf *c = r->conf;
	const unsigned fits = conf_fitting_mtu(c, below ? below : 1500);

	if (!c->interface.mtu_set)
		c->interface.mtu = (uint16_t)fits;
	if (below && fits < MTU_MIN)
		return conf_fail(r, conf_key_find("underlay_mtu"), NULL,
				 "%u leaves %u for the interface; use at least "
				 "%u",
				 below, fits, MTU_MIN + conf_overhead(c));
	if (below && c->interface.mtu > fits)
		return conf_fail(r, conf_key_find("interface.mtu"), NULL,
				 "%u does not fit into an underlay_mtu of %u: "
				 "%s adds %u; use at most %u",
				 c->interface.mtu, below, word(c),
				 conf_overhead(c), fits);
	return true;
}

/* One to which no socket sends is refused; the default takes both. */
static bool check_families(struct conf_reader *r)
{
	const struct conf *c = r->conf;
	bool v4 = !c->listen_set, v6 = !c->listen_set;

	for (unsigned i = 0; i < c->listen_count; i++) {
		const bool is_v4 = addr_is_v4(&c->listen[i]);

		v6 |= !is_v4;
		v4 |= is_v4 || (c->encapsulation == NODE_VXLAN &&
				addr_is_any(&c->listen[i]));
	}
	for (size_t i = 0; i < c->peers_count; i++)
		if (c->peers[i].is_addr &&
		    !(addr_is_v4(&c->peers[i].addr) ? v4 : v6))
			return conf_fail(r, conf_key_find("listen"), NULL,
					 "has no address of the family of the "
					 "peer \"%s\"; add one",
					 c->peers[i].text);
	return true;
}

bool conf_check_plain(struct conf_reader *r)
{
	if (!check_network_id(r))
		return false;
	return conf_is_sealed(r->conf) ||
	       (check_keys(r) && check_families(r) && check_mtu(r));
}
