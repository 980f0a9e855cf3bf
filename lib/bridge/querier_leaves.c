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

/* The queries of this window brought no report of this group from it; and it answered
 * them, or always answers and had said that it leaves when the link went down. */
static bool answered_without(const void *user, const struct member *member,
			     const struct reporter *reporter)
{
	const struct vlan *v = user;

	return member->heard_us < v->window_us && reporter &&
	       ((reporter->answers_general &&
		 reporter->general_us >= v->window_us) ||
		member->leave_cut);
}

/* One that says nothing then is silent, and has not just left. */
static bool is_to_answer(const struct querier *q,
			 const struct group_entry *entry)
{
	const struct member *member = NULL;

	while ((member = members_next_member(q->members, entry, member)))
		if (!member->has_left && !member->maybe_gone)
			return true;
	return false;
}

bool querier_prune_vlan(struct querier *q, struct vlan *v)
{
	uint32_t at = TABLE_NONE;
	bool to_answer[2] = { false, false };
	bool again = false;
	struct group_entry *entry;

	while ((entry = members_next_group(q->members, &at))) {
		const struct group *group = members_group(q->members, entry);
		bool v6 = !group_is_v4(group);

		if (group->vlan != v->id)
			continue;
		/* querier_end_leave decides about a group that is being left. */
		if (!entry->leave_pending &&
		    prune(q, entry, answered_without, v))
			continue;
		to_answer[v6] |= is_to_answer(q, entry);
	}
	for (int v6 = 0; v6 < 2; v6++) {
		if (!to_answer[v6] || v->heard[v6])
			v->missed[v6] = 0;
		else if (!querier_vlan_silent(v, v6))
			again |= ++v->missed[v6] < QUERIER_SILENT_AFTER;
	}
	return again;
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

/* It answered the last general query, and so would have answered what came after. */
static bool answers(const struct vlan *v, const struct reporter *reporter)
{
	return reporter && reporter->answers_general && !reporter->igmpv1 &&
	       v->ever_complete && reporter->general_us >= v->last_window_us;
}

static bool left_or_unconfirmed(const void *user, const struct member *member,
				const struct reporter *reporter)
{
	return member->has_left || answers(user, reporter);
}

static bool has_left(const void *user, const struct member *member,
		     const struct reporter *reporter)
{
	(void)user;
	(void)reporter;
	return member->has_left;
}

void querier_end_for_all(struct querier *q, struct group_entry *entry)
{
	prune(q, entry, has_left, NULL);
}

void querier_end_leave(struct querier *q, struct group_entry *entry,
		       const struct vlan *v)
{
	entry->leave_pending = false;
	prune(q, entry, left_or_unconfirmed, v);
}

/* It may have joined again while nobody heard, so one that answers is asked once more
 * when the link is back. One that never does stays. */
void querier_cut_leave(struct querier *q, struct group_entry *entry,
		       const struct vlan *v)
{
	struct member *member = NULL;

	while ((member = members_next_member(q->members, entry, member))) {
		const bool is_sound =
			answers(v, members_reporter(q->members, member));

		member->leave_cut |= member->has_left && is_sound;
		member->maybe_gone |= member->has_left || is_sound;
		member->has_left = false;
	}
	entry->leave_pending = false;
	timers_cancel(&q->timers, &entry->timer);
}
