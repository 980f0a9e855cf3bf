#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/router.h"
#include "support/alloc.h"
#include "support/frames.h"
#include "support/main.h"
#include "support/parsed.h"
#include "support/pcap.h"
#include "support/reports.h"

static bool is_announced(const uint8_t *frame, size_t len)
{
	uint8_t *copy = test_alloc(len);
	struct eth_view v;
	bool yes;

	memcpy(copy, frame, len);
	yes = eth_parse(&v, copy, len) == DROP_NONE &&
	      router_is_announced(&v, copy, len);
	free(copy);
	return yes;
}

static size_t pim_frame(uint8_t buf[128], bool v6, uint8_t type, size_t len)
{
	struct writer w = writer_init(buf, 128);

	put_eth(&w, 2, 1, v6 ? ETH_TYPE_IPV6 : ETH_TYPE_IPV4);
	if (v6)
		put_ipv6(&w, 103, len);
	else
		put_ipv4(&w, 103, len);
	for (size_t i = 0; i < len; i++)
		writer_u8(&w, i == 0 ? type : 0);
	ck_assert(writer_ok(&w));
	return w.len;
}

START_TEST(pim_hello_announces)
{
	uint8_t buf[128];

	ck_assert(is_announced(buf, pim_frame(buf, false, 0x20, 34)));
	ck_assert(is_announced(buf, pim_frame(buf, true, 0x20, 34)));
}
END_TEST

START_TEST(other_pim_does_not)
{
	uint8_t buf[128];

	ck_assert(!is_announced(buf, pim_frame(buf, false, 0x23, 34)));
	ck_assert(!is_announced(buf, pim_frame(buf, true, 0x10, 34)));
	ck_assert(!is_announced(buf, pim_frame(buf, false, 0x20, 3)));
	ck_assert(!is_announced(buf, pim_frame(buf, false, 0x20, 0)));
}
END_TEST

START_TEST(later_fragment_does_not)
{
	uint8_t buf[128];
	size_t len = pim_frame(buf, false, 0x20, 34);

	store_be16(buf + 20, 0x0005);
	ck_assert(!is_announced(buf, len));
	store_be16(buf + 20, 0x2000);
	ck_assert(!is_announced(buf, len));
}
END_TEST

START_TEST(router_discovery_announces)
{
	uint8_t frame[REPORT_MAX];

	ck_assert(
		is_announced(frame, igmp_frame(frame, 0, "30140000 007d0002")));
	ck_assert(
		is_announced(frame, mld_frame(frame, 7, "97140000 007d0002")));
	ck_assert(!is_announced(frame, igmp_frame(frame, 0, "30140000")));
	ck_assert(!is_announced(frame, mld_frame(frame, 0, "97140000")));
	/* solicitation, termination, and the other protocol's number */
	ck_assert(!is_announced(frame,
				igmp_frame(frame, 0, "31000000 00000000")));
	ck_assert(
		!is_announced(frame, mld_frame(frame, 0, "99000000 00000000")));
	ck_assert(
		!is_announced(frame, mld_frame(frame, 0, "30000000 00000000")));
}
END_TEST

START_TEST(no_sample_frame_is_mistaken)
{
	uint8_t frame[SAMPLE_MAX];

	for (size_t i = 0; i < SAMPLES; i++)
		ck_assert(!is_announced(frame,
					sample_decode(frame, samples[i].name)));
}
END_TEST

static const struct {
	const char *file;
	bool all; /* or some, of several kinds */
} captures[] = {
	{ "PIMv2_hellos.pcap", true },
	{ "PIM-DM_pruning.pcap", false },
};

START_TEST(captured_hellos_announce)
{
	struct pcap_frame frame;
	unsigned int announced = 0, other = 0;
	struct pcap p;

	if (!pcap_open(&p, captures[_i].file))
		return;
	while (pcap_next(&p, &frame)) {
		if (is_announced(frame.bytes, frame.len))
			announced++;
		else
			other++;
	}
	pcap_close(&p);
	ck_assert_uint_gt(announced, 0);
	ck_assert_int_eq(other == 0, captures[_i].all);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_TEST(pim_hello_announces),
	UNIT_TEST(other_pim_does_not),
	UNIT_TEST(later_fragment_does_not),
	UNIT_TEST(router_discovery_announces),
	UNIT_TEST(no_sample_frame_is_mistaken),
	UNIT_LOOP(captured_hellos_announce, 2),
};

UNIT_MAIN("router", tests)
