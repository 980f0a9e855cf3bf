/*
 * Every peer that is up is asked for its row (answer.c): its links, a datagram at a
 * time. It answers once a second, and is asked for the next part when one came; a few
 * at a time are asked first, for their answers come together. The rest is what this
 * node has measured itself. A link's other end is known by the first bytes of its key;
 * one that is no peer here is left out.
 *
 * A peer says itself where the rest of its row begins, and could go on for ever: all of
 * it has to be here within MESH_US.
 */
#include "node/mesh.h"

#include <stdlib.h>
#include <string.h>

#include "node/send.h"

/* An answer comes within a second and a bit of the one before: answer.c. */
#define AGAIN_US    (1200 * CLOCK_MS)
#define TRIES	    3
#define MESH_US	    (20 * CLOCK_S)
#define ASK_BURST   32
#define ASK_PACE_US (10 * CLOCK_MS)

bool mesh_init(struct node *n)
{
	n->mesh = calloc(1, sizeof(*n->mesh));
	if (!n->mesh)
		return false;
	n->mesh->timer.kind = NODE_TIMER_MESH;
	return true;
}

static void let_go(struct mesh *m)
{
	free(m->hosts);
	free(m->places);
	free(m->links);
	free(m->host_of);
	*m = (struct mesh){ .timer = m->timer };
}

void mesh_free(struct node *n)
{
	if (n->mesh)
		let_go(n->mesh);
	free(n->mesh);
}

static struct node_mesh_link *row_of(const struct mesh *m, size_t i)
{
	return m->links + i * m->count;
}

/* ---- questions ---- */

static void ask(struct node *n, struct mesh_host *h, struct peer *peer,
		uint64_t now_us)
{
	const struct wire_ask q = { .kind = WIRE_ASK_ROW,
				    .first = h->first,
				    .token = n->mesh->token };
	uint8_t record[WIRE_ASK_TEST_LEN];

	send_record(n, peer, peer->current, &peer->path.way, record,
		    wire_pack_ask(&q, record), 0, now_us);
	h->tries++;
	h->ask_us = now_us + AGAIN_US;
}

static struct peer *peer_of(const struct node *n, const struct mesh_host *h)
{
	struct peer *peer = h->asked ? peers_at_port(n, h->port) : NULL;

	return peer && peer->state == PEER_UP && peer->current ? peer : NULL;
}

void mesh_timer(struct node *n, uint64_t now_us)
{
	struct mesh *m = n->mesh;
	uint64_t next_us = CLOCK_NEVER;
	unsigned burst = ASK_BURST;

	for (size_t i = 1; i < m->count; i++) {
		struct mesh_host *h = &m->hosts[i];
		struct peer *peer = peer_of(n, h);

		if (!peer || h->answered ||
		    (h->tries == TRIES && now_us >= h->ask_us))
			continue;
		if (now_us >= h->ask_us && burst) {
			ask(n, h, peer, now_us);
			burst--;
		}
		next_us = clock_earlier(
			next_us,
			h->ask_us > now_us ? h->ask_us : now_us + ASK_PACE_US);
	}
	m->done = next_us == CLOCK_NEVER || now_us >= m->end_us;
	timers_set(&n->timers, &m->timer,
		   m->done ? CLOCK_NEVER : clock_earlier(next_us, m->end_us));
}

/* ---- answers ---- */

static int compare_places(const void *a, const void *b)
{
	const struct mesh_place *x = a, *y = b;

	return memcmp(x->key, y->key, sizeof(x->key));
}

/* The host whose key begins so; 0 if there is none, and for us. The largest mesh has a
 * quarter of a million links, and frames wait for each. */
static size_t find_host(const struct mesh *m, const struct wire_link *l)
{
	const struct mesh_place *found;
	struct mesh_place wanted;

	memcpy(wanted.key, l->key, sizeof(wanted.key));
	found = bsearch(&wanted, m->places, m->count - 1, sizeof(wanted),
			compare_places);
	return found ? found->at : 0;
}

static bool is_ours(const struct node *n, const struct wire_link *l)
{
	return memcmp(n->key.bytes, l->key, sizeof(l->key)) == 0;
}

static void note_link(struct node *n, size_t from, const struct wire_link *l)
{
	size_t to = find_host(n->mesh, l);

	if (to == from || (to == 0 && !is_ours(n, l)))
		return;
	row_of(n->mesh, from)[to] = (struct node_mesh_link){
		.known = true,
		.rtt_us = l->rtt_us,
		.loss = (float)l->loss / WIRE_LINK_ALL_LOST,
	};
}

