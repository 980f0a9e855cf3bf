/* Reading configurations in tests. */
#ifndef TEST_CONF_HELP_H
#define TEST_CONF_HELP_H

#include "support/scratch.h"
#include "tapd/conf/conf.h"

static inline struct conf *read_ok(const char *path)
{
	char *error = NULL;
	struct conf *c = conf_read(path, &error);

	ck_assert_msg(c != NULL, "%s", error);
	ck_assert_ptr_null(error);
	return c;
}

static inline struct conf *read_text(const char *text)
{
	scratch_put("tap0.conf", text);
	return read_ok("tap0.conf");
}

/* Reading fails with a message that starts with `where` and contains `what`.*/
static inline void read_fails(const char *path, const char *where,
			      const char *what)
{
	char *error = NULL;
	struct conf *c = conf_read(path, &error);

	ck_assert_msg(c == NULL, "accepted, but should say: %s", what);
	ck_assert_ptr_nonnull(error);
	ck_assert_msg(strncmp(error, where, strlen(where)) == 0,
		      "\"%s\" does not start with \"%s\"", error, where);
	ck_assert_msg(strstr(error, what) != NULL,
		      "\"%s\" does not contain \"%s\"", error, what);
	ck_assert_msg(strchr(error, '\n') == NULL, "more than a line: %s",
		      error);
	ck_assert_msg(strpbrk(error, ";?") != NULL, "no advice in \"%s\"",
		      error);
	free(error);
}

/* A file that sets every key. */
#define EVERY_KEY                                                              \
	"interface = {\n"                                                      \
	"  name = \"lan\\x30\";\n"                                             \
	"  address = [ \"10.77.0.0/24\", \"fd77::/64\" ];\n"                   \
	"  address_from = \"eth0\";\n"                                         \
	"  mtu = 9000.0;\n"                                                    \
	"  mac = \"52:54:00:AB:cd:01\";\n"                                     \
	"  persist = true;\n"                                                  \
	"  multicast_route = true;\n"                                          \
	"  router_advertisements = true;\n"                                    \
	"  carrier = \"peers\";\n"                                             \
	"  up = \"/etc/tapd/\\\"odd\\\" \\\\name\"; down = \"/down\";\n"       \
	"};\n"                                                                 \
	"listen = [ \"0.0.0.0\", \"[fd00::1]:9000\", \"0.0.0.0:8273\" ];\n"    \
	"secret_file = \"/s\";\n"                                              \
	"trusted_keys = ( \"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\",\n" \
	"  \"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\" );\n"              \
	"key_file = \"/k\";\n"                                                 \
	"control_socket = \"/c\";\n"                                           \
	"name = \"web-1.example_x\";\n"                                        \
	"peers = [ \"10.9.0.2\", \"10.9.0.3:9\", \"node4.internal\",\n"        \
	"  \"node5:77\", \"[fd00::2]:8273\", \"fd00::3\" ];\n"                 \
	"discover = { file = \"/run/tapd/peers\"; interval = 5; "              \
	"  command = \"/usr/lib/tapd/discover ec2 tag:\\\"a\\\"=b\";\n"        \
	"  dns = [ \"tapd.internal\", \"web.internal:9\",\n"                   \
	"    \"_tapd._udp.example.net\" ]; peer_exchange = false; };\n"        \
	"multicast = { snooping = true; querier = false; };\n"                 \
	"offload = { tap = \"tso\"; merge = \"none\"; send = \"single\"; "     \
	"            receive = \"batch\"; checksums = \"complete\"; };\n"      \
	"liveness = { interval = 2; down_after = 5.0; expire = 60; };\n"       \
	"relay = true;\n"                                                      \
	"underlay_mtu = 1400;\n"                                               \
	"busy_poll = 50;\n"                                                    \
	"moderation = 70;\n"                                                   \
	"metrics = \"/run/tapd/tap0.metrics\";\n"                              \
	"log_level = \"debug\";\n"                                             \
	"user = \"nobody\";\n"

#endif
