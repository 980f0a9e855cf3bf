/* docs/PROTOCOL: the code writes and reads the bytes of its test vectors. */
#include <check.h>
#include <stdbool.h>
#include <string.h>

#include "support/main.h"
#include "support/vectors.h"
#include "tunnel/aead.h"
#include "tunnel/cookie.h"
#include "tunnel/noise.h"
#include "tunnel/wire.h"
#include "tunnel/wire_ask.h"
#include "tunnel/wire_leg.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool all_zero(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++) {
		if (p[i])
			return false;
	}
	return true;
}

/* A record of the appendix: the one in bytes, and all of it. */
static struct wire_record protocol_record(const char *name, uint8_t *bytes,
					  size_t size)
{
	size_t len = protocol_vector(name, bytes, size);
	struct cursor c = cursor_init(bytes, len);
	struct wire_record r;

	ck_assert(wire_next_record(&c, &r));
	ck_assert(cursor_done(&c));
	return r;
}

START_TEST(handshake_messages)
{
	uint8_t initiator[4], responder[4], bytes[WIRE_INITIATION_LEN];
	struct wire_initiation m1;
	struct wire_response m2;
	struct wire_cookie m3;
	enum wire_type type;

	protocol_exact("initiator_index", initiator, 4);
	protocol_exact("responder_index", responder, 4);
	protocol_exact("initiation", bytes, WIRE_INITIATION_LEN);
	ck_assert_int_eq(wire_classify(bytes, WIRE_INITIATION_LEN, &type),
			 DROP_NONE);
	ck_assert_uint_eq(type, WIRE_INITIATION);
	wire_unpack_initiation(&m1, bytes);
	ck_assert_uint_eq(m1.sender, load_be32(initiator));
	ck_assert(all_zero(m1.mac2, sizeof(m1.mac2)));

	protocol_exact("response", bytes, WIRE_RESPONSE_LEN);
	ck_assert_int_eq(wire_classify(bytes, WIRE_RESPONSE_LEN, &type),
			 DROP_NONE);
	ck_assert_uint_eq(type, WIRE_RESPONSE);
	wire_unpack_response(&m2, bytes);
	ck_assert_uint_eq(m2.sender, load_be32(responder));
	ck_assert_uint_eq(m2.receiver, load_be32(initiator));
	ck_assert(all_zero(m2.mac2, sizeof(m2.mac2)));

	protocol_exact("cookie_message", bytes, WIRE_COOKIE_LEN);
	ck_assert_int_eq(wire_classify(bytes, WIRE_COOKIE_LEN, &type),
			 DROP_NONE);
	ck_assert_uint_eq(type, WIRE_COOKIE);
	wire_unpack_cookie(&m3, bytes);
	ck_assert_uint_eq(m3.receiver, load_be32(initiator));
}
END_TEST

START_TEST(relayed_message)
{
	uint8_t bytes[WIRE_RELAYED_LEN + WIRE_COOKIE_LEN], index[4];
	uint8_t cookie[WIRE_COOKIE_LEN], packed[WIRE_RELAYED_LEN];
	struct wire_relayed m;
	enum wire_type type;

	protocol_exact("relayed", bytes, sizeof(bytes));
	protocol_exact("leg_index", index, sizeof(index));
	protocol_exact("cookie_message", cookie, sizeof(cookie));
	ck_assert_int_eq(wire_classify(bytes, sizeof(bytes), &type), DROP_NONE);
	ck_assert_uint_eq(type, WIRE_RELAYED);
	wire_unpack_relayed(&m, bytes);
	ck_assert_uint_eq(m.leg, load_be32(index));
	wire_pack_relayed(&m, packed);
	ck_assert_mem_eq(packed, bytes, sizeof(packed));
	ck_assert_mem_eq(bytes + WIRE_RELAYED_LEN, cookie, sizeof(cookie));
}
END_TEST

