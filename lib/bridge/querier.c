#include "bridge/querier.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/querier_impl.h"

const uint8_t querier_mac[ETH_ADDR_LEN] = { 0x02, 't', 'a', 'p', 'd', 'q' };

/* Startup queries: two, this far apart and with as long to answer. */
#define STARTUP_INTERVAL_US (1 * CLOCK_S)
/* RFC 3376, 8.2 and 8.3. */
#define QUERY_INTERVAL_US (125 * CLOCK_S)
#define QUERY_RESPONSE_US (10 * CLOCK_S)
/* Last-member queries: two, a second apart (RFC 3376, 8.8 and 8.9). They leave a
 * fifth of a second less to answer, so that the last answer is here in time. */
#define LAST_MEMBER_INTERVAL_US (1 * CLOCK_S)
#define LAST_MEMBER_RESPONSE_US (800 * CLOCK_MS)
/* For the answers to arrive, after the time to answer. */
#define SLACK_US (250 * CLOCK_MS)
/* After a tick this late, answers may not have been read yet. */
#define LATE_US		(500 * CLOCK_MS)
#define REPORTER_AGE_US (600 * CLOCK_S)
/* Two general queries: a VLAN with a member that answers is never that quiet. */
#define VLAN_AGE_US (300 * CLOCK_S)
/* A listening MAC without a known group may be a join whose report is on its way.
 * Longer than the second between two calls of querier_listening. */
#define UNHEARD_US (1500 * CLOCK_MS)
/* Timers that one tick handles: a leave of thousands of groups must not hold up
 * the frames. */
#define TICK_MAX 256
/* Members of most groups are a host and a macvlan or two. */
#define MEMBERS_PER_GROUP 2

/* ---- VLANs ---- */

static void open_window(struct vlan *v, enum vlan_phase phase, uint64_t now_us)
{
	v->phase = phase;
	v->window_us = now_us;
	v->heard[0] = v->heard[1] = false;
}

static void begin_startup(struct querier *q, struct vlan *v, uint64_t now_us)
{
	open_window(v, VLAN_STARTUP_QUERIES, now_us);
	v->queries_sent = 0;
	v->lost_frames = v->ask_soon = false;
	timers_set(&q->timers, &v->timer, now_us);
}

static void add_vlan(struct querier *q, uint16_t id, uint64_t now_us)
{
	struct vlan *v = &q->vlans[q->vlans_count];

	if (q->vlans_count > QUERIER_VLANS_MAX) {
		q->crowded_vlans = true;
		q->crowded_us = now_us;
		return;
	}
	*v = (struct vlan){
		.timer = { .kind = QUERIER_TIMER_VLAN, .owner = v },
		.id = id,
		.seen_us = now_us,
	};
	q->vlan_at[id] = (uint8_t)q->vlans_count++;
	if (q->running)
		begin_startup(q, v, now_us);
}

bool querier_saw_vlan(struct querier *q, uint16_t vlan, uint64_t now_us)
{
	assert(vlan < QUERIER_VLAN_IDS);
	if (q->vlan_at[vlan] != QUERIER_VLAN_NONE) {
		q->vlans[q->vlan_at[vlan]].seen_us = now_us;
		return false;
	}
	add_vlan(q, vlan, now_us);
	return true;
}

struct vlan *querier_vlan(struct querier *q, uint16_t id)
{
	if (q->vlan_at[id] == QUERIER_VLAN_NONE)
		return NULL;
	return &q->vlans[q->vlan_at[id]];
}

/* The last VLAN moves to its place. */
static void remove_vlan(struct querier *q, struct vlan *v)
{
	struct vlan *last = &q->vlans[--q->vlans_count];
	const bool armed = timer_armed(&last->timer);
	const uint64_t due_us = last->timer.due_us;

	timers_cancel(&q->timers, &v->timer);
	timers_cancel(&q->timers, &last->timer);
	q->vlan_at[v->id] = QUERIER_VLAN_NONE;
	if (v == last)
		return;
	*v = *last;
	v->timer.owner = v;
	q->vlan_at[v->id] = (uint8_t)(v - q->vlans);
	if (armed)
		timers_set(&q->timers, &v->timer, due_us);
}

/* Nothing on our side speaks there any more. Peers that send there flood it to
 * us again, as they do before it is known, so this loses nobody a group. Members
 * that never answer keep theirs known, unless others find no room. */
static bool vlan_ages(struct querier *q, struct vlan *v, uint64_t now_us)
{
	if (v->id == 0 || now_us - v->seen_us < VLAN_AGE_US)
		return false;
	if ((querier_vlan_silent(v, false) || querier_vlan_silent(v, true)) &&
	    !q->crowded_vlans)
		return false;
	if (v->ever_complete)
		q->ops.vlan_known(q->user, v->id, false);
	querier_forget_groups(q, v);
	remove_vlan(q, v);
	return true;
}

