#include "support/main.h"
#include "support/netns.h"
#include "tapd/discover/resolve.h"

#include <check.h>
#include <event2/event.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MANY 1000U

int __real_getaddrinfo(const char *host, const char *service,
		       const struct addrinfo *hints, struct addrinfo **found);
int __wrap_getaddrinfo(const char *host, const char *service,
		       const struct addrinfo *hints, struct addrinfo **found);

/* As getaddrinfo(3) does, in one piece that freeaddrinfo(3) frees. */
static struct addrinfo *answer(uint32_t ip)
{
	struct addrinfo *a = calloc(1, sizeof(*a) + sizeof(struct sockaddr_in));
	struct sockaddr_in name = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(ip) };

	ck_assert_ptr_nonnull(a);
	a->ai_family = AF_INET;
	a->ai_addrlen = sizeof(name);
	a->ai_addr = (void *)(a + 1);
	memcpy(a->ai_addr, &name, sizeof(name));
	return a;
}

int __wrap_getaddrinfo(const char *host, const char *service,
		       const struct addrinfo *hints, struct addrinfo **found)
{
	if (strcmp(host, "slow.test") == 0)
		pause();
	if (strncmp(host, "late.", 5) == 0) {
		usleep(300 * 1000);
		host += 5;
	}
	if (strcmp(host, "exit.test") == 0)
		_exit(1);
	if (strcmp(host, "kill.test") == 0)
		kill(getpid(), SIGKILL);
	if (strcmp(host, "many.test") != 0)
		return __real_getaddrinfo(host, service, hints, found);
	*found = NULL;
	for (uint32_t i = 0; i < MANY; i++) {
		struct addrinfo *a = answer(0x0a000001 + i);

		a->ai_next = *found;
		*found = a;
	}
	return 0;
}

/* Numeric hosts stand for names: getaddrinfo answers them without a server. */

static struct event_base *base;
static struct helper *helper;
static struct resolve *resolve;
static unsigned changes;

static void note_changed(void *user)
{
	(void)user;
	changes++;
	event_base_loopbreak(base);
}

static const struct resolve_ops ops = { .what = "peer",
					.changed = note_changed };

static void nothing(void *argument)
{
	(void)argument;
}

static void setup(void)
{
	base = event_base_new();
	helper = helper_fork(nothing, NULL);
	ck_assert_ptr_nonnull(helper);
	ck_assert(helper_watch(helper, base));
	resolve = resolve_new(base, helper, &ops, NULL);
	ck_assert_ptr_nonnull(resolve);
}

static void teardown(void)
{
	resolve_free(resolve);
	helper_free(helper);
	event_base_free(base);
}

static struct conf_peer peer(const char *host, uint16_t port)
{
	struct conf_peer p = { .port = port };

	snprintf(p.host, sizeof(p.host), "%s", host);
	return p;
}

static bool knows(const char *text)
{
	struct addr all[MANY + 1], a;
	size_t n = resolve_addresses(resolve, all, NULL, MANY + 1);

	ck_assert(addr_parse(&a, text, 0));
	for (size_t i = 0; i < n; i++)
		if (addr_equal(&all[i], &a))
			return true;
	return false;
}

/* Runs the loop until so many addresses are known. */
static void wait_for(size_t count)
{
	struct addr all[MANY + 1];

	while (resolve_addresses(resolve, all, NULL, MANY + 1) < count)
		event_base_dispatch(base);
	ck_assert_uint_eq(resolve_addresses(resolve, all, NULL, MANY + 1),
			  count);
}

START_TEST(names_become_addresses_of_both_families)
{
	struct conf_peer peers[10];
	char host[32], text[48];
	struct addr all[11];
	uint16_t names[11];

	for (unsigned i = 0; i < 9; i++) {
		snprintf(host, sizeof(host), "192.0.2.%u", i + 1);
		peers[i] = peer(host, (uint16_t)(8273 + i));
	}
	peers[9] = peer("2001:db8::1", 9);
	ck_assert(resolve_set(resolve, peers, 10));
	wait_for(10);
	for (unsigned i = 0; i < 9; i++) {
		snprintf(text, sizeof(text), "192.0.2.%u:%u", i + 1, 8273 + i);
		ck_assert(knows(text));
	}
	ck_assert(knows("[2001:db8::1]:9"));
	ck_assert_ptr_null(resolve_failure(resolve, 0));
	/* Each with the number of its name. */
	ck_assert_uint_eq(resolve_addresses(resolve, all, names, 11), 10);
	for (unsigned i = 0; i < 10; i++) {
		ck_assert_uint_eq(names[i], i);
		ck_assert_uint_eq(all[i].port, i < 9 ? 8273 + i : 9);
	}
}
END_TEST

