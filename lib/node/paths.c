#include "node/paths.h"

#include "node/hold.h"
#include "node/leg.h"
#include "node/probe.h"

/*
 * A peer has one path in use. All others are spares: ways that somebody suggested, at
 * which it also answered, or that were in use before.
 *
 * Only an echo that comes back a path's very way proves it, to the local address that
 * the probe left from. What is heard from an address proves nothing: anybody on the
 * path can send on what it recorded, from wherever it likes and to whichever of our
 * addresses.
 *
 * The probe carries a random number in the place of the time. Our clock is no secret,
 * and an echo made up by a peer that does not receive there would send its traffic to
 * somebody who never asked for it. The number's last bits say which probe it was, so
 * that an echo measures its own.
 *
 *	tried      five probes in two seconds; none answered: given up
 *	proven     one probe each ten seconds; three unanswered in a row: given up
 *	given up   forgotten; if a source lists it, one probe a minute
 *	in use     judged by liveness; its own probes carry the time, and their echoes
 *	           count only if they come that way
 *
 * The path in use is left for a proven one of greater rank, at once; for any that
 * echoes, once it is doubtful, or goes by a relay that loses too much; and for where its
 * peer moved to. Else it stays, so that two hosts with two addresses each do not flap.
 *
 * A peer that is heard from an address not known to be its own seems to have moved. It
 * is asked there, with no more than was heard, for that may reach somebody who only
 * passed it on.
 */

#define TRY_LAST_US    (2 * CLOCK_S) /* after the last try */
#define WARM_US	       (10 * CLOCK_S)
#define WARM_TRIES     3
#define REST_US	       (60 * CLOCK_S)
#define HOLD_SELDOM_US (1 * CLOCK_S)
/* Proven ones while the path in use is doubtful. */
#define HURRY_US (250 * CLOCK_MS)

#define TOKEN_NUMBER ((uint64_t)PATH_PROBES - 1)

/* When the tries are, since the first. */
static const uint64_t try_at_us[] = { 0, 250 * CLOCK_MS, 500 * CLOCK_MS,
				      1000 * CLOCK_MS, 2000 * CLOCK_MS };
#define TRIES (sizeof(try_at_us) / sizeof(try_at_us[0]))

static bool is_doubtful(const struct node *n, const struct peer *peer,
			uint64_t now_us)
{
	struct liveness_config c = peer_liveness_config(n);

	return liveness_doubtful(&peer->liveness, &c, now_us);
}

/* By a relay that loses what it carries. */
static bool is_bad(const struct node *n, const struct peer *peer,
		   const struct path *path, uint64_t now_us)
{
	const struct peer *relay = leg_relay(n, path->way.remote.leg);

	return relay && leg_was_bad(n, relay->port, &peer->key, now_us);
}

/* ---- the spares ---- */

static struct path_spare *find_spare(struct peer *peer, const struct way *way)
{
	struct path_spare *s = peer->paths.spares;

	for (size_t i = 0; i < PATH_SPARES; i++)
		if (s[i].taken && path_brings(&s[i].path, way))
			return &s[i];
	return NULL;
}

static struct path_spare *free_spare(struct peer *peer)
{
	struct path_spare *s = peer->paths.spares;

	for (size_t i = 0; i < PATH_SPARES; i++)
		if (!s[i].taken)
			return &s[i];
	for (size_t i = 0; i < PATH_SPARES; i++)
		if (s[i].resting)
			return &s[i];
	return NULL;
}

bool paths_has_spare(const struct peer *peer, const struct addr *at)
{
	const struct path_spare *s = peer->paths.spares;

	for (size_t i = 0; i < PATH_SPARES; i++)
		if (s[i].taken && s[i].proven_us &&
		    addr_equal(&s[i].path.way.remote, at))
			return true;
	return false;
}

