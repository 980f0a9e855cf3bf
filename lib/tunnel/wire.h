/* Every message and record on the wire: sizes, pack, unpack. docs/PROTOCOL. */
#ifndef TAPD_TUNNEL_WIRE_H
#define TAPD_TUNNEL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/drop.h"

#define WIRE_PORT    8273
#define WIRE_VERSION 2
/* The Noise prologue: binds a handshake to this protocol and version. */
#define WIRE_PROLOGUE "tapd 2"

#define WIRE_TAG_LEN 16
#define WIRE_MAC_LEN 16

enum wire_type {
	WIRE_INITIATION = 1,
	WIRE_RESPONSE = 2,
	WIRE_COOKIE = 3,
	WIRE_DATA = 4,
	WIRE_RELAYED = 5,
};

/* ---- messages: type(1) lane(1), and two bytes that are zero but in data; then the
 * body; big-endian ---- */

#define WIRE_PREFIX_LEN 4

/* Noise message 1: e(32), s(32 + 16), timestamp(8 + 16). */
#define WIRE_NOISE1_LEN 104
/* Noise message 2: e(32), s(32 + 16), empty payload(16). */
#define WIRE_NOISE2_LEN	   96
#define WIRE_TIMESTAMP_LEN 8 /* wall clock, µs since the Unix epoch */

#define WIRE_INITIATION_LEN \
	(4 + 4 + WIRE_NOISE1_LEN + 2 * WIRE_MAC_LEN) /* 144 */
#define WIRE_RESPONSE_LEN     (4 + 8 + WIRE_NOISE2_LEN + 2 * WIRE_MAC_LEN) /* 140 */
#define WIRE_COOKIE_NONCE_LEN 16
#define WIRE_COOKIE_LEN \
	(4 + 4 + WIRE_COOKIE_NONCE_LEN + 16 + WIRE_TAG_LEN) /* 56 */
#define WIRE_DATA_HEADER_LEN 16
#define WIRE_DATA_OVERHEAD   (WIRE_DATA_HEADER_LEN + WIRE_TAG_LEN)

/* The bytes of an initiation or response that mac1 covers are all before it;
 * mac2 covers mac1 too. Offsets from the end: */
#define WIRE_MAC1_FROM_END 32
#define WIRE_MAC2_FROM_END 16

struct wire_initiation {
	uint32_t sender;
	uint8_t noise[WIRE_NOISE1_LEN];
	uint8_t mac1[WIRE_MAC_LEN], mac2[WIRE_MAC_LEN];
};

struct wire_response {
	uint32_t sender, receiver;
	uint8_t noise[WIRE_NOISE2_LEN];
	uint8_t mac1[WIRE_MAC_LEN], mac2[WIRE_MAC_LEN];
};

struct wire_cookie {
	uint32_t receiver;
	uint8_t nonce[WIRE_COOKIE_NONCE_LEN];
	uint8_t sealed[16 + WIRE_TAG_LEN];
};

#define WIRE_SALT_LEN  6
#define WIRE_NONCE_LEN 12

/*
 * All 16 bytes are associated data: type(1) lane(1) salt(2) receiver(4) salt(4)
 * counter(4). The nonce is salt(6) 0(1) lane(1) counter(4).
 */
struct wire_data {
	uint32_t receiver;
	uint8_t lane;
	uint8_t salt[WIRE_SALT_LEN];
	uint32_t counter;
};

/*
 * What a relay carries: a header, then one whole message of another type. leg is
 * chosen by who receives this datagram, random, and not 0.
 */
struct wire_relayed {
	uint32_t leg;
};
#define WIRE_RELAYED_LEN 8

/*
 * The type of a datagram, after its length, lane and reserved bits were checked
 * against that type; and so those of the message that a relayed one has in it, which
 * begins at WIRE_RELAYED_LEN. DROP_datagram_short, _type, _lane, _length; DROP_relayed_bad
 * if leg is 0, or what is in it is no valid message of types 1 to 4.
 */
enum drop_reason wire_classify(const uint8_t *datagram, size_t len,
			       enum wire_type *type);

