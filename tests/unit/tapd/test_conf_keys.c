/* What is refused, where, and in what words; and that each key is documented. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "support/main.h"
#include "tapd/conf/keys.h"
#include "unit/tapd/conf_help.h"

#define IF(text)   "interface = {\n" text "\n};"
#define VXLAN	   "encapsulation = \"vxlan\"; network_id = 42;\n"
#define GRE	   "encapsulation = \"gre\";\n"
#define LIVE(text) "liveness = { " text " };"
#define X16	   "xxxxxxxxxxxxxxxx"
#define X64	   X16 X16 X16 X16

static const struct {
	const char *text;
	unsigned line;
	const char *error;
} bad[] = {
	/* syntax */
	{ "name = \"a\"\n\nuser =;", 3,
	  "syntax error; a value is missing before" },
	{ "peers = [\n \"a\",\n];", 3, "remove the ',' after the last entry" },
	{ "peers = ( \"a\", );", 1, "remove the ',' after the last entry" },
	{ IF("address = [ \"10.0.0.1/8\", ];"), 2, "remove the ','" },
	{ "name = \xe2\x80\x9c"
	  "a\xe2\x80\x9d;",
	  1, "plain double quotes" },
	{ "name = 'a';", 1, "plain double quotes" },
	{ "\xc2\xa0name = \"a\";", 1, "no-break space" },
	/* No text where none may be: libconfig would leak it. */
	{ "busy_poll 5;", 1, "put a '=' after busy_poll" },
	{ "interface { };", 1, "put a '=' after interface" },
	{ "[interface]\nname = \"a\"", 1, "there are no sections" },
	{ "interface.mtu = 1500;", 1, "write it as interface = { mtu = … };" },
	{ "log_level = info;", 1, "put info in double quotes" },
	{ "peers = [ web2 ];", 1, "put web2 in double quotes" },
	{ IF("persist = yes;"), 2, "write true or false for yes" },
	{ "name = \"a\";;", 1, "remove the ';'" },
	{ IF("mtu = 1500; };"), 3, "remove the '}', which closes nothing" },
	{ "\ninterface = { mtu = 1500;\n", 2, "close the '{' of line 2" },
	{ "peers = [ \"a\";\n", 1, "first close the '[' of line 1" },
	{ "peers = [ \"a\"\n\"b\" ];", 2, "put a ',' between two entries" },
	{ LIVE("interval = 1,5;"), 1, "with a point" },
	{ "\nbusy_poll = 4294967396;", 2, "use a smaller number" },
	{ "busy_poll = 0x100000064;", 1, "use a smaller number" },
	{ "\nname = \"a;\nuser = \"root\";", 3, "close the quote of line 2" },
	{ "\n/* name\nuser = \"nobody\";", 2, "end the comment" },
	{ "name = \"a\" user = \"b\" \"c\" 5;", 1, "put a ';' before it" },
	{ "interface = {", 1, "syntax error" },
	{ "name = \"a", 1, "syntax error" },
	{ "name = \"a\";\nname = \"b\";", 2, "a key may be given once" },
	{ "peers = [\n\"a\",\n1 ];", 3, "put each entry in quotes" },
	{ "\n@include \"none\"\n", 2, "@include none: No such file" },
	{ "\n@include \"/\"\n", 2, "@include /: is a directory" },
	{ "@include \"tap0.conf\"\n", 1, "remove the circle" },
	{ "@include none\n", 1, "write @include \"FILE\" alone" },
	{ "@include \"none\" name = \"a\";\n", 1, "alone on the line" },
	{ "\n@include\n\"none\"\n", 2, "alone on the line" },
	/* unknown keys */
	{ "\npeer = [ ];", 2, "peer: unknown key; did you mean peers?" },
	{ "interfaces = { };", 1, "did you mean interface?" },
	{ IF("adress = [ ];"), 2,
	  "interface.adress: unknown key; did you mean interface.address?" },
	{ "mtu = 1500;", 1, "mtu: unknown key; did you mean interface.mtu?" },
	{ IF("secret_file = \"/s\";"), 2, "did you mean secret_file?" },
	{ "loglevel = \"info\";", 1, "did you mean log_level?" },
	{ X64 X64 X64 "z = 1;", 1, X64 X64 X64 "z: unknown key; remove it" },
	{ "colour = \"red\";", 1, "colour: unknown key; remove it" },
	{ X64 X64 " = 1;", 1, "unknown key; remove it" },
	{ "liveness = { interval = 1;\n intervall = 2; };", 2,
	  "did you mean liveness.interval?" },
	/* wrong kinds */
	{ "interface = \"tap0\";", 1, "interface: is a group; write it as" },
	{ "interface = ( );", 1, "interface: is a group" },
	{ "peers = \"10.9.0.2\";", 1, "peers: must be a list" },
	{ "peers = ( \"10.9.0.2\",\n ( ) );", 2, "entry 2 is no text" },
	{ "name = 5;", 1, "name: is a number and must be text" },
	{ "name = { };", 1, "name: is a group and must be text" },
	{ IF("mtu = \"1500\";"), 2, "is text and must be a number" },
	{ IF("mtu = true;"), 2, "is true or false and must be a number" },
	{ IF("persist = 1;"), 2, "is a number and must be true or false" },
	{ IF("mtu = [ 1500 ];"), 2, "is a list and must be a number" },
	/* numbers */
	{ IF("mtu = 575;"), 2, "575 is out of range; use 576 to 9216" },
	{ IF("mtu = 9217;"), 2, "9217 is out of range" },
	{ IF("mtu = -1500;"), 2, "-1500 is out of range" },
	{ IF("mtu = 1e999;"), 2, "inf is out of range" },
	{ IF("mtu = 5000000000L;"), 2, "5000000000 is out of range" },
	{ IF("mtu = 1500.5;"), 2, "1500.5 is no whole number; use 1500" },
	{ IF("mtu = 0;"), 2, "0 is out of range; use 576" },
	{ "underlay_mtu = 500;", 1, "use 0 or 576 to 9216" },
	{ "busy_poll = 10001;", 1, "10001 is out of range; use 0 to 10000" },
	{ "busy_poll = -1;", 1, "busy_poll: -1 is out of range" },
	{ "moderation = 10001;", 1, "10001 is out of range; use 0 to 10000" },
	{ "moderation = -1;", 1, "moderation: -1 is out of range" },
	{ LIVE("interval = 0.05;"), 1, "0.05 is out of range; use 0.1 to 60" },
	{ LIVE("interval = 61;"), 1, "liveness.interval: 61 is out of range" },
	{ LIVE("down_after = 1;"), 1, "use 2 to 100" },
	{ LIVE("down_after = 101;"), 1, "use 2 to 100" },
	{ LIVE("expire = 0;"), 1, "liveness.expire: 0 is out of range" },
	{ LIVE("expire = 2;"), 1, "interval × down_after; use at least 3" },
	{ LIVE("interval = 60; down_after = 100;"), 1, "use at least 6000" },
	/* names */
	{ IF("name = \"\";"), 2, "\"\" is no interface name" },
	{ IF("name = \".\";"), 2, "is no interface name" },
	{ IF("name = \"..\";"), 2, "is no interface name" },
	{ IF("name = \"" X16 "\";"), 2, "use 1 to 15 characters" },
	{ IF("name = \"a/b\";"), 2, "is no interface name" },
	{ IF("name = \"a b\";"), 2, "is no interface name" },
	{ IF("name = \"tap%d\";"), 2, "is no interface name" },
	{ IF("name = \"a:1\";"), 2, "is no interface name" },
	{ IF("name = \"a\\n\";"), 2, "control character" },
	{ "name = \"\";", 1, "is no node name; use 1 to 63" },
	{ "name = \"" X64 "\";", 1, "is no node name" },
	{ "name = \"web 1\";", 1, "is no node name" },
	{ "name = \"wéb1\";", 1, "is no node name" },
	{ "user = \"a:b\";", 1, "is no user" },
	{ "user = \"no-such-user\";", 1, "is no user of this host" },
	{ "log_level = \"loud\";", 1,
	  "\"loud\" is not known; use one of \"error\", \"warning\", "
	  "\"info\", \"debug\"" },
	{ IF("carrier = \"up\";"), 2, "use one of \"always\", \"peers\"" },
	/* paths */
	{ "secret_file = \"\";", 1, "is empty; name a file" },
	{ "key_file = \"\";", 1, "is empty" },
	{ "control_socket = \"\";", 1, "is empty" },
	{ "control_socket = \"/" X64 X64 "\";", 1,
	  "is 129 bytes long; use at most 107" },
	{ "key_file = \"/" X64 X64 X64 X64 "\";", 1, "use at most 255" },
	{ IF("up = \"up.sh\";"), 2,
	  "interface.up: \"up.sh\" is not an "
	  "absolute path" },
	{ IF("\ndown = \"./down\";"), 3, "is not an absolute path" },
	{ "peers = [ \"fe80::1\" ];", 1, "name the link's interface too" },
	{ "peers = [ \"[fe80::1]:9\" ];", 1, "as \"fe80::2%eth0\"" },
	{ "peers = [ \"fe80::1%\" ];", 1, "is neither" },
	{ "peers = [ \"fe80::1%a/b\" ];", 1, "is neither" },
	{ "peers = [ \"[fe80::1%eth0\" ];", 1, "is neither" },
	{ "peers = [ \"[fe80::1%eth0]9\" ];", 1, "is neither" },
	{ "peers = [ \"[fe80::1%eth0]:\" ];", 1, "is neither" },
	{ "peers = [ \"fe80::1%0123456789abcdef\" ];", 1, "is neither" },
	{ "peers = [ \"fd00::1%eth0\" ];", 1, "is neither" },
	/* addresses */
	{ IF("address = [ \"10.77.0.1\" ];"), 2, "with a prefix length" },
	{ IF("address = [ \"10.77.0.1/33\" ];"), 2, "with a prefix length" },
	{ IF("address = [ \"10.77.0.1/24\",\n \"fd00::1/129\" ];"), 3,
	  "\"fd00::1/129\" is no address" },
	{ IF("address = [ \"10.77.0.300/24\" ];"), 2, "is no address" },
	{ IF("address = [ \"224.0.0.1/24\" ];"), 2, "cannot be a host's" },
	{ IF("address = [ \"10.0.0.1/0\" ];"), 2, "cannot be a host's" },
	{ IF("address = [ \"10.77.0.0/24\" ];"), 2,
	  "is the network, not a host in it" },
	{ IF("address = [ \"10.77.0.255/24\" ];"), 2, "is the network" },
	{ IF("address = [ \"fd77::/64\" ];"), 2, "is the network" },
	{ IF("address = [ \"fd77::1/64\" ];\nmtu = 1279;"), 3,
	  "interface.mtu: 1279 is too small for the IPv6 address" },
	{ IF("address_from = \"eth0\";"), 2,
	  "there is no interface.address to complete" },
	{ IF("address = [ \"10.0.0.1/8\" ];\naddress_from = \"a b\";"), 3,
	  "is no interface name" },
	{ IF("address = [ \"10.0.0.1/8\" ];\naddress_from = \"tap0\";"), 3,
	  "is the TAP itself" },
	{ IF("mac = \"52:54:00:00:00\";"), 2, "is no MAC address" },
	{ IF("mac = \"52-54-00-00-00-01\";"), 2, "is no MAC address" },
	{ IF("mac = \"52:54:00:00:00:0g\";"), 2, "is no MAC address" },
	{ IF("mac = \"53:54:00:00:00:01\";"), 2, "is no unicast address" },
	{ IF("mac = \"00:00:00:00:00:00\";"), 2, "is no unicast address" },
	{ "listen = [ ];", 1, "names no address" },
	{ "listen = [ \"eth0\" ];", 1, "\"eth0\" is no address" },
	{ "listen = [ \"[::]:0\" ];", 1, "is no address" },
	{ "listen = [ \"[::]:65536\" ];", 1, "is no address" },
	{ "listen = [ \"239.1.1.1\" ];", 1, "is no unicast address" },
	{ "listen = [ \"10.0.0.1\", \"10.0.0.2\", \"10.0.0.3\", "
	  "\"10.0.0.4\", \"10.0.0.5\", \"10.0.0.6\", \"10.0.0.7\", "
	  "\"10.0.0.8\", \"10.0.0.9\" ];",
	  1, "has 9 entries; use at most 8" },
	/* keys */
	{ "trusted_keys = [ \"abc\" ];", 1, "entry is no public key" },
	{ "trusted_keys = [\n"
	  "\"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQF=\" ];",
	  2, "entry is no public key" },
	/* peers */
	{ "peers = [ \"\" ];", 1, "is neither a host's address nor its name" },
	{ "peers = [ \"a\",\n\n\"10.9.0.300\" ];", 3, "\"10.9.0.300\" is" },
	{ "peers = [ \"10.9.0.2:0\" ];", 1, "is neither" },
	{ "peers = [ \"10.9.0.2:65536\" ];", 1, "is neither" },
	{ "peers = [ \"host:\" ];", 1, "is neither" },
	{ "peers = [ \"host:1x\" ];", 1, "is neither" },
	{ "peers = [ \"-host\" ];", 1, "is neither" },
	{ "peers = [ \"a..b\" ];", 1, "is neither" },
	{ "peers = [ \"a b\" ];", 1, "is neither" },
	{ "peers = [ \"" X64 "\" ];", 1, "is neither" },
	{ "peers = [ \"10.9.0.0/24\" ];", 1, "is neither" },
	{ "peers = [ \"fd00::2:8273:1:2:3:4:5:6:7\" ];", 1, "is neither" },
	{ "peers = [ \"224.0.0.18\" ];", 1, "is neither" },
	{ "peers = [ \"0.0.0.0\" ];", 1, "is neither" },
	{ "peers = [ \"a\\nb\" ];", 1, "\"a?b\" is neither" },
	/* sources */
	{ "discover = {\n command = \"discover ec2\"; };", 2,
	  "discover.command: \"discover ec2\" is not an absolute path; begin" },
	{ "discover = { command = \"/" X64 X64 X64 X64 X64 X64 X64 X64 X64 X64
		  X64 X64 X64 X64 X64 X64 "\"; };",
	  1, "is 1025 bytes long; use at most 1023" },
	{ "discover = { command = [ \"/x\" ]; };", 1, "is a list" },
	{ "discover = { file = \"peers\"; };", 1, "is not an absolute path" },
	{ "discover = { file = \"/run/tapd/\"; };", 1,
	  "\"/run/tapd/\" is a folder; name a file in it" },
	{ "discover = { interval = 0; };", 1,
	  "discover.interval: 0 is out of range; use 1 to 86400" },
	{ "discover = { interval = 1.5; };", 1, "is no whole number" },
	{ "discover = { interval = 86401; };", 1, "is out of range" },
	{ "discover = { peer_exchange = \"no\"; };", 1,
	  "must be true or false" },
	{ "discover = { dns = \"a\"; };", 1, "must be a list" },
	{ "discover = { dns = [ \"a\",\n \"10.9.0.2\" ]; };", 2,
	  "\"10.9.0.2\" is an address, and not asked of the DNS; put it into"
	  " peers" },
	{ "discover = { dns = [ \"fe80::1%eth0\" ]; };", 1, "is an address" },
	{ "discover = { dns = [ \"a b\" ]; };", 1, "is no name; write it as" },
	{ "discover = { dns = [ \"a:0\" ]; };", 1, "is no name; write it as" },
	{ "discover = { dns = [ \"_tapd._udp.a:9\" ]; };", 1,
	  "has its ports in its SRV records; remove the ':' and the port" },
	{ "discover = { dns = [ \"_tapd.example.net\" ]; };", 1,
	  "is no service's name; write it as \"_tapd._udp.example.net\"" },
	{ "discover = { dns = [ \"_tapd._udp\" ]; };", 1,
	  "is no service's name" },
	{ "discover = { files = \"/x\"; };", 1, "did you mean discover.file?" },
	{ "metrics = \"0.0.0.0:9273\";", 1, "is not this host's alone" },
	{ "metrics = \"[2001:db8::1]:9273\";", 1, "is not this host's alone" },
	{ "metrics = \"localhost:9273\";", 1, "is no place to listen at" },
	{ "metrics = \"9273\";", 1, "is no place to listen at" },
	{ "metrics = \"/run/tapd/\";", 1, "is a folder" },
	/* what is not sealed */
	{ "encapsulation = \"geneve\";", 1,
	  "use one of \"sealed\", \"vxlan\", \"gre\"" },
	{ "name = \"a\";\nencapsulation = \"vxlan\";", 2,
	  "network_id: is not set, and VXLAN needs one; add the VNI" },
	{ "encapsulation = \"vxlan\";\nnetwork_id = 16777216;", 2,
	  "network_id: 16777216 is no VNI; use 0 to 16777215" },
	{ "mark = -1;", 1, "mark: -1 is out of range; use 0 to 4294967295" },
	{ "mark = 0x100000000L;", 1, "mark: 4294967296 is out of range" },
	{ "mark = \"blue\";", 1, "mark: is text and must be a number" },
	{ "device = \"eth 1\";", 1, "is no interface name" },
	{ "interface = { name = \"t0\"; };\ndevice = \"t0\";", 2,
	  "device: \"t0\" is the TAP itself; name an interface" },
	{ "network_id = -1;", 1, "network_id: -1 is out of range; use 0 to" },
	{ GRE "network_id = 4294967296L;", 2, "is out of range" },
	{ GRE "network_id = 4294967295;", 2, "use a smaller number" },
	{ "\nnetwork_id = 42;", 2,
	  "means nothing in a sealed network; remove" },
	{ VXLAN "secret_file = \"/s\";", 2,
	  "secret_file: means nothing with encapsulation = \"vxlan\", which "
	  "seals nothing; remove one of the two" },
	{ GRE "trusted_keys = [ ];", 2,
	  "trusted_keys: means nothing with encapsulation = \"gre\"" },
	{ VXLAN "discover = {\n peer_exchange = true; };", 3,
	  "discover.peer_exchange: means nothing with" },
	{ GRE "relay = true;", 2,
	  "relay: means nothing with encapsulation = \"gre\"" },
	{ "relay = 1;", 1, "relay: " },
	{ VXLAN "listen = [ \"eth0\" ];", 2, "write it as \"[::]:4789\"" },
	{ GRE "listen = [ \"eth0\" ];", 2, "write it as \"::\", \"0.0.0.0\"" },
	{ GRE "listen = [ \"::\", \"fd00::1\" ];\npeers = [ \"10.9.0.2\" ];", 2,
	  "listen: has no address of the family of the peer \"10.9.0.2\"; "
	  "add" },
	{ VXLAN "listen = [ \"0.0.0.0\" ]; peers = [ \"fd00::2\" ];", 2,
	  "listen: has no address of the family of the peer" },
	{ GRE "listen = [ \"10.0.0.1:47\" ];", 2,
	  "\"10.0.0.1:47\" has a port, and GRE has none; write the host" },
	{ GRE "listen = [ \"[::]:1\" ];", 2, "has a port" },
	{ GRE "peers = [ \"a\",\n \"10.9.0.2:1\" ];", 3,
	  "peers: \"10.9.0.2:1\" has a port, and GRE has none" },
	{ GRE "peers = [ \"[fd00::2]:2\" ];", 2, "has a port" },
	{ GRE "peers = [ \"web2:4789\" ];", 2, "has a port" },
	{ GRE "peers = [ \"[fe80::1%eth0]:9\" ];", 2, "has a port" },
	{ GRE "peers = [ \"10.9.0.300\" ];", 2, "is neither" },
	{ GRE "discover = { dns = [ \"a:1\" ]; };", 2,
	  "discover.dns: \"a:1\" has a port, and GRE has none; write" },
	{ GRE "discover = { dns = [ \"_tapd._udp.a.net\" ]; };", 2,
	  "is asked for ports, and GRE has none; name one with A" },
	{ VXLAN "underlay_mtu = 1500;\n" IF("mtu = 1451;"), 4,
	  "interface.mtu: 1451 does not fit into an underlay_mtu of 1500: "
	  "vxlan adds 50; use at most 1450" },
	{ VXLAN "underlay_mtu = 600;", 2,
	  "600 leaves 550 for the interface; use at least 626" },
	{ VXLAN "underlay_mtu = 1300;\n" IF("address = [ \"fd77::1/64\" ];"), 1,
	  "interface.mtu: 1250 is too small for the IPv6 address" },
	{ "multicast = { snooping = 1; };", 1, "must be true or false" },
	{ "multicast = {\n querier = \"off\"; };", 2,
	  "multicast.querier: is text and must be true or false" },
	{ "multicast = { snoopin = true; };", 1,
	  "did you mean multicast.snooping?" },
};

