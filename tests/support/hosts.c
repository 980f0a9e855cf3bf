/* For tests: a few nodes, the network between them, and the clock. */
#include "support/hosts.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "node/identity.h"
#include "support/alloc.h"
#include "support/frame_len.h"
#include "support/frames.h"

/* ---- the wire ---- */

struct host *hosts_at(struct hosts *h, const struct addr *addr)
{
	for (size_t i = 0; i < h->count; i++)
		for (size_t j = 0; j < h->host[i].addrs_count; j++)
			if (addr_equal(&h->host[i].addrs[j], addr))
				return &h->host[i];
	return NULL;
}

static unsigned index_of(const struct host *host)
{
	return (unsigned)(host - host->hosts->host);
}

struct link *hosts_link(struct hosts *h, const struct host *from,
			const struct host *to)
{
	return net_link(&h->net, index_of(from), index_of(to));
}

void hosts_inject(struct hosts *h, const struct addr *from,
		  const struct addr *to, const uint8_t *bytes, size_t len)
{
	const struct host *host = hosts_at(h, to);

	if (host)
		net_launch(&h->net, index_of(host),
			   flight_new(NET_HOSTS_MAX, from, to, bytes, len),
			   h->net.now_us + h->latency_us);
}

static const struct flight *note(struct hosts *h, const struct flight *f)
{
	struct flight *copy = flight_copy(f);

	if (h->log_count == h->log_size) {
		h->log_size = h->log_size ? 2 * h->log_size : 64;
		h->log = test_realloc(h->log, h->log_size * sizeof(*h->log));
	}
	copy->sent_us = h->net.now_us;
	h->log[h->log_count++] = copy;
	return copy;
}

void hosts_forget_log(struct hosts *h)
{
	for (size_t i = 0; i < h->log_count; i++)
		free(h->log[i]);
	h->log_count = 0;
}

/* Consumes f. */
static void transmit(struct hosts *h, struct flight *f)
{
	const struct flight *noted = note(h, f);
	uint64_t n = h->sent++;
	enum fate fate = n < 64 && h->lose >> n & 1 ? LOSE : PASS;
	const struct host *to;

	if (fate == PASS && h->judge)
		fate = h->judge(h, f);
	if (fate == HOLD) {
		ck_assert_uint_lt(h->held_count, HOSTS_HELD);
		h->held[h->held_count++] = noted;
	}
	to = hosts_at(h, &f->to);
	if (fate != PASS || !to ||
	    net_send(&h->net, index_of(to), f, net_draw_delay(&h->net)) !=
		    NET_SENT)
		free(f);
}

static struct addr source_for(const struct host *host, const struct addr *to)
{
	for (size_t i = 0; i < host->addrs_count; i++)
		if (addr_is_v4(&host->addrs[i]) == addr_is_v4(to))
			return host->addrs[i];
	return host->addrs[0];
}

static bool has_addr(const struct host *host, const struct addr *addr)
{
	for (size_t i = 0; i < host->addrs_count; i++)
		if (addr_equal(&host->addrs[i], addr))
			return true;
	return false;
}

/* As the daemon's sockets do: an address that is the host's no more leaves the
 * choice to its kernel, and the node is told. */
static struct addr leaves_from(struct host *host, const struct way *way)
{
	if (way_is_pinned(way) && has_addr(host, &way->local))
		return way->local;
	if (way_is_pinned(way))
		node_local_gone(host->node, way);
	return source_for(host, &way->remote);
}

void host_receive_way(struct host *host, const struct way *way,
		      const uint8_t *bytes, size_t len)
{
	/* Exactly as long as the datagram: AddressSanitizer sees what is read
	 * past it. */
	const struct datagram_run received = { .remote = way->remote,
					       .local = way->local,
					       .data = test_copy(bytes, len),
					       .len = len };

	node_from_udp(host->node, &received, 1, hosts_clock(host));
	free(received.data);
}

void host_receive(struct host *host, const struct addr *from,
		  const uint8_t *bytes, size_t len)
{
	const struct way way = { .remote = *from };

	host_receive_way(host, &way, bytes, len);
}

static void receive_flight(struct host *host, const struct flight *f)
{
	const struct way way = { .remote = f->from, .local = f->to };

	host_receive_way(host, &way, f->bytes, f->len);
}

void hosts_release(struct hosts *h, size_t nth)
{
	const struct flight *f;

	ck_assert_uint_lt(nth, h->held_count);
	f = h->held[nth];
	receive_flight(hosts_at(h, &f->to), f);
}

