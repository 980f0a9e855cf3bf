/*
 * Messages 1, 2 and 3. Theory:
 *
 * Message 1 proves that its sender has, or replays somebody who had, the
 * network secret; nothing more. So it changes nothing about a peer: it makes a
 * candidate (candidate.c), of which there is a bounded number, for five seconds.
 * What it costs us is bounded in turn: one HMAC for a stranger; for a holder of
 * the secret, four X25519 as admission.c lets him. One that is repeated has one
 * place, and no second set of keys.
 *
 * A timestamp not newer than the last confirmed one is a replay, or a clock set
 * back. A cookie tells them apart: a recording cannot be given a new mac2.
 */
#include "node/handshake.h"

#include <assert.h>
#include <string.h>

#include "node/admission.h"
#include "node/dial.h"
#include "node/hello.h"
#include "node/leg.h"
#include "node/send.h"

/* To whatever address message 1 claims to come from. */
static_assert(WIRE_RESPONSE_LEN <= WIRE_INITIATION_LEN &&
		      WIRE_COOKIE_LEN <= WIRE_INITIATION_LEN,
	      "no answer is larger than its question");

/* The secret whose mac1 the message carries, or -1. */
static int secret_of(const struct node *n, const uint8_t *datagram, size_t len)
{
	for (size_t i = 0; i < n->secrets_count; i++)
		if (cookie_check_mac1(&n->secrets[i], datagram, len))
			return (int)i;
	return -1;
}

static void send_cookie(struct node *n, const struct way *to, uint32_t receiver,
			const struct secret *secret,
			const uint8_t mac1[WIRE_MAC_LEN], uint64_t now_us)
{
	uint8_t nonce[WIRE_COOKIE_NONCE_LEN], out[WIRE_COOKIE_LEN];

	if (!bucket_take(&n->cookies, now_us))
		return;
	node_random(n, nonce, sizeof(nonce));
	if (cookie_answer(&n->jar, n->aead, secret, &to->remote, receiver, mac1,
			  nonce, out))
		send_message(n, to, out, sizeof(out));
}

static void refuse_untrusted(struct node *n, const struct addr *from,
			     const struct public_key *key)
{
	struct node_event event = { .type = NODE_PEER_REFUSED,
				    .key = *key,
				    .peer = "",
				    .at = *from,
				    .text = "key not trusted",
				    .wanted = endpoints_wanted(n, from) };

	node_drop(n, DROP_untrusted_key);
	node_emit(n, event);
}

/* Message 2, which leaves from the address that was asked, and the half-open
 * session it leaves. */
static void answer(struct node *n, const struct way *from, struct noise *noise,
		   const struct secret *secret,
		   const struct wire_initiation *to, uint64_t timestamp_us,
		   const struct admission *account, uint64_t now_us)
{
	struct index_entry entry = { .kind = INDEX_CANDIDATE };
	struct wire_response m = { .receiver = to->sender };
	uint8_t ephemeral[NOISE_KEY_LEN], bytes[WIRE_RESPONSE_LEN];
	struct candidate *c;
	bool ok;

	node_random(n, ephemeral, sizeof(ephemeral));
	ok = noise_write2(noise, ephemeral, NULL, 0, m.noise);
	bytes_wipe(ephemeral, sizeof(ephemeral));
	if (!ok) {
		node_drop(n, DROP_handshake_auth);
		return;
	}
	m.sender = node_index_new(n, &entry);
	c = m.sender ? candidate_new(n, m.sender) : NULL;
	if (!c || !session_init(c->session, n->aead, noise, false, m.sender,
				to->sender, now_us)) {
		node_drop(n, DROP_handshake_half_open);
		if (c)
			candidate_drop(n, c);
		else if (m.sender)
			table_remove(n->indices, &m.sender);
		return;
	}
	memcpy(c->key.bytes, noise->rs, KEY_LEN);
	c->at = *from;
	c->timestamp_us = timestamp_us;
	candidate_note_asked(n, c, to->mac1);
	admission_keep(n, c, account);
	timers_set(&n->timers, &c->timer, now_us + SESSION_HALF_OPEN_US);
	wire_pack_response(&m, bytes);
	cookie_set_mac1(secret, bytes, sizeof(bytes));
	memcpy(c->response, bytes, sizeof(bytes));
	send_message(n, from, bytes, sizeof(bytes));
}

