#include "tapd/tap/host_key.h"

#include <stdio.h>

#include "support/main.h"

static struct public_key key_of(const char *name, const char *interface)
{
	struct conf c = { .path = NULL };

	snprintf(c.name, sizeof(c.name), "%s", name);
	snprintf(c.interface.name, sizeof(c.interface.name), "%s", interface);
	return host_key(&c);
}

START_TEST(it_is_the_same_at_every_start)
{
	const struct public_key a = key_of("web1", "tap0");
	const struct public_key b = key_of("web1", "tap0");

	ck_assert(public_key_equal(&a, &b));
}
END_TEST

START_TEST(hosts_and_interfaces_have_others)
{
	const struct public_key keys[] = {
		key_of("web1", "tap0"), key_of("web2", "tap0"),
		key_of("web1", "tap1"), key_of("web1 tap", "1"),
		key_of("", ""),		{ { 0 } },
	};

	for (size_t i = 0; i < UNIT_COUNT(keys); i++)
		for (size_t j = 0; j < i; j++)
			ck_assert(!public_key_equal(&keys[i], &keys[j]));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("host_key"),
	UNIT_TEST(it_is_the_same_at_every_start),
	UNIT_TEST(hosts_and_interfaces_have_others),
};

UNIT_MAIN("host_key", tests)
