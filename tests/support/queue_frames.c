/* Frames for tests of the fair queue: of a kind, a flow and a number. */
#include "support/queue_frames.h"

#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/inet.h"
#include "ether/eth.h"

#define TCP_LEN 32 /* with timestamps */
#define SEGMENT 1448
#define PORTS	40000
#define IPV4_AT ETH_HEADER_LEN
#define L4_AT	(IPV4_AT + IPV4_HEADER_MIN)

static uint8_t proto_of(enum queue_kind kind)
{
	switch (kind) {
	case QUEUE_UDP:
	case QUEUE_GROUP:
		return INET_PROTO_UDP;
	case QUEUE_IGMP:
		return INET_PROTO_IGMP;
	default:
		return INET_PROTO_TCP;
	}
}

static void write_ipv4(uint8_t *ip, size_t len, enum queue_kind kind)
{
	memset(ip, 0, IPV4_HEADER_MIN);
	ip[0] = 0x45;
	ip[1] = kind == QUEUE_TCP_ECN ? 2 : 0;
	store_be16(ip + 2, (uint16_t)len);
	ip[8] = 64;
	ip[9] = proto_of(kind);
	store_be32(ip + 12, 0x0a4d0001);
	store_be32(ip + 16, kind == QUEUE_GROUP ? 0xef010101 : 0x0a4d0002);
	store_be16(ip + 10,
		   checksum_fold(checksum_add(0, ip, IPV4_HEADER_MIN)));
}

static void write_tcp(uint8_t *frame, size_t len, enum queue_kind kind,
		      struct offload *o)
{
	uint8_t *tcp = frame + L4_AT;

	memset(tcp + 4, 0, TCP_LEN - 4);
	tcp[12] = TCP_LEN / 4 << 4;
	tcp[13] = TCP_ACK;
	o->csum_partial = true;
	o->csum_start = L4_AT;
	o->csum_offset = TCP_CSUM_OFFSET;
	if (kind == QUEUE_TCP || len <= L4_AT + TCP_LEN + SEGMENT)
		return;
	o->gso = OFFLOAD_GSO_TCPV4;
	o->gso_size = SEGMENT;
	o->hdr_len = L4_AT + TCP_LEN;
}

void queue_frame(uint8_t *frame, size_t len, enum queue_kind kind,
		 unsigned flow, uint64_t number, struct offload *o)
{
	const uint16_t type = kind == QUEUE_ARP ? ETH_TYPE_ARP : ETH_TYPE_IPV4;

	*o = (struct offload){ .gso = OFFLOAD_GSO_NONE };
	memset(frame, 0, QUEUE_FRAME_MIN);
	frame[0] = kind == QUEUE_GROUP || kind == QUEUE_ARP ? 3 : 2;
	frame[6] = 2;
	store_be32(frame + 8, flow);
	store_be16(frame + 12, type);
	if (kind != QUEUE_ARP) {
		write_ipv4(frame + IPV4_AT, len - IPV4_AT, kind);
		store_be16(frame + L4_AT, (uint16_t)(PORTS + flow % 20000));
		store_be16(frame + L4_AT + 2, 5001);
	}
	if (proto_of(kind) == INET_PROTO_TCP && kind != QUEUE_ARP)
		write_tcp(frame, len, kind, o);
	store_be64(frame + len - 8, number);
}

uint64_t queue_frame_number(const uint8_t *frame, size_t len)
{
	return load_be64(frame + len - 8);
}

enum queue_kind queue_frame_kind(const struct frame *f)
{
	const uint8_t *frame = f->iov->iov_base;

	if (load_be16(frame + 12) == ETH_TYPE_ARP)
		return QUEUE_ARP;
	switch (frame[IPV4_AT + 9]) {
	case INET_PROTO_IGMP:
		return QUEUE_IGMP;
	case INET_PROTO_UDP:
		return frame[0] & 1 ? QUEUE_GROUP : QUEUE_UDP;
	default:
		if (frame[IPV4_AT + 1] != 0)
			return QUEUE_TCP_ECN;
		return f->offload.gso == OFFLOAD_GSO_NONE ? QUEUE_TCP
							  : QUEUE_TCP_GSO;
	}
}

unsigned queue_frame_flow(const uint8_t *frame)
{
	return load_be32(frame + 8);
}
