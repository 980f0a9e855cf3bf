/*
 * A test says which hosts get a group's frames, and why others do not. The frames go
 * through node_from_tap, as an application's do: to members only, or flooded, packed,
 * sealed and lost as those are. Beside each one goes one to each peer's own MAC, so
 * that a host that hears those alone has no fault in its link. When all were sent each
 * peer is asked what it counted (answer.c), a few at a time, for its answer and its
 * peers' come back together; and again if no answer comes.
 */
#include "node/group_test.h"

#include <stdlib.h>
#include <string.h>

#include "ether/test_frame.h"
#include "node/send.h"

/* From the last frame until peers are asked: a network may let one overtake the
 * other. */
#define SETTLE_US (200 * CLOCK_MS)
/* An answer comes within a second and a bit: answer.c. */
#define AGAIN_US    (1200 * CLOCK_MS)
#define TRIES	    3
#define ASK_BURST   32
#define ASK_PACE_US (10 * CLOCK_MS)

bool group_test_init(struct node *n)
{
	struct test *t = calloc(1, sizeof(*t));

	if (!t)
		return false;
	n->test = t;
	t->timer.kind = NODE_TIMER_TEST;
	t->parts = calloc(n->config.peers_max + 1, sizeof(*t->parts));
	return t->parts;
}

void group_test_free(struct node *n)
{
	if (!n->test)
		return;
	free(n->test->parts);
	free(n->test);
}

static struct peer *sendable(const struct node *n, uint32_t port)
{
	struct peer *peer = peers_at_port(n, (uint16_t)port);

	return peer && n->test->parts[port].takes_part &&
			       peer->state == PEER_UP && peer->current
		       ? peer
		       : NULL;
}

static bool is_zero(const uint8_t mac[ETH_ADDR_LEN])
{
	static const uint8_t none[ETH_ADDR_LEN];

	return memcmp(mac, none, ETH_ADDR_LEN) == 0;
}

/* ---- frames ---- */

/* An address of the TAP's, of the group's family; or, without one, that of IPv4 or
 * IPv6 of a host which has none yet. */
static void source_of(const struct node *n, bool v4, uint8_t ip[16])
{
	memset(ip, 0, 16);
	for (size_t i = 0; i < n->own_count; i++) {
		const struct addr *a = &n->own[i].is.addr;

		if (addr_is_v4(a) == v4) {
			memcpy(ip, a->ip, 16);
			return;
		}
	}
}

static void send_frame(struct node *n, const uint8_t dst[ETH_ADDR_LEN],
		       uint64_t now_us)
{
	const struct test *t = n->test;
	const struct test_frame f = { t->group, t->sent, t->token };
	uint8_t buf[FRAME_HEADROOM + TEST_FRAME_MAX], ip[16];
	struct iovec iov = { .iov_base = buf + FRAME_HEADROOM };
	const struct frame frame = { .iov = &iov, .iovcnt = 1 };
	/* No handshake begins with a frame: the wall clock is not needed. */
	const struct clock now = { .mono_us = now_us };

	source_of(n, group_is_v4(&t->group), ip);
	iov.iov_len = test_frame_make(&f, dst, n->config.tap_mac, ip,
				      buf + FRAME_HEADROOM);
	node_from_tap(n, &frame, 1, now);
}

static void send_round(struct node *n, uint64_t now_us)
{
	struct test *t = n->test;
	uint8_t mac[ETH_ADDR_LEN];

	group_mac(&t->group, mac);
	if (!t->sent)
		t->first_us = now_us;
	send_frame(n, mac, now_us);
	for (uint32_t port = 1; port <= n->config.peers_max; port++) {
		const struct peer *peer = sendable(n, port);

		if (peer && !is_zero(peer->tap_mac))
			send_frame(n, peer->tap_mac, now_us);
	}
	t->sent++;
	t->next_us = now_us + NODE_TEST_INTERVAL_US;
}

/* ---- questions ---- */

static void ask(struct node *n, struct peer *peer, uint64_t now_us)
{
	const struct test *t = n->test;
	struct wire_ask q = { .kind = WIRE_ASK_TEST,
			      .token = t->token,
			      .vlan = t->group.vlan };
	uint8_t record[WIRE_ASK_TEST_LEN];

	memcpy(q.ip, t->group.ip, sizeof(q.ip));
	send_record(n, peer, peer->current, &peer->path.way, record,
		    wire_pack_ask(&q, record), 0, now_us);
	t->parts[peer->port].asked++;
	t->parts[peer->port].ask_us = now_us + AGAIN_US;
}

/* True if there is still something to come from it. */
static bool is_awaited(const struct node *n, uint32_t port, uint64_t now_us)
{
	const struct test_part *p = &n->test->parts[port];

	return sendable(n, port) && p->host.able && !p->host.answered &&
	       (p->asked < TRIES || now_us < p->ask_us);
}