/* ---- life ---- */

struct querier *querier_new(const struct querier_config *config,
			    const struct querier_ops *ops, void *user,
			    const uint8_t seed[TABLE_SEED_LEN])
{
	const struct members_config members = {
		.groups = config->groups_max,
		.members = config->groups_max * MEMBERS_PER_GROUP,
		.reporters = config->reporters_max,
	};
	struct querier *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->ops = *ops;
	q->user = user;
	q->members = members_new(&members, seed);
	if (!q->members ||
	    !timers_init(&q->timers,
			 config->groups_max + 1 + QUERIER_VLANS_MAX)) {
		querier_free(q);
		return NULL;
	}
	memset(q->vlan_at, QUERIER_VLAN_NONE, sizeof(q->vlan_at));
	add_vlan(q, 0, 0);
	return q;
}

void querier_free(struct querier *q)
{
	if (!q)
		return;
	members_free(q->members);
	timers_free(&q->timers);
	free(q);
}

void querier_start(struct querier *q, uint64_t now_us)
{
	q->running = true;
	/* Until every listening MAC is explained: the startup queries may be over
	 * before querier_listening is called twice. */
	q->explained_us = 0;
	for (uint32_t i = 0; i < q->vlans_count; i++) {
		q->vlans[i].complete = false;
		begin_startup(q, &q->vlans[i], now_us);
	}
}

void querier_stop(struct querier *q)
{
	uint32_t at = TABLE_NONE;
	struct group_entry *entry;

	q->running = false;
	for (uint32_t i = 0; i < q->vlans_count; i++) {
		q->vlans[i].complete = false;
		q->vlans[i].phase = VLAN_IDLE;
		timers_cancel(&q->timers, &q->vlans[i].timer);
	}
	while ((entry = members_next_group(q->members, &at))) {
		const struct group *group = members_group(q->members, entry);

		querier_cut_leave(q, entry, querier_vlan(q, group->vlan));
	}
}

void querier_dropped(struct querier *q, uint64_t now_us)
{
	for (uint32_t i = 0; q->running && i < q->vlans_count; i++) {
		struct vlan *v = &q->vlans[i];

		v->complete = false;
		/* Startup queries under way are not interrupted, but sent again. */
		if (v->phase != VLAN_STARTUP_QUERIES)
			begin_startup(q, v, now_us);
		else
			v->lost_frames = v->queries_sent > 0;
	}
}

static bool is_explained(const struct querier *q, const uint8_t *mac)
{
	return group_mac_is_for_all(mac) || members_use_mac(q->members, mac);
}

void querier_listening(struct querier *q, const uint8_t *macs, size_t count,
		       uint64_t now_us)
{
	size_t i = 0;

	while (i < count && is_explained(q, macs + i * ETH_ADDR_LEN))
		i++;
	if (i == count)
		q->explained_us = now_us;
	q->unheard = now_us - q->explained_us >= UNHEARD_US;
}

/* ---- time ---- */

static void send_general_query(struct querier *q, const struct vlan *v,
			       uint64_t response_us)
{
	struct querier_query query = {
		.group = { .vlan = v->id },
		.response_ms = (uint32_t)(response_us / CLOCK_MS),
	};

	q->ops.query(q->user, &query);
	query.v6 = true;
	q->ops.query(q->user, &query);
}

/* There is room again once every VLAN was asked and nothing was refused. */
static void note_room(struct querier *q)
{
	for (uint32_t i = 0; i < q->vlans_count; i++)
		if (!q->vlans[i].ever_complete ||
		    q->vlans[i].last_window_us <= q->refused_us)
			return;
	q->full = false;
}

static void end_window(struct querier *q, struct vlan *v, bool late,
		       uint64_t now_us)
{
	if (late || v->lost_frames || querier_prune_vlan(q, v)) {
		begin_startup(q, v, now_us);
		return;
	}
	if (vlan_ages(q, v, now_us)) {
		note_room(q);
		return;
	}
	if (q->crowded_vlans && now_us - q->crowded_us >= VLAN_AGE_US)
		q->crowded_vlans = false;
	if (!v->ever_complete && v->id != 0)
		q->ops.vlan_known(q->user, v->id, true);
	v->complete = v->ever_complete = true;
	v->last_window_us = v->window_us;
	note_room(q);
	if (now_us > REPORTER_AGE_US)
		members_age_reporters(q->members, now_us - REPORTER_AGE_US);
	v->phase = VLAN_QUIET;
	timers_set(&q->timers, &v->timer,
		   v->ask_soon ? now_us + QUERIER_SOON_US
			       : v->window_us + QUERY_INTERVAL_US);
}

