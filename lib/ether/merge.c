#include "ether/merge_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/inet.h"

/* The flow table: a set is searched, within it the oldest gives way. */
#define SETS 32
#define WAYS 4

#define NONE UINT32_MAX

/* Bytes of a held frame: a whole frame, or the payload that joined one. */
struct buffer {
	uint8_t *bytes;
	uint32_t len;
	uint32_t next;
	uint32_t token;
};

/* Where the open frame of a flow is. Two flows of a peer that share a hash are
 * taken for one that does not continue: each closes the other's frame. */
struct flow {
	uint64_t number; /* 0: none */
	uint32_t hash;
	uint16_t port;
};

struct merge_port {
	uint64_t barrier; /* the last frame that closed all before it */
	uint64_t udp;	  /* the open UDP frame, if nothing came since */
	struct flow *tcp; /* the flow of its last TCP frame, if that is open */
};

struct merge {
	const struct merge_ops *ops;
	void *user;
	enum merge_mode mode;
	/*
	 * Frames are numbered in the order in which they came; held[0] is
	 * number `base`. Numbers are never used twice, so flows and ports that
	 * refer to an earlier batch need no clearing: theirs are below base.
	 */
	uint64_t base;
	uint32_t held_count, buffer_count;
	struct held held[MERGE_FRAMES];
	struct buffer buffers[MERGE_BUFFERS];
	struct flow flows[SETS][WAYS];
	uint32_t port_count;
	struct merge_port *ports;

	struct frame frames[MERGE_FRAMES];
	struct iovec iov[MERGE_BUFFERS];
};

struct merge *merge_new(uint32_t ports, const struct merge_ops *ops, void *user)
{
	struct merge *c = calloc(1, sizeof(*c));

	assert(ports >= 1);
	if (!c)
		return NULL;
	c->ops = ops;
	c->user = user;
	c->mode = MERGE_TCP;
	c->base = 1;
	c->port_count = ports;
	c->ports = calloc(ports, sizeof(*c->ports));
	if (!c->ports) {
		free(c);
		return NULL;
	}
	return c;
}

void merge_free(struct merge *c)
{
	if (!c)
		return;
	free(c->ports);
	free(c);
}

void merge_set_mode(struct merge *c, enum merge_mode mode)
{
	c->mode = mode;
}

/* ---- the output ---- */

static struct held *held_at(struct merge *c, uint64_t number)
{
	return &c->held[number - c->base];
}

static uint8_t *first_bytes(const struct merge *c, const struct held *h)
{
	return c->buffers[h->first].bytes;
}

static uint32_t add_buffer(struct merge *c, uint8_t *bytes, size_t len,
			   uint32_t token)
{
	c->buffers[c->buffer_count] = (struct buffer){ .bytes = bytes,
						       .len = (uint32_t)len,
						       .next = NONE,
						       .token = token };
	return c->buffer_count++;
}

/* Holds a frame behind all others; returns its number. */
static uint64_t hold(struct merge *c, const struct arrival *a,
		     const struct offload *o, uint32_t token)
{
	struct held *h = &c->held[c->held_count];

	h->first = h->last = add_buffer(c, a->frame, a->len, token);
	h->count = 1;
	h->offload = *o;
	return c->base + c->held_count++;
}

/* Notes what the next segment must have to continue this one. */
static void open_held(struct held *h, const struct arrival *a, bool tcp)
{
	h->l3_offset = a->view->l3_offset;
	h->l4_offset = a->view->l4_offset;
	h->header_len = a->header_len;
	h->gso_size = a->payload_len;
	h->ip_len = a->view->l3_end - a->view->l3_offset;
	h->ipv4 = a->view->l3 == ETH_L3_IPV4;
	h->tcp = tcp;
	h->push = false;
	if (h->ipv4)
		h->next_id = (uint16_t)(load_be16(l3_of(a) + 4) + 1);
	if (tcp)
		h->next_seq = load_be32(l4_of(a) + 4) + a->payload_len;
}

/* ---- what merges ---- */

/* All but the length, the ID, the checksum. */
static bool same_ip(const struct held *h, const uint8_t *x, const uint8_t *y)
{
	if (!h->ipv4)
		return memcmp(x, y, 4) == 0 && memcmp(x + 6, y + 6, 34) == 0;
	return memcmp(x, y, 2) == 0 && memcmp(x + 6, y + 6, 4) == 0 &&
	       memcmp(x + 12, y + 12, 8) == 0 &&
	       ((load_be16(y + 6) & IPV4_DF) || load_be16(y + 4) == h->next_id);
}