START_TEST(frames)
{
	uint8_t bytes[128], whole[128];
	struct wire_record r;
	struct wire_fragment fragment;
	struct wire_frame f;
	size_t len;

	len = protocol_vector("record_frame", whole, sizeof(whole));
	r = protocol_record("record_frame", bytes, sizeof(bytes));
	ck_assert_uint_eq(r.kind, WIRE_FRAME);
	ck_assert_int_eq(wire_unpack_frame(&f, &r), DROP_NONE);
	ck_assert(!f.csum_partial);
	ck_assert_uint_eq(f.len, 42);

	r = protocol_record("record_frame_partial", bytes, sizeof(bytes));
	ck_assert_uint_eq(r.kind, WIRE_FRAME);
	ck_assert_int_eq(wire_unpack_frame(&f, &r), DROP_NONE);
	ck_assert(f.csum_partial);
	ck_assert_uint_eq(f.csum_start, 34);
	ck_assert_uint_eq(f.csum_offset, 6);
	ck_assert_uint_eq(f.len, 44);

	r = protocol_record("record_fragment", bytes, sizeof(bytes));
	ck_assert_uint_eq(r.kind, WIRE_FRAGMENT);
	ck_assert_int_eq(wire_unpack_fragment(&fragment, &r), DROP_NONE);
	ck_assert_uint_eq(fragment.id, 7);
	ck_assert(fragment.last);
	ck_assert_uint_eq(fragment.offset + fragment.len, len);
	ck_assert_mem_eq(fragment.piece, whole + fragment.offset, fragment.len);
}
END_TEST

START_TEST(other_records)
{
	uint8_t bytes[128], packed[WIRE_HELLO_MAX];
	static const uint8_t mac[] = { 0x52, 0x54, 0, 0, 0, 1 };
	struct wire_record r;
	struct wire_hello h;
	struct wire_probe p;

	r = protocol_record("record_hello", bytes, sizeof(bytes));
	ck_assert_uint_eq(r.kind, WIRE_HELLO);
	ck_assert_int_eq(wire_unpack_hello(&h, &r), DROP_NONE);
	ck_assert(h.want && !h.ack);
	ck_assert_uint_eq(h.version, WIRE_VERSION);
	ck_assert_uint_eq(h.tap_mtu, 1500);
	ck_assert_uint_eq(h.epoch, 0x0123456789abcdef);
	ck_assert_mem_eq(h.tap_mac, mac, sizeof(mac));
	ck_assert_str_eq(h.name, "web1");
	ck_assert_uint_eq(wire_pack_hello(&h, packed), WIRE_RECORD_LEN + r.len);
	ck_assert_mem_eq(packed, bytes, WIRE_RECORD_LEN + r.len);

	r = protocol_record("record_echo", bytes, sizeof(bytes));
	ck_assert_uint_eq(r.kind, WIRE_PROBE);
	ck_assert_int_eq(wire_unpack_probe(&p, &r), DROP_NONE);
	ck_assert(p.echo);
	ck_assert_uint_eq(p.time_us, 1000000);
	ck_assert_uint_eq(p.sent, 3);
	ck_assert_uint_eq(p.received, 2);
	ck_assert_uint_eq(p.size, 548);
	ck_assert(addr_is_v4(&p.observed));
	ck_assert_uint_eq(p.observed.port, WIRE_PORT);
	wire_pack_probe(&p, packed);
	ck_assert_mem_eq(packed, bytes, WIRE_PROBE_LEN);

	r = protocol_record("record_probe", bytes, sizeof(bytes));
	ck_assert_uint_eq(r.kind, WIRE_PROBE);
	ck_assert_int_eq(wire_unpack_probe(&p, &r), DROP_NONE);
	ck_assert(!p.echo);
	ck_assert_uint_eq(p.own, 5);
	ck_assert_uint_eq(p.held, 6);
	ck_assert_uint_eq(p.list, 7);
	ck_assert_uint_eq(p.size, 1200);
	wire_pack_probe(&p, packed);
	ck_assert_mem_eq(packed, bytes, WIRE_PROBE_LEN);

	r = protocol_record("record_copied", bytes, sizeof(bytes));
	ck_assert_uint_eq(r.kind, WIRE_COPIED);
	r = protocol_record("record_pad", bytes, sizeof(bytes));
	ck_assert_uint_eq(r.kind, WIRE_PAD);
	r = protocol_record("record_bye", bytes, sizeof(bytes));
	ck_assert_uint_eq(r.kind, WIRE_BYE);
	ck_assert_uint_eq(r.len, 0);
}
END_TEST