bool paths_has(const struct peer *peer, const struct way *way)
{
	const struct path_spare *s = peer->paths.spares;

	if (peer->endpoint && path_brings(&peer->path, way))
		return true;
	for (size_t i = 0; i < PATH_SPARES; i++)
		if (s[i].taken && s[i].proven_us &&
		    path_brings(&s[i].path, way))
			return true;
	return false;
}

static void begin_tries(struct path_spare *s, const struct path *path,
			uint64_t now_us)
{
	*s = (struct path_spare){
		.path = *path,
		.taken = true,
		.begun_us = now_us,
		.next_us = now_us,
	};
}

bool paths_try(struct node *n, struct peer *peer, const struct way *way,
	       enum path_rank rank, uint64_t now_us)
{
	struct path_spare *s = find_spare(peer, way);
	struct path path;

	if (!peer->current || leg_is_brief(n, &way->remote))
		return false;
	if ((peer->endpoint && path_goes(&peer->path, way)) ||
	    (s && !s->resting))
		return true;
	if (!s)
		s = free_spare(peer);
	if (!s)
		return false;
	path_set_way(&path, way, n->config.underlay_mtu, now_us);
	path.rank = rank;
	begin_tries(s, &path, now_us);
	peer_arm(n, peer, now_us);
	return true;
}

/* ---- the path in use ---- */

/* What was in use is a spare, if it still answers. */
static void keep(struct peer *peer, const struct path *path, uint64_t now_us)
{
	struct path_spare *s = free_spare(peer);

	if (s && !path_goes(&peer->path, &path->way))
		begin_tries(s, path, now_us);
}

/* What would overtake. Changes that follow at once, as when a direct path is found and
 * then a local one, are one; a peer that goes on changing is held no more. */
static void hold_back(struct node *n, struct peer *peer, const struct path *old,
		      uint64_t now_us)
{
	const struct path *path = &peer->path;
	const uint64_t since_us = now_us - peer->paths.held_us;
	const bool again = !peer->paths.held_us || since_us >= HOLD_SELDOM_US;
	uint64_t for_us = 0;

	if (path_is_relayed(path) || (!again && since_us >= HOLD_MAX_US))
		return;
	/* 0: not known. */
	if (path->rtt_us && path->rtt_us < old->rtt_us)
		for_us = (old->rtt_us - path->rtt_us) / 2;
	if (hold_begin(n, &old->way, &path->way, for_us, now_us) && again)
		peer->paths.held_us = now_us;
}

/* Whoever is up stays so: no frames go by a way for a handshake alone. */
static bool is_no_way(const struct node *n, const struct peer *peer,
		      const struct way *way)
{
	return peer->state == PEER_UP && leg_is_brief(n, &way->remote);
}

/* Its echo has just come, or was the last of all that did. False: it is none to use, or
 * there is no room for its endpoint. to may be a spare's, whose place becomes free. */
static bool use(struct node *n, struct peer *peer, const struct path *to,
		bool keep_old, uint64_t now_us)
{
	const struct path path = *to, old = peer->path;
	struct endpoint *e = is_no_way(n, peer, &path.way)
				     ? NULL
				     : endpoint_get(n, &path.way.remote);
	struct path_spare *s = find_spare(peer, &path.way);
	bool moved = e != peer->endpoint;
	bool had = peer->endpoint != NULL;

	if (!e)
		return false;
	if (s)
		*s = (struct path_spare){ .taken = false };
	peer_set_endpoint(n, peer, e, &path.way.local, now_us);
	peer->path.rank = path.rank;
	peer->path.rtt_us = path.rtt_us;
	peer->path.pmtu = path.pmtu;
	peer->paths.loss = (struct path_loss){ .leg = 0 };
	peer->paths.moving.token = 0;
	pmtu_resume(&peer->path.pmtu, now_us);
	liveness_switched(&peer->liveness, now_us);
	if (had)
		hold_back(n, peer, &old, now_us);
	if (had && keep_old)
		keep(peer, &old, now_us);
	if (moved)
		peer_emit(n,
			  path_is_relayed(&path) ||
					  (had && path_is_relayed(&old))
				  ? NODE_PEER_PATH
				  : NODE_PEER_MOVED,
			  peer, &e->addr, NULL, "");
	peer_arm(n, peer, now_us);
	return true;
}