START_TEST(bad_configuration_is_refused_with_place_and_advice)
{
	char where[64];

	scratch_put("tap0.conf", bad[_i].text);
	snprintf(where, sizeof(where), "tap0.conf:%u: ", bad[_i].line);
	read_fails("tap0.conf", where, bad[_i].error);
}
END_TEST

/* "peers = [ … ];" with so many names, to be freed. */
static char *many_peers(int count)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(f);
	fputs("peers = [ \"first\"", f);
	for (int i = 1; i < count; i++)
		fprintf(f, ",\n\"host%d.x\"", i);
	fputs(" ];", f);
	ck_assert_int_eq(fclose(f), 0);
	return text;
}

START_TEST(too_many_peers_are_refused)
{
	char *text = many_peers(CONF_LIST_MAX);
	struct conf *c = read_text(text);

	ck_assert_uint_eq(c->peers_count, CONF_LIST_MAX);
	conf_free(c);
	free(text);
	text = many_peers(CONF_LIST_MAX + 1);
	scratch_put("tap0.conf", text);
	read_fails("tap0.conf",
		   "tap0.conf:1: peers: ", "has 513 entries; use at most 512");
	free(text);
}
END_TEST

START_TEST(deep_nesting_is_refused)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	fputs("peers = ", f);
	for (int i = 0; i < 100000; i++)
		fputc('(', f);
	fclose(f);
	scratch_put("tap0.conf", text);
	read_fails("tap0.conf", "tap0.conf:1: ", "");
	free(text);
}
END_TEST

