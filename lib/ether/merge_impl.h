/* What the files of merge share, and nobody else. */
#ifndef TAPD_ETHER_MERGE_IMPL_H
#define TAPD_ETHER_MERGE_IMPL_H

#include "ether/merge.h"

/* A frame as it came, parsed as far as is needed to merge it. */
struct arrival {
	uint8_t *frame;
	size_t len;
	const struct eth_view *view;
	uint16_t port;
	uint16_t header_len; /* Ethernet to L4 */
	uint16_t payload_len;
	uint16_t csum_offset;
	bool merges; /* may join, and be joined */
};

/* A frame of the output. What stands between count and offload is set only if a
 * segment may join it. */
struct held {
	uint32_t first, last; /* buffers */
	uint16_t count;
	uint16_t l3_offset, l4_offset, header_len;
	uint16_t gso_size; /* the first's payload */
	uint16_t next_id;
	uint32_t next_seq;
	uint32_t ip_len;
	bool ipv4, tcp, push;
	struct offload offload;
};

static inline const uint8_t *l3_of(const struct arrival *a)
{
	return a->frame + a->view->l3_offset;
}

static inline const uint8_t *l4_of(const struct arrival *a)
{
	return a->frame + a->view->l4_offset;
}

/* Each reads what is needed to merge the frame. TCP: false if it has no flow: cut short,
 * or not plain. UDP: false if it may not merge. */
bool arrival_read_tcp(struct arrival *a, const struct offload *o);
bool arrival_read_udp(struct arrival *a, const struct offload *o);
/* A segment of an open frame's flow, if it is one, without having been parsed: where
 * its parts begin is known from that frame, and whether they are the same parts is seen
 * when its bytes are compared. */
bool arrival_read_next(struct arrival *a, const struct held *h,
		       const struct offload *o);

#endif