START_TEST(groups)
{
	static const struct wire_change expected[] = {
		{ false, 0, { [10] = 0xff, 0xff, 239, 1, 2, 3 } },
		{ true, 100, { 0xff, 0x0e, [13] = 1, 0x12, 0x34 } },
		{ false, 7, { [10] = 0xff, 0xff } },
	};
	uint8_t bytes[128], packed[128];
	struct wire_record r =
		protocol_record("record_groups", bytes, sizeof(bytes));
	size_t len = WIRE_GROUPS_LEN;
	struct wire_change change;
	struct wire_groups g;

	ck_assert_uint_eq(r.kind, WIRE_GROUPS);
	ck_assert_int_eq(wire_unpack_groups(&g, &r), DROP_NONE);
	ck_assert(g.want_all && !g.router && g.ack);
	ck_assert_uint_eq(g.epoch, 0x0123456789abcdef);
	ck_assert_uint_eq(g.base, 3);
	ck_assert_uint_eq(g.version, 6);
	ck_assert_uint_eq(g.latest, 7);
	for (size_t i = 0; i < COUNT(expected); i++) {
		ck_assert(wire_next_change(&g, &change));
		ck_assert_int_eq(change.left, expected[i].left);
		ck_assert_uint_eq(change.vlan, expected[i].vlan);
		ck_assert_mem_eq(change.ip, expected[i].ip, 16);
		len += wire_pack_change(&change, packed + len);
	}
	ck_assert(!wire_next_change(&g, &change));
	wire_pack_groups(&g, len - WIRE_GROUPS_LEN, packed);
	ck_assert_uint_eq(len, WIRE_RECORD_LEN + r.len);
	ck_assert_mem_eq(packed, bytes, len);
}
END_TEST

START_TEST(peers)
{
	static const struct {
		const char *key;
		const char *at;
	} expected[] = {
		{ "responder_public", "10.9.0.2:8273" },
		{ "initiator_public", "[fd00::1]:8274" },
	};
	uint8_t bytes[256], packed[256], key[32];
	struct wire_host host;
	struct wire_record r =
		protocol_record("record_ask", bytes, sizeof(bytes));
	struct wire_peers p;
	size_t len = WIRE_PEERS_LEN;

	ck_assert_int_eq(wire_unpack_peers(&p, &r), DROP_NONE);
	ck_assert(p.ask);
	ck_assert_uint_eq(p.since, 3);
	wire_pack_peers_ask(p.since, packed);
	ck_assert_mem_eq(packed, bytes, WIRE_PEERS_ASK_LEN);

	r = protocol_record("record_peers", bytes, sizeof(bytes));
	ck_assert_int_eq(wire_unpack_peers(&p, &r), DROP_NONE);
	ck_assert(!p.ask);
	ck_assert_uint_eq(p.base, 3);
	ck_assert_uint_eq(p.version, 6);
	for (size_t i = 0; i < COUNT(expected); i++) {
		char at[ADDR_STRLEN];

		ck_assert(wire_next_host(&p, &host));
		protocol_vector(expected[i].key, key, sizeof(key));
		ck_assert_mem_eq(host.key, key, sizeof(key));
		ck_assert_str_eq(addr_print(&host.addr, at), expected[i].at);
		wire_pack_host(&host, packed + len);
		len += WIRE_HOST_LEN;
	}
	ck_assert(!wire_next_host(&p, &host));
	wire_pack_peers(&p, COUNT(expected), packed);
	ck_assert_uint_eq(len, WIRE_RECORD_LEN + r.len);
	ck_assert_mem_eq(packed, bytes, len);
}
END_TEST

