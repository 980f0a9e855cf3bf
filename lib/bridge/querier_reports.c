/* What reports, and answers without a group, say about who wants it. */
#include "bridge/querier_impl.h"

/* An old host repeats the report of a join within this time: RFC 2236, 8.10. */
#define UNSOLICITED_US (20 * CLOCK_S)

static void changed(struct querier *q, const struct group *group, bool wanted)
{
	if (group_is_for_all(group))
		return;
	q->wanted += wanted ? 1 : UINT32_MAX;
	/* Whoever still listens to a group just left was never heard. */
	if (!wanted)
		q->explained_us = 0;
	q->ops.changed(q->user, group, wanted);
}

/* ---- reports ---- */

/* What one report showed about its sender. */
struct hearing {
	const uint8_t *mac;
	uint64_t now_us;
	bool old;      /* IGMPv1, IGMPv2, MLDv1 */
	bool slow;     /* IGMPv1: takes 10 s to answer whatever is asked */
	bool answered; /* the last general query, so what it lacks is gone */
	bool spoke;    /* perhaps only of a new join: enough to be no silence */
	bool refused;
};

static bool has_left(const void *user, const struct reporter *r,
		     const struct host *host)
{
	(void)user;
	(void)host;
	return r->leaving;
}

/* Someone wants a group that was about to be left. */
static void settle(struct querier *q, struct member *member)
{
	timers_cancel(&q->timers, &member->timer);
	member->leaving = false;
	members_prune(q->members, member, has_left, NULL);
}

/*
 * Finds or makes the reporter. When there is no room for one more, it takes the
 * place of another reporter of the group that answers queries, and so will be
 * heard again.
 */
static struct reporter *reporter_of(struct querier *q,
				    const struct group *group,
				    const struct hearing *h,
				    struct member **member)
{
	struct reporter *made =
		members_report(q->members, group, h->mac, h->now_us, member);
	struct reporter *r = NULL, *oldest = NULL;

	if (made || !*member)
		return made;
	while ((r = members_next_reporter(q->members, *member, r)))
		if (r->answers && (!oldest || r->heard_us < oldest->heard_us))
			oldest = r;
	if (!oldest)
		return NULL;
	return members_replace(q->members, *member, oldest, h->mac, h->now_us);
}

static void wants(struct querier *q, const struct vlan *v,
		  const struct report_record *record, struct hearing *h)
{
	struct member *member = members_find(q->members, &record->group);
	const bool is_new = !member;
	struct reporter *r;

	/* About a group being left, the answer is to that question only. */
	h->answered |= record->current && !(member && member->leaving);
	h->spoke |= record->current || h->old;
	r = reporter_of(q, &record->group, h, &member);
	if (!r) {
		h->refused = true;
		return;
	}
	if (r->leaving)
		r->since_us = h->now_us;
	/* Old hosts answer as they join: only what they had joined long before
	 * they were asked is an answer. */
	if (h->old && r->since_us + UNSOLICITED_US <= v->opened_us)
		h->answered = r->answers = true;
	r->answers |= record->current;
	r->heard_us = h->now_us;
	r->leaving = false;
	if (member->leaving)
		settle(q, member);
	if (is_new) {
		member->timer = (struct timer){ .kind = QUERIER_TIMER_LEAVE,
						.owner = member };
		changed(q, &record->group, true);
	}
}

/* The asking begins with the next tick. */
static void leaves(struct querier *q, const struct report_record *record,
		   const struct hearing *h)
{
	struct member *member = members_find(q->members, &record->group);
	struct reporter *r;

	if (!member || group_is_for_all(&record->group))
		return;
	r = members_reporter(q->members, member, h->mac);
	if (r && record->says == REPORT_LEAVES)
		r->leaving = true;
	if (member->leaving)
		return;
	member->leaving = true;
	member->asked = 0;
	timers_set(&q->timers, &member->timer, h->now_us);
}

static void note_host(struct querier *q, struct vlan *v, bool v6,
		      const struct hearing *h)
{
	const bool in_window = v->phase == VLAN_RUN || v->phase == VLAN_ROUND;
	bool made = false;
	struct host *host = members_host(q->members, v->id, v6, h->mac, &made);

	if (in_window && h->spoke) {
		v->answered[v6] = true;
		v->silent[v6] = false;
	}
	if (!host)
		return;
	host->heard_us = h->now_us;
	host->slow = h->slow;
	if (h->answered && (h->slow ? v->phase == VLAN_ROUND : in_window)) {
		host->answered_us = h->now_us;
		host->has_answered = true;
	}
	if (!made || host->has_answered)
		return;
	/* Whether it answers at all is better known before it is needed. */
	v->new_host = true;
	if (v->phase == VLAN_QUIET &&
	    v->timer.due_us > h->now_us + QUERIER_NEW_HOST_US)
		timers_set(&q->timers, &v->timer,
			   h->now_us + QUERIER_NEW_HOST_US);
}

bool querier_report(struct querier *q, const struct report *report,
		    const uint8_t mac[ETH_ADDR_LEN], uint64_t now_us)
{
	struct report m = *report;
	struct report_record record;
	struct hearing h = {
		.mac = mac,
		.now_us = now_us,
		.old = report_is_old(report),
		.slow = !report->v6 && report->version == 1,
	};
	struct vlan *v = querier_vlan(q, m.vlan, now_us);

	if (!v || !q->running)
		return true;
	while (report_next(&m, &record)) {
		if (record.says == REPORT_WANTS)
			wants(q, v, &record, &h);
		else
			leaves(q, &record, &h);
	}
	note_host(q, v, m.v6, &h);
	if (h.refused) {
		q->full = true;
		q->refused_us = now_us;
	}
	return !h.refused;
}

/* ---- conclusions ---- */

/* Removes who is gone; true if the group went with the last of them. */
static bool prune(struct querier *q, struct member *member,
		  bool (*is_gone)(const void *user, const struct reporter *r,
				  const struct host *host),
		  const void *user)
{
	const struct group group = *members_group(q->members, member);

	if (!members_prune(q->members, member, is_gone, user))
		return false;
	changed(q, &group, false);
	return true;
}

/* It answered the queries of this window, and did not report this group. */
static bool answered_without(const void *user, const struct reporter *r,
			     const struct host *host)
{
	const struct vlan *v = user;

	return r->heard_us < v->opened_us && host && host->has_answered &&
	       host->answered_us >= v->opened_us;
}

void querier_judge_vlan(struct querier *q, struct vlan *v)
{
	uint32_t at = TABLE_NONE;
	bool known[2] = { false, false };
	struct member *member;

	while ((member = members_next(q->members, &at))) {
		const struct group *group = members_group(q->members, member);
		bool v6 = !group_is_v4(group);

		if (group->vlan != v->id)
			continue;
		/* One that is being left has a judge of its own. */
		if (member->leaving || !prune(q, member, answered_without, v))
			known[v6] = true;
	}
	for (int v6 = 0; v6 < 2; v6++)
		v->silent[v6] = known[v6] && !v->answered[v6];
}

/* It left; or it answered the last general query, so it would have answered
 * those about this group. */
static bool left_or_unconfirmed(const void *user, const struct reporter *r,
				const struct host *host)
{
	const struct vlan *v = user;

	return r->leaving || (host && host->has_answered && !host->slow &&
			      v->concluded && host->answered_us >= v->last_us);
}

void querier_judge_leave(struct querier *q, struct member *member,
			 const struct vlan *v)
{
	member->leaving = false;
	prune(q, member, left_or_unconfirmed, v);
}
