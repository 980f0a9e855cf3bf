/*
 * Memory that was copied, or put back. Theory:
 *
 * A virtual machine that is cloned or put back to a snapshot, and a process that is
 * forked, go on with the keys and the counters of the original. Salts keep their
 * nonces apart, but what one copy sent the peer refuses from the other as a replay,
 * and neither notices. The peer does: a replayed counter with another salt, in a
 * datagram that opens, was sealed by one who has the key and did not know that the
 * counter was used. No third party can make one.
 *
 * The session is then burnt: nothing of it is accepted any more, and every datagram
 * that opens with its keys is answered, where it came from, with a record "copied",
 * until it is wiped after SESSION_COPIED_US. Sessions that are no younger are wiped
 * at once, for whoever copied this one has those too. Younger ones may have been made
 * since, and will show it themselves if not. The address that we know is dialled.
 *
 * A copy that is told wipes its sessions with this peer, handshakes anew, and shows
 * this peer another epoch from then on. So the copies are two processes with one key
 * now: if they are at two addresses, one of them keeps the peer's place and the other
 * is a duplicate, as candidate.c decides; at one address the last one has it.
 *
 * A node also sees for itself that its memory was put back: a peer has heard more
 * of it than it knows to have sent. That, too, ends its sessions with this peer, and
 * no others: a peer that lies harms none but itself.
 *
 * What is not seen: copies that draw the same salts, as long as they draw the same
 * (tapd/common/random is made so that none do), and a counter of more than SALTS_RUNS
 * runs ago. Then a copy hears no answer, handshakes, and finds the peer's count.
 */
#include "node/copied.h"

#include "node/rekey.h"
#include "node/send.h"

#define COPIED_SIZE (WIRE_DATA_OVERHEAD + WIRE_RECORD_LEN)

/* At once, also where a try was under way: its keys are as old. */
static void dial(struct node *n, struct peer *peer, uint64_t now_us)
{
	if (!peer->endpoint)
		return;
	endpoint_cancel(n, peer->endpoint);
	peer->endpoint->attempts = 0;
	timers_set(&n->timers, &peer->endpoint->timer, now_us);
}

/* ---- the peer's memory ---- */

/* Who is told has to count it, if only as one more that it has heard; that it was sent
 * says nothing about a path. */
static void tell(struct node *n, struct reading *r, const struct way *to)
{
	uint8_t record[WIRE_RECORD_LEN];

	wire_pack_record(record, WIRE_COPIED, 0, 0);
	send_record(n, NULL, r->session, to, record, sizeof(record), 0,
		    r->now_us);
	liveness_sent_early(&r->peer->liveness, n->lane.packer.sealed);
}

static void burn(struct node *n, struct reading *r)
{
	struct peer *peer = r->peer;

	rekey_forget(n, peer);
	peer_session_burn(n, peer, r->session, r->now_us);
	peer_arm(n, peer, r->now_us);
	if (!path_goes(&peer->path, r->from))
		tell(n, r, &peer->path.way);
	dial(n, peer, r->now_us);
	peer_emit(n, NODE_PEER_COPIED, peer, &peer->path.way.remote,
		  &r->from->remote, "");
}

bool copied_check(struct node *n, struct reading *r, uint8_t *datagram)
{
	if (!session_may_prove_copy(r->session, datagram) ||
	    !bucket_take(&n->copies, r->now_us) ||
	    !session_authentic(r->session, datagram, r->size))
		return false;
	if (!r->session->burnt)
		burn(n, r);
	if (peer_may_answer(r, COPIED_SIZE))
		tell(n, r, r->from);
	return true;
}

/* ---- ours ---- */

/* told: the counter of what told us; 0: the peer's count did. Copies whose generators
 * still run alike draw the same, and two with one epoch would pass as one process at
 * two addresses: but no two are told by one datagram. */
static void begin_anew(struct node *n, struct peer *peer, uint64_t told,
		       uint64_t now_us)
{
	rekey_forget(n, peer);
	peer_sessions_drop(n, peer);
	node_random(n, &peer->shown_epoch, sizeof(peer->shown_epoch));
	peer->shown_epoch ^= told << 32 ^ now_us;
	peer->overheard = false;
	liveness_forget_reports(&peer->liveness);
	dial(n, peer, now_us);
	peer_arm(n, peer, now_us);
	peer_emit(n, NODE_COPIED, peer, &peer->path.way.remote, NULL, "");
}

static enum drop_reason copied_in(struct node *n, struct reading *r,
				  const struct wire_record *record)
{
	if (record->flags)
		return DROP_record_flag;
	begin_anew(n, r->peer, r->session->replay.next, r->now_us);
	r->over = true;
	return DROP_NONE;
}

/* The datagram that says so is still being read: the peer's timer does the rest. */
static void copied_reported(struct node *n, struct peer *peer,
			    const struct wire_probe *probe, uint64_t now_us)
{
	struct liveness_config c = peer_liveness_config(n);

	if (liveness_overheard(&peer->liveness, &c, probe->received, now_us)) {
		peer->overheard = true;
		peer_arm(n, peer, now_us);
	}
}

static uint64_t copied_deadline(struct node *n, struct peer *peer,
				uint64_t now_us)
{
	(void)n;
	return peer->overheard ? now_us : CLOCK_NEVER;
}

static void copied_due(struct node *n, struct peer *peer, uint64_t now_us)
{
	if (peer->overheard)
		begin_anew(n, peer, 0, now_us);
}

const struct control copied_control = {
	.kind = WIRE_COPIED,
	.record = copied_in,
	.deadline = copied_deadline,
	.due = copied_due,
	.reported = copied_reported,
};