START_TEST(tests_of_groups)
{
	static const uint8_t group[16] = { [10] = 0xff, 0xff, 239, 1, 2, 3 };
	uint8_t bytes[128], packed[WIRE_ASK_TEST_LEN];
	struct wire_record r =
		protocol_record("record_ask_test", bytes, sizeof(bytes));
	struct wire_answer answer;
	struct wire_ask ask;

	ck_assert_uint_eq(r.kind, WIRE_ASK);
	ck_assert_int_eq(wire_unpack_ask(&ask, &r), DROP_NONE);
	ck_assert_uint_eq(ask.kind, WIRE_ASK_TEST);
	ck_assert_uint_eq(ask.token, 0x01234567890abcde);
	ck_assert_mem_eq(ask.ip, group, sizeof(group));
	ck_assert_uint_eq(wire_pack_ask(&ask, packed), WIRE_RECORD_LEN + r.len);
	ck_assert_mem_eq(packed, bytes, WIRE_RECORD_LEN + r.len);

	r = protocol_record("record_answer_test", bytes, sizeof(bytes));
	ck_assert_uint_eq(r.kind, WIRE_ANSWER);
	ck_assert_int_eq(wire_unpack_answer(&answer, &r), DROP_NONE);
	ck_assert_uint_eq(answer.token, ask.token);
	ck_assert(answer.member && !answer.all && answer.any);
	ck_assert_uint_eq(answer.heard, 9);
	ck_assert_uint_eq(answer.unicast, 10);
	ck_assert_uint_eq(answer.age_us, 1000000);
	wire_pack_answer_test(&answer, packed);
	ck_assert_mem_eq(packed, bytes, WIRE_RECORD_LEN + r.len);
}
END_TEST

START_TEST(rows)
{
	static const struct {
		const char *key;
		uint32_t rtt_us;
		uint16_t loss;
	} expected[] = {
		{ "responder_public", 412, 0 },
		{ "initiator_public", 25000, 0x8000 },
	};
	uint8_t bytes[128], packed[128], key[32];
	struct wire_record r =
		protocol_record("record_ask_row", bytes, sizeof(bytes));
	size_t len = WIRE_ANSWER_ROW_LEN;
	struct wire_answer answer;
	struct wire_link link;
	struct wire_ask ask;

	ck_assert_int_eq(wire_unpack_ask(&ask, &r), DROP_NONE);
	ck_assert_uint_eq(ask.kind, WIRE_ASK_ROW);
	ck_assert_uint_eq(wire_pack_ask(&ask, packed), WIRE_RECORD_LEN + r.len);
	ck_assert_mem_eq(packed, bytes, WIRE_RECORD_LEN + r.len);

	r = protocol_record("record_answer_row", bytes, sizeof(bytes));
	ck_assert_int_eq(wire_unpack_answer(&answer, &r), DROP_NONE);
	ck_assert_uint_eq(answer.token, ask.token);
	ck_assert_uint_eq(answer.next, 0);
	for (size_t i = 0; i < COUNT(expected); i++) {
		ck_assert(wire_next_link(&answer, &link));
		protocol_vector(expected[i].key, key, sizeof(key));
		ck_assert_mem_eq(link.key, key, WIRE_LINK_KEY_LEN);
		ck_assert_uint_eq(link.rtt_us, expected[i].rtt_us);
		ck_assert_uint_eq(link.loss, expected[i].loss);
		wire_pack_link(&link, packed + len);
		len += WIRE_LINK_LEN;
	}
	ck_assert(!wire_next_link(&answer, &link));
	wire_pack_answer_row(&answer, COUNT(expected), packed);
	ck_assert_uint_eq(len, WIRE_RECORD_LEN + r.len);
	ck_assert_mem_eq(packed, bytes, len);
}
END_TEST

