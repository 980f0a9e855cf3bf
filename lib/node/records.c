/* What travels inside a session besides frames: hello, probe, echo, bye. */
#include <string.h>

#include "node/node_impl.h"

/* The size a small control datagram may have on any path. */
#define CONTROL_SIZE PMTU_MIN_V4

static const uint8_t padding[PMTU_MAX];

/* Seals the pieces as one datagram. */
static void send_records(struct node *n, struct peer *peer, struct session *s,
			 const struct addr *to, const uint8_t *record,
			 size_t len, size_t padded_to, uint64_t now_us)
{
	uint8_t pad[WIRE_RECORD_LEN];
	size_t size = padded_to ? padded_to : CONTROL_SIZE;

	if (size < WIRE_DATA_OVERHEAD + len)
		size = WIRE_DATA_OVERHEAD + len;

	pack_begin(&n->packer, s, to, size, now_us);
	pack_add(&n->packer, record, len);
	if (padded_to >= WIRE_DATA_OVERHEAD + len + sizeof(pad)) {
		size_t rest =
			padded_to - WIRE_DATA_OVERHEAD - len - sizeof(pad);

		wire_pack_record(pad, WIRE_PAD, 0, (uint16_t)rest);
		pack_add(&n->packer, pad, sizeof(pad));
		pack_add(&n->packer, padding, rest);
	}
	pack_end(&n->packer);
	n->tx.datagrams += n->packer.sealed;
	n->tx.bytes += n->packer.bytes;
	n->drops[DROP_key_exhausted] += n->packer.exhausted;
	if (!peer)
		return;
	peer->tx.datagrams += n->packer.sealed;
	peer->tx.bytes += n->packer.bytes;
	/* Hellos of a session that is not open do not count: peer_heard. */
	if (n->packer.sealed && s->stage == SESSION_OPEN)
		liveness_sent(&peer->liveness, n->packer.sealed, now_us);
}

/* Every hello fills its datagram to one size, so that the answer to one that was
 * caught and sent on by a stranger is no larger than what he sent. */
#define HELLO_SIZE (WIRE_DATA_OVERHEAD + WIRE_HELLO_MAX + WIRE_RECORD_LEN)

static size_t pack_hello(const struct node *n, bool ack, bool want,
			 uint8_t out[WIRE_HELLO_MAX])
{
	struct wire_hello hello = {
		.ack = ack,
		.want = want,
		.version = WIRE_VERSION,
		.tap_mtu = n->config.tap_mtu,
		.epoch = n->epoch,
	};

	memcpy(hello.name, n->config.name, sizeof(hello.name));
	return wire_pack_hello(&hello, out);
}

void send_hello(struct node *n, struct peer *peer, struct session *s,
		const struct addr *to, bool ack, uint64_t now_us)
{
	uint8_t record[WIRE_HELLO_MAX];
	size_t len = pack_hello(n, ack, !s->hello_acked, record);

	send_records(n, peer, s, to, record, len, HELLO_SIZE, now_us);
}

void send_candidate_hello(struct node *n, struct candidate *c, uint64_t now_us)
{
	uint8_t record[WIRE_HELLO_MAX];
	size_t len = pack_hello(n, false, true, record);

	send_records(n, NULL, &c->session, &c->at, record, len, HELLO_SIZE,
		     now_us);
}

static void send_timed_probe(struct node *n, struct peer *peer,
			     const struct addr *to, uint64_t time_us,
			     size_t beside, size_t padded_to, uint64_t now_us)
{
	struct wire_probe probe = {
		.time_us = time_us,
		.size = (uint16_t)beside,
		.sent = peer->liveness.sent,
		.received = peer->liveness.received,
		.own = declaration_version(n->declaration),
		.held = n->ports[peer->port].held,
	};
	uint8_t record[WIRE_PROBE_LEN];

	wire_pack_probe(&probe, record);
	send_records(n, peer, peer->current, to, record, sizeof(record),
		     padded_to, now_us);
}

void send_probe(struct node *n, struct peer *peer, const struct addr *to,
		uint64_t now_us)
{
	send_timed_probe(n, peer, to, now_us, 0, 0, now_us);
}

void send_size_probes(struct node *n, struct peer *peer, size_t size,
		      uint64_t now_us)
{
	const struct addr *to = &peer->endpoint->addr;

	send_timed_probe(n, peer, to, now_us, size, 0, now_us);
	send_timed_probe(n, peer, to, now_us, 0, size, now_us);
}

/* It carries no time but a random number: our clock is no secret, and an echo
 * made up by a peer that does not receive there would send its traffic to
 * somebody who never asked for it. */
void send_move_probe(struct node *n, struct peer *peer, uint64_t now_us)
{
	send_timed_probe(n, peer, &peer->move_to, peer->move_token, 0, 0,
			 now_us);
}

