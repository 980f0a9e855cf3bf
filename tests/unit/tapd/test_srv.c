#include "support/main.h"
#include "support/rng.h"
#include "tapd/helper/srv.h"

#include <arpa/nameser.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct srv_target found[SRV_TARGETS_MAX];
static uint8_t message[65535];
static size_t len;

static void put16(unsigned value)
{
	message[len++] = (uint8_t)(value >> 8);
	message[len++] = (uint8_t)value;
}

static void put_name(const char *name)
{
	while (*name) {
		size_t label = strcspn(name, ".");

		message[len++] = (uint8_t)label;
		memcpy(message + len, name, label);
		len += label;
		name += label + (name[label] == '.');
	}
	message[len++] = 0;
}

/* An answer of so many records to a question for _tapd._udp.x. */
static void begin(unsigned records)
{
	len = 0;
	put16(7);
	put16(0x8180);
	put16(1);
	put16(records);
	put16(0);
	put16(0);
	put_name("_tapd._udp.x");
	put16(ns_t_srv);
	put16(ns_c_in);
}

static void put_record(unsigned type, unsigned port, const char *target)
{
	size_t at;

	put16(0xc00c); /* the name of the question */
	put16(type);
	put16(ns_c_in);
	put16(0);
	put16(60);
	at = len;
	put16(0);
	if (type == ns_t_srv) {
		put16(10);
		put16(5);
		put16(port);
	}
	put_name(target);
	message[at] = (uint8_t)((len - at - 2) >> 8);
	message[at + 1] = (uint8_t)(len - at - 2);
}

/* A copy as long as the message is, so that reading past it is noticed. */
static size_t parse(size_t length)
{
	uint8_t *copy = malloc(length ? length : 1);
	size_t count;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, message, length);
	memset(found, 0x5a, sizeof(found));
	count = srv_parse(copy, length, found);
	free(copy);
	return count;
}

START_TEST(each_record_is_a_target_with_its_port)
{
	begin(3);
	put_record(ns_t_srv, 8273, "web1.x");
	put_record(ns_t_srv, 9, "web2.x");
	put_record(ns_t_srv, 10, "web1.x");
	ck_assert_uint_eq(parse(len), 3);
	ck_assert_str_eq(found[0].host, "web1.x");
	ck_assert_uint_eq(found[0].port, 8273);
	ck_assert_str_eq(found[1].host, "web2.x");
	ck_assert_uint_eq(found[1].port, 9);
	ck_assert_uint_eq(found[2].port, 10);
}
END_TEST

START_TEST(what_is_no_target_is_passed_over)
{
	begin(6);
	put_record(ns_t_cname, 0, "y.x");
	put_record(ns_t_srv, 0, "web1.x");
	put_record(ns_t_srv, 9, ""); /* "not here", RFC 2782 */
	put_record(ns_t_srv, 9, "web2.x");
	put_record(ns_t_srv, 9, "WEB2.x");
	put_record(ns_t_txt, 9, "web3.x");
	ck_assert_uint_eq(parse(len), 1);
	ck_assert_str_eq(found[0].host, "web2.x");
}
END_TEST

START_TEST(a_message_cut_short_has_what_came_before)
{
	size_t whole, count;

	begin(2);
	put_record(ns_t_srv, 8273, "web1.x");
	whole = len;
	put_record(ns_t_srv, 9, "web2.x");
	for (size_t i = 0; i < len; i++) {
		count = parse(i);
		ck_assert_uint_le(count, i >= whole);
	}
	begin(0);
	ck_assert_uint_eq(parse(len), 0);
}
END_TEST

START_TEST(there_are_no_more_than_there_is_room_for)
{
	char name[] = "w000.x";

	begin(SRV_TARGETS_MAX + 100);
	for (unsigned i = 0; i < SRV_TARGETS_MAX + 100; i++) {
		name[1] = (char)('0' + i / 100);
		name[2] = (char)('0' + i / 10 % 10);
		name[3] = (char)('0' + i % 10);
		put_record(ns_t_srv, 9, name);
	}
	ck_assert_uint_eq(parse(len), SRV_TARGETS_MAX);
}
END_TEST

START_TEST(any_bytes_are_an_answer_or_none)
{
	struct rng rng = rng_init(1);

	for (unsigned i = 0; i < 20000; i++) {
		begin(2);
		put_record(ns_t_srv, 8273, "web1.x");
		put_record(ns_t_srv, 9, "web2.x");
		for (unsigned n = 0; n < 3; n++)
			message[rng_below(&rng, len)] =
				(uint8_t)rng_below(&rng, 256);
		for (size_t k = 0, count = parse(len); k < count; k++)
			ck_assert_ptr_nonnull(memchr(found[k].host, '\0',
						     sizeof(found[k].host)));
	}
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("srv", .timeout_s = 30),
	UNIT_TEST(each_record_is_a_target_with_its_port),
	UNIT_TEST(what_is_no_target_is_passed_over),
	UNIT_TEST(a_message_cut_short_has_what_came_before),
	UNIT_TEST(there_are_no_more_than_there_is_room_for),
	UNIT_TEST(any_bytes_are_an_answer_or_none),
};

UNIT_MAIN("srv", tests)
