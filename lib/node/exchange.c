/*
 * Peers tell each other whom they have up. Theory:
 *
 * A node that knows one peer is to find all. So each keeps a list of the peers that it
 * has up itself, each with its key and the address where it is; nothing is passed on
 * from hearsay, so what is gone is in nobody's list any more without being told. A
 * newcomer asks its first peer and dials whom it is told of (hints.c); those need not
 * be told of the newcomer, for they meet it.
 *
 * Then there should be silence. Every probe and echo has a digest of the keys in its
 * sender's list, and the sender's, which is the same for all once all have met; and the
 * version of the list. A peer is asked if its digest is another than ours for three
 * intervals *and* its list has a version that we have not got. So what keeps digests
 * apart for good, two hosts that cannot meet or lists of trusted keys that differ,
 * costs one question after each change and no more. Only what is new since the version
 * that we have is asked for. What digests miss (they are sums, and whoever makes
 * them may lie), a whole list from somebody every ten minutes finds.
 *
 * In the first minute with others a node asks at once, for then its list differs from
 * everybody's; but always one peer a second, after the first.
 *
 * An answer is up to 26 KB for a question of 8 bytes, sent to an authenticated peer:
 * each is answered once a second, all of them with LISTED_HOSTS a second, and of the
 * second half of that each address has its even part.
 */
#include "node/exchange.h"

#include <stdlib.h>
#include <string.h>

#include "node/hello.h"
#include "node/hints.h"
#include "node/send.h"

#define DIFFERS_INTERVALS 3
#define ASK_US		  (1 * CLOCK_S)
/* The same peer: later than it answers again. */
#define ASK_AGAIN_US (1250 * CLOCK_MS)
#define ANSWER_US    (1 * CLOCK_S)
#define ANEW_US	     (600 * CLOCK_S)
/* An answer that comes later is not read. */
#define LATE_US (5 * CLOCK_S)
/* Hosts told a second: four lists of the largest mesh. */
#define LISTED_HOSTS (4 * NODE_PEERS_MAX)
/* Lists a second that are parted between addresses, at most. */
#define LISTS_PARTED 16
#define RECORD_LEN   (PMTU_MAX - WIRE_DATA_OVERHEAD)

static struct port_exchange *port_of(const struct node *n,
				     const struct peer *peer)
{
	return &n->exchange->ports[peer->port];
}

static uint64_t part_of(const struct public_key *key)
{
	return load_be64(key->bytes);
}

bool exchange_init(struct node *n, const uint8_t seed[TABLE_SEED_LEN])
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (!x)
		return false;
	n->exchange = x;
	TAILQ_INIT(&x->list);
	x->version = 1;
	x->ports = calloc(n->config.peers_max + 1, sizeof(*x->ports));
	x->asked = shares_new(n->config.peers_max + 1u, seed);
	return x->ports && x->asked;
}

void exchange_free(struct node *n)
{
	if (!n->exchange)
		return;
	free(n->exchange->ports);
	shares_free(n->exchange->asked);
	free(n->exchange);
}

static bool takes_part(const struct node *n, const struct peer *peer)
{
	return n->config.peer_exchange && peer->state == PEER_UP &&
	       peer->current && (peer->capabilities & WIRE_CAN_EXCHANGE);
}

static uint64_t digest(const struct node *n)
{
	return n->exchange->digest + part_of(&n->key);
}

/* ---- our list ---- */

/* It takes the next version, and is the last in the list. */
static void list(struct node *n, const struct peer *peer)
{
	struct exchange *x = n->exchange;
	struct port_exchange *p = port_of(n, peer);

	if (p->listed) {
		TAILQ_REMOVE(&x->list, p, in_list);
	} else {
		x->listed++;
		x->digest += part_of(&peer->key);
	}
	x->version++;
	p->listed = x->version;
	p->at = peer->path.way.remote;
	TAILQ_INSERT_TAIL(&x->list, p, in_list);
}

