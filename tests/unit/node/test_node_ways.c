/* lib/node: which of a host's own addresses its datagrams leave from. */
#include <check.h>
#include <string.h>

#include "support/main.h"
#include "support/three.h"

/* b has a second address of the family, which is not the one its kernel takes. */
static struct addr first, second;

static void give_b_two(int family)
{
	static const struct {
		const char *a, *b[2];
	} of[] = {
		{ "10.9.0.1:8273", { "10.9.0.2:8273", "10.9.1.2:8273" } },
		{ "[fd00::1]:8273", { "[fd00::2]:8273", "[fd00:1::2]:8273" } },
		/* Another port of the same address is another socket. */
		{ "10.9.0.1:8273", { "10.9.0.2:8273", "10.9.0.2:4500" } },
	};

	ck_assert(addr_parse(&a->addrs[0], of[family].a, 0));
	ck_assert(addr_parse(&b->addrs[0], of[family].b[0], 0));
	ck_assert(addr_parse(&b->addrs[1], of[family].b[1], 0));
	b->addrs_count = 2;
	first = b->addrs[0];
	second = b->addrs[1];
}

/* a is behind a filter that lets nothing in but from where a has sent to. */
static bool asked[2];

static enum fate filter(struct hosts *hosts, struct flight *p)
{
	(void)hosts;
	for (size_t i = 0; i < 2; i++) {
		const struct addr *at = i ? &second : &first;

		if (p->sender == 0 && addr_equal(&p->to, at))
			asked[i] = true;
		if (p->sender == 1 && addr_equal(&p->from, at) && !asked[i])
			return LOSE;
	}
	return PASS;
}

static void dial_second(void)
{
	host_start(a);
	host_start(b);
	host_want(a, &second, 1);
	ck_assert(hosts_until(&h, hosts_pair_up, CLOCK_S));
}

static size_t sent_from(const struct addr *from, size_t since)
{
	size_t n = 0;

	for (size_t i = since; i < h.log_count; i++)
		n += addr_equal(&h.log[i]->from, from);
	return n;
}

static void assert_b_uses(const struct addr *local)
{
	struct node_peer_info info = host_info(b, a);

	ck_assert(info.has_local);
	ck_assert(addr_equal(&info.local, local));
}

START_TEST(a_host_asked_at_its_second_address_answers_from_there)
{
	give_b_two(_i);
	h.judge = filter;
	dial_second();
	ck_assert(addr_equal(&hosts_sent(&h, WIRE_RESPONSE, b, a, 0, 0)->from,
			     &second));
	assert_b_uses(&second);
	/* Through rekeys of both roles, and b's own words. */
	for (int i = 0; i < 400; i++) {
		ck_assert(host_talks(b, a));
		ck_assert(host_talks(a, b));
		hosts_run(&h, CLOCK_S);
		ck_assert(hosts_pair_up(&h));
	}
	ck_assert_uint_eq(sent_from(&first, 0), 0);
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
	ck_assert_uint_eq(host_events(b, NODE_PEER_DOWN), 0);
}
END_TEST

START_TEST(an_asker_that_restarted_is_answered_from_there_again)
{
	give_b_two(_i);
	h.judge = filter;
	dial_second();
	host_stop(a);
	asked[0] = asked[1] = false;
	hosts_run(&h, CLOCK_S);
	host_start(a);
	host_want(a, &second, 1);
	ck_assert(hosts_until(&h, hosts_pair_up, 3 * CLOCK_S));
	assert_b_uses(&second);
}
END_TEST

START_TEST(a_host_that_was_silent_is_asked_from_the_same_address_again)
{
	give_b_two(0);
	h.judge = filter;
	dial_second();
	net_isolate(&h.net, 0, true);
	hosts_run(&h, 20 * CLOCK_S);
	ck_assert(!hosts_pair_up(&h));
	hosts_heal(&h);
	ck_assert(hosts_until(&h, hosts_pair_up, 6 * CLOCK_S));
	ck_assert(host_talks(b, a));
}
END_TEST

