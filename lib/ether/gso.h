/* Splits a GSO frame (TSO, USO) read from the TAP into segments. */
#ifndef TAPD_ETHER_GSO_H
#define TAPD_ETHER_GSO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/drop.h"
#include "base/frame.h"
#include "ether/eth.h"

/*
 * A GSO frame (virtio 1.2, 5.1.6) is up to 64 KiB of TCP payload, or of UDP
 * datagrams of one size, behind one set of headers. It stays unsegmented until
 * it is known who gets it, and is split only then, for each peer into segments
 * that its datagrams hold: a TCP segment may be smaller than the MSS, and one that
 * fits needs no fragments. A UDP datagram is the application's and is never split.
 *
 * The GSO frame is not modified, so it may be split again. A segment is headers
 * in a buffer of the caller's and payload that still lies in the GSO frame.
 * Each gets its own IP length, IPv4 ID (counted up, as Linux does) and header
 * checksum, TCP sequence or UDP length; only the last has FIN and PSH, only the
 * first CWR, whether or not offload.ecn says so (RFC 3168, 6.1.2: CWR is sent
 * once). The TCP or UDP checksum stays partial, but behind more than two tags, where
 * no receiver takes a partial one (PROTOCOL, 7.2), it is completed.
 *
 * The TAP's user, and any guest behind it, may be hostile. Everything is read
 * from the bytes; hdr_len and the IP length are ignored. A segment size that
 * would make thousands of segments of one read is refused: it costs too much.
 */
#define GSO_HEADER_MAX	 4096 /* Ethernet to TCP or UDP, options included */
#define GSO_SEGMENTS_MAX 2048 /* at the GSO frame's own segment size */
/* Room for less TCP payload than this is not worth a segment. */
#define GSO_PAYLOAD_MIN 64

struct gso {
	/* The caller may read these after gso_begin. */
	struct eth_view view;	/* every segment's, but for l3_end; no tag */
	struct offload offload; /* every segment's */
	size_t header_len;	/* every segment's, at most GSO_HEADER_MAX */

	/* The GSO frame. */
	const uint8_t *frame, *payload;
	size_t payload_len;
	size_t size_max; /* payload of a segment: gso_size, if it fits IP */
	uint64_t ip_sum; /* IPv4 header without length, ID, checksum */
	uint64_t l4_sum; /* pseudo-header without length */
	uint16_t csum_offset;
	bool complete; /* else the segments' checksums are partial */

	/* The split in progress. */
	size_t size, at;
	uint16_t index;
};

struct gso_segment {
	const uint8_t *payload; /* borrowed from the GSO frame */
	size_t payload_len;
};

/*
 * Takes a GSO frame in one iovec, which is borrowed while *g is in use, and its
 * view from eth_parse_gso. Begins to split it at its own segment size.
 *
 * DROP_offload_bad, and *g zeroed: no GSO type, or not the packet's; an IP
 * fragment, or malformed IP; no partial checksum, which GSO requires (virtio 1.2,
 * 5.1.6.2), or not TCP's or UDP's; TCP's data offset under 20 or outside the
 * frame; headers longer than GSO_HEADER_MAX; no payload; a segment size that is 0,
 * makes more than GSO_SEGMENTS_MAX, or makes UDP datagrams too large for IP; a
 * frame longer than ETH_OVERHEAD_MAX and an IP packet.
 */
enum drop_reason gso_begin(struct gso *g, const struct eth_view *view,
			   const uint8_t *frame, size_t len,
			   const struct offload *offload);

/*
 * Begins to split it into segments of at most frame_max bytes, headers included;
 * SIZE_MAX: no bound. They are longer, up to the GSO frame's own segment size,
 * if they are UDP or if less than GSO_PAYLOAD_MIN bytes of payload would fit.
 * Returns how many there will be: at most GSO_SEGMENTS_MAX.
 */
size_t gso_split(struct gso *g, size_t frame_max);

/* Its segments' checksums will be complete, for receivers that are told of no partial
 * ones: that costs a walk over the payload each time it is split. */
void gso_complete(struct gso *g);

/*
 * The next segment: writes g->header_len bytes to header and says what follows
 * them. False, *s zeroed and nothing written, after the last.
 */
bool gso_next(struct gso *g, uint8_t *header, struct gso_segment *s);

/*
 * Whether gso_skip_first would do so; then the frame is begun in *g, whose first
 * segment is the one.
 */
bool gso_may_skip_first(struct gso *g, const uint8_t *frame, size_t len,
			const struct offload *o);

/*
 * Takes the first segment off a TCP GSO frame, in place, so that its receiver misses
 * it and its sender slows down: *frame is behind where it was, *len and *o are the
 * rest's, which is an ordinary frame if one segment is left. False, and nothing
 * changed, for what is no such frame, or has no second segment, or begins with
 * headers longer than a segment.
 */
bool gso_skip_first(uint8_t **frame, size_t *len, struct offload *o);

#endif