static void unlist(struct node *n, const struct peer *peer)
{
	struct exchange *x = n->exchange;
	struct port_exchange *p = port_of(n, peer);

	if (!p->listed)
		return;
	TAILQ_REMOVE(&x->list, p, in_list);
	p->listed = 0;
	x->listed--;
	x->digest -= part_of(&peer->key);
}

/* Others could not reach it there: a link's own address, or one of this host. */
static bool is_for_others(const struct addr *at)
{
	return !at->scope && !at->leg && !addr_is_link_local(at) &&
	       !addr_is_loopback(at);
}

/* ---- questions ---- */

static void ask(struct node *n, struct peer *peer, uint32_t since,
		uint64_t now_us)
{
	struct port_exchange *p = port_of(n, peer);
	uint8_t record[WIRE_PEERS_ASK_LEN];

	hints_informant_listed(n, peer->port, peer_wanted(n, peer));
	wire_pack_peers_ask(since, record);
	send_record(n, peer, peer->current, &peer->path.way, record,
		    sizeof(record), 0, now_us);
	p->held = since;
	p->asked_us = now_us;
	p->room = 2 * n->config.peers_max;
	n->exchange->ask_us = now_us + ASK_US;
}

/* From when on the peer is to be asked, or CLOCK_NEVER. */
static uint64_t ask_when(const struct node *n, const struct peer *peer,
			 uint64_t now_us)
{
	const struct port_exchange *p = port_of(n, peer);
	uint64_t wait_us = DIFFERS_INTERVALS * n->config.interval_us, due_us;

	if (!takes_part(n, peer) || !p->differs_us)
		return CLOCK_NEVER;
	/* It said nothing yet: only who knows nobody asks all the same. */
	if (p->list == 0 ? p->held || !hints_are_young(n, now_us)
			 : p->list == p->held || p->digest == digest(n))
		return CLOCK_NEVER;
	if (hints_are_young(n, now_us))
		wait_us = 0;
	due_us = p->differs_us + wait_us;
	if (p->asked_us && due_us < p->asked_us + ASK_AGAIN_US)
		due_us = p->asked_us + ASK_AGAIN_US;
	return due_us > n->exchange->ask_us ? due_us : n->exchange->ask_us;
}

/* a is asked rather than b: it waited longer; of several that never were any, drawn by
 * `lot`, so that not all ask the same one. */
static bool asked_first(const struct node *n, const struct peer *a,
			const struct peer *b, uint32_t lot)
{
	const uint64_t a_us = port_of(n, a)->asked_us;
	const uint64_t b_us = port_of(n, b)->asked_us;

	if (a_us != b_us)
		return a_us < b_us;
	return (a->port * UINT32_C(2654435761) ^ lot) <
	       (b->port * UINT32_C(2654435761) ^ lot);
}

/* Of those that are to be asked: a member whose list is ever another has its turn with
 * the rest. Every second time one that a source lists, for the others may be one
 * member's, all of them. */
static struct peer *whom_to_ask(struct node *n, uint64_t now_us)
{
	struct peer *peer, *first[2] = { NULL };
	bool listed = !n->exchange->asked_listed;
	uint32_t at = TABLE_NONE, lot;

	node_random(n, &lot, sizeof(lot));
	peers_note_wanted(n);
	while ((peer = peers_next(n, &at))) {
		struct peer **best = &first[peer->wanted];

		if (now_us >= ask_when(n, peer, now_us) &&
		    (!*best || asked_first(n, peer, *best, lot)))
			*best = peer;
	}
	if (!first[listed])
		listed = !listed;
	n->exchange->asked_listed = listed;
	return first[listed];
}

static uint64_t exchange_deadline(struct node *n, struct peer *peer,
				  uint64_t now_us)
{
	return ask_when(n, peer, now_us);
}

