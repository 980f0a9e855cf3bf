/* A frame with what its sender left undone: virtio_net_hdr in host order. */
#ifndef TAPD_BASE_OFFLOAD_H
#define TAPD_BASE_OFFLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/*
 * The bytes before a frame read from the TAP that belong to the node: it
 * writes the record header there, so that header and frame are one piece.
 */
#define FRAME_HEADROOM 16

enum offload_gso {
	OFFLOAD_GSO_NONE,
	OFFLOAD_GSO_TCPV4,
	OFFLOAD_GSO_TCPV6,
	OFFLOAD_GSO_UDP_L4,
};

/* All zero: an ordinary frame with complete checksums. */
struct offload {
	bool csum_partial; /* checksum from csum_start to the end is to do */
	bool ecn;	   /* TCP super-frame that carries CWR */
	enum offload_gso gso;
	uint16_t gso_size;    /* payload bytes of each segment but the last */
	uint16_t hdr_len;     /* MAC to transport header; a hint when read */
	uint16_t csum_start;  /* from the start of the frame */
	uint16_t csum_offset; /* from csum_start */
};

/*
 * An Ethernet frame without FCS, in pieces. Read from the TAP it is one piece
 * with FRAME_HEADROOM writable bytes before it; towards the TAP it may be many.
 */
struct frame {
	const struct iovec *iov;
	size_t iovcnt;
	struct offload offload;
};

size_t frame_len(const struct frame *f);

/* struct virtio_net_hdr on the TAP's fd, little-endian (virtio 1.2, 5.1.6.1).*/
#define VNET_HDR_LEN 10

void offload_pack(const struct offload *o, uint8_t hdr[VNET_HDR_LEN]);
/* False, and *o zeroed, for a GSO type this build does not know or a super-frame
 * without segment size. Fields that no flag gives a meaning to read as 0. */
bool offload_unpack(struct offload *o, const uint8_t hdr[VNET_HDR_LEN]);

#endif
