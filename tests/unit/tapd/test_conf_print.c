#include "support/main.h"
#include "support/rng.h"
#include "unit/tapd/conf_help.h"

static bool same_peers(const struct conf *a, const struct conf *b)
{
	if (a->peers_count != b->peers_count)
		return false;
	for (size_t i = 0; i < a->peers_count; i++) {
		const struct conf_peer *p = &a->peers[i], *q = &b->peers[i];

		if (strcmp(p->text, q->text) != 0 || p->port != q->port ||
		    strcmp(p->host, q->host) != 0 || p->is_addr != q->is_addr ||
		    !addr_equal(&p->addr, &q->addr))
			return false;
	}
	return true;
}

/* Everything but where it was read from. */
static void assert_same(const struct conf *a, const struct conf *b)
{
	ck_assert_mem_eq(&a->interface, &b->interface, sizeof(a->interface));
	ck_assert_mem_eq(a->listen, b->listen, sizeof(a->listen));
	ck_assert_int_eq(a->encapsulation, b->encapsulation);
	ck_assert_uint_eq(a->network_id, b->network_id);
	ck_assert(a->network_id_set == b->network_id_set);
	ck_assert_uint_eq(a->listen_count, b->listen_count);
	ck_assert(a->listen_set == b->listen_set);
	ck_assert_str_eq(a->secret_file, b->secret_file);
	ck_assert(a->trusted_keys_set == b->trusted_keys_set);
	ck_assert_uint_eq(a->trusted_keys_count, b->trusted_keys_count);
	for (size_t i = 0; i < a->trusted_keys_count; i++)
		ck_assert(public_key_equal(&a->trusted_keys[i],
					   &b->trusted_keys[i]));
	ck_assert_str_eq(a->key_file, b->key_file);
	ck_assert_str_eq(a->control_socket, b->control_socket);
	ck_assert_str_eq(a->name, b->name);
	ck_assert(same_peers(a, b));
	ck_assert(a->multicast_snooping == b->multicast_snooping);
	ck_assert(a->multicast_querier == b->multicast_querier);
	ck_assert_mem_eq(&a->offload, &b->offload, sizeof(a->offload));
	ck_assert(a->liveness_interval >= b->liveness_interval &&
		  a->liveness_interval <= b->liveness_interval);
	ck_assert_uint_eq(a->liveness_down_after, b->liveness_down_after);
	ck_assert_uint_eq(a->liveness_expire, b->liveness_expire);
	ck_assert(a->relay == b->relay);
	ck_assert_uint_eq(a->underlay_mtu, b->underlay_mtu);
	ck_assert_uint_eq(a->busy_poll, b->busy_poll);
	ck_assert_uint_eq(a->moderation, b->moderation);
	ck_assert_int_eq(a->log_level, b->log_level);
	ck_assert_str_eq(a->user, b->user);
}

/* Frees c. */
static void assert_prints_to_itself(struct conf *c)
{
	char *first = conf_print(c), *second;
	struct conf *again;

	ck_assert_ptr_nonnull(first);
	/* Under another name: nothing may depend on the file's. */
	scratch_put("other.conf", first);
	again = read_ok("other.conf");
	assert_same(c, again);
	second = conf_print(again);
	ck_assert_str_eq(first, second);
	free(first);
	free(second);
	conf_free(c);
	conf_free(again);
}

START_TEST(print_parses_to_itself)
{
	assert_prints_to_itself(read_text(""));
	assert_prints_to_itself(read_text(EVERY_KEY));
	assert_prints_to_itself(read_text("trusted_keys = [ ];"));
	assert_prints_to_itself(read_text("listen = [ \"[::]:8273\" ];"));
	assert_prints_to_itself(read_text("listen = [ \"0.0.0.0:8273\" ];"));
	assert_prints_to_itself(
		read_text("encapsulation = \"vxlan\"; network_id = 16777215;"
			  "peers = [ \"10.9.0.2\", \"10.9.0.3:1\" ];"));
	assert_prints_to_itself(read_text("encapsulation = \"gre\";"));
	assert_prints_to_itself(
		read_text("encapsulation = \"gre\"; network_id = 4294967295L;"
			  "listen = [ \"10.9.0.1\", \"fd00::1\" ];"
			  "peers = [ \"10.9.0.2\", \"[fd00::2]\", \"a\" ];"
			  "interface = { mtu = 1400; };"));
}
END_TEST

