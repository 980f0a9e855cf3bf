/*
 * New keys for a session that is open. Theory:
 *
 * Two nodes with a session need nobody's leave to make the next one. The handshake's
 * messages travel as records of the session, so none of the limits apply that
 * strangers are kept to, and no third party can come between: who fills the tables
 * of half-open handshakes, or uses up their rate, keeps out strangers at most.
 *
 * It is the same Noise handshake, statics and secret included, bound to the session
 * that carries it by the prologue. So who stole a session's keys, and nothing else,
 * is rid of with the next rekey; and messages of another session fit nowhere.
 *
 * A member can send such records as fast as he likes, and each costs four curve
 * operations: so one may be under way for each peer, one is answered for each
 * datagram and one in REKEY_EVERY_US for each peer, and a repeated one has the
 * answer that it had. Only the session that is sent on carries any.
 *
 * Of two that cross, the one of the smaller key stands. A responder's session is
 * half open until a datagram of it opens, as any responder's; its hello must name
 * the process that the peer is, and is taken to have come by the path in use.
 */
#include "node/rekey.h"

#include <string.h>

#include "node/hello.h"
#include "node/send.h"

/* ---- what both ends do ---- */

static bool begin_noise(const struct node *n, struct noise *noise,
			bool initiator, const struct session *carrier,
			const struct secret *secret)
{
	uint8_t prologue[sizeof(WIRE_REKEY_PROLOGUE) - 1 + NOISE_HASH_LEN];

	memcpy(prologue, WIRE_REKEY_PROLOGUE, sizeof(WIRE_REKEY_PROLOGUE) - 1);
	memcpy(prologue + sizeof(WIRE_REKEY_PROLOGUE) - 1, carrier->hash,
	       NOISE_HASH_LEN);
	return noise_init(noise, initiator, prologue, sizeof(prologue),
			  secret->psk, n->config.private_key, n->key.bytes);
}

/* True if the handshake shows the key that the session belongs to. */
static bool is_the_peers(const struct noise *noise, const struct peer *peer)
{
	return memcmp(noise->rs, peer->key.bytes, KEY_LEN) == 0;
}

/* The session that the handshake made, one of the peer's now. index: ours, bound
 * already. NULL if memory is short; then the index is free again. */
static struct session *keep_session(struct node *n, struct peer *peer,
				    const struct noise *noise, bool initiator,
				    uint32_t index, uint32_t remote,
				    uint64_t now_us)
{
	struct session *s = table_insert(n->sessions, &index);

	if (s &&
	    session_init(s, n->aead, noise, initiator, index, remote, now_us)) {
		s->carried = true;
		peer_session_add(n, peer, s);
		return s;
	}
	node_drop(n, DROP_handshake_half_open);
	table_remove(n->sessions, &index);
	table_remove(n->indices, &index);
	return NULL;
}

/* ---- message 1, sent ---- */

static void cancel(struct node *n, struct rekey_state *r)
{
	if (r->ours.index)
		table_remove(n->indices, &r->ours.index);
	bytes_wipe(&r->ours, sizeof(r->ours));
}

static void send_ours(struct node *n, struct peer *peer, uint64_t now_us)
{
	struct rekey_state *r = &peer->rekey;

	r->ours.sent_us = now_us;
	send_record(n, peer, peer->current, &peer->path.way, r->ours.record,
		    sizeof(r->ours.record), 0, now_us);
}