/* True if the text has the word, and not as a part of another. */
static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at++)
		if ((at == text ||
		     !(isalnum((unsigned char)at[-1]) || at[-1] == '_')) &&
		    !(isalnum((unsigned char)at[len]) || at[len] == '_'))
			return true;
	return false;
}

static char *read_page(const char *name)
{
	static char text[65536];
	char path[512];
	size_t len;
	FILE *in;

	snprintf(path, sizeof(path), "%s/docs/%s", TEST_SOURCE_DIR, name);
	in = fopen(path, "r");
	ck_assert_msg(in != NULL, "%s", path);
	len = fread(text, 1, sizeof(text) - 1, in);
	fclose(in);
	text[len] = '\0';
	return text;
}

/* A key that no page has is one that nobody finds. */
START_TEST(every_key_is_in_the_manual_and_the_example)
{
	static const char *const pages[] = { "tapd.conf.5",
					     "tapd.conf.example" };
	const char *page = read_page(pages[_i]);

	for (size_t i = 0; i < conf_keys_count; i++) {
		const char *dot = strrchr(conf_keys[i].path, '.');
		const char *name = dot ? dot + 1 : conf_keys[i].path;

		ck_assert_msg(has_word(page, name), "%s lacks %s", pages[_i],
			      conf_keys[i].path);
	}
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_LOOP(every_key_is_in_the_manual_and_the_example, 2),
	UNIT_CASE("conf_keys", .setup = scratch_enter,
		  .teardown = scratch_leave),
	UNIT_EACH(bad_configuration_is_refused_with_place_and_advice, bad),
	UNIT_TEST(too_many_peers_are_refused),
	UNIT_TEST(deep_nesting_is_refused),
};

UNIT_MAIN("conf_keys", tests)