static void exchange_due(struct node *n, struct peer *peer, uint64_t now_us)
{
	struct exchange *x = n->exchange;
	struct port_exchange *p = port_of(n, peer);

	if (p->listed && !addr_equal(&p->at, &peer->path.way.remote))
		list(n, peer);
	if (takes_part(n, peer) && now_us >= x->anew_us) {
		x->anew_us = now_us + node_jitter(n, ANEW_US);
		ask(n, peer, 0, now_us);
	} else if (now_us >= ask_when(n, peer, now_us)) {
		peer = whom_to_ask(n, now_us);
		ask(n, peer, port_of(n, peer)->held, now_us);
	}
}

/* ---- answers ---- */

/* Of lists as long as ours is, so many fit in the second half of what is told. */
static uint32_t lists_parted(const struct node *n)
{
	const uint32_t listed = n->exchange->listed;
	/* A record of them counts as one more. */
	const uint32_t parted = LISTED_HOSTS / 2 / (listed + listed / 16 + 1);

	return parted > LISTS_PARTED ? LISTS_PARTED : parted ? parted : 1;
}

/* False if it asks too often, or there are too many who ask. */
static bool may_be_answered(struct node *n, const struct peer *peer,
			    uint64_t now_us)
{
	struct exchange *x = n->exchange;
	struct port_exchange *p = port_of(n, peer);
	const struct addr *at = &peer->path.way.remote;

	if (p->answered_us && now_us - p->answered_us < ANSWER_US)
		return false;
	if (now_us - x->second_us >= CLOCK_S) {
		x->second_us = now_us;
		x->told = 0;
		shares_clear(x->asked);
	}
	if (x->told >= LISTED_HOSTS ||
	    (x->told >= LISTED_HOSTS / 2 &&
	     !shares_within(x->asked, at, lists_parted(n))))
		return false;
	(void)shares_add(x->asked, at);
	p->answered_us = now_us;
	return true;
}

/* The first in the list that came in after that version. */
static struct port_exchange *first_after(const struct exchange *x,
					 uint32_t since)
{
	struct port_exchange *first = NULL;
	struct port_exchange *p = TAILQ_LAST(&x->list, exchange_list);

	for (; p && p->listed > since;
	     p = TAILQ_PREV(p, exchange_list, in_list))
		first = p;
	return first;
}

/* Hosts from *p on, as many as the record holds. Returns how many. */
static size_t fill(const struct node *n, const struct peer *to,
		   struct port_exchange **p, size_t room, uint8_t *out,
		   uint32_t *version)
{
	size_t hosts = 0;

	for (; *p && hosts < room; *p = TAILQ_NEXT(*p, in_list)) {
		const struct peer *peer =
			peers_at_port(n, (uint16_t)(*p - n->exchange->ports));
		struct wire_host host = { .addr = (*p)->at };

		*version = (*p)->listed;
		if (!peer || peer == to || !is_for_others(&host.addr))
			continue;
		memcpy(host.key, peer->key.bytes, sizeof(host.key));
		wire_pack_host(&host, out + hosts++ * WIRE_HOST_LEN);
	}
	return hosts;
}

static void answer(struct node *n, struct peer *peer, uint32_t since,
		   uint64_t now_us)
{
	struct exchange *x = n->exchange;
	const size_t room = ((size_t)peer->path.pmtu.size - WIRE_DATA_OVERHEAD -
			     WIRE_PEERS_LEN) /
			    WIRE_HOST_LEN;
	struct wire_peers list = { .version = since };
	struct port_exchange *p;
	uint8_t record[RECORD_LEN];

	/* That of a process before this one. */
	if (since > x->version)
		list.version = since = 0;
	p = first_after(x, since);
	do {
		size_t hosts;

		list.base = list.version;
		hosts = fill(n, peer, &p, room, record + WIRE_PEERS_LEN,
			     &list.version);
		if (!p)
			list.version = x->version;
		wire_pack_peers(&list, hosts, record);
		send_record(n, peer, peer->current, &peer->path.way, record,
			    WIRE_PEERS_LEN + hosts * WIRE_HOST_LEN, 0, now_us);
		x->told += (uint32_t)hosts + 1;
	} while (p && x->told < LISTED_HOSTS);
}

