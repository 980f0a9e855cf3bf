/* Who wants a group: what reports say. */
#include "bridge/querier_impl.h"

/* An old host repeats the report of a join within this time: RFC 2236, 8.10. */
#define UNSOLICITED_US (20 * CLOCK_S)

/* What one report showed about its sender. */
struct sender {
	const uint8_t *mac;
	uint64_t now_us;
	bool old_version;      /* IGMPv1, IGMPv2, MLDv1 */
	bool igmpv1;	       /* takes up to 10 s to answer any query */
	bool answered;	       /* a query, whoever sent it and when */
	bool answered_general; /* … and so left the groups it lacks */
	bool not_silent; /* its VLAN is not: an answer, or what may be one */
	bool no_room;	 /* something in it was refused */
};

static bool has_left(const void *user, const struct member *member,
		     const struct reporter *reporter)
{
	(void)user;
	(void)reporter;
	return member->has_left;
}

/* Someone wants a group that was about to be left. */
static void keep_group(struct querier *q, struct group_entry *entry)
{
	timers_cancel(&q->timers, &entry->timer);
	entry->leave_pending = false;
	members_prune(q->members, entry, has_left, NULL);
}

/*
 * Finds or makes the member. When there is no room for one more, it takes the
 * place of another member of the group that answers queries, and so will be
 * heard again.
 */
static struct member *member_of(struct querier *q, const struct group *group,
				const struct sender *s,
				struct group_entry **entry)
{
	struct member *made =
		members_add(q->members, group, s->mac, s->now_us, entry);
	struct member *member = NULL, *oldest = NULL;

	if (made || !*entry)
		return made;
	while ((member = members_next_member(q->members, *entry, member)))
		if (member->answers_queries &&
		    (!oldest || member->heard_us < oldest->heard_us))
			oldest = member;
	if (!oldest)
		return NULL;
	return members_replace(q->members, *entry, oldest, s->mac, s->now_us);
}

static void note_wanted(struct querier *q, const struct vlan *v,
			const struct group_record *record, struct sender *s)
{
	struct group_entry *entry =
		members_find_group(q->members, &record->group);
	const bool is_new = !entry;
	struct member *member;

	/* An answer about a group being left is to a last-member query. */
	s->answered_general |=
		record->current && !(entry && entry->leave_pending);
	s->answered |= record->current;
	s->not_silent |= record->current || s->old_version;
	member = member_of(q, &record->group, s, &entry);
	if (!member) {
		s->no_room = true;
		return;
	}
	if (member->has_left)
		member->joined_us = s->now_us;
	/* The old versions' reports of a join look like answers: only a group
	 * that was joined long before the query can be one. */
	if (s->old_version &&
	    member->joined_us + UNSOLICITED_US <= v->window_us)
		s->answered_general = member->answers_queries = true;
	member->answers_queries |= record->current;
	member->heard_us = s->now_us;
	member->has_left = member->leave_cut = member->maybe_gone = false;
	if (entry->leave_pending)
		keep_group(q, entry);
	if (is_new) {
		entry->timer =
			(struct timer){ .kind = QUERIER_TIMER_LAST_MEMBER,
					.owner = entry };
		querier_changed(q, &record->group, true);
	}
}

/* The first last-member query is sent by the next tick. */
static void note_left(struct querier *q, const struct group_record *record,
		      const struct sender *s)
{
	struct group_entry *entry =
		members_find_group(q->members, &record->group);
	struct member *member;

	if (!entry)
		return;
	member = members_find_member(q->members, entry, s->mac);
	if (member && record->says == REPORT_LEAVES)
		member->has_left = true;
	if (group_is_for_all(&record->group))
		querier_end_for_all(q, entry);
	if (group_is_for_all(&record->group) || entry->leave_pending)
		return;
	entry->leave_pending = true;
	entry->queries_sent = 0;
	timers_set(&q->timers, &entry->timer, s->now_us);
}

static void ask_soon(struct querier *q, struct vlan *v, uint64_t now_us)
{
	v->ask_soon = true;
	if (v->phase == VLAN_QUIET &&
	    v->timer.due_us > now_us + QUERIER_SOON_US)
		timers_set(&q->timers, &v->timer, now_us + QUERIER_SOON_US);
}

static void note_reporter(struct querier *q, struct vlan *v, bool v6,
			  const struct sender *s)
{
	const bool in_window = v->phase == VLAN_STARTUP_QUERIES ||
			       v->phase == VLAN_GENERAL_QUERY;
	bool made = false;
	struct reporter *reporter =
		members_add_reporter(q->members, v->id, v6, s->mac, &made);

	v->heard[v6] |= in_window && s->not_silent;
	if (s->answered || v->heard[v6])
		v->missed[v6] = 0;
	if (!reporter)
		return;
	reporter->heard_us = s->now_us;
	reporter->igmpv1 = s->igmpv1;
	if (s->answered_general &&
	    (s->igmpv1 ? v->phase == VLAN_GENERAL_QUERY : in_window)) {
		reporter->general_us = s->now_us;
		reporter->answers_general = q->answered = true;
	}
	if (!made || reporter->answers_general)
		return;
	/* Find out now whether it answers at all, before that matters. */
	ask_soon(q, v, s->now_us);
}

void querier_ask_soon(struct querier *q, uint16_t vlan, uint64_t now_us)
{
	struct vlan *v = querier_vlan(q, vlan);

	if (v && q->running)
		ask_soon(q, v, now_us);
}

bool querier_report(struct querier *q, const struct report *report,
		    const uint8_t mac[ETH_ADDR_LEN], uint64_t now_us)
{
	struct report m = *report;
	struct group_record record;
	struct sender s = {
		.mac = mac,
		.now_us = now_us,
		.old_version = report_is_old(report),
		.igmpv1 = !report->v6 && report->version == 1,
	};
	struct vlan *v;

	querier_saw_vlan(q, m.vlan, now_us);
	v = querier_vlan(q, m.vlan);
	if (!v || !q->running)
		return true;
	while (report_next(&m, &record)) {
		if (record.says == REPORT_WANTS)
			note_wanted(q, v, &record, &s);
		else
			note_left(q, &record, &s);
	}
	note_reporter(q, v, m.v6, &s);
	if (s.no_room) {
		q->full = true;
		q->refused_us = now_us;
	}
	return !s.no_room;
}