static unsigned below(struct rng *s, unsigned n)
{
	return (unsigned)rng_below(s, n);
}

START_TEST(print_parses_to_itself_whatever_the_values)
{
	struct rng seed = rng_init((uint64_t)_i);
	char text[2048], path[64], quoted[200];
	size_t len = 0, max = below(&seed, 60);

	/* Any printable byte, quotes and backslashes often. */
	memset(path, 0, sizeof(path));
	for (size_t i = 0; i < max; i++) {
		uint32_t r = below(&seed, 15 * 95);

		path[i] = r % 3 == 0 ? "\"\\#/@"[r / 3 % 5]
				     : (char)(' ' + r / 3 % 95);
	}
	for (const char *c = path; *c; c++) {
		if (*c == '"' || *c == '\\')
			quoted[len++] = '\\';
		quoted[len++] = *c;
	}
	quoted[len] = '\0';
	snprintf(text, sizeof(text),
		 "secret_file = \"/%s\"; key_file = \"\\x2f%s\";\n"
		 "interface = { up = \"/%s\"; mtu = %u; };\n"
		 "liveness = { interval = %.17g; expire = 6000; };\n"
		 "peers = [ \"h%u\", \"10.0.%u.%u:%u\", \"fd00::%x\" ];\n",
		 quoted, quoted, quoted, 576 + below(&seed, 8000),
		 0.1 + below(&seed, 599) / 10.7, below(&seed, 1000000),
		 below(&seed, 256), below(&seed, 255) + 1,
		 below(&seed, 65535) + 1, below(&seed, 65535));
	assert_prints_to_itself(read_text(text));
}
END_TEST

START_TEST(command_line_prints_as_a_file)
{
	static const char *const peers[] = { "10.9.0.2", "node4" };
	const struct conf_options o = { .secret_file = "/s",
					.interface = "lan0",
					.peers = peers,
					.peers_count = 2 };
	char *error;
	struct conf *c = conf_from_options(&o, &error);

	ck_assert_msg(c != NULL, "%s", error);
	assert_prints_to_itself(c);
}
END_TEST

START_TEST(difference_names_the_keys_that_changed)
{
	struct conf *a = read_text("peers = [ \"a\" ];"), *b;
	char *diff = conf_diff(a, a);

	ck_assert_str_eq(diff, "");
	free(diff);
	b = read_text("peers = [ \"a\", \"b\" ]; interface = { mtu = 1400; };"
		      "multicast = { snooping = false; };");
	diff = conf_diff(a, b);
	ck_assert_str_eq(diff,
			 "- # interface.mtu: 1500, or that of an interface "
			 "made before\n"
			 "+ interface.mtu = 1400;\n"
			 "- peers = [ \"a\" ];\n"
			 "+ peers = [ \"a\", \"b\" ];\n"
			 "- multicast.snooping = true;\n"
			 "+ multicast.snooping = false;\n");
	free(diff);
	conf_free(a);
	conf_free(b);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("conf_print", .setup = scratch_enter,
		  .teardown = scratch_leave),
	UNIT_TEST(print_parses_to_itself),
	UNIT_LOOP(print_parses_to_itself_whatever_the_values, 100),
	UNIT_TEST(command_line_prints_as_a_file),
	UNIT_TEST(difference_names_the_keys_that_changed),
};

UNIT_MAIN("conf_print", tests)