START_TEST(every_address_of_a_name_counts)
{
	const struct conf_peer peers[] = {
		peer("many.test", 5),
		peer("192.0.2.1", 5),
	};

	ck_assert(resolve_set(resolve, peers, 1));
	wait_for(MANY);
	ck_assert(knows("10.0.0.1:5"));
	ck_assert(knows("10.0.3.232:5"));
	/* The answer goes over to the next list. */
	ck_assert(resolve_set(resolve, peers, 2));
	ck_assert(knows("10.0.3.232:5"));
	wait_for(MANY + 1);
}
END_TEST

/* Names are spread over four lookups, each of which is one process. */
START_TEST(name_that_is_silent_is_an_error_and_the_last_that_is_waited_for)
{
	static const struct resolve_ops short_ops = { .what = "peer",
						      .changed = note_changed,
						      .limit_s = 1 };
	const struct conf_peer peers[] = {
		peer("slow.test", 1), peer("192.0.2.1", 2),
		peer("192.0.2.2", 2), peer("192.0.2.3", 2),
		peer("192.0.2.4", 2), /* behind the first */
	};

	resolve_free(resolve);
	resolve = resolve_new(base, helper, &short_ops, NULL);
	ck_assert_ptr_nonnull(resolve);
	ck_assert(resolve_set(resolve, peers, 5));
	wait_for(4);
	ck_assert(knows("192.0.2.4:2"));
	ck_assert_str_eq(resolve_failure(resolve, 0),
			 "slow.test: the name server is silent");
	ck_assert_ptr_null(resolve_failure(resolve, 1));
	ck_assert_str_eq(resolve_last_failure(resolve),
			 "slow.test: the name server is silent");
}
END_TEST

/* Of five that each lookup has three are answered in time, and one is waited for: the fifth
 * is asked for first the next time. */
START_TEST(names_that_are_not_reached_have_their_turn)
{
	static const struct resolve_ops short_ops = { .what = "peer",
						      .changed = note_changed,
						      .limit_s = 1 };
	struct conf_peer peers[20];
	char host[32];

	for (unsigned i = 0; i < 20; i++) {
		snprintf(host, sizeof(host), "late.192.0.2.%u", i + 1);
		peers[i] = peer(host, 8273);
	}
	resolve_free(resolve);
	resolve = resolve_new(base, helper, &short_ops, NULL);
	ck_assert_ptr_nonnull(resolve);
	ck_assert(resolve_set(resolve, peers, 20));
	wait_for(16);
	for (unsigned i = 16; i < 20; i++) {
		snprintf(host, sizeof(host), "192.0.2.%u:8273", i + 1);
		ck_assert(knows(host));
	}
}
END_TEST

/* Of four lookups two die. */
START_TEST(names_whose_lookup_died_are_not_known)
{
	const struct conf_peer peers[] = {
		peer("exit.test", 1), peer("kill.test", 1),
		peer("192.0.2.1", 2), peer("192.0.2.2", 2),
		peer("192.0.2.3", 2), /* behind the first */
	};

	ck_assert(resolve_set(resolve, peers + 4, 1));
	wait_for(1);
	ck_assert(resolve_set(resolve, peers, 5));
	while (resolve_is_asking(resolve))
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_str_eq(resolve_failure(resolve, 0),
			 "exit.test: its lookup ended too early");
	ck_assert_str_eq(resolve_failure(resolve, 1),
			 "kill.test: its lookup ended too early");
	ck_assert_ptr_null(resolve_failure(resolve, 2));
	ck_assert(knows("192.0.2.3:2")); /* from before */
}
END_TEST

START_TEST(name_that_fails_does_not_hide_the_others)
{
	const struct conf_peer peers[] = {
		peer("no-such-host.invalid..", 1),
		peer("192.0.2.1", 2),
	};

	ck_assert(resolve_set(resolve, peers, 2));
	wait_for(1);
	ck_assert(knows("192.0.2.1:2"));
	while (!resolve_failure(resolve, 0))
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_ptr_nonnull(strstr(resolve_failure(resolve, 0),
				     "no-such-host.invalid..: "));
	ck_assert_ptr_null(resolve_failure(resolve, 1));
}
END_TEST

START_TEST(addresses_where_no_peer_can_be_are_no_answer)
{
	const struct conf_peer peers[] = {
		peer("0.0.0.0", 1),
		peer("224.0.0.1", 1),
		peer("ff02::1", 1),
		peer("192.0.2.1", 2),
	};

	ck_assert(resolve_set(resolve, peers, 4));
	wait_for(1);
	ck_assert(knows("192.0.2.1:2"));
	while (!resolve_failure(resolve, 2))
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_str_eq(resolve_failure(resolve, 0), "0.0.0.0: no addresses");
}
END_TEST