/* Message 1 was answered before. From another address it is once more: who overhears
 * one and is faster must not have its sender go unanswered. This answer gives another
 * index. So the first data message, which names one of the two, tells at which address
 * its sender could read; where it comes from tells nothing, for an insider can read
 * here and bear the address of somebody who never asked.
 *
 * Whoever is faster may use two addresses. So the second answer is for who proves that it
 * reads at its own, if anybody does. False: it may do so, and is to be given a cookie. */
static bool answer_again(struct node *n, struct candidate *c,
			 const struct way *from, bool cookie,
			 const struct secret *secret)
{
	const struct index_entry entry = { .kind = INDEX_CANDIDATE,
					   .candidate = c,
					   .session = c->session };
	uint8_t bytes[WIRE_RESPONSE_LEN];
	struct wire_response m;

	if (c->session->stage != SESSION_HALF_OPEN ||
	    addr_equal(&from->remote, &c->at.remote) ||
	    addr_equal(&from->remote, &c->also.remote)) {
		node_drop(n, DROP_handshake_again);
		return true;
	}
	if (c->also.remote.port && (c->also_proven || !cookie)) {
		node_drop(n, DROP_handshake_again);
		return c->also_proven;
	}
	wire_unpack_response(&m, c->response);
	table_remove(n->indices, &c->session->also_local);
	c->session->also_local = 0;
	m.sender = node_index_new(n, &entry);
	if (!m.sender) {
		node_drop(n, DROP_handshake_half_open);
		return true;
	}
	c->also = *from;
	c->also_proven = cookie;
	c->session->also_local = m.sender;
	wire_pack_response(&m, bytes);
	cookie_set_mac1(secret, bytes, sizeof(bytes));
	send_message(n, from, bytes, sizeof(bytes));
	return true;
}

/*
 * Our own key came in. If it is the initiation in flight, and arrived at the address
 * that it was sent to, we talk to ourselves: the endpoint is ours if nobody answers
 * before it is dialled again. At another of our addresses somebody mirrors it, which
 * is counted. If it is not in flight, it is a clone's, or an old one of ours that is
 * replayed: it is answered like any other, and who gets the response knows.
 */
static bool is_own_initiation(struct node *n, const struct way *from,
			      uint32_t sender,
			      const uint8_t ephemeral[NOISE_KEY_LEN])
{
	struct endpoint *e;
	const struct index_entry *entry = table_find(n->indices, &sender);

	if (!entry || entry->kind != INDEX_PENDING ||
	    memcmp(entry->endpoint->pending.noise.e_public, ephemeral,
		   NOISE_KEY_LEN) != 0)
		return false;
	e = entry->endpoint;
	if (addr_equal(&from->local, &e->addr))
		e->pending.mirrored = true;
	else if (e->heard.mirrored < UINT32_MAX)
		e->heard.mirrored++;
	return true;
}

/* A leg that leads to somebody else than it was made for, as a response proves, is of
 * no use. Message 1 proves nothing: whoever overhears a leg can repeat one there. */
static bool is_at_its_end(struct node *n, const struct addr *at,
			  const struct public_key *key, bool proven,
			  uint64_t now_us)
{
	struct leg *leg;

	if (leg_may_lead_to(n, at, key))
		return true;
	leg = proven ? leg_find(n, at->leg) : NULL;
	if (leg)
		leg_end(n, leg, true, now_us);
	node_drop(n, DROP_leg_key);
	return false;
}

/* The checks before any X25519: the claimed key, trust, timestamp. Counts the
 * refusal. */