void mesh_answered(struct node *n, const struct peer *peer,
		   struct wire_answer *a, uint64_t now_us)
{
	struct mesh *m = n->mesh;
	struct wire_link link;
	struct mesh_host *h;
	size_t i;

	if (!m->hosts || m->done || a->token != m->token)
		return;
	i = m->host_of[peer->port];
	h = &m->hosts[i];
	if (i == 0 || h->answered || !h->tries || a->first != h->first)
		return;
	while (wire_next_link(a, &link))
		note_link(n, i, &link);
	h->answered = a->next <= a->first || a->next > NODE_PEERS_MAX;
	h->first = a->next;
	h->tries = 0;
	h->ask_us = now_us;
	timers_set(&n->timers, &m->timer, now_us);
}

void mesh_peer_gone(struct node *n, const struct peer *peer)
{
	struct mesh *m = n->mesh;

	if (!m->hosts)
		return;
	m->hosts[m->host_of[peer->port]].asked = false;
	m->host_of[peer->port] = 0;
}

/* ---- what the owner asks ---- */

static void add_host(struct node *n, const struct peer *peer)
{
	struct mesh *m = n->mesh;
	struct mesh_host *h = &m->hosts[m->count];

	h->key = peer->key;
	memcpy(h->name, peer->name, sizeof(h->name));
	h->port = peer->port;
	h->asked = peer->state == PEER_UP && peer->current &&
		   (peer->capabilities & WIRE_CAN_ANSWER);
	m->host_of[peer->port] = (uint16_t)m->count++;
}

/* False if memory is short. */
static bool sort_places(struct mesh *m)
{
	m->places = calloc(m->count, sizeof(*m->places));
	if (!m->places)
		return false;
	for (size_t i = 1; i < m->count; i++) {
		struct mesh_place *place = &m->places[i - 1];

		memcpy(place->key, m->hosts[i].key.bytes, sizeof(place->key));
		place->at = (uint16_t)i;
	}
	qsort(m->places, m->count - 1, sizeof(*m->places), compare_places);
	return true;
}

/* What we have measured. */
static void add_own_row(struct node *n)
{
	struct mesh *m = n->mesh;

	for (size_t i = 1; i < m->count; i++) {
		const struct peer *peer = peers_at_port(n, m->hosts[i].port);

		if (peer->state != PEER_UP)
			continue;
		m->links[i] = (struct node_mesh_link){
			.known = true,
			.rtt_us = peer->path.rtt_us,
			.loss = (float)liveness_loss(&peer->liveness),
		};
	}
	m->hosts[0].answered = true;
}

bool node_mesh_begin(struct node *n, struct clock now)
{
	const size_t most = n->config.peers_max + 1;
	struct mesh *m = n->mesh;
	const struct peer *peer;
	uint32_t at = TABLE_NONE;

	if (m->hosts)
		return false;
	m->hosts = calloc(most, sizeof(*m->hosts));
	m->host_of = calloc(most, sizeof(*m->host_of));
	if (!m->hosts || !m->host_of)
		goto failed;
	m->hosts[0].key = n->key;
	memcpy(m->hosts[0].name, n->config.name, sizeof(m->hosts[0].name));
	m->count = 1;
	while ((peer = peers_next(n, &at)))
		add_host(n, peer);
	m->links = calloc(m->count * m->count, sizeof(*m->links));
	if (!m->links || !sort_places(m))
		goto failed;
	add_own_row(n);
	node_random(n, &m->token, sizeof(m->token));
	m->end_us = now.mono_us + MESH_US;
	timers_set(&n->timers, &m->timer, now.mono_us);
	return true;
failed:
	let_go(m);
	return false;
}

bool node_mesh_done(const struct node *n)
{
	return n->mesh->done;
}

void node_mesh_end(struct node *n)
{
	timers_cancel(&n->timers, &n->mesh->timer);
	let_go(n->mesh);
}

size_t node_mesh_count(const struct node *n)
{
	return n->mesh->count;
}

struct node_mesh_host node_mesh_host(const struct node *n, size_t i)
{
	const struct mesh_host *h = &n->mesh->hosts[i];

	return (struct node_mesh_host){ .name = h->name,
					.key = &h->key,
					.answered = h->answered };
}

const struct node_mesh_link *node_mesh_links(const struct node *n, size_t i)
{
	return row_of(n->mesh, i);
}
