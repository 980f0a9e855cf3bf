/* An Ethernet frame, and what its sender left to be done: checksum, segmentation. */
#ifndef TAPD_BASE_FRAME_H
#define TAPD_BASE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/*
 * The bytes before a frame read from the TAP that belong to the node: it
 * writes the record header there, so that header and frame are one iovec.
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
	bool ecn;	   /* a TCP GSO frame that carries CWR */
	enum offload_gso gso;
	uint16_t gso_size;    /* payload bytes of each segment but the last */
	uint16_t hdr_len;     /* MAC to transport header; a hint when read */
	uint16_t csum_start;  /* from the start of the frame */
	uint16_t csum_offset; /* from csum_start */
};

/*
 * An Ethernet frame without FCS, in iovecs. Read from the TAP it is one iovec
 * with FRAME_HEADROOM writable bytes before it; towards the TAP it may be many.
 */
struct frame {
	const struct iovec *iov;
	size_t iovcnt;
	struct offload offload;
};

#endif