/* Unpack what wire_classify let through; pack into exactly the type's length.
 * The macs are packed as given: cookie.h computes them over the bytes. */
void wire_unpack_initiation(struct wire_initiation *m, const uint8_t *bytes);
void wire_pack_initiation(const struct wire_initiation *m, uint8_t *bytes);
void wire_unpack_response(struct wire_response *m, const uint8_t *bytes);
void wire_pack_response(const struct wire_response *m, uint8_t *bytes);
void wire_unpack_cookie(struct wire_cookie *m, const uint8_t *bytes);
void wire_pack_cookie(const struct wire_cookie *m, uint8_t *bytes);
void wire_unpack_data(struct wire_data *m, const uint8_t *bytes);
void wire_pack_data(const struct wire_data *m, uint8_t *bytes);
void wire_unpack_relayed(struct wire_relayed *m, const uint8_t *bytes);
void wire_pack_relayed(const struct wire_relayed *m, uint8_t *bytes);
/* The nonce of a packed data message. */
void wire_data_nonce(const uint8_t *bytes, uint8_t nonce[WIRE_NONCE_LEN]);

/* ---- records: kind(1) flags(1) length(2), body ---- */

#define WIRE_RECORD_LEN 4

enum wire_kind {
	WIRE_PAD = 0,
	WIRE_FRAME = 1,
	WIRE_FRAGMENT = 2,
	WIRE_HELLO = 3,
	WIRE_PROBE = 4,
	WIRE_GROUPS = 5,
	WIRE_PEERS = 6,
	WIRE_BYE = 7,
	WIRE_REKEY_1 = 8,
	WIRE_REKEY_2 = 9,
	WIRE_LEG = 10, /* wire_leg.h */
	WIRE_ASK = 11, /* and the next: wire_ask.h */
	WIRE_ANSWER = 12,
	WIRE_COPIED = 13,
	WIRE_ADDRESSES = 14, /* wire_leg.h */
};

#define WIRE_FRAME_CSUM_PARTIAL 0x01
#define WIRE_FRAME_CSUM_LEN	4 /* csum_start(2) csum_offset(2) */
#define WIRE_FRAGMENT_LAST	0x01
#define WIRE_FRAGMENT_LEN	6 /* frame id(4) offset(2), before the piece */
#define WIRE_HELLO_ACK		0x01 /* "I hold your hello of this session" */
#define WIRE_HELLO_WANT		0x02 /* "I do not know that you hold mine: answer" */
#define WIRE_PROBE_ECHO		0x01
#define WIRE_PROBE_BESIDE	0x02 /* of another path than the one in use */

struct wire_record {
	uint8_t kind, flags;
	uint16_t len;
	const uint8_t *body; /* borrowed */
};

/*
 * The next record of an opened datagram, or false at its end. Trailing bytes
 * too short for a header, or a length past the end, set c->failed.
 */
bool wire_next_record(struct cursor *c, struct wire_record *r);
/* Writes a record's header. len: of the body. */
void wire_pack_record(uint8_t bytes[WIRE_RECORD_LEN], enum wire_kind kind,
		      uint8_t flags, uint16_t len);

/* frame record body: the optional checksum fields, then the frame */
struct wire_frame {
	bool csum_partial;
	uint16_t csum_start, csum_offset;
	const uint8_t *bytes;
	size_t len;
};
enum drop_reason wire_unpack_frame(struct wire_frame *f,
				   const struct wire_record *r);

/*
 * A fragment is a piece of a whole frame *record*, its 4-byte header included;
 * offset counts from the record's first byte. DROP_record_flag,
 * DROP_fragment_bad (empty, or past 65,535).
 */
struct wire_fragment {
	uint32_t id;
	uint16_t offset;
	bool last;
	const uint8_t *piece;
	size_t len;
};
enum drop_reason wire_unpack_fragment(struct wire_fragment *f,
				      const struct wire_record *r);
void wire_pack_fragment(uint8_t bytes[WIRE_RECORD_LEN + WIRE_FRAGMENT_LEN],
			uint32_t id, uint16_t offset, bool last,
			uint16_t piece);