/* Asks who is to be asked, and sets when to go on. */
static void ask_all(struct node *n, uint64_t now_us)
{
	struct test *t = n->test;
	unsigned burst = ASK_BURST;

	t->next_us = CLOCK_NEVER;
	for (uint32_t port = 1; port <= n->config.peers_max; port++) {
		struct test_part *p = &t->parts[port];

		if (!is_awaited(n, port, now_us))
			continue;
		if (now_us >= p->ask_us && p->asked < TRIES && burst) {
			ask(n, sendable(n, port), now_us);
			burst--;
		}
		t->next_us = clock_earlier(
			t->next_us,
			p->ask_us > now_us ? p->ask_us : now_us + ASK_PACE_US);
	}
	if (t->next_us == CLOCK_NEVER)
		t->phase = TEST_DONE;
}

void group_test_timer(struct node *n, uint64_t now_us)
{
	struct test *t = n->test;

	if (t->phase == TEST_SENDS && t->sent < t->frames) {
		send_round(n, now_us);
		if (t->sent == t->frames)
			t->next_us = now_us + SETTLE_US;
	} else {
		t->phase = TEST_ASKS;
		ask_all(n, now_us);
	}
	timers_set(&n->timers, &t->timer,
		   t->phase == TEST_DONE ? CLOCK_NEVER : t->next_us);
}

/* ---- answers ---- */

/* When it heard the first, by our clock: its answer took half a round trip. */
static uint64_t heard_after(const struct test *t, const struct peer *peer,
			    const struct wire_answer *a, uint64_t now_us)
{
	const uint64_t since_us = now_us - t->first_us;
	const uint64_t back_us = a->age_us + (uint64_t)peer->path.rtt_us / 2;

	return back_us < since_us ? since_us - back_us : 0;
}

void group_test_answered(struct node *n, const struct peer *peer,
			 const struct wire_answer *a, uint64_t now_us)
{
	struct test *t = n->test;
	struct test_part *p = &t->parts[peer->port];

	if (t->phase != TEST_ASKS || a->token != t->token || !p->takes_part ||
	    p->host.answered)
		return;
	p->host.answered = true;
	p->host.member = a->member;
	p->host.all = a->all;
	p->host.heard = a->heard;
	p->host.unicast = a->unicast;
	p->host.any = a->any;
	if (a->any)
		p->host.first_us = heard_after(t, peer, a, now_us);
	t->next_us = now_us;
	timers_set(&n->timers, &t->timer, now_us);
}

void group_test_peer_gone(struct node *n, const struct peer *peer)
{
	n->test->parts[peer->port].host.left = true;
}

void group_test_peer_removed(struct node *n, const struct peer *peer)
{
	n->test->parts[peer->port].takes_part = false;
}

/* ---- what the owner asks ---- */

bool node_test_is_for_all(const uint8_t group[16])
{
	struct group g = { .vlan = 0 };

	memcpy(g.ip, group, sizeof(g.ip));
	return group_is_for_all(&g);
}

static void choose_parts(struct node *n)
{
	struct test *t = n->test;
	const struct peer *peer;
	uint32_t at = TABLE_NONE;

	memset(t->parts, 0, (n->config.peers_max + 1) * sizeof(*t->parts));
	while ((peer = peers_next(n, &at))) {
		struct test_part *p = &t->parts[peer->port];

		p->takes_part = peer->state == PEER_UP && peer->current;
		p->host.able = peer->capabilities & WIRE_CAN_ANSWER;
	}
}

enum node_test_began node_test_begin(struct node *n, const uint8_t group[16],
				     unsigned frames, struct clock now)
{
	struct test *t = n->test;
	struct group g = { .vlan = 0 };

	memcpy(g.ip, group, sizeof(g.ip));
	if (!group_is_valid(&g) || group_is_vlan(&g))
		return NODE_TEST_GROUP;
	if (t->phase != TEST_NONE)
		return NODE_TEST_BUSY;
	if (is_zero(n->config.tap_mac))
		return NODE_TEST_MAC;
	t->group = g;
	t->frames = frames;
	t->sent = 0;
	do
		node_random(n, &t->token, sizeof(t->token));
	while (!t->token);
	choose_parts(n);
	t->phase = TEST_SENDS;
	t->next_us = now.mono_us;
	timers_set(&n->timers, &t->timer, now.mono_us);
	return NODE_TEST_BEGAN;
}

bool node_test_done(const struct node *n)
{
	return n->test->phase == TEST_DONE || n->test->phase == TEST_NONE;
}

unsigned node_test_sent(const struct node *n)
{
	return n->test->sent;
}

void node_test_end(struct node *n)
{
	n->test->phase = TEST_NONE;
	timers_cancel(&n->timers, &n->test->timer);
}

bool node_test_host(const struct node *n, const struct public_key *key,
		    struct node_test_host *out)
{
	const struct peer *peer = peers_find(n, key);

	memset(out, 0, sizeof(*out));
	if (!peer || !n->test->parts[peer->port].takes_part)
		return false;
	*out = n->test->parts[peer->port].host;
	return true;
}
