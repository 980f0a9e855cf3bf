#include "tapd/conf/keys.h"

#include <assert.h>
#include <pwd.h>
#include <string.h>

#include "node/node.h"
#include "tapd/conf/lists.h"
#include "tapd/conf/types.h"
#include "tapd/log/log.h"
#include "tapd/tap/tap.h"
#include "tapd/underlay/udp.h"

/* A path for a socket must fit sockaddr_un, NUL included. */
#define SOCKET_PATH_MAX 107

/* dev_valid_name() of the kernel, and no '%', which would make it a template. */
const char *conf_check_interface(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len >= CONF_IFNAME_LEN || strcmp(text, ".") == 0 ||
	    strcmp(text, "..") == 0 || strpbrk(text, "/:% \t\n\v\f\r"))
		return "is no interface name; use 1 to 15 characters without "
		       "space, '/', ':' or '%'";
	return NULL;
}

static const char *check_interface_or_none(const char *text)
{
	return *text ? conf_check_interface(text) : NULL;
}

const char *conf_check_name(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len >= CONF_NAME_LEN ||
	    strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			 "0123456789._-") != len)
		return "is no node name; use 1 to 63 of A-Z a-z 0-9 . _ -";
	return NULL;
}

static const char *check_command(const char *text)
{
	if (*text && *text != '/')
		return "is not an absolute path; begin it with '/'";
	return NULL;
}

static const char *check_file(const char *text)
{
	if (check_command(text))
		return check_command(text);
	if (*text && text[strlen(text) - 1] == '/')
		return "is a folder; name a file in it";
	return NULL;
}

static const char *check_user(const char *text)
{
	if (*text && (strpbrk(text, ":/ \t") || !getpwnam(text)))
		return "is no user of this host; name one, or \"root\" to stay";
	return NULL;
}

static const char *check_metrics(const char *text)
{
	struct addr a;

	if (!*text)
		return NULL;
	if (*text == '/')
		return strlen(text) > SOCKET_PATH_MAX
			       ? "is too long for a socket's path"
			       : check_file(text);
	if (!addr_parse(&a, text, CONF_METRICS_PORT))
		return "is no place to listen at; write it as "
		       "\"127.0.0.1:9273\" or \"/run/tapd/tap0.metrics\"";
	if (!addr_is_loopback(&a))
		return "is not this host's alone, and what is read there is "
		       "not encrypted; write \"127.0.0.1:9273\" or a path, and "
		       "let an agent pass it on";
	return NULL;
}

static const char *const carriers[] = { "always", "peers", NULL };
/* In the order of enum log_level. */
static const char *const log_levels[] = { "error", "warning", "info", "debug",
					  NULL };

const char *const conf_merge_words[] = {
	[CONF_MERGE_NONE] = "none",
	[CONF_MERGE_TCP] = "tcp",
	[CONF_MERGE_ALL] = "all",
	NULL,
};
const char *const conf_encapsulation_words[] = {
	[NODE_SEALED] = "sealed",
	[NODE_VXLAN] = "vxlan",
	[NODE_GRE] = "gre",
	NULL,
};
static const char *const checksums[] = { "partial", "complete", NULL };

#define FIELD(member)                            \
	.offset = offsetof(struct conf, member), \
	.size = sizeof(((struct conf *)0)->member)
#define SET(member) .set_offset = offsetof(struct conf, member)