static struct path_spare *best_spare(const struct node *n, struct peer *peer)
{
	struct path_spare *s = peer->paths.spares, *best = NULL;

	for (size_t i = 0; i < PATH_SPARES; i++) {
		if (!s[i].taken || !s[i].proven_us ||
		    is_no_way(n, peer, &s[i].path.way))
			continue;
		if (!best || s[i].path.rank > best->path.rank ||
		    (s[i].path.rank == best->path.rank &&
		     s[i].proven_us > best->proven_us))
			best = &s[i];
	}
	return best;
}

void paths_leg_gone(struct node *n, struct peer *peer, uint32_t leg,
		    uint64_t now_us)
{
	struct path_spares *paths = &peer->paths;
	struct path_spare *best;

	for (size_t i = 0; i < PATH_SPARES; i++)
		if (paths->spares[i].path.way.remote.leg == leg)
			paths->spares[i] =
				(struct path_spare){ .taken = false };
	if (paths->moving.to.remote.leg == leg)
		paths->moving.token = 0;
	if (!peer->endpoint || peer->path.way.remote.leg != leg)
		return;
	best = best_spare(n, peer);
	if (!best || !use(n, peer, &best->path, false, now_us))
		peer_down(n, peer, PEER_REASON_SILENT, now_us);
}

void paths_local_gone(struct peer *peer, const struct way *way)
{
	const struct addr none = { .port = 0 };

	if (way_equal(&peer->path.way, way))
		peer->path.way.local = none;
	for (size_t i = 0; i < PATH_SPARES; i++) {
		struct path *spare = &peer->paths.spares[i].path;

		if (way_equal(&spare->way, way))
			spare->way.local = none;
	}
}

/* ---- probes ---- */

static void probe(struct node *n, struct peer *peer, struct path_spare *s,
		  bool fresh, uint64_t now_us)
{
	uint64_t number;

	if (fresh || !s->probes) {
		node_random(n, &s->token, sizeof(s->token));
		s->token &= ~TOKEN_NUMBER;
		s->probes = 0;
		s->answered = 0;
	}
	number = s->probes++ & TOKEN_NUMBER;
	s->answered &= (uint8_t) ~(1u << number);
	s->sent_us[number] = now_us;
	s->probed_us = now_us;
	probe_send_beside(n, peer, &s->path.way, s->token | number,
			  !s->proven_us, now_us);
}

/* It does not answer. One that a source lists is asked again now and then, until its
 * place is needed: both ends of a second network may be back, and nobody would see. */
static void give_up(struct node *n, const struct peer *peer,
		    struct path_spare *s, uint64_t now_us)
{
	const struct endpoint *e = endpoints_find(n, &s->path.way.remote);

	s->proven_us = 0;
	s->resting = true;
	s->next_us = now_us + node_jitter(n, REST_US);
	if (!e || !e->sources || e->peer != peer)
		*s = (struct path_spare){ .taken = false };
}

static void next_try(struct node *n, struct peer *peer, struct path_spare *s,
		     uint64_t now_us)
{
	if (s->resting)
		probe(n, peer, s, true, now_us);
	if (s->resting || s->unanswered == TRIES) {
		give_up(n, peer, s, now_us);
		return;
	}
	probe(n, peer, s, false, now_us);
	s->unanswered++;
	s->next_us = s->unanswered < TRIES
			     ? s->begun_us + try_at_us[s->unanswered]
			     : now_us + TRY_LAST_US;
}