size_t host_receive_all(struct host *host)
{
	struct queue *queue = host->hosts->net.queue;
	size_t flying = queue_count(queue), count = 0;
	struct datagram_run *all = test_zalloc(flying + 1, sizeof(*all));
	struct event *others = test_zalloc(flying + 1, sizeof(*others));
	size_t left = 0;

	while (queue_count(queue)) {
		struct event e = queue_pop(queue);
		const struct flight *f = e.flight;

		if (hosts_at(host->hosts, &f->to) != host) {
			others[left++] = e;
			continue;
		}
		all[count++] = (struct datagram_run){
			.remote = f->from,
			.local = f->to,
			.data = test_copy(f->bytes, f->len),
			.len = f->len,
		};
		free(e.flight);
	}
	for (size_t i = 0; i < left; i++)
		queue_push(queue, others[i].at_us, others[i].kind,
			   others[i].host, others[i].flight);
	node_from_udp(host->node, all, count, hosts_clock(host));
	for (size_t i = 0; i < count; i++)
		free(all[i].data);
	free(all);
	free(others);
	return count;
}

/* ---- what nodes are told to do ---- */

static void on_random(void *user, void *buf, size_t len)
{
	struct host *host = user;

	rng_bytes(&host->rng, buf, len);
}

static void on_udp_send(void *user, const struct datagram_run *runs, size_t n)
{
	struct host *host = user;

	ck_assert_uint_gt(n, 0);
	for (size_t i = 0; i < n; i++) {
		const struct datagram_run *run = &runs[i];
		const struct way way = { run->remote, run->local };
		const struct addr from = leaves_from(host, &way);

		ck_assert_uint_gt(run->segment_len, 0);
		ck_assert_uint_le(run->len, 65507);
		ck_assert_uint_le(run->len, 64 * run->segment_len);
		for (size_t at = 0; at < run->len; at += run->segment_len) {
			size_t left = run->len - at;

			transmit(host->hosts,
				 flight_new(index_of(host), &from, &run->remote,
					    run->data + at,
					    left < run->segment_len
						    ? left
						    : run->segment_len));
		}
	}
}

static void on_tap_write(void *user, const struct frame *frames, size_t n)
{
	struct host *host = user;

	ck_assert_uint_gt(n, 0);
	for (size_t i = 0; i < n; i++) {
		struct written *w;
		size_t len = frame_len(&frames[i]), at = 0;

		if (host->written_count == host->written_size) {
			host->written_size = 2 * host->written_size + 64;
			host->written = test_realloc(
				host->written, host->written_size * sizeof(*w));
		}
		w = &host->written[host->written_count++];
		*w = (struct written){ test_alloc(len), len,
				       frames[i].offload };
		for (size_t j = 0; j < frames[i].iovcnt; j++) {
			memcpy(w->bytes + at, frames[i].iov[j].iov_base,
			       frames[i].iov[j].iov_len);
			at += frames[i].iov[j].iov_len;
		}
	}
}

static void on_event(void *user, const struct node_event *event)
{
	struct host *host = user;
	struct host_event *e;

	ck_assert_uint_lt(host->events_count, HOSTS_EVENTS);
	e = &host->events[host->events_count++];
	*e = (struct host_event){ .type = event->type,
				  .at = event->at,
				  .other = event->other,
				  .at_us = host->hosts->net.now_us };
	strncpy(e->peer, event->peer, sizeof(e->peer) - 1);
	if (event->text)
		strncpy(e->text, event->text, sizeof(e->text) - 1);
}

static const struct node_ops ops = {
	.random = on_random,
	.udp_send = on_udp_send,
	.tap_write = on_tap_write,
	.event = on_event,
};

/* ---- hosts ---- */

void hosts_init(struct hosts *h, size_t count)
{
	const struct link none = { .loss = 0 };

	ck_assert_uint_le(count, HOSTS_MAX);
	*h = (struct hosts){ .count = count };
	net_init(&h->net, HOSTS_START, rng_init(count), &none);
	hosts_set_latency(h, 5 * CLOCK_MS);
	for (size_t i = 0; i < count; i++) {
		struct host *host = &h->host[i];

		host->hosts = h;
		host->addrs[0] = addr_v4(0x0a090001 + (uint32_t)i, WIRE_PORT);
		host->addrs_count = 1;
		host->rng = rng_init(1000 * (i + 1));
		host->config = (struct node_config){
			.secrets_count = 1,
			.tap_mtu = 1500,
			.tap_takes = { .partial = true },
			.interval_us = CLOCK_S,
			.down_after = 3,
			.expire_us = 300 * CLOCK_S,
			.frag_buffers = 16,
		};
		host->config.name[0] = (char)('a' + i);
		memset(host->config.private_key, (int)(0x40 + i), KEY_LEN);
		memset(host->config.secrets[0], 0x5e, KEY_LEN);
		ck_assert(
			node_public_key(&host->key, host->config.private_key));
	}
}