/* In the order in which they are printed; a group's keys stand together. */
const struct conf_key conf_keys[] = {
	{ "interface.name", "--interface", &conf_type_text,
	  FIELD(interface.name), .check = conf_check_interface, .fixed = true },
	{ "interface.address", "--address", &conf_type_prefixes,
	  FIELD(interface.address) },
	{ "interface.address_from", NULL, &conf_type_text,
	  FIELD(interface.address_from), .check = check_interface_or_none },
	{ "interface.mtu", NULL, &conf_type_whole, FIELD(interface.mtu),
	  SET(interface.mtu_set), .min = 576, .max = 9216,
	  .unset = "1500, or that of an interface made before",
	  .unset_plain = "what fits the network below, or that of an interface "
			 "made before",
	  .preset = 1500 },
	{ "interface.mac", NULL, &conf_type_mac, FIELD(interface.mac),
	  SET(interface.mac_set),
	  .unset = "made from the node's key, or that of an interface made "
		   "before",
	  .unset_plain =
		  "made from this host's machine-id and name, or that of "
		  "an interface made before" },
	{ "interface.persist", NULL, &conf_type_bool,
	  FIELD(interface.persist) },
	{ "interface.multicast_route", NULL, &conf_type_bool,
	  FIELD(interface.multicast_route) },
	{ "interface.router_advertisements", NULL, &conf_type_bool,
	  FIELD(interface.router_advertisements) },
	{ "interface.carrier", NULL, &conf_type_word,
	  FIELD(interface.carrier_peers), .words = carriers },
	{ "interface.up", NULL, &conf_type_text, FIELD(interface.up),
	  .check = check_command },
	{ "interface.down", NULL, &conf_type_text, FIELD(interface.down),
	  .check = check_command },

	{ "encapsulation", "--encapsulation", &conf_type_word,
	  FIELD(encapsulation), .words = conf_encapsulation_words,
	  .fixed = true },
	{ "network_id", "--network-id", &conf_type_whole, FIELD(network_id),
	  SET(network_id_set), .min = 0, .max = UINT32_MAX, .unset = "none",
	  .fixed = true },

	{ "listen", "--listen", &conf_type_listens, FIELD(listen),
	  .fixed = true },
	{ "device", "--device", &conf_type_text, FIELD(routing.device),
	  .check = check_interface_or_none, .fixed = true },
	{ "mark", "--mark", &conf_type_whole, FIELD(routing.mark), .min = 0,
	  .max = UINT32_MAX, .fixed = true },
	{ "secret_file", "--secret-file", &conf_type_text, FIELD(secret_file),
	  .min = 1, .sealed_only = true,
	  .unset_plain = "none: nothing is sealed" },
	{ "trusted_keys", NULL, &conf_type_keys, SET(trusted_keys_set),
	  .unset = "every holder of the secret",
	  .unset_plain = "none: nothing is sealed" },
	{ "key_file", "--key-file", &conf_type_text, FIELD(key_file), .min = 1,
	  .fixed = true, .sealed_only = true,
	  .unset_plain = "none: nothing is sealed" },
	{ "control_socket", "--control-socket", &conf_type_text,
	  FIELD(control_socket), .min = 1, .max = SOCKET_PATH_MAX,
	  .fixed = true },
	{ "name", "--name", &conf_type_text, FIELD(name),
	  .check = conf_check_name },
	{ "peers", "PEER", .type = &conf_type_peers },

	{ "discover.file", NULL, &conf_type_text, FIELD(discover.file),
	  .check = check_file },
	{ "discover.command", NULL, &conf_type_text, FIELD(discover.command),
	  .check = check_command },
	{ "discover.dns", NULL, .type = &conf_type_names },
	{ "discover.interval", NULL, &conf_type_whole, FIELD(discover.interval),
	  .min = 1, .max = 86400, .preset = 30 },
	{ "discover.peer_exchange", NULL, &conf_type_bool,
	  FIELD(discover.peer_exchange), .preset = true },

	{ "multicast.snooping", NULL, &conf_type_bool,
	  FIELD(multicast_snooping), .preset = true },
	{ "multicast.querier", NULL, &conf_type_bool, FIELD(multicast_querier),
	  .preset = true },

	{ "offload.tap", NULL, &conf_type_word, FIELD(offload.tap),
	  .words = tap_offload_words, .preset = TAP_OFFLOAD_ALL },
	{ "offload.merge", NULL, &conf_type_word, FIELD(offload.merge),
	  .words = conf_merge_words, .preset = CONF_MERGE_ALL },
	{ "offload.send", NULL, &conf_type_word, FIELD(offload.send),
	  .words = udp_batching_words, .preset = UDP_RUNS },
	{ "offload.receive", NULL, &conf_type_word, FIELD(offload.receive),
	  .words = udp_batching_words, .preset = UDP_RUNS },
	{ "offload.checksums", NULL, &conf_type_word,
	  FIELD(offload.complete_sums), .words = checksums },

	{ "liveness.interval", NULL, &conf_type_number,
	  FIELD(liveness_interval), .min = 0.1, .max = 60, .preset = 1.0 },
	{ "liveness.down_after", NULL, &conf_type_whole,
	  FIELD(liveness_down_after), .min = 2, .max = 100, .preset = 3 },
	{ "liveness.expire", NULL, &conf_type_whole, FIELD(liveness_expire),
	  .min = 1, .max = 31536000, .preset = 300 },

	{ "relay", NULL, &conf_type_bool, FIELD(relay) },
	{ "underlay_mtu", NULL, &conf_type_whole, FIELD(underlay_mtu),
	  .min = 576, .max = 9216, .or_zero = true, .fixed = true },
	{ "busy_poll", NULL, &conf_type_whole, FIELD(busy_poll), .min = 0,
	  .max = 10000, .preset = 100 },
	{ "moderation", NULL, &conf_type_whole, FIELD(moderation), .min = 0,
	  .max = 10000, .preset = 100 },
	{ "metrics", NULL, &conf_type_text, FIELD(metrics),
	  .check = check_metrics, .fixed = true },
	{ "log_level", NULL, &conf_type_word, FIELD(log_level),
	  .words = log_levels, .preset = LOG_LEVEL_INFO },
	{ "user", NULL, &conf_type_text, FIELD(user), .check = check_user,
	  .fixed = true },
};
const size_t conf_keys_count = sizeof(conf_keys) / sizeof(conf_keys[0]);
static_assert(sizeof(conf_keys) / sizeof(conf_keys[0]) <= CONF_KEYS_MAX,
	      "a bit is enough for each");

const struct conf_key *conf_key_find(const char *path)
{
	for (size_t i = 0; i < conf_keys_count; i++)
		if (strcmp(conf_keys[i].path, path) == 0)
			return &conf_keys[i];
	return NULL;
}