START_TEST(legs)
{
	static const struct {
		const char *name;
		struct wire_leg is;
	} expected[] = {
		{ "record_leg_ask",
		  { .what = WIRE_LEG_ASK, .index = 0x99aabbcc } },
		{ "record_leg_offer",
		  { true, .what = WIRE_LEG_OFFER, .index = 0xddeeff01 } },
		{ "record_leg_end",
		  { .what = WIRE_LEG_END, .reason = WIRE_LEG_SPENT } },
	};
	uint8_t bytes[64], packed[WIRE_LEG_LEN], key[32];

	protocol_exact("responder_public", key, sizeof(key));
	for (size_t i = 0; i < COUNT(expected); i++) {
		struct wire_record r =
			protocol_record(expected[i].name, bytes, sizeof(bytes));
		struct wire_leg l;

		ck_assert_uint_eq(r.kind, WIRE_LEG);
		ck_assert_int_eq(wire_unpack_leg(&l, &r), DROP_NONE);
		ck_assert_int_eq(l.lasting, expected[i].is.lasting);
		ck_assert_uint_eq(l.what, expected[i].is.what);
		ck_assert_uint_eq(l.reason, expected[i].is.reason);
		ck_assert_uint_eq(l.index, expected[i].is.index);
		ck_assert_mem_eq(l.key, key, sizeof(key));
		wire_pack_leg(&l, packed);
		ck_assert_uint_eq(r.len + WIRE_RECORD_LEN, sizeof(packed));
		ck_assert_mem_eq(packed, bytes, sizeof(packed));
	}
}
END_TEST

START_TEST(addresses)
{
	uint8_t bytes[64], packed[WIRE_ADDRESSES_LEN_MAX];
	struct wire_record r =
		protocol_record("record_addresses", bytes, sizeof(bytes));
	struct wire_addresses a;
	char text[ADDR_STRLEN];

	ck_assert_uint_eq(r.kind, WIRE_ADDRESSES);
	ck_assert_int_eq(wire_unpack_addresses(&a, &r), DROP_NONE);
	ck_assert_uint_eq(a.count, 2);
	ck_assert(!a.is[0].observed);
	ck_assert_str_eq(addr_print(&a.is[0].addr, text), "192.168.1.5:8273");
	ck_assert(a.is[1].observed);
	ck_assert_str_eq(addr_print(&a.is[1].addr, text),
			 "[2001:db8::5]:40001");
	ck_assert_uint_eq(wire_pack_addresses(&a, packed),
			  WIRE_RECORD_LEN + r.len);
	ck_assert_mem_eq(packed, bytes, WIRE_RECORD_LEN + r.len);
}
END_TEST

/* Each kind of record that there is has a vector. */
START_TEST(every_kind_is_in_the_appendix)
{
	static const char *const names[] = {
		[WIRE_PAD] = "record_pad",
		[WIRE_FRAME] = "record_frame",
		[WIRE_FRAGMENT] = "record_fragment",
		[WIRE_HELLO] = "record_hello",
		[WIRE_PROBE] = "record_probe",
		[WIRE_GROUPS] = "record_groups",
		[WIRE_PEERS] = "record_peers",
		[WIRE_BYE] = "record_bye",
		[WIRE_REKEY_1] = "record_rekey_1",
		[WIRE_REKEY_2] = "record_rekey_2",
		[WIRE_LEG] = "record_leg_ask",
		[WIRE_ASK] = "record_ask_test",
		[WIRE_ANSWER] = "record_answer_test",
		[WIRE_COPIED] = "record_copied",
		[WIRE_ADDRESSES] = "record_addresses",
	};
	uint8_t bytes[256];

	for (size_t kind = 0; kind < COUNT(names); kind++) {
		ck_assert_ptr_nonnull(names[kind]);
		ck_assert_uint_eq(
			protocol_record(names[kind], bytes, sizeof(bytes)).kind,
			kind);
	}
}
END_TEST