/* With two secrets, tries take turns, as those of a handshake do. */
static void begin(struct node *n, struct peer *peer, uint64_t now_us)
{
	struct rekey_state *r = &peer->rekey;
	const struct secret *secret = &n->secrets[r->tries % n->secrets_count];
	struct index_entry entry = { .kind = INDEX_REKEY, .peer = peer };
	struct wire_rekey_1 m = { 0 };
	uint8_t ephemeral[NOISE_KEY_LEN];
	bool ok;

	r->tries++;
	r->began_us = now_us;
	node_random(n, ephemeral, sizeof(ephemeral));
	ok = begin_noise(n, &r->ours.noise, true, peer->current, secret) &&
	     noise_write1(&r->ours.noise, ephemeral, NULL, 0, m.noise);
	bytes_wipe(ephemeral, sizeof(ephemeral));
	m.sender = ok ? node_index_new(n, &entry) : 0;
	r->ours.index = m.sender;
	if (!m.sender) {
		cancel(n, r);
		return;
	}
	r->ours.carrier = peer->current->local;
	wire_pack_rekey_1(&m, r->ours.record);
	cookie_mac1(secret, r->ours.record + WIRE_RECORD_LEN,
		    WIRE_REKEY_MAC1_COVERS,
		    r->ours.record + WIRE_REKEY_1_LEN - WIRE_MAC_LEN);
	send_ours(n, peer, now_us);
}

/* ---- when ---- */

static bool wanted(const struct peer *peer, uint64_t now_us)
{
	return peer->state == PEER_UP && peer->current &&
	       (peer->current->renew ||
		session_wants_rekey(peer->current, now_us));
}

static uint64_t rekey_deadline(struct node *n, struct peer *peer,
			       uint64_t now_us)
{
	const struct rekey_state *r = &peer->rekey;
	uint64_t again;

	(void)n;
	if (!wanted(peer, now_us))
		return CLOCK_NEVER;
	if (!r->tries)
		return now_us;
	again = r->began_us + REKEY_EVERY_US;
	return r->ours.index
		       ? clock_earlier(again, r->ours.sent_us + REKEY_REPEAT_US)
		       : again;
}

static void rekey_due(struct node *n, struct peer *peer, uint64_t now_us)
{
	struct rekey_state *r = &peer->rekey;
	bool again = now_us - r->began_us >= REKEY_EVERY_US;

	if (r->ours.index && (!wanted(peer, now_us) ||
			      peer->current->local != r->ours.carrier || again))
		cancel(n, r);
	if (!wanted(peer, now_us))
		r->tries = 0;
	else if (!r->ours.index && (!r->tries || again))
		begin(n, peer, now_us);
	else if (r->ours.index && now_us - r->ours.sent_us >= REKEY_REPEAT_US)
		send_ours(n, peer, now_us);
}

void rekey_forget(struct node *n, struct peer *peer)
{
	cancel(n, &peer->rekey);
	rekey_wipe(&peer->rekey);
}

/* ---- message 1, received ---- */

static const struct secret *secret_of(const struct node *n,
				      const struct wire_record *record)
{
	const size_t covered = WIRE_REKEY_MAC1_COVERS;
	uint8_t mac[WIRE_MAC_LEN];

	for (size_t i = 0; i < n->secrets_count; i++)
		if (cookie_mac1(&n->secrets[i], record->body, covered, mac) &&
		    bytes_equal(mac, record->body + covered, sizeof(mac)))
			return &n->secrets[i];
	return NULL;
}

static void send_answer(struct node *n, const struct reading *r)
{
	const struct rekey_state *k = &r->peer->rekey;

	send_record(n, r->peer, r->session, &r->peer->path.way,
		    k->theirs.answer, sizeof(k->theirs.answer), 0, r->now_us);
}

/* Message 2 and the half-open session it leaves. */
static enum drop_reason answer(struct node *n, const struct reading *r,
			       struct noise *noise, uint32_t remote)
{
	struct index_entry entry = { .kind = INDEX_REKEY, .peer = r->peer };
	struct rekey_state *k = &r->peer->rekey;
	struct wire_rekey_2 m = { .receiver = remote };
	uint8_t ephemeral[NOISE_KEY_LEN];
	bool ok;