void hosts_free(struct hosts *h)
{
	for (size_t i = 0; i < h->count; i++) {
		host_forget_written(&h->host[i]);
		free(h->host[i].written);
		node_free(h->host[i].node);
	}
	hosts_forget_log(h);
	free(h->log);
	net_free(&h->net);
}

void hosts_set_latency(struct hosts *h, uint64_t us)
{
	h->latency_us = us;
	hosts_heal(h);
}

void hosts_heal(struct hosts *h)
{
	const struct link like = { .delay_min_us = h->latency_us,
				   .delay_max_us = h->latency_us };

	net_all_links(&h->net, &like);
}

struct clock hosts_clock(const struct host *host)
{
	uint64_t now_us = host->hosts->net.now_us;

	return (struct clock){ now_us, HOSTS_WALL + now_us +
					       (uint64_t)host->wall_offset_us };
}

void host_start(struct host *host)
{
	const char *error;

	ck_assert_ptr_null(host->node);
	host->node =
		node_new(&host->config, &ops, host, hosts_clock(host), &error);
	ck_assert_msg(host->node != NULL, "%s", error);
	ck_assert_ptr_null(error);
	host->key = host_status(host).key;
	node_set_sockets(host->node, &host->addrs[0], 1);
}

void host_stop(struct host *host)
{
	node_free(host->node);
	host->node = NULL;
}

void host_want(struct host *host, const struct addr *endpoints, size_t count)
{
	ck_assert_uint_eq(node_want(host->node, NODE_SOURCE_PEERS, endpoints,
				    count, hosts_clock(host)),
			  0);
}

void host_dial(struct host *from, const struct host *to)
{
	host_want(from, &to->addrs[0], 1);
}

/* ---- time ---- */

static void deliver_due(struct hosts *h)
{
	const struct event *next;

	while ((next = queue_first(h->net.queue)) &&
	       next->at_us <= h->net.now_us) {
		struct flight *f = queue_pop(h->net.queue).flight;
		struct host *host = hosts_at(h, &f->to);

		if (host && host->node)
			receive_flight(host, f);
		free(f);
	}
}

static void tick_due(struct hosts *h)
{
	for (size_t i = 0; i < h->count; i++) {
		struct host *host = &h->host[i];
		int turns = 0;

		while (host->node &&
		       node_deadline(host->node) <= h->net.now_us) {
			/* A node asks for no time that is past; but its
			 * querier does what is due in parts. */
			ck_assert_int_lt(turns++, host_debug(host).querier_us <=
								  h->net.now_us
							  ? 100
							  : 3);
			node_tick(host->node, hosts_clock(host));
		}
	}
}

static uint64_t next_moment(const struct hosts *h, uint64_t limit_us)
{
	const struct event *arrival = queue_first(h->net.queue);
	uint64_t next = limit_us;

	if (arrival && arrival->at_us < next)
		next = arrival->at_us;
	for (size_t i = 0; i < h->count; i++)
		if (h->host[i].node && node_deadline(h->host[i].node) < next)
			next = node_deadline(h->host[i].node);
	return next;
}

static bool never(const struct hosts *h)
{
	(void)h;
	return false;
}

bool hosts_until(struct hosts *h, bool (*done)(const struct hosts *h),
		 uint64_t us)
{
	uint64_t end = h->net.now_us + us;

	for (;;) {
		deliver_due(h);
		tick_due(h);
		if (h->tap_sides)
			h->tap_sides(h);
		if (done(h))
			return true;
		if (h->net.now_us >= end)
			return false;
		h->net.now_us = next_moment(h, end);
	}
}

void hosts_run(struct hosts *h, uint64_t us)
{
	hosts_until(h, never, us);
}

bool hosts_all_up(const struct hosts *h)
{
	for (size_t i = 0; i < h->count; i++)
		for (size_t j = 0; j < h->count; j++)
			if (i != j && h->host[i].node && h->host[j].node &&
			    !host_up(&h->host[i], &h->host[j]))
				return false;
	return true;
}