static void send_echo(struct node *n, struct peer *peer, struct session *s,
		      const struct wire_probe *probe, size_t size,
		      uint64_t now_us)
{
	struct wire_probe echo = {
		.echo = true,
		.time_us = probe->time_us,
		.sent = peer->liveness.sent,
		.received = peer->liveness.received,
		.own = declaration_version(n->declaration),
		.held = n->ports[peer->port].held,
		.size = (uint16_t)size,
	};
	uint8_t record[WIRE_PROBE_LEN];

	wire_pack_probe(&echo, record);
	send_records(n, peer, peer->current ? peer->current : s,
		     &peer->endpoint->addr, record, sizeof(record), 0, now_us);
}

void send_bye(struct node *n, struct peer *peer, uint64_t now_us)
{
	uint8_t record[WIRE_RECORD_LEN];

	wire_pack_record(record, WIRE_BYE, 0, 0);
	send_records(n, peer, peer->current, &peer->endpoint->addr, record,
		     sizeof(record), 0, now_us);
}

void send_groups(struct node *n, struct peer *peer, const uint8_t *record,
		 size_t len, uint64_t now_us)
{
	send_records(n, peer, peer->current, &peer->endpoint->addr, record, len,
		     0, now_us);
}

/* A datagram being read: who sent it, on which session, how large it was. */
struct reading {
	struct peer *peer;	     /* NULL: still a candidate's */
	struct candidate *candidate; /* NULL: a peer's */
	struct session *session;
	const struct addr *from;
	uint64_t advance;
	size_t size;
	uint64_t now_us;
	bool over; /* the session is gone: read no further */
};

/* A session that is not open yet is answered where it is heard, as its handshake
 * was: the peer may have moved, or a stranger have shown its first hello before
 * it came itself. But its endpoint is where it shook hands, until an echo proves
 * another: a hello may bear anybody's address. */
static const struct addr *hello_answer_to(const struct node *n,
					  const struct reading *r)
{
	if (r->session->stage == SESSION_OPEN ||
	    endpoint_is_recursive(n, r->from))
		return &r->peer->endpoint->addr;
	return r->from;
}

static void hello_in(struct node *n, struct reading *r,
		     const struct wire_hello *hello)
{
	struct session *s;

	if (r->candidate) {
		s = candidate_identify(n, r->candidate, hello, &r->peer,
				       r->now_us);
		r->candidate = NULL;
		if (!s) {
			r->over = true;
			return;
		}
		r->session = s;
	}
	s = r->session;
	s->hello_heard = true;
	r->peer->tap_mtu = hello->tap_mtu;
	memcpy(r->peer->name, hello->name, sizeof(r->peer->name));
	if (hello->ack)
		s->hello_acked = true;
	if (hello->want) {
		send_hello(n, r->peer, s, hello_answer_to(n, r), true,
			   r->now_us);
		s->hello_us = r->now_us + SESSION_HELLO_US;
	}
	if (s->stage == SESSION_CONFIRMED && s->hello_acked)
		peer_session_opened(n, r->peer, s, r->now_us);
	else
		peer_arm(n, r->peer, r->now_us);
}

static void move_echo_in(struct node *n, struct reading *r)
{
	struct peer *peer = r->peer;
	struct endpoint *e;

	if (!addr_equal(r->from, &peer->move_to))
		return;
	peer->move_token = 0;
	e = endpoint_get(n, r->from);
	if (!e || e == peer->endpoint)
		return;
	peer_set_endpoint(n, peer, e, r->now_us);
	node_emit(n, NODE_PEER_MOVED, peer, &e->addr, NULL, "");
	peer_arm(n, peer, r->now_us);
}

static void echo_in(struct node *n, struct reading *r,
		    const struct wire_probe *echo)
{
	struct peer *peer = r->peer;

	if (peer->move_token && echo->time_us == peer->move_token) {
		move_echo_in(n, r);
		return;
	}
	if (pmtu_echoed(&peer->pmtu, echo->size, r->now_us))
		peer_arm(n, peer, r->now_us);
	if (peer->rival != TABLE_NONE && echo->time_us >= peer->rival_us)
		rival_refute(n, peer, r->now_us);
}

static void probe_in(struct node *n, struct reading *r,
		     const struct wire_probe *probe)
{
	liveness_report(&r->peer->liveness, probe,
			probe->echo && probe->size <= CONTROL_SIZE, r->now_us);
	if (r->advance)
		groups_reported(n, r->peer, probe, r->now_us);
	if (probe->echo) {
		echo_in(n, r, probe);
		return;
	}
	if (probe->size)
		liveness_announced(&r->peer->liveness);
	else if (r->size > CONTROL_SIZE)
		liveness_arrived(&r->peer->liveness);
	send_echo(n, r->peer, r->session, probe, r->size, r->now_us);
}

static void bye_in(struct node *n, struct reading *r)
{
	peer_sessions_drop(n, r->peer);
	peer_down(n, r->peer, PEER_WHY_BYE, r->now_us);
	peer_arm(n, r->peer, r->now_us);
	r->over = true;
}

