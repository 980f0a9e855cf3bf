/* Who wants a group no more: answers that lack it, and leaves that came to their end. */
#include "bridge/querier_impl.h"

void querier_changed(struct querier *q, const struct group *group, bool wanted)
{
	if (group_is_for_all(group))
		return;
	q->wanted += wanted ? 1 : UINT32_MAX;
	/* Whoever still listens to a group just left was never heard. */
	if (!wanted)
		q->explained_us = 0;
	q->ops.changed(q->user, group, wanted);
}

/* Removes the members that are gone; true if nobody wants the group any more. */
static bool prune(struct querier *q, struct group_entry *entry,
		  bool (*is_gone)(const void *user, const struct member *member,
				  const struct reporter *reporter),
		  const void *user)
{
	const struct group group = *members_group(q->members, entry);

	if (!members_prune(q->members, entry, is_gone, user))
		return false;
	querier_changed(q, &group, false);
	return true;
}

/* It answered the queries of this window, and did not report this group. */
static bool answered_without(const void *user, const struct member *member,
			     const struct reporter *reporter)
{
	const struct vlan *v = user;

	return member->heard_us < v->window_us && reporter &&
	       reporter->answers_general &&
	       reporter->general_us >= v->window_us;
}

void querier_prune_vlan(struct querier *q, struct vlan *v)
{
	uint32_t at = TABLE_NONE;
	bool known[2] = { false, false };
	struct group_entry *entry;

	while ((entry = members_next_group(q->members, &at))) {
		const struct group *group = members_group(q->members, entry);
		bool v6 = !group_is_v4(group);

		if (group->vlan != v->id)
			continue;
		/* querier_end_leave decides about a group that is being left. */
		if (entry->leave_pending ||
		    !prune(q, entry, answered_without, v))
			known[v6] = true;
	}
	for (int v6 = 0; v6 < 2; v6++)
		v->silent[v6] = known[v6] && !v->heard[v6];
}

static bool everybody(const void *user, const struct member *member,
		      const struct reporter *reporter)
{
	(void)user;
	(void)member;
	(void)reporter;
	return true;
}

void querier_forget_groups(struct querier *q, const struct vlan *v)
{
	uint32_t at = TABLE_NONE;
	struct group_entry *entry;

	while ((entry = members_next_group(q->members, &at))) {
		if (members_group(q->members, entry)->vlan != v->id)
			continue;
		timers_cancel(&q->timers, &entry->timer);
		prune(q, entry, everybody, NULL);
	}
}

/* It left; or it answered the last general query, so it would have answered
 * those about this group. */
static bool left_or_unconfirmed(const void *user, const struct member *member,
				const struct reporter *reporter)
{
	const struct vlan *v = user;

	return member->has_left ||
	       (reporter && reporter->answers_general && !reporter->igmpv1 &&
		v->ever_complete && reporter->general_us >= v->last_window_us);
}

void querier_end_leave(struct querier *q, struct group_entry *entry,
		       const struct vlan *v)
{
	entry->leave_pending = false;
	prune(q, entry, left_or_unconfirmed, v);
}
