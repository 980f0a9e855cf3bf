#include "tapd/control/peer_value.h"

#include "support/main.h"

static struct node_peer_info peer(void)
{
	struct node_peer_info p = {
		.has_key = true,
		.name = "web2",
		.has_endpoint = true,
		.endpoint = addr_v4(0x0a090002, 8273),
	};

	memset(p.key.bytes, 0xab, sizeof(p.key.bytes));
	return p;
}

/* 0xab 32 times: "q6urq6ur…". */
START_TEST(peer_is_meant_by_name_key_or_endpoint)
{
	static const char *const right[] = {
		"web2",		 "q6ur",
		"q6urq6u",	 "10.9.0.2",
		"10.9.0.2:8273", "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=",
	};
	static const char *const wrong[] = {
		"",
		"web",
		"web22",
		"Web2",
		"q6u",
		"q6uR",
		"10.9.0.3",
		"10.9.0.2:8274",
		"10.9.0.2:",
		"10.9.0.22",
		"10.9.0.2:8273 ",
		"[fd00::2]:8273",
		"q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=x",
	};
	const struct node_peer_info p = peer();

	for (size_t i = 0; i < UNIT_COUNT(right); i++)
		ck_assert_msg(peer_is(&p, right[i]), "%s", right[i]);
	for (size_t i = 0; i < UNIT_COUNT(wrong); i++)
		ck_assert_msg(!peer_is(&p, wrong[i]), "%s", wrong[i]);
}
END_TEST

START_TEST(peer_without_a_port_is_meant_by_its_address)
{
	struct node_peer_info p = peer();

	p.endpoint.port = 0;
	ck_assert(peer_is(&p, "10.9.0.2"));
	ck_assert(!peer_is(&p, "10.9.0.3"));
	ck_assert(!peer_is(&p, "10.9.0.2:1"));
}
END_TEST

START_TEST(what_is_not_known_means_nobody)
{
	const struct node_peer_info p = { .has_key = false };

	ck_assert(!peer_is(&p, "AAAA"));
	ck_assert(!peer_is(&p, "0.0.0.0"));
	ck_assert(!peer_is(&p, "::"));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("peer value"),
	UNIT_TEST(peer_is_meant_by_name_key_or_endpoint),
	UNIT_TEST(peer_without_a_port_is_meant_by_its_address),
	UNIT_TEST(what_is_not_known_means_nobody),
};

UNIT_MAIN("peer value", tests)