bool hosts_pair_up(const struct hosts *h)
{
	return host_up(&h->host[0], &h->host[1]) &&
	       host_up(&h->host[1], &h->host[0]);
}

void hosts_mesh(struct hosts *h, size_t count)
{
	struct addr before[HOSTS_MAX];

	for (size_t i = 0; i < count; i++) {
		host_start(&h->host[i]);
		host_want(&h->host[i], before, i);
		before[i] = h->host[i].addrs[0];
	}
	ck_assert(hosts_until(h, hosts_all_up, 2 * CLOCK_S));
	/* What is still in flight arrives. */
	hosts_run(h, 4 * h->latency_us);
}

/* ---- what was sent ---- */

static bool is_from(const struct flight *p, const struct host *host)
{
	if (!host)
		return true;
	for (size_t i = 0; i < host->addrs_count; i++)
		if (addr_equal(&p->from, &host->addrs[i]))
			return true;
	return false;
}

static bool is_to(const struct flight *p, const struct host *host)
{
	if (!host)
		return true;
	for (size_t i = 0; i < host->addrs_count; i++)
		if (addr_equal(&p->to, &host->addrs[i]))
			return true;
	return false;
}

const struct flight *hosts_sent(const struct hosts *h, enum wire_type type,
				const struct host *from, const struct host *to,
				size_t since, size_t nth)
{
	for (size_t i = since; i < h->log_count; i++) {
		const struct flight *p = h->log[i];

		if (p->bytes[0] == type && is_from(p, from) && is_to(p, to) &&
		    nth-- == 0)
			return p;
	}
	return NULL;
}

size_t hosts_count_sent(const struct hosts *h, enum wire_type type,
			const struct host *from, const struct host *to,
			size_t since)
{
	size_t n = 0;

	while (hosts_sent(h, type, from, to, since, n))
		n++;
	return n;
}

/* ---- what a host knows ---- */

struct node_status host_status(const struct host *host)
{
	struct node_status status;

	node_status(host->node, &status);
	return status;
}

struct node_debug host_debug(const struct host *host)
{
	struct node_debug debug;

	node_debug(host->node, &debug);
	return debug;
}

bool host_knows_key(const struct host *host, const struct public_key *key)
{
	struct node_debug_peer peer;

	return host->node && node_debug_peer(host->node, key, &peer);
}

bool host_knows(const struct host *host, const struct host *of)
{
	return host_knows_key(host, &of->key);
}

struct node_debug_peer host_peer_by_key(const struct host *host,
					const struct public_key *key)
{
	struct node_debug_peer peer;

	ck_assert(node_debug_peer(host->node, key, &peer));
	return peer;
}

struct node_debug_peer host_peer(const struct host *host, const struct host *of)
{
	return host_peer_by_key(host, &of->key);
}

void host_assert_no_sessions(const struct host *host, const struct host *of)
{
	const struct node_debug_peer peer = host_peer(host, of);

	ck_assert(!peer.has_current);
	ck_assert_uint_eq(peer.sessions_count, 0);
	ck_assert_uint_eq(host_debug(host).stray_sessions, 0);
}

static bool find_info(const struct host *host, const struct host *of,
		      struct node_peer_info *out)
{
	struct node_iter at = { 0 };

	while (host->node && node_next_peer(host->node, &at, out))
		if (out->has_key && public_key_equal(&out->key, &of->key))
			return true;
	return false;
}

struct node_peer_info host_info(const struct host *host, const struct host *of)
{
	struct node_peer_info info;

	ck_assert(find_info(host, of, &info));
	return info;
}

bool host_up(const struct host *host, const struct host *of)
{
	struct node_peer_info info;

	/* A size is shown while there is a session to send on. */
	return find_info(host, of, &info) && info.state == NODE_PEER_STATE_UP &&
	       info.datagram_size;
}

bool host_sends_to(const struct host *host, const struct host *of,
		   const struct addr *at)
{
	const struct node_debug_peer peer = host_peer(host, of);

	return peer.has_endpoint && addr_equal(&peer.endpoint, at);
}

bool host_knows_at(const struct host *host, const struct addr *at)
{
	struct node_debug_endpoint endpoint;

	return node_debug_endpoint(host->node, at, &endpoint);
}