/* All but the sequence, PSH, the checksum; the data offset was compared. */
static bool same_tcp(const uint8_t *x, const uint8_t *y, size_t header)
{
	return memcmp(x, y, 4) == 0 && memcmp(x + 8, y + 8, 4) == 0 &&
	       memcmp(x + 14, y + 14, 2) == 0 &&
	       memcmp(x + 18, y + 18, header - 18) == 0;
}

/* All segments of an open frame are full, so this one may be the shorter last. */
static bool continues(const struct merge *c, const struct held *h,
		      const struct arrival *a)
{
	const uint8_t *first = first_bytes(c, h);

	if (a->header_len != h->header_len ||
	    a->view->l3_offset != h->l3_offset ||
	    a->payload_len > h->gso_size || h->count == MERGE_SEGMENTS_MAX ||
	    h->ip_len + a->payload_len > IP_LEN_MAX ||
	    memcmp(first, a->frame, h->l3_offset) != 0 ||
	    !same_ip(h, first + h->l3_offset, l3_of(a)))
		return false;
	if (!h->tcp)
		return memcmp(first + h->l4_offset, l4_of(a), 4) == 0;
	return load_be32(l4_of(a) + 4) == h->next_seq &&
	       same_tcp(first + h->l4_offset, l4_of(a),
			(size_t)h->header_len - h->l4_offset);
}

/* False if this one was the last that could join. */
static bool join(struct merge *c, struct held *h, const struct arrival *a,
		 uint32_t token)
{
	uint32_t buffer =
		add_buffer(c, a->frame + a->header_len, a->payload_len, token);

	c->buffers[h->last].next = buffer;
	h->last = buffer;
	h->count++;
	h->ip_len += a->payload_len;
	h->next_id++;
	h->next_seq += a->payload_len;
	h->push = h->tcp && (l4_of(a)[13] & TCP_PSH);
	return a->payload_len == h->gso_size && !h->push;
}

/* ---- flows ---- */

static const uint8_t *addresses(const uint8_t *l3, bool ipv4, size_t *len)
{
	*len = ipv4 ? 8 : 32;
	return l3 + (ipv4 ? 12 : 8);
}

/* Not keyed: collisions cost merges, nothing else. */
static uint32_t flow_hash(const struct arrival *a)
{
	uint64_t h = load_be32(l4_of(a)) + ((uint64_t)a->port << 32);
	size_t len;
	const uint8_t *p =
		addresses(l3_of(a), a->view->l3 == ETH_L3_IPV4, &len);

	for (; len > 0; len -= 8, p += 8)
		h = (h ^ load_be64(p)) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(h >> 32);
}

static bool is_open(const struct merge *c, const struct flow *f, uint16_t port)
{
	return f->number >= c->base && f->number > c->ports[port].barrier;
}

/* The entry of the flow's open frame, or else the one to put it into. */
static struct flow *flow_find(struct merge *c, const struct arrival *a,
			      uint32_t hash, bool *open)
{
	struct flow *set = c->flows[hash % SETS], *oldest = set;

	*open = true;
	for (struct flow *f = set; f < set + WAYS; f++) {
		if (f->hash == hash && f->port == a->port &&
		    is_open(c, f, a->port))
			return f;
		if (f->number < oldest->number)
			oldest = f;
	}
	*open = false;
	return oldest;
}

/* Closes the flow's frame if this one is the last that may join it. */
static void join_flow(struct merge *c, struct flow *f, const struct arrival *a,
		      uint32_t token)
{
	if (!join(c, held_at(c, f->number), a, token))
		f->number = 0;
	c->ports[a->port].tcp = f;
}

static void add_tcp(struct merge *c, const struct arrival *a,
		    const struct offload *o, uint32_t token)
{
	uint32_t hash = flow_hash(a);
	bool open;
	struct flow *f = flow_find(c, a, hash, &open);
	uint64_t number;

	c->ports[a->port].udp = 0;
	if (open && a->merges && continues(c, held_at(c, f->number), a)) {
		join_flow(c, f, a, token);
		return;
	}
	if (open)
		f->number = 0;
	number = hold(c, a, o, token);
	if (!a->merges || (l4_of(a)[13] & TCP_PSH))
		return;
	open_held(held_at(c, number), a, true);
	*f = (struct flow){ .number = number, .hash = hash, .port = a->port };
	c->ports[a->port].tcp = f;
}

static void add_udp(struct merge *c, const struct arrival *a,
		    const struct offload *o, uint32_t token)
{
	struct merge_port *p = &c->ports[a->port];

	if (p->udp >= c->base && continues(c, held_at(c, p->udp), a)) {
		if (!join(c, held_at(c, p->udp), a, token))
			p->udp = 0;
		return;
	}
	p->udp = p->barrier = hold(c, a, o, token);
	open_held(held_at(c, p->udp), a, false);
}

