/* Datagrams from the network: opened, and read record by record. */
#include "node/candidate.h"
#include "node/conflict.h"
#include "node/copied.h"
#include "node/deliver.h"
#include "node/groups.h"
#include "node/handshake.h"
#include "node/hello.h"
#include "node/leg.h"
#include "node/paths.h"
#include "node/plain_receive.h"
#include "node/probe.h"
#include "node/relay.h"
#include "node/seek.h"

/* ---- records ---- */

/* A session that is not open yet is answered where it is heard, as its handshake
 * was: the peer may have moved, or a stranger have shown its first hello before it
 * came itself. One that another session carried is answered by the path in use. The
 * endpoint stays where the handshake was until an echo proves another: a hello may
 * bear anybody's address. */
static const struct way *hello_answer_to(const struct reading *r)
{
	if (r->session->stage == SESSION_OPEN || r->session->carried)
		return &r->peer->path.way;
	return r->from;
}

/* Answers a hello: once for a datagram, seldom on a session that is not open, and to
 * an address that is not proven with no more than came from there. */
static void answer_hello(struct node *n, struct reading *r)
{
	struct session *s = r->session;
	const struct way *to = hello_answer_to(r);

	if (r->said_hello) {
		node_drop(n, DROP_record_again);
		return;
	}
	r->said_hello = true;
	if (s->stage != SESSION_OPEN) {
		if (s->answered_us &&
		    r->now_us - s->answered_us < HELLO_ANSWER_US)
			return;
		s->answered_us = r->now_us;
	}
	if (to == r->from && !peer_may_answer(r, HELLO_SIZE))
		return;
	hello_send(n, r->peer, s, to, true, r->now_us);
	s->hello_us = r->now_us + SESSION_HELLO_US;
}

/* A candidate's hello says who it is: true if it is a peer's session now. */
static bool identify(struct node *n, struct reading *r,
		     const struct wire_hello *hello)
{
	enum candidate_fate fate;

	/* That is where its handshake went, which it could read. */
	r->proven = addr_equal(&r->from->remote, &r->candidate->at.remote);
	fate = candidate_identify(n, r->candidate, hello, &r->peer, &r->session,
				  r->now_us);

	r->candidate = NULL;
	r->over = fate != CANDIDATE_DECIDED;
	return fate == CANDIDATE_DECIDED;
}

static enum drop_reason hello_in(struct node *n, struct reading *r,
				 const struct wire_record *record)
{
	struct wire_hello hello;
	enum drop_reason reason = wire_unpack_hello(&hello, record);
	struct session *s;

	if (reason != DROP_NONE)
		return reason;
	if (r->candidate && !identify(n, r, &hello))
		return DROP_NONE;
	s = r->session;
	if (hello.epoch != r->peer->epoch || hello.version != WIRE_VERSION) {
		peer_session_drop(n, r->peer, s);
		peer_arm(n, r->peer, r->now_us);
		r->over = true;
		return DROP_hello_epoch;
	}
	s->hello_heard = true;
	seek_hello(n, r->peer, &hello, r->now_us);
	peer_adopt(n, r->peer, &hello);
	conflict_hello(n, r->peer, r->now_us);
	if (hello.ack)
		s->hello_acked = true;
	if (hello.want)
		answer_hello(n, r);
	if (s->stage == SESSION_CONFIRMED && s->hello_acked)
		peer_session_opened(n, r->peer, s, r->now_us);
	else
		peer_arm(n, r->peer, r->now_us);
	return DROP_NONE;
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
	if (!frag_add(n->lane.frag, r->peer->port, r->session->local, &fragment,
		      r->now_us, &done))
		return DROP_NONE; /* the module counts what it drops */
	c = cursor_init(done.record, done.len);
	reason = DROP_record_bad;
	if (wire_next_record(&c, &whole) && cursor_done(&c) &&
	    whole.kind == WIRE_FRAME)
		reason = wire_unpack_frame(&frame, &whole);
	if (reason == DROP_NONE)
		deliver_frame(n, r->peer, &frame, done.slot, r->now_us);
	else
		frag_release(n->lane.frag, done.slot);
	return reason;
}

static enum drop_reason frame_record_in(struct node *n, struct reading *r,
					const struct wire_record *record)
{
	struct wire_frame frame;
	enum drop_reason reason = wire_unpack_frame(&frame, record);

	if (reason == DROP_NONE)
		deliver_frame(n, r->peer, &frame, TABLE_NONE, r->now_us);
	return reason;
}