/* Opens a data message of the appendix; returns the records' length. */
static size_t open_data(const char *name, const uint8_t key[32],
			const char *index, uint64_t counter, uint8_t *data,
			size_t size)
{
	size_t len = protocol_vector(name, data, size);
	struct aead *a = aead_new(NULL);
	struct aead_key *k = aead_key_new(a, key);
	uint8_t expected[4], nonce[WIRE_NONCE_LEN];
	struct wire_data header;
	enum wire_type type;

	protocol_exact(index, expected, sizeof(expected));
	ck_assert_int_eq(wire_classify(data, len, &type), DROP_NONE);
	ck_assert_uint_eq(type, WIRE_DATA);
	wire_unpack_data(&header, data);
	ck_assert_uint_eq(header.receiver, load_be32(expected));
	ck_assert_uint_eq(header.counter, counter);
	wire_data_nonce(data, nonce);
	ck_assert(aead_open(k, nonce, data, WIRE_DATA_HEADER_LEN,
			    data + WIRE_DATA_HEADER_LEN,
			    len - WIRE_DATA_HEADER_LEN));
	aead_key_free(k);
	aead_free(a);
	return len - WIRE_DATA_OVERHEAD;
}

/* The records follow one another in the opened message, and end it. */
static void check_records(const char *const names[], size_t count,
			  const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t record[128];
		size_t n = protocol_vector(names[i], record, sizeof(record));

		ck_assert_uint_le(n, len);
		ck_assert_mem_eq(at, record, n);
		at += n;
		len -= n;
	}
	ck_assert_uint_eq(len, 0);
}

static void protocol_side(struct noise *n, bool initiator, const void *prologue,
			  size_t prologue_len)
{
	const char *private_name =
		initiator ? "initiator_private" : "responder_private";
	const char *public_name =
		initiator ? "initiator_public" : "responder_public";
	uint8_t psk[32], s[32], s_public[32], computed[32];

	protocol_exact("secret", psk, 32);
	protocol_exact(private_name, s, 32);
	protocol_exact(public_name, s_public, 32);
	ck_assert(noise_public(computed, s));
	ck_assert_mem_eq(computed, s_public, 32);
	ck_assert(noise_init(n, initiator, prologue, prologue_len, psk, s,
			     s_public));
}

/* What both ends of a handshake have come to. */
static void check_keys(const struct noise *n, const char *hash,
		       const char *initiator, const char *responder)
{
	uint8_t expected[32], i_send[32], r_send[32];

	protocol_exact(hash, expected, 32);
	ck_assert_mem_eq(n->h, expected, 32);
	noise_split(n, i_send, r_send);
	protocol_exact(initiator, expected, 32);
	ck_assert_mem_eq(i_send, expected, 32);
	protocol_exact(responder, expected, 32);
	ck_assert_mem_eq(r_send, expected, 32);
}