void merge_add(struct merge *c, uint16_t port, const struct eth_view *v,
	       uint8_t *frame, size_t len, const struct offload *offload,
	       uint32_t token)
{
	struct arrival a = {
		.frame = frame, .len = len, .view = v, .port = port
	};

	assert(port < c->port_count);
	if (c->held_count == MERGE_FRAMES || c->buffer_count == MERGE_BUFFERS)
		merge_flush(c);
	if (v->ip_proto == INET_PROTO_TCP && c->mode != MERGE_OFF &&
	    arrival_read_tcp(&a, offload)) {
		add_tcp(c, &a, offload, token);
	} else if (v->ip_proto == INET_PROTO_UDP && c->mode == MERGE_TCP_UDP &&
		   arrival_read_udp(&a, offload)) {
		add_udp(c, &a, offload, token);
	} else {
		c->ports[port].barrier = hold(c, &a, offload, token);
		c->ports[port].udp = 0;
	}
}

bool merge_continues(struct merge *c, uint16_t port, uint8_t *frame, size_t len,
		     const struct offload *offload, uint32_t token)
{
	struct flow *f = c->ports[port].tcp;
	struct arrival a = { .frame = frame, .len = len, .port = port };
	struct eth_view view;
	struct held *h;

	if (!f || f->port != port || !is_open(c, f, port) ||
	    c->buffer_count == MERGE_BUFFERS || len > UINT16_MAX)
		return false;
	h = held_at(c, f->number);
	view.l3_offset = h->l3_offset;
	view.l4_offset = h->l4_offset;
	a.view = &view;
	if (!arrival_read_next(&a, h, offload) || !continues(c, h, &a))
		return false;
	c->ports[port].udp = 0;
	join_flow(c, f, &a, token);
	return true;
}

/* ---- GSO frames ---- */

/* Of the pseudo-header, as a partial checksum has it in its field. */
static uint16_t pseudo_sum(const struct held *h, const uint8_t *l3,
			   size_t l4_len)
{
	size_t len;
	const uint8_t *p = addresses(l3, h->ipv4, &len);
	uint64_t sum = (h->tcp ? INET_PROTO_TCP : INET_PROTO_UDP) + l4_len;

	return (uint16_t)~checksum_fold(checksum_add(sum, p, len));
}

/* Makes the first segment's headers those of all. */
static void write_headers(const struct held *h, uint8_t *frame)
{
	uint8_t *l3 = frame + h->l3_offset, *l4 = frame + h->l4_offset;
	size_t l4_len = h->ip_len - (size_t)(h->l4_offset - h->l3_offset);

	if (h->ipv4) {
		store_be16(l3 + 2, (uint16_t)h->ip_len);
		store_be16(l3 + 10, 0);
		store_be16(l3 + 10,
			   checksum_fold(checksum_add(0, l3, IPV4_HEADER_MIN)));
	} else {
		store_be16(l3 + 4, (uint16_t)l4_len);
	}
	if (!h->tcp)
		store_be16(l4 + 4, (uint16_t)l4_len);
	else if (h->push)
		l4[13] |= TCP_PSH;
	store_be16(l4 + h->offload.csum_offset, pseudo_sum(h, l3, l4_len));
}

static void finish(struct held *h, uint8_t *frame)
{
	if (h->count == 1)
		return;
	write_headers(h, frame);
	if (!h->tcp)
		h->offload.gso = OFFLOAD_GSO_UDP_L4;
	else
		h->offload.gso =
			h->ipv4 ? OFFLOAD_GSO_TCPV4 : OFFLOAD_GSO_TCPV6;
	h->offload.gso_size = h->gso_size;
	h->offload.hdr_len = h->header_len;
}

void merge_flush(struct merge *c)
{
	struct iovec *iov = c->iov;

	if (c->held_count == 0)
		return;
	for (uint32_t i = 0; i < c->held_count; i++) {
		struct held *h = &c->held[i];

		finish(h, first_bytes(c, h));
		c->frames[i] = (struct frame){ .iov = iov,
					       .iovcnt = h->count,
					       .offload = h->offload };
		for (uint32_t at = h->first; at != NONE;
		     at = c->buffers[at].next)
			*iov++ = (struct iovec){ c->buffers[at].bytes,
						 c->buffers[at].len };
	}
	c->ops->write(c->user, c->frames, c->held_count);
	for (uint32_t i = 0; i < c->buffer_count; i++)
		if (c->buffers[i].token != MERGE_NO_TOKEN)
			c->ops->release(c->user, c->buffers[i].token);
	c->base += c->held_count;
	c->held_count = c->buffer_count = 0;
}