static void keep_warm(struct node *n, struct peer *peer, struct path_spare *s,
		      uint64_t now_us)
{
	if (s->unanswered == WARM_TRIES) {
		give_up(n, peer, s, now_us);
		return;
	}
	probe(n, peer, s, true, now_us);
	s->unanswered++;
	s->next_us = now_us + node_jitter(n, WARM_US);
}

/* The path in use may be lost, and this one may serve. */
static bool in_hurry(const struct peer *peer, const struct path_spare *s,
		     bool doubtful)
{
	return doubtful && s->proven_us && peer->state == PEER_UP;
}

static uint64_t paths_deadline(struct node *n, struct peer *peer,
			       uint64_t now_us)
{
	const struct path_spare *s = peer->paths.spares;
	uint64_t due = CLOCK_NEVER;
	bool doubtful;

	if (!peer->current)
		return due;
	doubtful = is_doubtful(n, peer, now_us);
	for (size_t i = 0; i < PATH_SPARES; i++) {
		if (!s[i].taken)
			continue;
		due = clock_earlier(due, s[i].next_us);
		if (in_hurry(peer, &s[i], doubtful))
			due = clock_earlier(due, s[i].probed_us + HURRY_US);
	}
	return due;
}

static void paths_due(struct node *n, struct peer *peer, uint64_t now_us)
{
	struct path_spare *s = peer->paths.spares;
	bool doubtful;

	if (!peer->current)
		return;
	doubtful = is_doubtful(n, peer, now_us);
	for (size_t i = 0; i < PATH_SPARES; i++) {
		if (!s[i].taken)
			continue;
		if (now_us >= s[i].next_us && !s[i].proven_us)
			next_try(n, peer, &s[i], now_us);
		else if (in_hurry(peer, &s[i], doubtful) &&
			 now_us - s[i].probed_us >= HURRY_US)
			probe(n, peer, &s[i], false, now_us);
		else if (now_us >= s[i].next_us)
			keep_warm(n, peer, &s[i], now_us);
	}
}

void paths_ask_spares(struct node *n, struct peer *peer, uint64_t now_us)
{
	struct path_spare *s = peer->paths.spares;

	for (size_t i = 0; i < PATH_SPARES; i++)
		if (s[i].taken && s[i].proven_us)
			s[i].next_us = now_us;
	peer_arm(n, peer, now_us);
}

/* ---- where it is heard ---- */

/* It is another way to the same peer, and the one in use answers. */
static bool is_spare(const struct node *n, struct peer *peer,
		     const struct way *from, uint64_t now_us)
{
	const struct endpoint *e = endpoints_find(n, &from->remote);
	const struct path_spare *s = find_spare(peer, from);

	/* Where ours is not known, this is how the path in use brings it. */
	if (path_brings(&peer->path, from))
		return false;
	return ((e && e != peer->endpoint && e->peer == peer) ||
		(s && s->proven_us)) &&
	       !is_doubtful(n, peer, now_us);
}

void paths_heard(struct node *n, struct reading *r)
{
	struct peer *peer = r->peer;
	struct path_spares *paths = &peer->paths;

	if (!peer->current || !peer->endpoint ||
	    path_goes(&peer->path, r->from) || r->size < PROBE_SIZE)
		return;
	if (is_spare(n, peer, r->from, r->now_us)) {
		/* It answers there again, perhaps. */
		(void)paths_try(n, peer, r->from,
				r->from->remote.leg ? PATH_RELAYED
						    : PATH_DIRECT,
				r->now_us);
		return;
	}
	if (is_no_way(n, peer, r->from))
		return;
	if (r->from->remote.leg && !path_is_relayed(&peer->path) &&
	    !is_doubtful(n, peer, r->now_us))
		return;
	if (paths->moving.token &&
	    r->now_us - paths->moving.probe_us < NODE_MOVE_US)
		return;
	if (!paths->moving.token || !way_equal(&paths->moving.to, r->from)) {
		node_random(n, &paths->moving.token,
			    sizeof(paths->moving.token));
		paths->moving.to = *r->from;
		paths->moving.begun_us = r->now_us;
	}
	paths->moving.probe_us = r->now_us;
	(void)peer_may_answer(r, PROBE_SIZE); /* as checked above */
	probe_send_token(n, peer, &paths->moving.to, paths->moving.token,
			 r->now_us);
}