START_TEST(answers_outlive_a_new_list)
{
	const struct conf_peer peers[] = {
		peer("192.0.2.1", 1),
		peer("192.0.2.2", 2),
		peer("192.0.2.3", 3),
	};
	struct addr all[4];

	ck_assert(resolve_set(resolve, peers, 2));
	wait_for(2);
	/* At once, before anything was asked again. */
	ck_assert(resolve_set(resolve, peers + 1, 2));
	ck_assert_uint_eq(resolve_addresses(resolve, all, NULL, 4), 1);
	ck_assert(knows("192.0.2.2:2"));
	wait_for(2);
	ck_assert(knows("192.0.2.3:3"));
}
END_TEST

START_TEST(peers_that_are_addresses_are_not_asked_for)
{
	struct conf_peer p = peer("192.0.2.1", 1);
	struct addr all[4];

	p.is_addr = true;
	ck_assert(resolve_set(resolve, &p, 1));
	/* Nothing is pending: the loop ends by itself. */
	event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(resolve_addresses(resolve, all, NULL, 4), 0);
	ck_assert_uint_eq(changes, 0);
}
END_TEST

START_TEST(no_more_addresses_than_there_is_room)
{
	const struct conf_peer peers[] = { peer("192.0.2.1", 1),
					   peer("192.0.2.2", 2) };
	struct addr one;

	ck_assert(resolve_set(resolve, peers, 2));
	wait_for(2);
	ck_assert_uint_eq(resolve_addresses(resolve, &one, NULL, 1), 1);
}
END_TEST

START_TEST(a_list_may_be_shorter_or_longer_than_what_was_reserved)
{
	const struct conf_peer peers[] = { peer("192.0.2.1", 1),
					   peer("192.0.2.2", 2),
					   peer("192.0.2.3", 3) };

	ck_assert(resolve_reserve(resolve, 0));
	ck_assert(resolve_reserve(resolve, 2));
	ck_assert(resolve_reserve(resolve, 1));
	ck_assert(resolve_set(resolve, peers, 1));
	wait_for(1);
	ck_assert(resolve_reserve(resolve, 1));
	ck_assert(resolve_set(resolve, peers, 3));
	wait_for(3);
	ck_assert(resolve_reserve(resolve, 5)); /* and never used */
}
END_TEST

/* Runs the loop until the address is that of the interface as it is now. */
static void wait_for_scope(const char *address, const char *interface)
{
	char text[64];

	snprintf(text, sizeof(text), "[%s%%%u]:9", address,
		 if_nametoindex(interface));
	resolve_links_changed(resolve);
	while (!knows(text))
		event_base_loop(base, EVLOOP_ONCE);
}

START_TEST(link_is_found_by_its_name_whenever_it_is_made)
{
	struct conf_peer p = peer("fe80::7%d0", 9);
	struct addr one;

	p.is_scoped = true;
	ck_assert(resolve_set(resolve, &p, 1));
	while (!resolve_failure(resolve, 0))
		event_base_loop(base, EVLOOP_ONCE);
	netns_run("ip link add d0 type veth peer name d1");
	wait_for_scope("fe80::7", "d0");
	netns_run("ip link del d0; ip link add x0 type veth peer name x1;"
		  " ip link add d0 type veth peer name d1");
	wait_for_scope("fe80::7", "d0");
	ck_assert_uint_eq(resolve_addresses(resolve, &one, NULL, 1), 1);
}
END_TEST

static void setup_netns(void)
{
	netns_enter();
	setup();
}

static const struct unit_test tests[] = {
	UNIT_CASE("resolve", .setup = setup, .teardown = teardown,
		  .timeout_s = 60),
	UNIT_TEST(names_become_addresses_of_both_families),
	UNIT_TEST(every_address_of_a_name_counts),
	UNIT_TEST(
		name_that_is_silent_is_an_error_and_the_last_that_is_waited_for),
	UNIT_TEST(names_that_are_not_reached_have_their_turn),
	UNIT_TEST(names_whose_lookup_died_are_not_known),
	UNIT_TEST(name_that_fails_does_not_hide_the_others),
	UNIT_TEST(addresses_where_no_peer_can_be_are_no_answer),
	UNIT_TEST(answers_outlive_a_new_list),
	UNIT_TEST(peers_that_are_addresses_are_not_asked_for),
	UNIT_TEST(no_more_addresses_than_there_is_room),
	UNIT_TEST(a_list_may_be_shorter_or_longer_than_what_was_reserved),
	UNIT_CASE("resolve links", .setup = setup_netns, .teardown = teardown,
		  .timeout_s = 60, .allowed = netns_is_allowed),
	UNIT_TEST(link_is_found_by_its_name_whenever_it_is_made),
};

UNIT_MAIN("resolve", tests)