static enum drop_reason fragment_in(struct node *n, struct reading *r,
				    const struct wire_record *record)
{
	struct wire_fragment fragment;
	struct wire_record whole;
	struct wire_frame frame;
	struct frag_done done;
	struct cursor c;
	enum drop_reason reason = wire_unpack_fragment(&fragment, record);

	if (reason != DROP_NONE)
		return reason;
	if (!frag_add(n->frag, r->peer->port, r->session->local, &fragment,
		      r->now_us, &done))
		return DROP_NONE; /* the module counts what it drops */
	c = cursor_init(done.record, done.len);
	reason = DROP_record_bad;
	if (wire_next_record(&c, &whole) && cursor_done(&c) &&
	    whole.kind == WIRE_FRAME)
		reason = wire_unpack_frame(&frame, &whole);
	if (reason == DROP_NONE)
		frame_in(n, r->peer, &frame, done.slot, r->now_us);
	else
		frag_release(n->frag, done.slot);
	return reason;
}

static enum drop_reason record_in(struct node *n, struct reading *r,
				  const struct wire_record *record)
{
	union {
		struct wire_frame frame;
		struct wire_hello hello;
		struct wire_probe probe;
	} u;
	enum drop_reason reason = DROP_NONE;

	if (record->kind == WIRE_HELLO) {
		reason = wire_unpack_hello(&u.hello, record);
		if (reason == DROP_NONE)
			hello_in(n, r, &u.hello);
		return reason;
	}
	if (record->kind == WIRE_PAD)
		return DROP_NONE;
	if (r->candidate)
		return DROP_record_early;
	/* Whoever sends more than hellos has our first hello. */
	if (r->session->stage == SESSION_CONFIRMED) {
		r->session->hello_acked = true;
		peer_session_opened(n, r->peer, r->session, r->now_us);
	}

	switch (record->kind) {
	case WIRE_FRAME:
		reason = wire_unpack_frame(&u.frame, record);
		if (reason == DROP_NONE)
			frame_in(n, r->peer, &u.frame, TABLE_NONE, r->now_us);
		break;
	case WIRE_FRAGMENT:
		reason = fragment_in(n, r, record);
		break;
	case WIRE_PROBE:
		reason = wire_unpack_probe(&u.probe, record);
		if (reason == DROP_NONE)
			probe_in(n, r, &u.probe);
		break;
	case WIRE_GROUPS:
		reason = groups_in(n, r->peer, record, r->now_us);
		break;
	case WIRE_BYE:
		bye_in(n, r);
		break;
	default: /* a later version's */
		break;
	}
	return reason;
}

static void records_in(struct node *n, struct reading *r,
		       const uint8_t *records, size_t len)
{
	struct cursor c = cursor_init(records, len);
	struct wire_record record;

	while (!r->over && wire_next_record(&c, &record)) {
		enum drop_reason reason = record_in(n, r, &record);

		if (reason != DROP_NONE)
			node_drop(n, reason);
	}
	if (!cursor_ok(&c))
		node_drop(n, DROP_record_bad);
}

void data_in(struct node *n, const struct addr *from, uint8_t *datagram,
	     size_t len, uint64_t now_us)
{
	struct reading r = { .from = from, .size = len, .now_us = now_us };
	struct wire_data header;
	const struct index_entry *entry;
	const uint8_t *records;
	size_t records_len;
	enum drop_reason reason = DROP_data_index;

	wire_unpack_data(&header, datagram);
	entry = table_find(n->indices, &header.receiver);
	if (entry && entry->session)
		reason = session_unseal(entry->session, datagram, len, now_us,
					&records, &records_len, &r.advance);
	if (reason != DROP_NONE) {
		node_drop(n, reason);
		return;
	}
	r.session = entry->session;
	r.peer = entry->peer;
	r.candidate = entry->candidate;
	n->rx.datagrams++;
	n->rx.bytes += len;
	if (r.candidate) {
		if (r.session->stage == SESSION_HALF_OPEN) {
			r.session->stage = SESSION_CONFIRMED;
			r.session->confirmed_us = now_us;
			n->half_open--;
		}
	} else {
		r.peer->rx.datagrams++;
		r.peer->rx.bytes += len;
		peer_heard(r.peer, r.session, r.advance, now_us);
		/* Until it is open, a session is answered where it is heard. */
		if (r.advance && r.session->stage == SESSION_OPEN)
			peer_heard_from(n, r.peer, from, len, now_us);
	}
	records_in(n, &r, records, records_len);
	/* The initiator's first word is its hello. A member that says anything
	 * else, again and again, would fill the table and keep others out. */
	if (r.candidate && !r.session->initiator)
		candidate_drop(n, r.candidate);
	if (!r.peer || r.over)
		return;
	peer_read(n, r.peer, now_us);
	if (groups_take_ack(n, r.peer) && r.peer->current)
		send_probe(n, r.peer, &r.peer->endpoint->addr, now_us);
}