static void moved(struct node *n, const struct reading *r)
{
	struct peer *peer = r->peer;
	const struct path_spare *s;
	struct path path;

	if (!way_equal(r->from, &peer->paths.moving.to))
		return;
	peer->paths.moving.token = 0;
	path_set_way(&path, r->from, n->config.underlay_mtu, r->now_us);
	path_echoed(&path, peer->paths.moving.begun_us, r->now_us);
	s = find_spare(peer, r->from);
	if (s)
		path.rank = s->path.rank;
	if (path.rank < peer->path.rank && !is_doubtful(n, peer, r->now_us))
		(void)paths_try(n, peer, r->from, path.rank, r->now_us);
	else
		(void)use(n, peer, &path, true, r->now_us);
}

/* ---- echoes ---- */

/* True if it is the first to one of the last probes with that token. */
static bool answers(struct path_spare *s, uint64_t number)
{
	if (number >= s->probes || s->answered & 1u << number)
		return false;
	s->answered |= (uint8_t)(1u << number);
	return true;
}

static void proven(struct node *n, const struct reading *r,
		   struct path_spare *s, uint64_t probe_us)
{
	struct peer *peer = r->peer;

	path_echoed(&s->path, probe_us, r->now_us);
	s->path.way.local = r->from->local;
	if (!s->proven_us)
		s->next_us = r->now_us + node_jitter(n, WARM_US);
	s->proven_us = r->now_us;
	s->unanswered = 0;
	s->resting = false;
	if (s->path.rank > peer->path.rank || is_doubtful(n, peer, r->now_us) ||
	    (is_bad(n, peer, &peer->path, r->now_us) &&
	     !is_bad(n, peer, &s->path, r->now_us)))
		(void)use(n, peer, &s->path, true, r->now_us);
	else
		peer_arm(n, peer, r->now_us);
}

static bool paths_echoed(struct node *n, const struct reading *r,
			 const struct wire_probe *echo)
{
	struct path_spares *paths = &r->peer->paths;
	const uint64_t number = echo->time_us & TOKEN_NUMBER;

	if (paths->moving.token && echo->time_us == paths->moving.token) {
		moved(n, r);
		return true;
	}
	for (size_t i = 0; i < PATH_SPARES; i++) {
		struct path_spare *s = &paths->spares[i];

		if (!s->taken || !s->probes ||
		    (echo->time_us & ~TOKEN_NUMBER) != s->token)
			continue;
		if (path_brings(&s->path, r->from) && answers(s, number))
			proven(n, r, s, s->sent_us[number]);
		return true;
	}
	return false;
}

/* Its other addresses that a source lists are dialled no more, now that it is up: they
 * are spares. */
static void paths_peer_up(struct node *n, struct peer *peer, uint64_t now_us)
{
	uint32_t at = TABLE_NONE;
	struct endpoint *e;

	while ((e = endpoints_next(n, &at))) {
		const struct way way = { .remote = e->addr };

		if (e->peer == peer && e->sources && e != peer->endpoint)
			(void)paths_try(n, peer, &way, PATH_DIRECT, now_us);
	}
}

/* It is new, down, or another process: what was proven is so no more. */
static void paths_peer_gone(struct node *n, struct peer *peer)
{
	(void)n;
	peer->paths = (struct path_spares){ .moving = { .token = 0 } };
}

const struct control paths_control = {
	.peer_up = paths_peer_up,
	.peer_gone = paths_peer_gone,
	.deadline = paths_deadline,
	.due = paths_due,
	.echoed = paths_echoed,
};