START_TEST(a_cookie_leaves_from_the_address_that_was_asked)
{
	const struct flight *p, *cookie;

	give_b_two(_i);
	dial_second();
	/* Its timestamp is old by now: only a cookie may bring it further. */
	p = hosts_sent(&h, WIRE_INITIATION, a, b, 0, 0);
	hosts_inject(&h, &p->from, &second, p->bytes, p->len);
	hosts_run(&h, 4 * h.latency_us);
	cookie = hosts_sent(&h, WIRE_COOKIE, b, a, 0, 0);
	ck_assert_ptr_nonnull(cookie);
	ck_assert(addr_equal(&cookie->from, &second));
}
END_TEST

/* ---- a peer that addresses us elsewhere ---- */

static struct addr to_be;

/* As by a NAT before b that changes its mind. */
static enum fate send_to_be(struct hosts *hosts, struct flight *p)
{
	if (p->sender == 0 && hosts_at(hosts, &p->to) == b)
		p->to = to_be;
	return PASS;
}

START_TEST(a_peer_that_addresses_another_of_ours_is_followed_by_an_echo)
{
	give_b_two(_i);
	dial_second();
	hosts_run(&h, CLOCK_S);
	for (int i = 0; i < 4; i++) {
		to_be = i % 2 ? second : first;
		h.judge = send_to_be;
		ck_assert(host_talks(a, b));
		/* A frame is no proof that the way back is open there. */
		assert_b_uses(i % 2 ? &first : &second);
		hosts_run(&h, 6 * h.latency_us);
		assert_b_uses(&to_be);
		ck_assert(host_talks(b, a));
		hosts_run(&h, CLOCK_S);
	}
	ck_assert_uint_eq(host_events(b, NODE_PEER_DOWN), 0);
	ck_assert_uint_eq(host_events(b, NODE_PEER_MOVED), 0);
}
END_TEST

static bool passed_on;

static enum fate send_one_to_first(struct hosts *hosts, struct flight *p)
{
	(void)hosts;
	if (!passed_on && p->sender == 0 && p->bytes[0] == WIRE_DATA) {
		p->to = first;
		passed_on = true;
	}
	/* What b asks from there is not answered: nobody uses it. */
	return p->sender == 1 && addr_equal(&p->from, &first) ? LOSE : PASS;
}

START_TEST(
	attack_a_datagram_passed_on_to_another_of_our_addresses_moves_nothing)
{
	give_b_two(_i);
	dial_second();
	hosts_run(&h, CLOCK_S);
	h.judge = send_one_to_first;
	for (int i = 0; i < 50; i++) {
		host_say(a, (uint64_t)i);
		hosts_run(&h, 100 * CLOCK_MS);
		assert_b_uses(&second);
		ck_assert(host_talks(b, a));
	}
	ck_assert(passed_on);
	ck_assert_uint_gt(sent_from(&first, 0), 0);
	ck_assert_uint_eq(host_events(b, NODE_PEER_DOWN), 0);
}
END_TEST

START_TEST(attack_what_is_replayed_to_another_of_our_addresses_moves_nothing)
{
	size_t since;

	give_b_two(_i);
	dial_second();
	ck_assert(host_talks(a, b));
	hosts_run(&h, CLOCK_S);
	since = h.log_count;
	/* Handshakes too: a response and a cookie answer where they were asked,
	 * and that is all. */
	for (size_t i = 0; i < since; i++)
		if (h.log[i]->sender == 0)
			hosts_inject(&h, &a->addrs[0], &first, h.log[i]->bytes,
				     h.log[i]->len);
	hosts_run(&h, CLOCK_S);
	assert_b_uses(&second);
	ck_assert(host_talks(b, a));
	for (size_t i = since; i < h.log_count; i++)
		if (h.log[i]->sender == 1 && h.log[i]->bytes[0] == WIRE_DATA)
			ck_assert(addr_equal(&h.log[i]->from, &second));
}
END_TEST

/* ---- echoes ---- */

/* One probe of a's, an old one, arrives elsewhere than its session is. */
static enum fate hold_probe(struct hosts *hosts, struct flight *p)
{
	const size_t probe = WIRE_DATA_OVERHEAD + WIRE_PROBE_LEN;

	return !hosts->held_count && p->sender == 0 && p->len == probe ? HOLD
								       : PASS;
}

