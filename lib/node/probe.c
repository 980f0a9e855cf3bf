#include "node/probe.h"

#include "node/leg.h"
#include "node/send.h"

static void send_probe(struct node *n, struct peer *peer, const struct way *to,
		       struct wire_probe probe, size_t padded_to,
		       uint64_t now_us)
{
	uint8_t record[WIRE_PROBE_LEN];

	probe.sent = peer->liveness.sent;
	probe.received = peer->liveness.received;
	control_stamp(n, peer, &probe);
	wire_pack_probe(&probe, record);
	send_record(n, peer, peer->current, to, record, sizeof(record),
		    padded_to, now_us);
}

/* next: the size of a padded one that follows, or 0. */
static void send_timed_probe(struct node *n, struct peer *peer,
			     const struct way *to, uint64_t time_us,
			     size_t next, size_t padded_to, uint64_t now_us)
{
	const struct wire_probe probe = {
		.time_us = time_us,
		.size = (uint16_t)next,
	};

	send_probe(n, peer, to, probe, padded_to, now_us);
}

void probe_send(struct node *n, struct peer *peer, const struct way *to,
		uint64_t now_us)
{
	send_timed_probe(n, peer, to, now_us, 0, 0, now_us);
}

void probe_send_sized(struct node *n, struct peer *peer, size_t size,
		      uint64_t now_us)
{
	const struct way *to = &peer->path.way;

	peer->paths.sized++;
	send_timed_probe(n, peer, to, now_us, size, 0, now_us);
	send_timed_probe(n, peer, to, now_us, 0, size, now_us);
}

void probe_send_token(struct node *n, struct peer *peer, const struct way *to,
		      uint64_t token, uint64_t now_us)
{
	send_timed_probe(n, peer, to, token, 0, 0, now_us);
}

void probe_send_beside(struct node *n, struct peer *peer, const struct way *to,
		       uint64_t token, bool unsure, uint64_t now_us)
{
	const struct wire_probe probe = {
		.beside = true,
		.time_us = token,
		.size = unsure ? PROBE_SIZE : 0,
	};

	/* A way for a handshake alone has nothing to spare. */
	if (unsure && !leg_is_brief(n, &peer->path.way.remote))
		send_timed_probe(n, peer, &peer->path.way, now_us, PROBE_SIZE,
				 0, now_us);
	send_probe(n, peer, to, probe, 0, now_us);
}

void probe_send_token_sized(struct node *n, struct peer *peer, uint64_t token,
			    size_t size, uint64_t now_us)
{
	const struct way *to = &peer->path.way;

	if (size > CONTROL_SIZE) {
		peer->paths.sized++;
		send_timed_probe(n, peer, to, now_us, size, 0, now_us);
	}
	send_timed_probe(n, peer, to, token, 0, size, now_us);
}

/* Back the way that the probe came, for a prober learns from it which way is open;
 * if that may not be, where its peer is. */
static const struct way *echo_to(struct reading *r)
{
	return peer_may_answer(r, PROBE_SIZE) ? r->from : &r->peer->path.way;
}

static void send_echo(struct node *n, struct reading *r,
		      const struct wire_probe *probe)
{
	struct peer *peer = r->peer;
	struct session *s = peer->current ? peer->current : r->session;
	const struct way *to = echo_to(r);
	struct wire_probe echo = {
		.echo = true,
		.time_us = probe->time_us,
		.sent = peer->liveness.sent,
		.received = peer->liveness.received,
		.size = (uint16_t)r->size,
		.observed = r->from->remote,
	};
	uint8_t record[WIRE_PROBE_LEN];

	control_stamp(n, peer, &echo);
	wire_pack_probe(&echo, record);
	send_record(n, peer, s, to, record, sizeof(record), 0, r->now_us);
}

static enum drop_reason probe_in(struct node *n, struct reading *r,
				 const struct wire_record *record)
{
	struct liveness *l = &r->peer->liveness;
	const bool in_use = path_brings(&r->peer->path, r->from);
	struct wire_probe probe;
	enum drop_reason reason = wire_unpack_probe(&probe, record);

	if (reason != DROP_NONE)
		return reason;
	liveness_report(l, &probe,
			probe.echo && in_use && probe.size <= CONTROL_SIZE,
			r->now_us);
	if (r->advance)
		control_reported(n, r->peer, &probe, r->now_us);
	if (probe.echo) {
		if (in_use)
			path_echoed(&r->peer->path, probe.time_us, r->now_us);
		control_echoed(n, r, &probe);
		return DROP_NONE;
	}
	if (probe.beside ? probe.size : !probe.size && r->size > CONTROL_SIZE)
		liveness_arrived(l);
	else if (!probe.beside && probe.size)
		liveness_announced(l);
	if (r->echoed)
		return DROP_record_again;
	r->echoed = true;
	send_echo(n, r, &probe);
	return DROP_NONE;
}

/* A way for a handshake alone has nothing left for it. */
static bool is_probed(const struct node *n, const struct peer *peer)
{
	return peer->current && !leg_is_brief(n, &peer->path.way.remote);
}

static uint64_t probe_deadline(struct node *n, struct peer *peer,
			       uint64_t now_us)
{
	struct liveness_config c = peer_liveness_config(n);

	(void)now_us;
	return is_probed(n, peer) ? liveness_deadline(&peer->liveness, &c)
				  : CLOCK_NEVER;
}

/* Also for a peer without a session, whose secret was removed. */
static void tend_verdict(struct node *n, struct peer *peer, uint64_t now_us)
{
	struct liveness_config c = peer_liveness_config(n);
	enum liveness_verdict verdict =
		liveness_verdict(&peer->liveness, &c, now_us);

	liveness_roll(&peer->liveness, now_us);
	if (verdict != LIVENESS_UP && peer->state == PEER_UP)
		peer_down(n, peer,
			  verdict == LIVENESS_DEAF ? PEER_REASON_DEAF
						   : PEER_REASON_SILENT,
			  now_us);
}

static void probe_due(struct node *n, struct peer *peer, uint64_t now_us)
{
	struct liveness_config c = peer_liveness_config(n);

	tend_verdict(n, peer, now_us);
	if (!is_probed(n, peer))
		return;
	if (peer_wants_handshake(n, peer, now_us))
		endpoint_dial_now(n, peer->endpoint, now_us);
	if (!liveness_wants_probe(&peer->liveness, &c, now_us))
		return;
	liveness_probed(&peer->liveness, now_us);
	probe_send(n, peer, &peer->path.way, now_us);
}

const struct control probe_control = {
	.kind = WIRE_PROBE,
	.record = probe_in,
	.deadline = probe_deadline,
	.due = probe_due,
};
