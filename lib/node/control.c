#include "node/control.h"

#include "node/core.h"

void control_peer_up(struct node *n, struct peer *peer, uint64_t now_us)
{
	for (const struct control *const *row = n->controls; *row; row++)
		if ((*row)->peer_up)
			(*row)->peer_up(n, peer, now_us);
}

void control_peer_gone(struct node *n, struct peer *peer)
{
	for (const struct control *const *row = n->controls; *row; row++)
		if ((*row)->peer_gone)
			(*row)->peer_gone(n, peer);
}

void control_peer_removed(struct node *n, struct peer *peer)
{
	for (const struct control *const *row = n->controls; *row; row++)
		if ((*row)->peer_removed)
			(*row)->peer_removed(n, peer);
}

uint64_t control_deadline(struct node *n, struct peer *peer, uint64_t now_us)
{
	uint64_t due = CLOCK_NEVER;

	for (const struct control *const *row = n->controls; *row; row++)
		if ((*row)->deadline)
			due = clock_earlier(due,
					    (*row)->deadline(n, peer, now_us));
	return due;
}

void control_due(struct node *n, struct peer *peer, uint64_t now_us)
{
	for (const struct control *const *row = n->controls; *row; row++)
		if ((*row)->due)
			(*row)->due(n, peer, now_us);
}

void control_stamp(struct node *n, const struct peer *peer,
		   struct wire_probe *probe)
{
	for (const struct control *const *row = n->controls; *row; row++)
		if ((*row)->stamp)
			(*row)->stamp(n, peer, probe);
}

void control_reported(struct node *n, struct peer *peer,
		      const struct wire_probe *probe, uint64_t now_us)
{
	for (const struct control *const *row = n->controls; *row; row++)
		if ((*row)->reported)
			(*row)->reported(n, peer, probe, now_us);
}

void control_echoed(struct node *n, const struct reading *r,
		    const struct wire_probe *echo)
{
	for (const struct control *const *row = n->controls; *row; row++)
		if ((*row)->echoed && (*row)->echoed(n, r, echo))
			return;
}

enum drop_reason control_record(struct node *n, struct reading *r,
				const struct wire_record *record)
{
	for (const struct control *const *row = n->controls; *row; row++)
		if ((*row)->record && (*row)->kind == record->kind)
			return (*row)->record(n, r, record);
	return DROP_NONE;
}