static bool admit(struct node *n, const struct way *from,
		  const struct noise *noise, uint64_t timestamp_us,
		  const struct wire_initiation *m, bool cookie,
		  const struct secret *secret, uint64_t now_us)
{
	struct public_key key;
	const struct peer *peer;

	memcpy(key.bytes, noise->rs, KEY_LEN);
	if (!is_at_its_end(n, &from->remote, &key, false, now_us))
		return false;
	if (public_key_equal(&key, &n->key)) {
		if (is_own_initiation(n, from, m->sender, noise->re)) {
			node_drop(n, DROP_own_key);
			return false;
		}
	} else if (!node_trusts(n, &key)) {
		refuse_untrusted(n, &from->remote, &key);
		return false;
	}
	peer = peers_find(n, &key);
	if (!cookie && peer && timestamp_us <= peer->timestamp_us) {
		node_drop(n, DROP_stale_timestamp);
		send_cookie(n, from, m->sender, secret, m->mac1, now_us);
		return false;
	}
	return true;
}

/* Message 1 was read, and may be anybody's. */
static void admitted(struct node *n, const struct way *from,
		     struct noise *noise, const struct wire_initiation *m,
		     bool cookie, const struct secret *secret,
		     uint64_t timestamp_us, uint64_t now_us)
{
	struct admission account;
	enum drop_reason reason;
	struct endpoint *e;

	if (!admit(n, from, noise, timestamp_us, m, cookie, secret, now_us))
		return;
	reason = admission_take(n, from, cookie, now_us, &account);
	if (reason != DROP_NONE) {
		node_drop(n, reason);
		return;
	}
	answer(n, from, noise, secret, m, timestamp_us, &account, now_us);
	e = endpoints_find(n, &from->remote);
	if (e)
		endpoint_alive(n, e, now_us);
}

static void initiation_in(struct node *n, const struct way *from,
			  const uint8_t *datagram, const struct secret *secret,
			  uint64_t now_us)
{
	struct wire_initiation m;
	struct candidate *before;
	struct noise noise;
	uint8_t timestamp[WIRE_TIMESTAMP_LEN];
	bool cookie = cookie_check_mac2(&n->jar, &from->remote, datagram,
					WIRE_INITIATION_LEN);

	wire_unpack_initiation(&m, datagram);
	/* Before the Noise message is read, which costs six times its mac1. */
	if (!cookie && !from->remote.leg && admission_under_load(n, now_us)) {
		node_drop(n, DROP_mac2);
		send_cookie(n, from, m.sender, secret, m.mac1, now_us);
		return;
	}
	before = candidate_asked(n, m.mac1);
	if (before) {
		if (!answer_again(n, before, from, cookie, secret))
			send_cookie(n, from, m.sender, secret, m.mac1, now_us);
		return;
	}
	if (!noise_init(&noise, false, WIRE_PROLOGUE, strlen(WIRE_PROLOGUE),
			secret->psk, n->config.private_key, n->key.bytes) ||
	    !noise_read1(&noise, m.noise, sizeof(m.noise), timestamp)) {
		node_drop(n, DROP_handshake_auth);
	} else {
		admitted(n, from, &noise, &m, cookie, secret,
			 load_be64(timestamp), now_us);
	}
	noise_wipe(&noise);
}

/* The handshake in flight that a message names, or NULL and counted. */
static struct endpoint *pending_of(struct node *n, uint32_t index)
{
	const struct index_entry *entry = table_find(n->indices, &index);

	if (entry && entry->kind == INDEX_PENDING)
		return entry->endpoint;
	node_drop(n, DROP_handshake_index);
	return NULL;
}

/* The pending handshake became a session: it keeps its index. It goes on where
 * we dialled, wherever the response came from; one that came from there shows
 * which of our addresses is heard there. */