	node_random(n, ephemeral, sizeof(ephemeral));
	ok = noise_write2(noise, ephemeral, NULL, 0, m.noise);
	bytes_wipe(ephemeral, sizeof(ephemeral));
	if (!ok)
		return DROP_handshake_auth;
	m.sender = node_index_new(n, &entry);
	if (!m.sender)
		return DROP_handshake_half_open;
	if (!keep_session(n, r->peer, noise, false, m.sender, remote,
			  r->now_us))
		return DROP_NONE;
	k->theirs.index = m.sender;
	k->theirs.remote = remote;
	memcpy(k->theirs.ephemeral, noise->re, NOISE_KEY_LEN);
	wire_pack_rekey_2(&m, k->theirs.answer);
	send_answer(n, r);
	return DROP_NONE;
}

static enum drop_reason read_ask(struct node *n, const struct reading *r,
				 const struct wire_rekey_1 *m,
				 const struct secret *secret)
{
	enum drop_reason reason = DROP_handshake_auth;
	struct noise noise;
	bool opens = begin_noise(n, &noise, false, r->session, secret) &&
		     noise_read1(&noise, m->noise, sizeof(m->noise), NULL);

	if (opens && is_the_peers(&noise, r->peer))
		reason = answer(n, r, &noise, m->sender);
	noise_wipe(&noise);
	return reason;
}

/* It repeats the peer's last one, whose session is still there. */
static bool is_repeated(const struct node *n, const struct rekey_state *k,
			const struct wire_rekey_1 *m)
{
	return k->theirs.index && k->theirs.remote == m->sender &&
	       !memcmp(k->theirs.ephemeral, m->noise, NOISE_KEY_LEN) &&
	       table_find(n->indices, &k->theirs.index);
}

static enum drop_reason ask_in(struct node *n, struct reading *r,
			       const struct wire_record *record)
{
	struct rekey_state *k = &r->peer->rekey;
	const struct secret *secret;
	struct wire_rekey_1 m;
	enum drop_reason reason = wire_unpack_rekey_1(&m, record);

	if (reason != DROP_NONE)
		return reason;
	if (r->rekeyed)
		return DROP_record_again;
	r->rekeyed = true;
	if (r->session != r->peer->current)
		return DROP_rekey_refused;
	if (is_repeated(n, k, &m)) {
		send_answer(n, r);
		return DROP_NONE;
	}
	if (k->ours.index && peer_we_are_smaller(n, r->peer))
		return DROP_rekey_refused;
	if (!rekey_take(k, r->now_us))
		return DROP_rekey_rate;
	secret = secret_of(n, record);
	if (!secret)
		return DROP_mac1;
	cancel(n, k);
	return read_ask(n, r, &m, secret);
}

/* ---- message 2 ---- */

static enum drop_reason answer_in(struct node *n, struct reading *r,
				  const struct wire_record *record)
{
	struct rekey_state *k = &r->peer->rekey;
	struct wire_rekey_2 m;
	enum drop_reason reason = wire_unpack_rekey_2(&m, record);
	struct session *s;

	if (reason != DROP_NONE)
		return reason;
	if (!k->ours.index || m.receiver != k->ours.index ||
	    r->session->local != k->ours.carrier)
		return DROP_handshake_index;
	if (!noise_read2(&k->ours.noise, m.noise, sizeof(m.noise), NULL))
		return DROP_handshake_auth;
	if (!is_the_peers(&k->ours.noise, r->peer)) {
		cancel(n, k);
		return DROP_handshake_auth;
	}
	s = keep_session(n, r->peer, &k->ours.noise, true, k->ours.index,
			 m.sender, r->now_us);
	k->ours.index = 0;
	cancel(n, k);
	k->tries = 0;
	if (!s)
		return DROP_NONE;
	hello_send(n, r->peer, s, &r->peer->path.way, false, r->now_us);
	s->hello_us = r->now_us + SESSION_HELLO_US;
	peer_arm(n, r->peer, r->now_us);
	return DROP_NONE;
}

const struct control rekey_control = {
	.kind = WIRE_REKEY_1,
	.record = ask_in,
	.peer_gone = rekey_forget,
	.peer_removed = rekey_forget,
	.deadline = rekey_deadline,
	.due = rekey_due,
};

const struct control rekey_answer_control = {
	.kind = WIRE_REKEY_2,
	.record = answer_in,
};