static enum drop_reason read_list(struct node *n, const struct reading *r,
				  struct wire_peers *list)
{
	struct port_exchange *p = port_of(n, r->peer);
	struct wire_host host;

	if (!p->asked_us || r->now_us - p->asked_us >= LATE_US)
		return DROP_exchange_rate;
	while (wire_next_host(list, &host)) {
		struct public_key key;

		if (p->room == 0)
			return DROP_exchange_rate;
		p->room--;
		memcpy(key.bytes, host.key, sizeof(key.bytes));
		hints_add(n, r->peer->port, &key, &host.addr, r->now_us);
	}
	/* If a part got lost, it is asked for again from there. */
	if (list->base <= p->held && list->version > p->held)
		p->held = list->version;
	return DROP_NONE;
}

static enum drop_reason peers_in(struct node *n, struct reading *r,
				 const struct wire_record *record)
{
	struct wire_peers p;
	enum drop_reason reason = wire_unpack_peers(&p, record);

	if (reason != DROP_NONE || !takes_part(n, r->peer))
		return reason;
	if (!p.ask)
		return read_list(n, r, &p);
	if (!may_be_answered(n, r->peer, r->now_us))
		return DROP_exchange_rate;
	answer(n, r->peer, p.since, r->now_us);
	return DROP_NONE;
}

/* ---- what happens to peers ---- */

static void exchange_peer_up(struct node *n, struct peer *peer, uint64_t now_us)
{
	struct exchange *x = n->exchange;
	struct port_exchange *p = port_of(n, peer);

	hints_peer_up(n, now_us);
	if (p->listed)
		return;
	if (x->listed == 0) {
		x->anew_us = now_us + node_jitter(n, ANEW_US);
		hints_begin(n, now_us);
	}
	list(n, peer);
	p->differs_us = now_us;
}

static void exchange_peer_gone(struct node *n, struct peer *peer)
{
	struct port_exchange *p = port_of(n, peer);

	unlist(n, peer);
	*p = (struct port_exchange){ .answered_us = p->answered_us };
	hints_informant_gone(n, peer->port);
}

static void exchange_peer_removed(struct node *n, struct peer *peer)
{
	hints_informant_removed(n, peer->port);
}

static void exchange_stamp(struct node *n, const struct peer *peer,
			   struct wire_probe *probe)
{
	if (!takes_part(n, peer))
		return;
	probe->digest = digest(n);
	probe->list = n->exchange->version;
}

static void exchange_reported(struct node *n, struct peer *peer,
			      const struct wire_probe *probe, uint64_t now_us)
{
	struct port_exchange *p = port_of(n, peer);

	p->digest = probe->digest;
	p->list = probe->list;
	if (p->digest == digest(n)) {
		p->differs_us = 0;
	} else if (!p->differs_us) {
		p->differs_us = now_us;
		peer_arm(n, peer, now_us);
	}
}

const struct control exchange_control = {
	.kind = WIRE_PEERS,
	.record = peers_in,
	.peer_up = exchange_peer_up,
	.peer_gone = exchange_peer_gone,
	.peer_removed = exchange_peer_removed,
	.deadline = exchange_deadline,
	.due = exchange_due,
	.stamp = exchange_stamp,
	.reported = exchange_reported,
};

/* ---- what the owner sets ---- */

void exchange_ask_anew(struct node *n, uint64_t now_us)
{
	uint32_t at = TABLE_NONE;
	struct peer *peer;

	while ((peer = peers_next(n, &at))) {
		port_of(n, peer)->held = 0;
		peer_arm(n, peer, now_us);
	}
}

void node_set_peer_exchange(struct node *n, bool on, struct clock now)
{
	if (on == n->config.peer_exchange)
		return;
	n->config.peer_exchange = on;
	if (on)
		exchange_ask_anew(n, now.mono_us);
	else
		hints_stop(n);
	hello_repeat(n, now.mono_us);
}