START_TEST(handshake)
{
	uint8_t e[32], bytes[WIRE_INITIATION_LEN], out[WIRE_NOISE1_LEN];
	uint8_t stamp[WIRE_TIMESTAMP_LEN], read[WIRE_TIMESTAMP_LEN];
	struct wire_initiation m1;
	struct wire_response m2;
	struct noise i, r;

	protocol_side(&i, true, WIRE_PROLOGUE, strlen(WIRE_PROLOGUE));
	protocol_side(&r, false, WIRE_PROLOGUE, strlen(WIRE_PROLOGUE));
	protocol_exact("initiation", bytes, WIRE_INITIATION_LEN);
	wire_unpack_initiation(&m1, bytes);
	protocol_exact("timestamp", stamp, sizeof(stamp));
	protocol_exact("initiator_ephemeral", e, 32);
	ck_assert(noise_write1(&i, e, stamp, sizeof(stamp), out));
	ck_assert_mem_eq(out, m1.noise, WIRE_NOISE1_LEN);
	ck_assert(noise_read1(&r, m1.noise, WIRE_NOISE1_LEN, read));
	ck_assert_mem_eq(read, stamp, sizeof(stamp));

	protocol_exact("response", bytes, WIRE_RESPONSE_LEN);
	wire_unpack_response(&m2, bytes);
	protocol_exact("responder_ephemeral", e, 32);
	ck_assert(noise_write2(&r, e, NULL, 0, out));
	ck_assert_mem_eq(out, m2.noise, WIRE_NOISE2_LEN);
	ck_assert(noise_read2(&i, m2.noise, WIRE_NOISE2_LEN, NULL));

	check_keys(&i, "handshake_hash", "initiator_key", "responder_key");
}
END_TEST

START_TEST(rekey)
{
	uint8_t prologue[sizeof(WIRE_REKEY_PROLOGUE) - 1 + NOISE_HASH_LEN];
	uint8_t e[32], bytes[128], out[WIRE_REKEY_NOISE_LEN], mac[WIRE_MAC_LEN];
	struct wire_rekey_1 m1;
	struct wire_rekey_2 m2;
	struct wire_record record;
	struct secret secret;
	struct noise i, r;

	memcpy(prologue, WIRE_REKEY_PROLOGUE, sizeof(WIRE_REKEY_PROLOGUE) - 1);
	protocol_exact("handshake_hash",
		       prologue + sizeof(WIRE_REKEY_PROLOGUE) - 1,
		       NOISE_HASH_LEN);
	protocol_side(&i, true, prologue, sizeof(prologue));
	protocol_side(&r, false, prologue, sizeof(prologue));
	protocol_exact("secret", e, 32);
	secret_init(&secret, e);

	record = protocol_record("record_rekey_1", bytes, sizeof(bytes));
	ck_assert_int_eq(wire_unpack_rekey_1(&m1, &record), DROP_NONE);
	ck_assert(
		cookie_mac1(&secret, record.body, WIRE_REKEY_MAC1_COVERS, mac));
	ck_assert_mem_eq(mac, m1.mac1, sizeof(mac));
	protocol_exact("rekey_initiator_ephemeral", e, 32);
	ck_assert(noise_write1(&i, e, NULL, 0, out));
	ck_assert_mem_eq(out, m1.noise, sizeof(out));
	ck_assert(noise_read1(&r, m1.noise, sizeof(out), NULL));

	record = protocol_record("record_rekey_2", bytes, sizeof(bytes));
	ck_assert_int_eq(wire_unpack_rekey_2(&m2, &record), DROP_NONE);
	ck_assert_uint_eq(m2.sender, 0x65768798);
	ck_assert_uint_eq(m2.receiver, m1.sender);
	protocol_exact("rekey_responder_ephemeral", e, 32);
	ck_assert(noise_write2(&r, e, NULL, 0, out));
	ck_assert_mem_eq(out, m2.noise, sizeof(out));
	ck_assert(noise_read2(&i, m2.noise, sizeof(out), NULL));
	check_keys(&i, "rekey_hash", "rekey_initiator_key",
		   "rekey_responder_key");
}
END_TEST

START_TEST(data_messages)
{
	static const char *const from_initiator[] = { "record_hello",
						      "record_frame" };
	static const char *const from_responder[] = {
		"record_frame_partial", "record_fragment", "record_echo",
		"record_pad", "record_bye"
	};
	uint8_t key[32], data[512];
	size_t len;

	protocol_exact("initiator_key", key, 32);
	len = open_data("data_initiator", key, "responder_index", 0, data,
			sizeof(data));
	check_records(from_initiator, COUNT(from_initiator),
		      data + WIRE_DATA_HEADER_LEN, len);
	protocol_exact("responder_key", key, 32);
	len = open_data("data_responder", key, "initiator_index", 1, data,
			sizeof(data));
	check_records(from_responder, COUNT(from_responder),
		      data + WIRE_DATA_HEADER_LEN, len);
}
END_TEST