bool host_found_at(const struct host *host, const struct addr *at,
		   const struct host *of)
{
	struct node_debug_endpoint endpoint;

	return node_debug_endpoint(host->node, at, &endpoint) &&
	       endpoint.has_peer && public_key_equal(&endpoint.peer, &of->key);
}

size_t host_events(const struct host *host, enum node_event_type type)
{
	size_t n = 0;

	for (size_t i = 0; i < host->events_count; i++)
		n += host->events[i].type == type;
	return n;
}

const struct host_event *host_event(const struct host *host,
				    enum node_event_type type)
{
	for (size_t i = host->events_count; i-- > 0;)
		if (host->events[i].type == type)
			return &host->events[i];
	ck_abort_msg("no event of type %d", type);
}

void host_forget_events(struct host *host)
{
	host->events_count = 0;
}

uint64_t host_drops(const struct host *host, enum drop_reason reason)
{
	return node_drops(host->node)[reason];
}

uint64_t host_drops_total(const struct host *host)
{
	uint64_t total = 0;

	for (int i = DROP_NONE + 1; i < DROP_REASON_COUNT; i++)
		total += node_drops(host->node)[i];
	return total;
}

struct node_peer_info host_shows(const struct host *host,
				 const struct addr *endpoint)
{
	struct node_peer_info info;
	struct node_iter at = { 0 };

	while (node_next_peer(host->node, &at, &info))
		if (info.has_endpoint && addr_equal(&info.endpoint, endpoint))
			return info;
	ck_abort_msg("no such endpoint is shown");
}

/* ---- frames ---- */

uint8_t *hosts_frame(uint8_t dst, uint8_t src, size_t len, uint64_t seed)
{
	struct rng rng = rng_init(seed);
	uint8_t *f =
		test_zalloc(1, len > ETH_HEADER_LEN ? len : ETH_HEADER_LEN);

	f[0] = f[6] = 2;
	f[5] = dst;
	f[11] = src;
	if (dst == 0xff)
		memset(f, 0xff, ETH_ADDR_LEN);
	store_be16(f + 12, 0x88b5); /* IEEE 802, local experimental */
	if (len > ETH_HEADER_LEN)
		rng_bytes(&rng, f + ETH_HEADER_LEN, len - ETH_HEADER_LEN);
	return f;
}

void hosts_udp_frame(uint8_t frame[HOSTS_UDP_LEN], uint16_t port)
{
	struct writer w = writer_init(frame, HOSTS_UDP_LEN);

	put_eth(&w, 2, 1, ETH_TYPE_IPV4);
	put_ipv4(&w, 17, 8 + 32);
	put_udp(&w, port, 32);
	ck_assert(writer_ok(&w));
}

void host_tap_offload(struct host *host, const uint8_t *bytes, size_t len,
		      struct offload offload)
{
	uint8_t *buf = test_alloc(FRAME_HEADROOM + len);
	struct iovec iov = { buf + FRAME_HEADROOM, len };
	const struct frame frame = { &iov, 1, offload };

	memcpy(buf + FRAME_HEADROOM, bytes, len);
	node_from_tap(host->node, &frame, 1, hosts_clock(host));
	free(buf);
}

void host_tap(struct host *host, const uint8_t *bytes, size_t len)
{
	host_tap_offload(host, bytes, len, (struct offload){ 0 });
}

#define SAID_LEN 80

static uint8_t *said(const struct host *host, uint64_t seed)
{
	uint8_t mac = (uint8_t)(host->config.name[0] - 'a' + 1);

	return hosts_frame(0xff, mac, SAID_LEN, seed);
}

void host_say(struct host *host, uint64_t seed)
{
	uint8_t *frame = said(host, seed);

	host_tap(host, frame, SAID_LEN);
	free(frame);
}

bool host_heard(const struct host *host, const struct host *from, uint64_t seed)
{
	uint8_t *frame = said(from, seed);
	bool heard = false;

	if (host->written_count) {
		const struct written *w =
			&host->written[host->written_count - 1];

		heard = w->len == SAID_LEN &&
			memcmp(w->bytes, frame, SAID_LEN) == 0;
	}
	free(frame);
	return heard;
}

bool host_talks(struct host *from, struct host *to)
{
	struct hosts *h = from->hosts;
	uint64_t seed = h->net.now_us;

	host_say(from, seed);
	hosts_run(h, 2 * h->latency_us);
	return host_heard(to, from, seed);
}

void host_forget_written(struct host *host)
{
	for (size_t i = 0; i < host->written_count; i++)
		free(host->written[i].bytes);
	host->written_count = 0;
}
