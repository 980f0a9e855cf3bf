#include "node/hello.h"

#include <string.h>

#include "node/send.h"

static size_t pack_hello(const struct node *n, const struct peer *peer,
			 bool ack, bool want, uint8_t out[WIRE_HELLO_MAX])
{
	struct wire_hello hello = {
		.ack = ack,
		.want = want,
		.version = WIRE_VERSION,
		.tap_mtu = n->config.tap_mtu,
		.capabilities = WIRE_CAN_ANSWER,
		.epoch = peer_shown_epoch(n, peer),
	};

	if (n->config.peer_exchange)
		hello.capabilities |= WIRE_CAN_EXCHANGE;
	if (n->config.relay)
		hello.capabilities |= WIRE_CAN_RELAY;
	memcpy(hello.name, n->config.name, sizeof(hello.name));
	memcpy(hello.tap_mac, n->config.tap_mac, sizeof(hello.tap_mac));
	return wire_pack_hello(&hello, out);
}

void hello_send(struct node *n, struct peer *peer, struct session *s,
		const struct way *to, bool ack, uint64_t now_us)
{
	uint8_t record[WIRE_HELLO_MAX];
	size_t len = pack_hello(n, peer, ack, !s->hello_acked, record);

	send_record(n, peer, s, to, record, len, HELLO_SIZE, now_us);
}

void hello_send_first(struct node *n, const struct peer *peer,
		      struct session *s, const struct way *to, uint64_t now_us)
{
	uint8_t record[WIRE_HELLO_MAX];
	size_t len = pack_hello(n, peer, false, true, record);

	send_record(n, NULL, s, to, record, len, HELLO_SIZE, now_us);
}

void hello_repeat(struct node *n, uint64_t now_us)
{
	uint32_t at = TABLE_NONE;
	struct peer *peer;

	while ((peer = peers_next(n, &at))) {
		if (!peer->current)
			continue;
		peer->current->hello_acked = false;
		peer->current->hello_us = now_us;
		peer_arm(n, peer, now_us);
	}
}

static bool wants_hello(const struct session *s)
{
	return s && s->stage != SESSION_HALF_OPEN && !s->hello_acked;
}

static uint64_t hello_deadline(struct node *n, struct peer *peer,
			       uint64_t now_us)
{
	uint64_t due = CLOCK_NEVER;

	(void)n;
	(void)now_us;
	for (size_t i = 0; i < PEERS_SESSIONS; i++)
		if (wants_hello(peer->sessions[i]))
			due = clock_earlier(due, peer->sessions[i]->hello_us);
	return due;
}

/* Until a peer is up, where it was heard is not where it is: its hellos are
 * answered, and it is sent no more. */
static void hello_due(struct node *n, struct peer *peer, uint64_t now_us)
{
	for (size_t i = 0; i < PEERS_SESSIONS; i++) {
		struct session *s = peer->sessions[i];

		if (!wants_hello(s) || now_us < s->hello_us)
			continue;
		if (s->initiator || peer->state == PEER_UP)
			hello_send(n, peer, s, &peer->path.way, s->hello_heard,
				   now_us);
		s->hello_us = now_us + SESSION_HELLO_US;
	}
}

const struct control hello_control = {
	.deadline = hello_deadline,
	.due = hello_due,
};

void bye_send(struct node *n, struct peer *peer, uint64_t now_us)
{
	uint8_t record[WIRE_RECORD_LEN];

	wire_pack_record(record, WIRE_BYE, 0, 0);
	send_record(n, peer, peer->current, &peer->path.way, record,
		    sizeof(record), 0, now_us);
}

static enum drop_reason bye_in(struct node *n, struct reading *r,
			       const struct wire_record *record)
{
	(void)record;
	peer_sessions_drop(n, r->peer);
	peer_down(n, r->peer, PEER_REASON_BYE, r->now_us);
	peer_arm(n, r->peer, r->now_us);
	r->over = true;
	return DROP_NONE;
}

const struct control bye_control = { .kind = WIRE_BYE, .record = bye_in };
