/*
 * Peers ask what we see, for people who look for what is wrong. Theory:
 *
 * A test of a group is frames of its asker's to that group, through the same
 * forwarding as any, each with the test's token. So nobody is told beforehand: whoever
 * hears one counts it, by the port of the peer that it came from, and says how many
 * when asked. What is counted is what is about to be written to the TAP.
 *
 * A row is how our own links to our peers are: the first bytes of each one's key, its
 * round-trip time and its loss. It is answered a datagram at a time; each part says
 * where the next begins.
 *
 * Questions are answered to authenticated peers, at the path in use, with at most a
 * datagram. Whoever asks asks all at once: so an answer waits for up to JITTER_US. A
 * peer gets one a second; a question that comes before waits until then, in place of
 * one that waits already. All of them get ANSWERS a second, and of the second half of
 * those each address its even part.
 */
#include "node/answer.h"

#include <stdlib.h>
#include <string.h>

#include "node/local_groups.h"
#include "node/send.h"

#define JITTER_US (50 * CLOCK_MS)
#define ANSWER_US (1 * CLOCK_S)
#define ANSWERS	  NODE_PEERS_MAX
/* Of them a second, those that are parted between addresses. */
#define ANSWERS_PARTED (ANSWERS / 2)
/* What a datagram of Ethernet's size holds. */
#define LINKS_MAX 100

static struct port_answer *port_of(const struct node *n,
				   const struct peer *peer)
{
	return &n->answers->ports[peer->port];
}

bool answers_init(struct node *n, const uint8_t seed[TABLE_SEED_LEN])
{
	struct answers *a = calloc(1, sizeof(*a));

	if (!a)
		return false;
	n->answers = a;
	a->ports = calloc(n->config.peers_max + 1, sizeof(*a->ports));
	a->asked = shares_new(n->config.peers_max + 1u, seed);
	return a->ports && a->asked;
}

void answers_free(struct node *n)
{
	if (!n->answers)
		return;
	free(n->answers->ports);
	shares_free(n->answers->asked);
	free(n->answers);
}

/* ---- what is heard ---- */

static void count(uint16_t *frames)
{
	if (*frames < UINT16_MAX)
		++*frames;
}

void answer_heard(struct node *n, const struct peer *peer,
		  const struct eth_view *v, const uint8_t *frame,
		  uint64_t now_us)
{
	struct port_answer *p = port_of(n, peer);
	struct test_frame t;

	if (!test_frame_read(v, frame, &t))
		return;
	if (t.token != p->token) {
		p->token = t.token;
		p->heard = p->unicast = 0;
		p->first_us = 0;
	}
	if (!eth_is_group(v->dst)) {
		count(&p->unicast);
		return;
	}
	count(&p->heard);
	if (!p->first_us)
		p->first_us = now_us;
}

/* ---- answers ---- */

static void answer_test(struct node *n, struct peer *peer,
			const struct wire_ask *q, uint64_t now_us)
{
	const struct port_answer *p = port_of(n, peer);
	struct group group = { .vlan = q->vlan };
	struct wire_answer a = { .kind = q->kind, .token = q->token };
	uint8_t record[WIRE_ANSWER_TEST_LEN];

	memcpy(group.ip, q->ip, sizeof(group.ip));
	a.member = group_is_valid(&group) && !group_is_vlan(&group) &&
		   querier_wants(n->querier, &group);
	a.all = !n->config.snooping || local_groups_want_all(n);
	if (p->token == q->token) {
		a.heard = p->heard;
		a.unicast = p->unicast;
		a.any = p->first_us != 0;
	}
	if (a.any)
		a.age_us = (uint32_t)clock_earlier(now_us - p->first_us,
						   UINT32_MAX);
	wire_pack_answer_test(&a, record);
	send_record(n, peer, peer->current, &peer->path.way, record,
		    sizeof(record), 0, now_us);
}

static void put_link(const struct peer *peer, uint8_t out[WIRE_LINK_LEN])
{
	struct wire_link l = {
		.rtt_us = peer->path.rtt_us,
		.loss = (uint16_t)(liveness_loss(&peer->liveness) *
				   WIRE_LINK_ALL_LOST),
	};

	memcpy(l.key, peer->key.bytes, sizeof(l.key));
	wire_pack_link(&l, out);
}

/* Links from port `first` on, as many as there is room for. Returns how many; *next:
 * the port where the rest begins, or 0. */