START_TEST(an_echo_goes_back_the_way_its_probe_came)
{
	const struct flight *p;
	size_t since;

	give_b_two(_i);
	dial_second();
	h.judge = hold_probe;
	while (!h.held_count)
		hosts_run(&h, 10 * CLOCK_MS);
	h.judge = NULL;
	/* Others came since, so that it moves nothing by itself. */
	ck_assert(host_talks(a, b));
	since = h.log_count;
	p = h.held[0];
	hosts_inject(&h, &elsewhere, &first, p->bytes, p->len);
	hosts_run(&h, h.latency_us + 1);
	ck_assert_uint_eq(sent_from(&first, since), 1);
	for (size_t i = since; i < h.log_count; i++)
		if (addr_equal(&h.log[i]->from, &first)) {
			ck_assert(addr_equal(&h.log[i]->to, &elsewhere));
			ck_assert_uint_le(h.log[i]->len, p->len);
		}
	assert_b_uses(&second);
}
END_TEST

/* Both addresses of b's are known, so that being heard from there is no move. Its
 * probes are answered there, and yet what goes to the lost one is missed. */
START_TEST(a_peer_that_left_one_of_its_known_addresses_is_followed_to_the_other)
{
	give_b_two(_i);
	host_start(a);
	host_start(b);
	host_want(a, b->addrs, 2);
	ck_assert(hosts_until(&h, hosts_pair_up, CLOCK_S));
	hosts_run(&h, 2 * CLOCK_S);
	ck_assert(host_found_at(a, &first, b));
	ck_assert(host_found_at(a, &second, b));
	b->addrs[0] = host_sends_to(a, b, &first) ? second : first;
	b->addrs_count = 1;
	hosts_run(&h, 4 * CLOCK_S);
	ck_assert(host_sends_to(a, b, &b->addrs[0]));
	ck_assert(hosts_pair_up(&h));
	ck_assert(host_talks(a, b));
}
END_TEST

/* ---- an address that is gone ---- */

START_TEST(a_host_that_lost_the_address_goes_on_from_another)
{
	give_b_two(_i);
	dial_second();
	hosts_run(&h, CLOCK_S);
	/* What is sent to it is lost, but for what b sends a is told. */
	b->addrs_count = 1;
	host_say(b, 1);
	hosts_run(&h, 10 * h.latency_us);
	assert_b_uses(&first);
	ck_assert(host_talks(a, b));
	ck_assert(host_talks(b, a));
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
}
END_TEST

/* b is in an older version's place: its owner does not say where a datagram came. */
START_TEST(an_owner_that_cannot_tell_the_local_address_leaves_it_to_the_kernel)
{
	struct node_peer_info info;

	hosts_mesh(&h, 2);
	for (size_t i = 0; i < h.log_count; i++)
		if (h.log[i]->sender == 0)
			host_receive(b, &a->addrs[0], h.log[i]->bytes,
				     h.log[i]->len);
	info = host_info(b, a);
	ck_assert(info.has_local);
	ck_assert(addr_equal(&info.local, &b->addrs[0]));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("ways", .setup = three_setup, .teardown = three_teardown),
	UNIT_LOOP(a_host_asked_at_its_second_address_answers_from_there, 3),
	UNIT_LOOP(an_asker_that_restarted_is_answered_from_there_again, 3),
	UNIT_TEST(a_host_that_was_silent_is_asked_from_the_same_address_again),
	UNIT_LOOP(a_cookie_leaves_from_the_address_that_was_asked, 3),
	UNIT_LOOP(a_peer_that_addresses_another_of_ours_is_followed_by_an_echo,
		  3),
	UNIT_LOOP(
		attack_a_datagram_passed_on_to_another_of_our_addresses_moves_nothing,
		3),
	UNIT_LOOP(
		attack_what_is_replayed_to_another_of_our_addresses_moves_nothing,
		3),
	UNIT_LOOP(an_echo_goes_back_the_way_its_probe_came, 3),
	UNIT_LOOP(
		a_peer_that_left_one_of_its_known_addresses_is_followed_to_the_other,
		3),
	UNIT_LOOP(a_host_that_lost_the_address_goes_on_from_another, 3),
	UNIT_TEST(
		an_owner_that_cannot_tell_the_local_address_leaves_it_to_the_kernel),
};

UNIT_MAIN("node ways", tests)