START_TEST(macs_and_cookie)
{
	uint8_t key[32], expected[WIRE_INITIATION_LEN];
	uint8_t bytes[WIRE_INITIATION_LEN], mac1[WIRE_MAC_LEN];
	uint8_t cookie[COOKIE_LEN], asker[ADDR_KEY_LEN];
	uint8_t cookie_nonce[WIRE_COOKIE_NONCE_LEN], index[4];
	struct addr from = addr_v4(0x0a090002, WIRE_PORT);
	struct aead *aead = aead_new(NULL);
	struct cookie_jar jar = { .made_us = 0 };
	struct secret secret;
	struct wire_cookie m;

	protocol_exact("secret", key, 32);
	secret_init(&secret, key);
	protocol_exact("mac1_key", key, 32);
	ck_assert_mem_eq(secret.mac1_key, key, 32);
	protocol_exact("response", bytes, WIRE_RESPONSE_LEN);
	ck_assert(cookie_check_mac1(&secret, bytes, WIRE_RESPONSE_LEN));
	protocol_exact("initiation", bytes, WIRE_INITIATION_LEN);
	ck_assert(cookie_check_mac1(&secret, bytes, WIRE_INITIATION_LEN));
	memcpy(mac1, bytes + WIRE_INITIATION_LEN - WIRE_MAC1_FROM_END, 16);

	protocol_exact("jar_key", key, 32);
	ck_assert(cookie_jar_turn(&jar, 1, key));
	protocol_exact("asker", asker, sizeof(asker));
	addr_key(&from, expected);
	ck_assert_mem_eq(asker, expected, sizeof(asker));
	protocol_exact("cookie_nonce", cookie_nonce, sizeof(cookie_nonce));
	protocol_exact("initiator_index", index, sizeof(index));
	ck_assert(cookie_answer(&jar, aead, &secret, &from, load_be32(index),
				mac1, cookie_nonce, bytes));
	protocol_exact("cookie_message", expected, WIRE_COOKIE_LEN);
	ck_assert_mem_eq(bytes, expected, WIRE_COOKIE_LEN);

	wire_unpack_cookie(&m, bytes);
	ck_assert(cookie_open(aead, &secret, &m, mac1, cookie));
	protocol_exact("cookie", expected, COOKIE_LEN);
	ck_assert_mem_eq(cookie, expected, COOKIE_LEN);
	protocol_exact("initiation", bytes, WIRE_INITIATION_LEN);
	cookie_set_mac2(cookie, bytes, WIRE_INITIATION_LEN);
	protocol_exact("initiation_mac2", expected, WIRE_INITIATION_LEN);
	ck_assert_mem_eq(bytes, expected, WIRE_INITIATION_LEN);
	ck_assert(cookie_check_mac2(&jar, &from, bytes, sizeof(bytes)));
	aead_free(aead);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_TEST(handshake_messages),
	UNIT_TEST(relayed_message),
	UNIT_TEST(frames),
	UNIT_TEST(other_records),
	UNIT_TEST(groups),
	UNIT_TEST(peers),
	UNIT_TEST(tests_of_groups),
	UNIT_TEST(rows),
	UNIT_TEST(legs),
	UNIT_TEST(addresses),
	UNIT_TEST(every_kind_is_in_the_appendix),
	UNIT_TEST(handshake),
	UNIT_TEST(rekey),
	UNIT_TEST(data_messages),
	UNIT_TEST(macs_and_cookie),
};

UNIT_MAIN("protocol", tests)