static size_t put_links(const struct node *n, uint16_t first, size_t room,
			uint8_t *out, uint16_t *next)
{
	size_t links = 0;

	*next = 0;
	for (uint32_t port = first; port <= n->config.peers_max; port++) {
		const struct peer *to = peers_at_port(n, (uint16_t)port);

		if (!to || to->state != PEER_UP)
			continue;
		if (links == room) {
			*next = (uint16_t)port;
			break;
		}
		put_link(to, out + links++ * WIRE_LINK_LEN);
	}
	return links;
}

static void answer_row(struct node *n, struct peer *peer,
		       const struct wire_ask *q, uint64_t now_us)
{
	const size_t fits = ((size_t)peer->path.pmtu.size - WIRE_DATA_OVERHEAD -
			     WIRE_ANSWER_ROW_LEN) /
			    WIRE_LINK_LEN;
	struct wire_answer a = { .kind = q->kind,
				 .first = q->first,
				 .token = q->token };
	uint8_t record[WIRE_ANSWER_ROW_LEN + LINKS_MAX * WIRE_LINK_LEN];
	size_t links =
		put_links(n, q->first, fits < LINKS_MAX ? fits : LINKS_MAX,
			  record + WIRE_ANSWER_ROW_LEN, &a.next);

	wire_pack_answer_row(&a, links, record);
	send_record(n, peer, peer->current, &peer->path.way, record,
		    WIRE_ANSWER_ROW_LEN + links * WIRE_LINK_LEN, 0, now_us);
}

/* False if too many were given already. */
static bool may_give(struct node *n, const struct peer *peer, uint64_t now_us)
{
	struct answers *a = n->answers;
	const struct addr *at = &peer->path.way.remote;

	if (now_us - a->second_us >= CLOCK_S) {
		a->second_us = now_us;
		a->given = 0;
		shares_clear(a->asked);
	}
	if (a->given >= ANSWERS ||
	    (a->given >= ANSWERS - ANSWERS_PARTED &&
	     !shares_within(a->asked, at, ANSWERS_PARTED)))
		return false;
	(void)shares_add(a->asked, at);
	a->given++;
	return true;
}

static bool may_ask(const struct peer *peer)
{
	return peer->state == PEER_UP && peer->current;
}

static enum drop_reason ask_in(struct node *n, struct reading *r,
			       const struct wire_record *record)
{
	struct port_answer *p = port_of(n, r->peer);
	struct wire_ask q;
	enum drop_reason reason = wire_unpack_ask(&q, record);
	uint64_t from_us = r->now_us;
	uint32_t lot;

	if (reason != DROP_NONE || !may_ask(r->peer) ||
	    (q.kind != WIRE_ASK_TEST && q.kind != WIRE_ASK_ROW))
		return reason;
	p->question = q;
	if (p->due_us)
		return DROP_ask_rate; /* the one before it */
	if (p->answered_us && from_us < p->answered_us + ANSWER_US)
		from_us = p->answered_us + ANSWER_US;
	node_random(n, &lot, sizeof(lot));
	p->due_us = from_us + JITTER_US * (lot >> 16) / 65536;
	peer_arm(n, r->peer, r->now_us);
	return DROP_NONE;
}

static uint64_t answer_deadline(struct node *n, struct peer *peer,
				uint64_t now_us)
{
	const struct port_answer *p = port_of(n, peer);

	(void)now_us;
	return p->due_us ? p->due_us : CLOCK_NEVER;
}

static void answer_due(struct node *n, struct peer *peer, uint64_t now_us)
{
	struct port_answer *p = port_of(n, peer);

	if (!p->due_us || now_us < p->due_us)
		return;
	p->due_us = 0;
	if (!may_ask(peer))
		return;
	if (!may_give(n, peer, now_us)) {
		node_drop(n, DROP_ask_rate);
		return;
	}
	p->answered_us = now_us;
	if (p->question.kind == WIRE_ASK_TEST)
		answer_test(n, peer, &p->question, now_us);
	else
		answer_row(n, peer, &p->question, now_us);
}

/* ---- what happens to peers ---- */

static void answer_peer_gone(struct node *n, struct peer *peer)
{
	struct port_answer *p = port_of(n, peer);

	*p = (struct port_answer){ .answered_us = p->answered_us };
}

const struct control answer_control = {
	.kind = WIRE_ASK,
	.record = ask_in,
	.peer_gone = answer_peer_gone,
	.deadline = answer_deadline,
	.due = answer_due,
};