#define WIRE_NAME_MAX 63

/*
 * hello body: version(1) reserved(1) tap_mtu(2) capabilities(4) epoch(8) tap_mac(6)
 * reserved(1) name_len(1) name. Later versions may append: bytes after the name
 * are ignored. The name is [A-Za-z0-9._-]{1,63}; anything else is
 * DROP_record_bad, for it ends up on people's terminals.
 */
struct wire_hello {
	bool ack, want;
	uint8_t version;
	uint16_t tap_mtu;
	uint32_t capabilities; /* WIRE_CAN_*; unknown ones are ignored */
	uint64_t epoch;	       /* random at each start of a node */
	uint8_t tap_mac[6];    /* of the sender's TAP; zero: not known */
	char name[WIRE_NAME_MAX + 1];
};
#define WIRE_CAN_EXCHANGE 0x00000001 /* it answers when asked for its list */
#define WIRE_CAN_ANSWER	  0x00000002 /* … and when asked what it sees */
#define WIRE_CAN_RELAY \
	0x00000004 /* it carries for others more than handshakes */
#define WIRE_HELLO_MAX (WIRE_RECORD_LEN + 24 + WIRE_NAME_MAX)
enum drop_reason wire_unpack_hello(struct wire_hello *h,
				   const struct wire_record *r);
/* Header and body; the length written, at most WIRE_HELLO_MAX. */
size_t wire_pack_hello(const struct wire_hello *h, uint8_t out[WIRE_HELLO_MAX]);

/*
 * probe body: time(8) sent(8) received(8) own(4) held(4) size(2) port(2) digest(8)
 * list(4) address(16). In an echo, time is the probe's, size the UDP payload that
 * carried it, and address and port where it came from; in a probe, size is that of a
 * padded one which follows, or 0, and the address is zero: it is there so that no
 * echo is larger than its probe. Later versions may append.
 */
struct wire_probe {
	bool echo, beside;
	uint64_t time_us;   /* the prober's own clock, opaque to the echoer */
	uint64_t sent;	    /* data messages this node has sent this peer */
	uint64_t received;  /* data messages this node has opened from it */
	uint32_t own, held; /* membership versions; 0 without snooping */
	uint16_t size;
	uint64_t digest;      /* of the keys in the sender's list and its own */
	uint32_t list;	      /* the version of that list; 0: it has none */
	struct addr observed; /* an echo's; without scope and leg */
};
#define WIRE_PROBE_LEN (WIRE_RECORD_LEN + 64)
enum drop_reason wire_unpack_probe(struct wire_probe *p,
				   const struct wire_record *r);
void wire_pack_probe(const struct wire_probe *p, uint8_t out[WIRE_PROBE_LEN]);
/* The records of a datagram begin with a probe or echo, which are sent as datagrams of
 * their own; with one that does not come the way that all else does: an echo, or a
 * probe of another path. */
bool wire_begins_with_probe(const uint8_t *records, size_t len);
bool wire_comes_beside(const uint8_t *records, size_t len);

#define WIRE_GROUPS_WANT_ALL 0x01 /* every group's frames are wanted */
#define WIRE_GROUPS_ROUTER   0x02 /* reports are wanted */
#define WIRE_GROUPS_ACK	     0x04 /* "say by a probe what you hold now" */

/*
 * groups body: epoch(8) base(4) version(4) latest(4), then changes, each
 * what(1) vlan(2) address(4 or 16). It leads from base (0: nothing) to version;
 * latest is the newest there is. The address 0.0.0.0 says that the VLAN's
 * members are known.
 */
struct wire_groups {
	bool want_all, router, ack;
	uint64_t epoch; /* as in the sender's hello */
	uint32_t base, version, latest;
	struct cursor changes; /* for wire_next_change; checked to the end */
};
#define WIRE_GROUPS_LEN (WIRE_RECORD_LEN + 20)

struct wire_change {
	bool left;
	uint16_t vlan;
	uint8_t ip[16]; /* IPv4 as v4-mapped */
};
#define WIRE_CHANGE_MAX 19

