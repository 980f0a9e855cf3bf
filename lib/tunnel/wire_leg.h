/* Records by which nodes behind NATs meet: docs/PROTOCOL 7.14, 7.15. */
#ifndef TAPD_TUNNEL_WIRE_LEG_H
#define TAPD_TUNNEL_WIRE_LEG_H

#include "tunnel/wire.h"

/* What is said of a leg. A kind that is none of these is a later version's: it
 * unpacks, and is nothing to act upon. */
enum wire_leg_what {
	WIRE_LEG_ASK =
		1, /* "carry for me to that node"; or, to an offer, yes */
	WIRE_LEG_OFFER = 2, /* "I carry for you to that node" */
	WIRE_LEG_END = 3,
};

/* Why a leg ends. Others are a later version's. */
enum wire_leg_reason {
	WIRE_LEG_NO_REASON = 0,
	WIRE_LEG_UNKNOWN = 1, /* that node is not up there, or not directly */
	WIRE_LEG_FULL = 2,    /* as many as the relay has room for */
	WIRE_LEG_REFUSED = 3, /* the far end does not want it */
	WIRE_LEG_SPENT = 4,   /* it carried what it may, or nothing for long */
	WIRE_LEG_GONE =
		5, /* the far end went down, or is not direct any more */
};

#define WIRE_LEG_LASTING 0x01 /* an offer's: it carries more than a handshake */

/*
 * leg body: what(1) reason(1) reserved(2) index(4) key(32). Later versions may append.
 */
struct wire_leg {
	bool lasting;
	uint8_t what;	/* WIRE_LEG_*, or one that is not known */
	uint8_t reason; /* of an end */
	uint32_t
		index; /* for type 5 messages to this record's sender; an end's: 0 */
	uint8_t key
		[32]; /* of the node at the other end, as the reader sees it */
};
#define WIRE_LEG_LEN (WIRE_RECORD_LEN + 40)

/* DROP_record_flag; DROP_record_bad: cut short, or an ask or offer with index 0. */
enum drop_reason wire_unpack_leg(struct wire_leg *l,
				 const struct wire_record *r);
void wire_pack_leg(const struct wire_leg *l, uint8_t out[WIRE_LEG_LEN]);

#define WIRE_ADDRESSES_MAX 8

/*
 * addresses body: entries, each kind(1) reserved(1) port(2) address(16, IPv4 as
 * v4-mapped). Entries of kinds that are not known are skipped, and those after the
 * eighth that is.
 */
struct wire_addresses {
	size_t count;
	struct {
		bool observed;	  /* as others see it; else its own host's */
		struct addr addr; /* without scope and leg */
	} is[WIRE_ADDRESSES_MAX];
};
#define WIRE_ADDRESS_LEN 20
#define WIRE_ADDRESSES_LEN_MAX \
	(WIRE_RECORD_LEN + WIRE_ADDRESSES_MAX * WIRE_ADDRESS_LEN)

/* DROP_record_flag; DROP_record_bad: an entry is cut short. */
enum drop_reason wire_unpack_addresses(struct wire_addresses *a,
				       const struct wire_record *r);
/* The length written. */
size_t wire_pack_addresses(const struct wire_addresses *a,
			   uint8_t out[WIRE_ADDRESSES_LEN_MAX]);

#endif
