/* lib/node: what happens when memory is short, and that it does not grow. */
#include <check.h>
#include <malloc.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "node/identity.h"
#include "support/forge.h"
#include "support/main.h"
#include "support/outsider.h"
#include "support/three.h"

/* ---- memory that is short ---- */

/* The linker sends the library's allocations here (see CMakeLists.txt). */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);

static bool counting;
static int64_t allocations, fail_at = -1;

static bool fails(void)
{
	return counting && allocations++ == fail_at;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

/* And so are the private keys that are made known to libcrypto. */
EVP_PKEY *__real_EVP_PKEY_new_raw_private_key(int type, ENGINE *e,
					      const uint8_t *key, size_t len);
EVP_PKEY *__wrap_EVP_PKEY_new_raw_private_key(int type, ENGINE *e,
					      const uint8_t *key, size_t len);
static bool no_private_keys;

EVP_PKEY *__wrap_EVP_PKEY_new_raw_private_key(int type, ENGINE *e,
					      const uint8_t *key, size_t len)
{
	if (no_private_keys)
		return NULL;
	return __real_EVP_PKEY_new_raw_private_key(type, e, key, len);
}

static void fail_allocation(int64_t nth)
{
	counting = true;
	allocations = 0;
	fail_at = nth;
}

/* A node on its own, whose datagrams cost the test no memory. */
static struct {
	struct node *node;
	struct rng rng;
	struct clock now;
	uint8_t sent[2000]; /* the last datagram */
	size_t sent_count;
} lone;

static void lone_random(void *user, void *buf, size_t len)
{
	(void)user;
	rng_bytes(&lone.rng, buf, len);
}

static void lone_send(void *user, const struct datagram_run *runs, size_t n)
{
	(void)user;
	memcpy(lone.sent, runs[n - 1].data, runs[n - 1].segment_len);
	lone.sent_count += n;
}

static const struct node_ops lone_ops = { .random = lone_random,
					  .udp_send = lone_send };

static void lone_start(void)
{
	const char *error;

	lone.now = hosts_clock(a);
	lone.node = node_new(&a->config, &lone_ops, NULL, lone.now, &error);
	ck_assert_ptr_nonnull(lone.node);
}

/* Receives the datagram while the nth allocation fails. */
static struct node_debug lone_debug(void)
{
	struct node_debug debug;

	node_debug(lone.node, &debug);
	return debug;
}

static void lone_receive(const struct outsider *o, uint8_t *bytes, size_t len,
			 int64_t nth)
{
	const struct datagram_run r = { .remote = o->at,
					.data = bytes,
					.len = len };

	fail_allocation(nth);
	node_from_udp(lone.node, &r, 1, lone.now);
	counting = false;
}

START_TEST(a_node_is_made_whole_or_not_at_all)
{
	struct public_key trusted = { { 1 } };
	struct node_config config = a->config;
	int64_t n = 0;

	config.trusted = &trusted;
	config.trusted_count = 1;
	for (; !lone.node; n++) {
		const char *error = "";

		ck_assert_int_lt(n, 200);
		fail_allocation(n);
		lone.node = node_new(&config, &lone_ops, NULL, hosts_clock(a),
				     &error);
		counting = false;
		if (!lone.node)
			ck_assert_ptr_nonnull(error);
		else
			ck_assert_int_le(allocations, n);
	}
	ck_assert_int_gt(n, 10);
	/* Above all: with its list of trusted keys. */
	ck_assert(!lone_debug().trusts_all);
	node_free(lone.node);
}
END_TEST

static void plain_config(struct node_config *config)
{
	config->encapsulation = NODE_VXLAN;
	config->network_id_set = true;
	config->secrets_count = 0;
	config->snooping = config->querier = true;
}

START_TEST(a_plain_node_is_made_whole_or_not_at_all)
{
	struct node_config config = a->config;
	const char *error = "";
	int64_t n = 0;

	plain_config(&config);
	for (; !lone.node; n++) {
		ck_assert_int_lt(n, 200);
		fail_allocation(n);
		lone.node = node_new(&config, &lone_ops, NULL, hosts_clock(a),
				     &error);
		counting = false;
		if (!lone.node)
			ck_assert_ptr_nonnull(error);
		else
			ck_assert_int_le(allocations, n);
	}
	ck_assert_int_gt(n, 10);
	node_free(lone.node);
}
END_TEST

static void no_event(void *user, const struct node_event *event)
{
	(void)user;
	(void)event;
}

/* It is not asked who wants what behind it, and gets all. */
START_TEST(a_plain_peer_without_memory_is_flooded)
{
	const struct node_ops ops = { .random = lone_random,
				      .udp_send = lone_send,
				      .event = no_event };
	const char *error = "";
	int64_t n = 0;

	plain_config(&a->config);
	lone.now = hosts_clock(a);
	lone.node = node_new(&a->config, &ops, NULL, lone.now, &error);
	ck_assert_ptr_nonnull(lone.node);
	for (;; n++) {
		struct node_flooded_info info;
		struct node_iter it = { 0 };
		size_t refused;

		fail_allocation(n);
		refused = node_want(lone.node, NODE_SOURCE_PEERS, b->addrs, 1,
				    lone.now);
		counting = false;
		ck_assert_uint_eq(refused, 0);
		ck_assert(node_next_flooded(lone.node, &it, &info));
		if (strcmp(info.reason, "out of memory") != 0)
			break;
		lone.now.mono_us += 200 * CLOCK_S;
		node_tick(lone.node, lone.now);
		ck_assert_uint_eq(lone.sent_count, 0);
		node_want(lone.node, NODE_SOURCE_PEERS, NULL, 0, lone.now);
	}
	ck_assert_int_gt(n, 3);
	ck_assert_int_lt(n, 30);
	lone.now.mono_us += CLOCK_S;
	node_tick(lone.node, lone.now);
	ck_assert_uint_gt(lone.sent_count, 0);
	node_free(lone.node);
}
END_TEST

START_TEST(a_responder_without_memory_leaves_nothing_behind)
{
	uint8_t initiation[WIRE_INITIATION_LEN];
	struct outsider o;
	int64_t n;

	outsider_init(&o, 1);
	lone_start();
	for (n = 0; n < 20 && !lone.sent_count; n++) {
		outsider_initiate(&o, HOSTS_WALL + (uint64_t)n, initiation);
		lone_receive(&o, initiation, sizeof(initiation), n);
		if (lone.sent_count)
			break;
		ck_assert_uint_eq(lone_debug().half_open, 0);
		ck_assert_uint_eq(lone_debug().pending, 0);
		ck_assert_uint_eq(lone_debug().indices, 0);
	}
	ck_assert_int_gt(n, 3);
	ck_assert_uint_eq(lone_debug().half_open, 1);
	ck_assert_uint_gt(node_drops(lone.node)[DROP_handshake_half_open], 0);
	node_free(lone.node);
	outsider_free(&o);
}
END_TEST

START_TEST(an_initiator_without_memory_dials_again)
{
	uint8_t response[WIRE_RESPONSE_LEN];
	struct outsider o;
	int64_t n;

	outsider_init(&o, 1);
	lone_start();
	node_want(lone.node, NODE_SOURCE_PEERS, &o.at, 1, lone.now);
	for (n = 0; n < 20; n++) {
		/* Until the next dial. */
		lone.sent_count = 0;
		while (!lone.sent_count) {
			lone.now.mono_us = node_deadline(lone.node);
			node_tick(lone.node, lone.now);
		}
		ck_assert_uint_eq(lone.sent[0], WIRE_INITIATION);
		outsider_respond(&o, lone.sent, response, lone.now.mono_us);
		lone.sent_count = 0;
		lone_receive(&o, response, sizeof(response), n);
		if (lone.sent_count)
			break;
		ck_assert_uint_eq(lone_debug().pending, 0);
		ck_assert_uint_le(lone_debug().indices, 1);
	}
	ck_assert_int_gt(n, 2);
	ck_assert_uint_eq(lone.sent[0], WIRE_DATA);
	node_free(lone.node);
	outsider_free(&o);
}
END_TEST

START_TEST(a_libcrypto_that_fails_is_survived)
{
	static const struct public_key zero;
	uint8_t initiation[WIRE_INITIATION_LEN];
	const char *error;
	struct public_key key;
	struct outsider o;
	struct datagram_run r;

	outsider_init(&o, 1);
	outsider_initiate(&o, HOSTS_WALL, initiation);
	lone_start();
	no_private_keys = true;
	ck_assert(!node_public_key(&key, a->config.private_key));
	ck_assert_mem_eq(&key, &zero, sizeof(zero));
	ck_assert_ptr_null(
		node_new(&a->config, &lone_ops, NULL, lone.now, &error));
	ck_assert_str_eq(error, "cannot compute the public key");
	r = (struct datagram_run){ .remote = o.at,
				   .data = initiation,
				   .len = sizeof(initiation) };
	node_from_udp(lone.node, &r, 1, lone.now);
	ck_assert_uint_eq(node_drops(lone.node)[DROP_handshake_auth], 1);
	node_want(lone.node, NODE_SOURCE_PEERS, &o.at, 1, lone.now);
	for (int i = 0; i < 5; i++) {
		lone.now.mono_us = node_deadline(lone.node);
		node_tick(lone.node, lone.now);
	}
	ck_assert_uint_eq(lone.sent_count, 0);
	ck_assert_uint_eq(lone_debug().indices, 0);
	no_private_keys = false;
	while (!lone.sent_count) {
		lone.now.mono_us = node_deadline(lone.node);
		node_tick(lone.node, lone.now);
	}
	ck_assert_uint_eq(lone.sent[0], WIRE_INITIATION);
	node_free(lone.node);
	outsider_free(&o);
}
END_TEST

START_TEST(a_list_of_keys_that_cannot_be_kept_changes_nothing)
{
	static const struct public_key none;

	hosts_mesh(&h, 2);
	fail_allocation(0);
	ck_assert(!node_set_trusted(a->node, &none, 0, hosts_clock(a)));
	counting = false;
	ck_assert(host_up(a, b));
	ck_assert(node_set_trusted(a->node, &none, 0, hosts_clock(a)));
	ck_assert(!host_knows(a, b));
	/* Nor does the list that is there give way to "everybody". */
	fail_allocation(0);
	ck_assert(!node_set_trusted(a->node, &none, 1, hosts_clock(a)));
	counting = false;
	host_dial(b, a);
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert(!host_knows(a, b));
}
END_TEST

/* ---- memory that stays ---- */

/* What glibc keeps in a thread's cache counts as in use, and that fills but slowly: the
 * build runs this test without one (GLIBC_TUNABLES). */
static size_t in_use(void)
{
	return mallinfo2().uordblks + mallinfo2().hblkhd;
}

#define RANDOM_DATAGRAMS 200000

static void feed_random(struct rng *rng, int count)
{
	uint8_t bytes[FORGE_MAX];

	for (int i = 0; i < count; i++) {
		struct datagram_run r = {
			.remote = addr_v4((uint32_t)rng_u64(rng),
					  (uint16_t)rng_u64(rng)),
			.data = bytes,
			.len = forge(FORGE_RANDOM, NULL, rng, NULL, bytes),
		};

		node_from_udp(a->node, &r, 1, hosts_clock(a));
	}
}

START_TEST(attack_two_hundred_thousand_random_datagrams_leave_no_trace)
{
	struct rng rng = rng_init(1);
	uint64_t before, drops;
	size_t used, sent;

	hosts_mesh(&h, 2);
	hosts_run(&h, CLOCK_S);
	feed_random(&rng, 1000); /* libcrypto fetches what it needs once */
	before = host_status(a).rx.datagrams;
	drops = host_drops_total(a);
	sent = h.log_count;
	used = in_use();
	feed_random(&rng, RANDOM_DATAGRAMS);
	ck_assert_uint_eq(in_use(), used);
	ck_assert_uint_eq(h.log_count, sent);
	ck_assert_uint_eq(host_status(a).rx.datagrams, before);
	ck_assert_uint_eq(host_drops_total(a), drops + RANDOM_DATAGRAMS);
	ck_assert_uint_eq(a->written_count, 0);
	ck_assert_uint_eq(host_debug(a).endpoints, 1);
	ck_assert_uint_eq(host_debug(a).indices, 1);
	host_say(b, 1);
	arrive();
	ck_assert(host_heard(a, b, 1));
}
END_TEST

START_TEST(handshakes_and_restarts_without_end_take_no_more_memory)
{
	size_t used = 0;

	hosts_mesh(&h, 2);
	for (int i = 0; i < 60; i++) {
		host_stop(b);
		host_start(b);
		host_dial(b, a);
		/* The keys before the second rekey are gone by then. */
		hosts_run(&h, 280 * CLOCK_S);
		ck_assert(host_up(a, b));
		hosts_forget_log(&h);
		a->events_count = b->events_count = 0;
		if (i == 20)
			used = in_use();
	}
	/* Ciphers' contexts come and go in no order: allow for the odd one. */
	ck_assert_uint_le(in_use(), used + 4096);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("memory", .setup = three_setup, .teardown = three_teardown,
		  .timeout_s = 60),
	UNIT_TEST(a_node_is_made_whole_or_not_at_all),
	UNIT_TEST(a_plain_node_is_made_whole_or_not_at_all),
	UNIT_TEST(a_plain_peer_without_memory_is_flooded),
	UNIT_TEST(a_responder_without_memory_leaves_nothing_behind),
	UNIT_TEST(an_initiator_without_memory_dials_again),
	UNIT_TEST(a_libcrypto_that_fails_is_survived),
	UNIT_TEST(a_list_of_keys_that_cannot_be_kept_changes_nothing),
	UNIT_TEST(attack_two_hundred_thousand_random_datagrams_leave_no_trace),
	UNIT_TEST(handshakes_and_restarts_without_end_take_no_more_memory),
};

UNIT_MAIN("node memory", tests)