/* DROP_record_flag; DROP_record_bad: cut short, an unknown kind of change, or a
 * version that is not newer than its base and at most latest. */
enum drop_reason wire_unpack_groups(struct wire_groups *g,
				    const struct wire_record *r);
bool wire_next_change(struct wire_groups *g, struct wire_change *out);
/* Writes the header and the fixed fields. changes: bytes that follow. */
void wire_pack_groups(const struct wire_groups *g, size_t changes,
		      uint8_t out[WIRE_GROUPS_LEN]);
/* The length written. */
size_t wire_pack_change(const struct wire_change *c,
			uint8_t out[WIRE_CHANGE_MAX]);

#define WIRE_PEERS_ASK 0x01 /* a question; else a list */

/*
 * peers body, a question: since(4). A list: base(4) version(4), then hosts, each
 * key(32) port(2) address(16, IPv4 as v4-mapped). It leads from base, exclusive, to
 * version.
 */
struct wire_peers {
	bool ask;
	uint32_t since; /* a question's; 0: from the beginning */
	uint32_t base, version;
	struct cursor hosts; /* for wire_next_host; checked to the end */
};
#define WIRE_PEERS_ASK_LEN (WIRE_RECORD_LEN + 4)
#define WIRE_PEERS_LEN	   (WIRE_RECORD_LEN + 8)

struct wire_host {
	uint8_t key[32];
	struct addr addr;
};
#define WIRE_HOST_LEN 50

/* DROP_record_flag; DROP_record_bad: cut short, or a version below its base. */
enum drop_reason wire_unpack_peers(struct wire_peers *p,
				   const struct wire_record *r);
bool wire_next_host(struct wire_peers *p, struct wire_host *out);
void wire_pack_peers_ask(uint32_t since, uint8_t out[WIRE_PEERS_ASK_LEN]);
/* Writes a list's header and fixed fields. hosts: how many follow. */
void wire_pack_peers(const struct wire_peers *p, size_t hosts,
		     uint8_t out[WIRE_PEERS_LEN]);
void wire_pack_host(const struct wire_host *h, uint8_t out[WIRE_HOST_LEN]);

/*
 * A handshake within a session. The first message: sender(4) noise(96) mac1(16),
 * Noise message 1 without a payload; mac1 is over the body before it. The second:
 * sender(4) receiver(4) noise(96).
 */
/* Its prologue: this, and the hash of the handshake that made the session. */
#define WIRE_REKEY_PROLOGUE  "tapd rekey"
#define WIRE_REKEY_NOISE_LEN 96
#define WIRE_REKEY_1_LEN \
	(WIRE_RECORD_LEN + 4 + WIRE_REKEY_NOISE_LEN + WIRE_MAC_LEN)
/* What mac1 is over, from the body's first byte on. */
#define WIRE_REKEY_MAC1_COVERS (4 + WIRE_REKEY_NOISE_LEN)
#define WIRE_REKEY_2_LEN       (WIRE_RECORD_LEN + 8 + WIRE_REKEY_NOISE_LEN)

struct wire_rekey_1 {
	uint32_t sender;
	uint8_t noise[WIRE_REKEY_NOISE_LEN];
	uint8_t mac1[WIRE_MAC_LEN];
};

struct wire_rekey_2 {
	uint32_t sender, receiver;
	uint8_t noise[WIRE_REKEY_NOISE_LEN];
};

/* DROP_record_flag, DROP_record_bad. */
enum drop_reason wire_unpack_rekey_1(struct wire_rekey_1 *m,
				     const struct wire_record *r);
void wire_pack_rekey_1(const struct wire_rekey_1 *m,
		       uint8_t out[WIRE_REKEY_1_LEN]);
enum drop_reason wire_unpack_rekey_2(struct wire_rekey_2 *m,
				     const struct wire_record *r);
void wire_pack_rekey_2(const struct wire_rekey_2 *m,
		       uint8_t out[WIRE_REKEY_2_LEN]);

/* True for [A-Za-z0-9._-]{1,63}. */
bool wire_name_valid(const char *name, size_t len);

#endif