static void complete(struct node *n, struct endpoint *e, const struct way *from,
		     uint32_t remote, uint64_t now_us)
{
	uint32_t index = e->pending.index;
	struct candidate *c = candidate_new(n, index);

	if (!c) {
		node_drop(n, DROP_handshake_half_open);
		endpoint_cancel(n, e);
		return;
	}
	e->pending.index = 0;
	if (!session_init(c->session, n->aead, &e->pending.noise, true, index,
			  remote, now_us)) {
		node_drop(n, DROP_handshake_half_open);
		candidate_drop(n, c);
		endpoint_cancel(n, e);
		return;
	}
	memcpy(c->key.bytes, e->pending.noise.rs, KEY_LEN);
	c->at = (struct way){ .remote = e->addr };
	if (addr_equal(&from->remote, &e->addr))
		c->at.local = from->local;
	endpoint_cancel(n, e);
	hello_send_first(n, peers_find(n, &c->key), c->session, &c->at, now_us);
	timers_set(&n->timers, &c->timer, now_us + SESSION_HELLO_US);
}

/* The responder has our own private key: it is a host that was cloned from us.
 * A hello tells it who we are, so that both can be named. */
static void own_key_in(struct node *n, struct endpoint *e,
		       const struct way *from, uint32_t remote, uint64_t now_us)
{
	uint32_t index = e->pending.index;
	struct candidate *c;

	node_drop(n, DROP_own_key);
	complete(n, e, from, remote, now_us);
	c = table_find(n->candidates, &index);
	if (c)
		candidate_drop(n, c);
	e->reason = ENDPOINT_DUPLICATE;
	node_emit(n, (struct node_event){ .type = NODE_OWN_KEY,
					  .at = from->remote });
}

static void response_in(struct node *n, const struct way *from,
			const uint8_t *datagram, int secret, uint64_t now_us)
{
	struct wire_response m;
	struct public_key key;
	struct endpoint *e;

	wire_unpack_response(&m, datagram);
	e = pending_of(n, m.receiver);
	if (!e)
		return;
	if ((uint32_t)secret != e->pending.secret ||
	    !noise_read2(&e->pending.noise, m.noise, sizeof(m.noise), NULL)) {
		node_drop(n, DROP_handshake_auth);
		return;
	}
	memcpy(key.bytes, e->pending.noise.rs, KEY_LEN);
	if (!is_at_its_end(n, &e->addr, &key, true, now_us)) {
		endpoint_cancel(n, e);
		return;
	}
	if (public_key_equal(&key, &n->key)) {
		own_key_in(n, e, from, m.sender, now_us);
	} else if (!node_trusts(n, &key)) {
		refuse_untrusted(n, &e->addr, &key);
		peers_set_reason(n, &e->addr, ENDPOINT_UNTRUSTED);
		endpoint_cancel(n, e);
	} else {
		complete(n, e, from, m.sender, now_us);
	}
}

static void cookie_in(struct node *n, const uint8_t *datagram, struct clock now)
{
	struct wire_cookie m;
	struct endpoint *e;
	uint8_t cookie[COOKIE_LEN];

	wire_unpack_cookie(&m, datagram);
	e = pending_of(n, m.receiver);
	if (!e)
		return;
	if (!cookie_open(n->aead, &n->secrets[e->pending.secret], &m,
			 e->pending.mac1, cookie)) {
		node_drop(n, DROP_cookie_auth);
		return;
	}
	memcpy(e->cookie, cookie, sizeof(cookie));
	e->cookie_us = now.mono_us;
	dial_again(n, e, now);
}

void handshake_in(struct node *n, enum wire_type type, const struct way *from,
		  uint8_t *datagram, size_t len, struct clock now)
{
	uint8_t random[32];
	int secret;

	if (type == WIRE_COOKIE) {
		cookie_in(n, datagram, now);
		return;
	}
	secret = secret_of(n, datagram, len);
	if (secret < 0) {
		node_drop(n, DROP_mac1);
		if (type == WIRE_INITIATION)
			endpoint_other_secret(n, &from->remote);
		return;
	}
	if (now.mono_us - n->jar.made_us > COOKIE_LIFE_US || !n->jar.made_us) {
		node_random(n, random, sizeof(random));
		cookie_jar_turn(&n->jar, now.mono_us, random);
		bytes_wipe(random, sizeof(random));
	}
	if (type == WIRE_INITIATION)
		initiation_in(n, from, datagram, &n->secrets[secret],
			      now.mono_us);
	else
		response_in(n, from, datagram, secret, now.mono_us);
}
