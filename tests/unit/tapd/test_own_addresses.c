#include "support/main.h"
#include "tapd/tap/own_addresses.h"

#include <check.h>
#include <linux/if_addr.h>

#define NOW_CS 1000000
#define NOW    ((struct clock){ .mono_us = 5000 * CLOCK_S })

static struct link_address list[40];
static struct link_state state;
static struct prefix configured[2];
static struct node_tap_address own[NODE_TAP_ADDRESSES_MAX];
static size_t left_out;

static void setup(void)
{
	state = (struct link_state){ .present = true,
				     .up = true,
				     .addresses = { .list = list } };
	ck_assert(prefix_parse(&configured[0], "10.77.0.1/24"));
	ck_assert(prefix_parse(&configured[1], "fd77::1/128"));
}

/* It has been there for an hour. */
static struct link_address *add(const char *text)
{
	struct link_address *a = &list[state.addresses.count++];

	*a = (struct link_address){ .has_age = true,
				    .made_cs = NOW_CS - 360000 };
	ck_assert(prefix_parse(&a->prefix, text));
	return a;
}

static size_t count(void)
{
	return own_addresses(&state, configured, 2, NOW_CS, NOW, own,
			     &left_out);
}

START_TEST(configured_address_counts_at_once_whatever_it_looks_like)
{
	struct link_address *a = add("10.77.0.1/24");

	a->made_cs = NOW_CS;
	a->flags = IFA_F_SECONDARY;
	a->proto = 7;
	add("fd77::1/128")->has_age = false;
	ck_assert_uint_eq(count(), 2);
	for (int i = 0; i < 2; i++) {
		ck_assert(own[i].configured);
		ck_assert_uint_eq(own[i].from_us, 0);
	}
}
END_TEST

/* Of Keepalived, uCARP or Pacemaker: it is another host's next. */
START_TEST(address_that_may_move_does_not_count)
{
	add("10.77.0.100/32");
	add("fd77::100/128");
	add("10.77.0.101/24")->flags = IFA_F_SECONDARY | IFA_F_PERMANENT;
	add("10.77.0.102/24")->proto = 18;
	add("fe80::1/64")->proto = 3;
	ck_assert_uint_eq(count(), 0);
	/* The configured one with another length is another. */
	add("10.77.0.1/32");
	ck_assert_uint_eq(count(), 0);
}
END_TEST

START_TEST(address_that_somebody_added_counts_after_a_minute)
{
	struct link_address *a = add("192.0.2.1/24");

	ck_assert_uint_eq(count(), 1);
	ck_assert(!own[0].configured);
	ck_assert_uint_eq(own[0].from_us, 0);
	a->made_cs = NOW_CS - 1000;
	ck_assert_uint_eq(count(), 1);
	ck_assert_uint_eq(own[0].from_us, NOW.mono_us + 50 * CLOCK_S);
	/* The clock of hundredths has come round. */
	a->made_cs = NOW_CS - 0x70000000u;
	ck_assert_uint_eq(count(), 1);
	ck_assert_uint_eq(own[0].from_us, 0);
	a->made_cs = NOW_CS + 5;
	ck_assert_uint_eq(count(), 1);
	ck_assert_uint_eq(own[0].from_us, NOW.mono_us + 60 * CLOCK_S);
	a->has_age = false;
	ck_assert_uint_eq(count(), 1);
	ck_assert_uint_eq(own[0].from_us, NOW.mono_us + 60 * CLOCK_S);
}
END_TEST

START_TEST(address_that_is_not_ours_yet_does_not_count)
{
	add("fd77::1/128")->flags = IFA_F_TENTATIVE;
	add("10.77.0.1/24")->flags = IFA_F_DADFAILED;
	ck_assert_uint_eq(count(), 0);
}
END_TEST

START_TEST(interface_that_is_down_or_elsewhere_has_none)
{
	add("10.77.0.1/24");
	state.up = _i & 1;
	state.present = _i & 2;
	ck_assert_uint_eq(count(), _i == 3 ? 1 : 0);
}
END_TEST

START_TEST(more_than_fit_are_counted)
{
	for (int i = 0; i < 40; i++)
		add("192.0.2.1/24");
	ck_assert_uint_eq(count(), NODE_TAP_ADDRESSES_MAX);
	ck_assert_uint_eq(left_out, 40 - NODE_TAP_ADDRESSES_MAX);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("own_addresses", .setup = setup),
	UNIT_TEST(configured_address_counts_at_once_whatever_it_looks_like),
	UNIT_TEST(address_that_may_move_does_not_count),
	UNIT_TEST(address_that_somebody_added_counts_after_a_minute),
	UNIT_TEST(address_that_is_not_ours_yet_does_not_count),
	UNIT_LOOP(interface_that_is_down_or_elsewhere_has_none, 4),
	UNIT_TEST(more_than_fit_are_counted),
};

UNIT_MAIN("own_addresses", tests)