/* Whatever is no hello is read only once both ends hold each other's hello. */
static enum drop_reason record_in(struct node *n, struct reading *r,
				  const struct wire_record *record)
{
	if (record->kind == WIRE_HELLO)
		return hello_in(n, r, record);
	if (record->kind == WIRE_PAD)
		return DROP_NONE;
	if (r->candidate)
		return DROP_record_early;
	/* A peer that sends more than hellos has our first hello. */
	if (r->session->stage == SESSION_CONFIRMED) {
		r->session->hello_acked = true;
		peer_session_opened(n, r->peer, r->session, r->now_us);
	}
	if (record->kind == WIRE_FRAME)
		return frame_record_in(n, r, record);
	if (record->kind == WIRE_FRAGMENT)
		return fragment_in(n, r, record);
	return control_record(n, r, record);
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

/* ---- datagrams ---- */

/* Where the peer is: said by what it sends of its own accord. An echo comes the way
 * that our own probe took, a probe may be of another path, and until it is open, a
 * session is answered where it is heard. */
static bool shows_its_place(const struct reading *r, const uint8_t *records,
			    size_t len)
{
	return r->advance && r->session->stage == SESSION_OPEN &&
	       !wire_comes_beside(records, len);
}

static bool is_beside(const struct reading *r, const uint8_t *records,
		      size_t len)
{
	return wire_begins_with_probe(records, len) && r->peer->endpoint &&
	       !path_brings(&r->peer->path, r->from);
}

/* A datagram opened: counts it, and takes in what that alone says. */
static void opened(struct node *n, struct reading *r, const uint8_t *records,
		   size_t len)
{
	n->lane.rx.datagrams++;
	n->lane.rx.bytes += r->size;
	if (r->candidate) {
		if (r->session->stage == SESSION_HALF_OPEN)
			candidate_confirm(n, r->candidate, r->index, r->now_us);
		return;
	}
	r->peer->rx.datagrams++;
	r->peer->rx.bytes += r->size;
	peer_datagram_in(r->peer, r->session, r->advance,
			 is_beside(r, records, len), r->now_us);
	if (shows_its_place(r, records, len)) {
		leg_is_used(n, r->from->remote.leg, r->now_us);
		paths_heard(n, r);
	}
}

/* Every record was read: what is still to be done. */
static void read_through(struct node *n, struct reading *r)
{
	/* The initiator's first word is its hello. A member that says anything
	 * else, again and again, would fill the table and keep others out. */
	if (r->candidate && !r->session->initiator)
		candidate_drop(n, r->candidate);
	if (!r->peer || r->over)
		return;
	peer_alive(n, r->peer, r->now_us);
	if (!r->peer->owes_probe)
		return;
	r->peer->owes_probe = false;
	if (r->peer->current)
		probe_send(n, r->peer, &r->peer->path.way, r->now_us);
}

/* A leg leads to one host: what came by it on a session with another was handed on by
 * somebody else. */
static bool may_come_from(const struct node *n, const struct way *from,
			  const struct index_entry *entry)
{
	return leg_may_lead_to(n, &from->remote,
			       entry->peer ? &entry->peer->key
					   : &entry->candidate->key);
}

static void data_in(struct node *n, const struct way *from, uint8_t *datagram,
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
	if (entry && entry->session && !may_come_from(n, from, entry))
		reason = DROP_leg_key;
	else if (entry && entry->session)
		reason = session_unseal(entry->session, datagram, len, now_us,
					&records, &records_len, &r.advance);
	if (entry) {
		r.session = entry->session;
		r.peer = entry->peer;
		r.candidate = entry->candidate;
	}
	if (reason == DROP_replay && r.peer && copied_check(n, &r, datagram))
		reason = DROP_copied_sender;
	if (reason != DROP_NONE) {
		node_drop(n, reason);
		return;
	}
	r.index = header.receiver;
	opened(n, &r, records, records_len);
	records_in(n, &r, records, records_len);
	read_through(n, &r);
}

static void message_in(struct node *n, enum wire_type type,
		       const struct way *from, uint8_t *datagram, size_t len,
		       struct clock now)
{
	if (type == WIRE_DATA)
		data_in(n, from, datagram, len, now.mono_us);
	else
		handshake_in(n, type, from, datagram, len, now);
}

/* For the end of a leg, here or elsewhere. What ends here came from its relay, as far as
 * anybody can tell, and is as good as what comes from any address. */
static void relayed_in(struct node *n, const struct way *from,
		       uint8_t *datagram, size_t len, struct clock now)
{
	uint8_t *inner = datagram + WIRE_RELAYED_LEN;
	const struct peer *relay;
	enum drop_reason reason;
	struct wire_relayed m;
	enum wire_type type;
	struct leg *leg;
	struct way way;

	wire_unpack_relayed(&m, datagram);
	leg = leg_find(n, m.leg);
	if (!leg) {
		reason = relay_forward(n, from, m.leg, datagram, len,
				       now.mono_us);
		if (reason != DROP_NONE)
			node_drop(n, reason);
		return;
	}
	relay = leg->relay_index ? leg_relay_of(n, leg) : NULL;
	way = (struct way){ .remote = leg->addr };
	reason = wire_classify(inner, len - WIRE_RELAYED_LEN, &type);
	if (!relay)
		node_drop(n, DROP_leg_unknown);
	else if (!paths_has(relay, from))
		node_drop(n, DROP_leg_source);
	else if (reason != DROP_NONE)
		node_drop(n, reason);
	else
		message_in(n, type, &way, inner, len - WIRE_RELAYED_LEN, now);
}

static void datagram_in(struct node *n, const struct way *from,
			uint8_t *datagram, size_t len, struct clock now)
{
	enum wire_type type;
	enum drop_reason reason = wire_classify(datagram, len, &type);

	if (reason != DROP_NONE)
		node_drop(n, reason);
	else if (type == WIRE_RELAYED)
		relayed_in(n, from, datagram, len, now);
	else
		message_in(n, type, from, datagram, len, now);
}

static void run_in(struct node *n, const struct datagram_run *run,
		   struct clock now)
{
	const struct way from = { run->remote, run->local };
	const size_t segment = run->segment_len ? run->segment_len : run->len;

	if (!run->len)
		node_drop(n, DROP_datagram_short);
	for (size_t at = 0; at < run->len; at += segment)
		datagram_in(n, &from, run->data + at,
			    run->len - at < segment ? run->len - at : segment,
			    now);
}

void node_from_udp(struct node *n, const struct datagram_run *datagrams,
		   size_t count, struct clock now)
{
	for (size_t i = 0; i < count; i++)
		if (n->plain)
			plain_run_in(n, &datagrams[i], now.mono_us);
		else
			run_in(n, &datagrams[i], now);
	merge_flush(n->lane.merge);
	groups_tell(n, now.mono_us);
	pack_flush(&n->lane.packer);
	plain_flush(n);
}