static void vlan_due(struct querier *q, struct vlan *v, bool late,
		     uint64_t now_us)
{
	switch (v->phase) {
	case VLAN_IDLE:
		break;
	case VLAN_QUIET:
		if (v->ask_soon) {
			begin_startup(q, v, now_us);
			break;
		}
		open_window(v, VLAN_GENERAL_QUERY, now_us);
		send_general_query(q, v, QUERY_RESPONSE_US);
		timers_set(&q->timers, &v->timer,
			   now_us + QUERY_RESPONSE_US + SLACK_US);
		break;
	case VLAN_STARTUP_QUERIES:
		if (v->queries_sent == 2) {
			end_window(q, v, late, now_us);
			break;
		}
		if (v->queries_sent++ == 0)
			v->window_us = now_us;
		send_general_query(q, v, STARTUP_INTERVAL_US);
		timers_set(&q->timers, &v->timer,
			   now_us + STARTUP_INTERVAL_US +
				   (v->queries_sent == 2 ? SLACK_US : 0));
		break;
	case VLAN_GENERAL_QUERY:
		end_window(q, v, late, now_us);
		break;
	}
}

static void last_member_due(struct querier *q, struct group_entry *entry,
			    bool late, uint64_t now_us)
{
	const struct group group = *members_group(q->members, entry);
	const struct querier_query query = {
		.v6 = !group_is_v4(&group),
		.group = group,
		.response_ms = LAST_MEMBER_RESPONSE_US / CLOCK_MS,
	};
	const struct vlan *v = querier_vlan(q, group.vlan);

	/* Answers are, or may have been, lost: ask again. */
	if (!v->complete || (late && entry->queries_sent == 2))
		entry->queries_sent = 0;
	if (entry->queries_sent == 2) {
		querier_end_leave(q, entry, v);
		return;
	}
	timers_set(&q->timers, &entry->timer, now_us + LAST_MEMBER_INTERVAL_US);
	if (v->complete) {
		entry->queries_sent++;
		q->ops.query(q->user, &query);
	}
}

uint64_t querier_deadline(const struct querier *q)
{
	return timers_next(&q->timers);
}

void querier_tick(struct querier *q, uint64_t now_us)
{
	for (int i = 0; i < TICK_MAX; i++) {
		const struct timer *t = timers_pop(&q->timers, now_us);
		bool late;

		if (!t)
			return;
		late = now_us - t->due_us > LATE_US;
		if (t->kind == QUERIER_TIMER_VLAN)
			vlan_due(q, t->owner, late, now_us);
		else
			last_member_due(q, t->owner, late, now_us);
	}
}

size_t querier_build(uint8_t frame[QUERIER_FRAME_MAX],
		     const struct querier_query *query)
{
	if (query->v6)
		return mld_build_query(frame, &query->group, query->response_ms,
				       querier_mac);
	return igmp_build_query(frame, &query->group, query->response_ms,
				querier_mac);
}

/* ---- what is known ---- */

const char *querier_reason_text(enum querier_reason reason)
{
	static const char *const texts[] = {
		[QUERIER_STARTING] = "this host's own groups are being asked",
		[QUERIER_VLANS] = "more VLANs than can be asked",
		[QUERIER_FULL] = "more groups than fit",
		[QUERIER_UNHEARD] = "a member is not heard: a firewall?",
	};

	_Static_assert(sizeof(texts) / sizeof(texts[0]) == QUERIER_REASON_COUNT,
		       "a text for each reason");
	return texts[reason];
}

unsigned int querier_want_all(const struct querier *q)
{
	bool starting = false;

	for (uint32_t i = 0; i < q->vlans_count; i++)
		starting |= !q->vlans[i].complete;
	return (unsigned int)starting << QUERIER_STARTING |
	       (unsigned int)q->crowded_vlans << QUERIER_VLANS |
	       (unsigned int)q->full << QUERIER_FULL |
	       (unsigned int)q->unheard << QUERIER_UNHEARD;
}

bool querier_silent(const struct querier *q, bool v6)
{
	for (uint32_t i = 0; i < q->vlans_count; i++)
		if (querier_vlan_silent(&q->vlans[i], v6))
			return true;
	return false;
}

bool querier_answered(const struct querier *q)
{
	return q->answered;
}

bool querier_wants(const struct querier *q, const struct group *group)
{
	return members_find_group(q->members, group) &&
	       !group_is_for_all(group);
}

uint32_t querier_count(const struct querier *q)
{
	return q->wanted;
}

bool querier_next(const struct querier *q, uint32_t *at, struct group *out)
{
	const struct group_entry *entry;

	while ((entry = members_next_group(q->members, at))) {
		*out = *members_group(q->members, entry);
		if (!group_is_for_all(out))
			return true;
	}
	return false;
}

bool querier_next_vlan(const struct querier *q, uint32_t *at, uint16_t *vlan)
{
	while (*at < q->vlans_count) {
		const struct vlan *v = &q->vlans[(*at)++];

		*vlan = v->id;
		if (v->id != 0 && v->ever_complete)
			return true;
	}
	return false;
}
