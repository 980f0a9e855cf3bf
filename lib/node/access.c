/* Who is let in: the secrets and the trusted keys, and what follows from a change. */
#include <stdlib.h>
#include <string.h>

#include "node/candidate.h"
#include "node/exchange.h"

static bool has_secret(const struct node *n, const uint8_t psk[KEY_LEN])
{
	for (size_t i = 0; i < n->secrets_count; i++)
		if (bytes_equal(n->secrets[i].psk, psk, KEY_LEN))
			return true;
	return false;
}

/* Wipes sessions under a secret that is gone. Those under any other than the first
 * are renewed beside the old one. */
static void rekey_for_secrets(struct node *n, struct peer *peer,
			      uint64_t now_us)
{
	bool renew = false;

	for (size_t i = 0; i < PEERS_SESSIONS; i++) {
		struct session *s = peer->sessions[i];

		if (!s)
			continue;
		if (!has_secret(n, s->psk)) {
			peer_session_drop(n, peer, s);
			renew = true;
		} else if (s == peer->current &&
			   !bytes_equal(s->psk, n->secrets[0].psk, KEY_LEN)) {
			s->renew = true;
			renew = true;
		}
	}
	if (renew && peer->endpoint && !peer->current)
		endpoint_dial_now(n, peer->endpoint, now_us);
	if (renew)
		peer_arm(n, peer, now_us);
}

void node_set_secrets(struct node *n, const uint8_t (*secrets)[KEY_LEN],
		      size_t count, struct clock now)
{
	uint32_t at = TABLE_NONE;
	struct peer *peer;
	struct endpoint *e;
	struct candidate *c;

	for (size_t i = 0; i < NODE_SECRETS_MAX; i++)
		secret_wipe(&n->secrets[i]);
	n->secrets_count =
		(uint32_t)(count < NODE_SECRETS_MAX ? count : NODE_SECRETS_MAX);
	for (size_t i = 0; i < n->secrets_count; i++)
		secret_init(&n->secrets[i], secrets[i]);
	while ((c = candidates_next(n, &at)))
		if (!has_secret(n, c->session->psk))
			candidate_drop(n, c);
	at = TABLE_NONE;
	while ((e = endpoints_next(n, &at)))
		endpoint_cancel(n, e);
	at = TABLE_NONE;
	while ((peer = peers_next(n, &at)))
		rekey_for_secrets(n, peer, now.mono_us);
}

bool node_set_trusted(struct node *n, const struct public_key *trusted,
		      size_t count, struct clock now)
{
	struct public_key *copy = NULL;
	uint32_t at = TABLE_NONE;
	struct peer *peer;
	struct candidate *c;

	if (trusted) {
		/* An empty list trusts nobody, and is not "no list". */
		copy = calloc(count ? count : 1, sizeof(*copy));
		if (!copy)
			return false;
		memcpy(copy, trusted, count * sizeof(*copy));
	}
	free(n->trusted);
	n->trusted = copy;
	n->config.trusted_count = count;
	while ((peer = peers_next(n, &at))) {
		struct addr where;

		if (node_trusts(n, &peer->key))
			continue;
		where = peer->endpoint->addr;
		peer_drop(n, peer, PEER_REASON_UNTRUSTED, now.mono_us);
		peers_set_reason(n, &where, ENDPOINT_UNTRUSTED);
	}
	at = TABLE_NONE;
	while ((c = candidates_next(n, &at)))
		if (!node_trusts(n, &c->key))
			candidate_drop(n, c);
	at = TABLE_NONE;
	for (struct endpoint *e; (e = endpoints_next(n, &at));)
		if (e->reason == ENDPOINT_UNTRUSTED && !e->peer && e->sources)
			timers_set(&n->timers, &e->timer, now.mono_us);
	exchange_ask_anew(n, now.mono_us);
	return true;
}
