#include <assert.h>
#include <check.h>
#include <linux/virtio_net.h>
#include <string.h>

#include "base/frame.h"
#include "ether/vnet.h"
#include "support/frame_len.h"
#include "support/main.h"

static_assert(VNET_HDR_LEN == sizeof(struct virtio_net_hdr),
	      "the header is the kernel's");

static void assert_same(const struct offload *a, const struct offload *b)
{
	ck_assert_int_eq(a->csum_partial, b->csum_partial);
	ck_assert_int_eq(a->ecn, b->ecn);
	ck_assert_int_eq(a->gso, b->gso);
	ck_assert_uint_eq(a->gso_size, b->gso_size);
	ck_assert_uint_eq(a->hdr_len, b->hdr_len);
	ck_assert_uint_eq(a->csum_start, b->csum_start);
	ck_assert_uint_eq(a->csum_offset, b->csum_offset);
}

START_TEST(ordinary_frame_is_all_zeros)
{
	static const uint8_t zeros[VNET_HDR_LEN];
	static const struct offload none;
	uint8_t hdr[VNET_HDR_LEN];
	struct offload o;

	memset(hdr, 0xaa, sizeof(hdr));
	vnet_pack(&none, hdr);
	ck_assert_mem_eq(hdr, zeros, sizeof(hdr));
	ck_assert(vnet_unpack(&o, zeros));
	assert_same(&o, &none);
}
END_TEST

START_TEST(bytes_are_virtio_little_endian)
{
	static const struct offload o = {
		.csum_partial = true,
		.ecn = true,
		.gso = OFFLOAD_GSO_TCPV6,
		.gso_size = 0x0102,
		.hdr_len = 0x0304,
		.csum_start = 0x0506,
		.csum_offset = 0x0708,
	};
	static const uint8_t wire[VNET_HDR_LEN] = {
		VIRTIO_NET_HDR_F_NEEDS_CSUM,
		VIRTIO_NET_HDR_GSO_TCPV6 | VIRTIO_NET_HDR_GSO_ECN,
		0x04,
		0x03,
		0x02,
		0x01,
		0x06,
		0x05,
		0x08,
		0x07,
	};
	uint8_t hdr[VNET_HDR_LEN];
	struct offload back;

	vnet_pack(&o, hdr);
	ck_assert_mem_eq(hdr, wire, sizeof(hdr));
	ck_assert(vnet_unpack(&back, wire));
	assert_same(&back, &o);
}
END_TEST

START_TEST(every_known_gso_frame_round_trips)
{
	for (int gso = OFFLOAD_GSO_NONE; gso <= OFFLOAD_GSO_UDP_L4; gso++) {
		struct offload o = { .gso = (enum offload_gso)gso }, back;
		uint8_t hdr[VNET_HDR_LEN];

		if (gso != OFFLOAD_GSO_NONE) {
			o.gso_size = 1448;
			o.hdr_len = 66;
		}
		vnet_pack(&o, hdr);
		ck_assert(vnet_unpack(&back, hdr));
		assert_same(&back, &o);
	}
}
END_TEST

START_TEST(unknown_gso_types_are_refused)
{
	static const struct offload none;

	for (unsigned int type = 0; type <= UINT8_MAX; type++) {
		uint8_t hdr[VNET_HDR_LEN] = { 1, (uint8_t)type, 0, 0, 9, 9 };
		bool known = type == 0 || type == 1 || type == 4 || type == 5 ||
			     type == 0x81 || type == 0x84;
		struct offload o;

		memset(&o, 0xaa, sizeof(o));
		ck_assert_msg(vnet_unpack(&o, hdr) == known, "type %u", type);
		if (!known)
			assert_same(&o, &none);
	}
}
END_TEST

START_TEST(gso_frame_without_segment_size_is_refused)
{
	static const struct offload none;
	uint8_t hdr[VNET_HDR_LEN] = { 1, VIRTIO_NET_HDR_GSO_TCPV4, 54 };
	struct offload o;

	memset(&o, 0xaa, sizeof(o));
	ck_assert(!vnet_unpack(&o, hdr));
	assert_same(&o, &none);
}
END_TEST

START_TEST(fields_no_flag_gives_meaning_to_read_as_zero)
{
	static const struct offload none;
	uint8_t hdr[VNET_HDR_LEN];
	struct offload o;

	memset(hdr, 0xaa, sizeof(hdr));
	hdr[0] = VIRTIO_NET_HDR_F_DATA_VALID;
	hdr[1] = VIRTIO_NET_HDR_GSO_NONE;
	ck_assert(vnet_unpack(&o, hdr));
	assert_same(&o, &none);
}
END_TEST

START_TEST(frame_len_sums_its_pieces)
{
	char bytes[100];
	struct iovec iov[] = { { bytes, 10 }, { bytes, 0 }, { bytes, 90 } };
	struct frame f = { .iov = iov, .iovcnt = 3 };

	ck_assert_uint_eq(frame_len(&f), 100);
	f.iovcnt = 0;
	ck_assert_uint_eq(frame_len(&f), 0);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_TEST(ordinary_frame_is_all_zeros),
	UNIT_TEST(bytes_are_virtio_little_endian),
	UNIT_TEST(every_known_gso_frame_round_trips),
	UNIT_TEST(unknown_gso_types_are_refused),
	UNIT_TEST(gso_frame_without_segment_size_is_refused),
	UNIT_TEST(fields_no_flag_gives_meaning_to_read_as_zero),
	UNIT_TEST(frame_len_sums_its_pieces),
};

UNIT_MAIN("vnet", tests)
