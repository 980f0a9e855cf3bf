#include "node/asking.h"

#include "node/group_test.h"
#include "node/mesh.h"

/* What answers nobody's question changes nothing: each asker knows its own token. */
static enum drop_reason answer_in(struct node *n, struct reading *r,
				  const struct wire_record *record)
{
	struct wire_answer a;
	enum drop_reason reason = wire_unpack_answer(&a, record);

	if (reason != DROP_NONE)
		return reason;
	if (a.kind == WIRE_ASK_TEST)
		group_test_answered(n, r->peer, &a, r->now_us);
	else if (a.kind == WIRE_ASK_ROW)
		mesh_answered(n, r->peer, &a, r->now_us);
	return DROP_NONE;
}

static void asking_peer_gone(struct node *n, struct peer *peer)
{
	group_test_peer_gone(n, peer);
	mesh_peer_gone(n, peer);
}

static void asking_peer_removed(struct node *n, struct peer *peer)
{
	group_test_peer_removed(n, peer);
}

const struct control asking_control = {
	.kind = WIRE_ANSWER,
	.record = answer_in,
	.peer_gone = asking_peer_gone,
	.peer_removed = asking_peer_removed,
};
