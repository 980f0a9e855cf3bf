#include "bridge/querier.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/querier_impl.h"

const uint8_t querier_mac[ETH_ADDR_LEN] = { 0x02, 't', 'a', 'p', 'd', 'q' };

/* A run: two queries, this far apart and with as long to answer. */
#define QUICK_US (1 * CLOCK_S)
/* RFC 3376, 8.2 and 8.3. */
#define ROUND_US    (125 * CLOCK_S)
#define RESPONSE_US (10 * CLOCK_S)
/* A leave: two queries a second apart. They leave a fifth of a second less to
 * answer, so that the last answer is here when the leave is decided. */
#define LEAVE_US	  (1 * CLOCK_S)
#define LEAVE_RESPONSE_US (800 * CLOCK_MS)
/* For the answers' way, after the time to answer. */
#define SLACK_US (250 * CLOCK_MS)
/* A look this late may have been kept from reading the answers. */
#define LATE_US	    (500 * CLOCK_MS)
#define HOST_AGE_US (600 * CLOCK_S)
/* What nobody explains may be a join whose report is on its way. More than the
 * second between two looks: the second look tells. */
#define UNHEARD_US (1500 * CLOCK_MS)
/* Timers that one tick looks at: a leave of thousands of groups must not hold up
 * the frames. */
#define TICK_MAX 256
/* Members of most groups are a host and a macvlan or two. */
#define REPORTERS_PER_GROUP 2

/* ---- VLANs ---- */

static void open_window(struct vlan *v, enum vlan_phase phase, uint64_t now_us)
{
	v->phase = phase;
	v->opened_us = now_us;
	v->answered[0] = v->answered[1] = false;
}

static void begin_run(struct querier *q, struct vlan *v, uint64_t now_us)
{
	open_window(v, VLAN_RUN, now_us);
	v->asked = 0;
	v->dropped = v->new_host = false;
	timers_set(&q->timers, &v->timer, now_us);
}

static void add_vlan(struct querier *q, uint16_t id, uint64_t now_us)
{
	struct vlan *v = &q->vlans[q->vlans_count];

	if (q->vlans_count > QUERIER_VLANS_MAX) {
		q->crowded_vlans = true;
		return;
	}
	*v = (struct vlan){
		.timer = { .kind = QUERIER_TIMER_VLAN, .owner = v },
		.id = id,
	};
	q->vlan_at[id] = (uint8_t)q->vlans_count++;
	if (q->running)
		begin_run(q, v, now_us);
}

bool querier_saw_vlan(struct querier *q, uint16_t vlan, uint64_t now_us)
{
	assert(vlan < QUERIER_VLAN_IDS);
	if (q->vlan_at[vlan] != QUERIER_VLAN_NONE)
		return false;
	add_vlan(q, vlan, now_us);
	return true;
}

struct vlan *querier_vlan(struct querier *q, uint16_t id, uint64_t now_us)
{
	querier_saw_vlan(q, id, now_us);
	if (q->vlan_at[id] == QUERIER_VLAN_NONE)
		return NULL;
	return &q->vlans[q->vlan_at[id]];
}

/* ---- life ---- */

struct querier *querier_new(const struct querier_config *config,
			    const struct querier_ops *ops, void *user,
			    const uint8_t seed[TABLE_SEED_LEN])
{
	const struct members_config members = {
		.groups = config->groups_max,
		.reporters = config->groups_max * REPORTERS_PER_GROUP,
		.hosts = config->hosts_max,
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
	/* Until a look explains all: the run may end before a second one. */
	q->explained_us = 0;
	for (uint32_t i = 0; i < q->vlans_count; i++) {
		q->vlans[i].complete = false;
		begin_run(q, &q->vlans[i], now_us);
	}
}

/* Cancels a leave under way: no query can be sent while the TAP is down. */
static void stop_leaving(struct querier *q, struct member *member)
{
	struct reporter *r = NULL;

	while ((r = members_next_reporter(q->members, member, r)))
		r->leaving = false;
	member->leaving = false;
	timers_cancel(&q->timers, &member->timer);
}

void querier_stop(struct querier *q)
{
	uint32_t at = TABLE_NONE;
	struct member *member;

	q->running = false;
	for (uint32_t i = 0; i < q->vlans_count; i++) {
		q->vlans[i].complete = false;
		q->vlans[i].phase = VLAN_IDLE;
		timers_cancel(&q->timers, &q->vlans[i].timer);
	}
	while ((member = members_next(q->members, &at)))
		stop_leaving(q, member);
}

void querier_dropped(struct querier *q, uint64_t now_us)
{
	for (uint32_t i = 0; q->running && i < q->vlans_count; i++) {
		struct vlan *v = &q->vlans[i];

		v->complete = false;
		/* A run that has begun is not interrupted, but done again. */
		if (v->phase != VLAN_RUN)
			begin_run(q, v, now_us);
		else
			v->dropped = v->asked > 0;
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

static void ask(struct querier *q, const struct vlan *v, uint64_t response_us)
{
	struct querier_query query = {
		.group = { .vlan = v->id },
		.response_ms = (uint32_t)(response_us / CLOCK_MS),
	};

	q->ops.query(q->user, &query);
	query.v6 = true;
	q->ops.query(q->user, &query);
}

/* There is room again once all have been asked and nothing was refused. */
static void note_room(struct querier *q)
{
	for (uint32_t i = 0; i < q->vlans_count; i++)
		if (!q->vlans[i].concluded ||
		    q->vlans[i].last_us <= q->refused_us)
			return;
	q->full = false;
}

static void conclude(struct querier *q, struct vlan *v, bool late,
		     uint64_t now_us)
{
	if (late || v->dropped) {
		begin_run(q, v, now_us);
		return;
	}
	querier_judge_vlan(q, v);
	if (!v->concluded && v->id != 0)
		q->ops.vlan_known(q->user, v->id);
	v->complete = v->concluded = true;
	v->last_us = v->opened_us;
	note_room(q);
	if (now_us > HOST_AGE_US)
		members_age_hosts(q->members, now_us - HOST_AGE_US);
	v->phase = VLAN_QUIET;
	timers_set(&q->timers, &v->timer,
		   v->new_host ? now_us + QUERIER_NEW_HOST_US
			       : v->opened_us + ROUND_US);
}

static void vlan_due(struct querier *q, struct vlan *v, bool late,
		     uint64_t now_us)
{
	switch (v->phase) {
	case VLAN_IDLE:
		break;
	case VLAN_QUIET:
		if (v->new_host) {
			begin_run(q, v, now_us);
			break;
		}
		open_window(v, VLAN_ROUND, now_us);
		ask(q, v, RESPONSE_US);
		timers_set(&q->timers, &v->timer,
			   now_us + RESPONSE_US + SLACK_US);
		break;
	case VLAN_RUN:
		if (v->asked == 2) {
			conclude(q, v, late, now_us);
			break;
		}
		if (v->asked++ == 0)
			v->opened_us = now_us;
		ask(q, v, QUICK_US);
		timers_set(&q->timers, &v->timer,
			   now_us + QUICK_US + (v->asked == 2 ? SLACK_US : 0));
		break;
	case VLAN_ROUND:
		conclude(q, v, late, now_us);
		break;
	}
}

static void leave_due(struct querier *q, struct member *member, bool late,
		      uint64_t now_us)
{
	const struct group group = *members_group(q->members, member);
	const struct querier_query query = {
		.v6 = !group_is_v4(&group),
		.group = group,
		.response_ms = LEAVE_RESPONSE_US / CLOCK_MS,
	};
	const struct vlan *v = querier_vlan(q, group.vlan, now_us);

	/* Answers are, or may have been, lost: it is asked anew. */
	if (!v->complete || (late && member->asked == 2))
		member->asked = 0;
	if (member->asked == 2) {
		querier_judge_leave(q, member, v);
		return;
	}
	timers_set(&q->timers, &member->timer, now_us + LEAVE_US);
	if (v->complete) {
		member->asked++;
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
			leave_due(q, t->owner, late, now_us);
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
		if (q->vlans[i].silent[v6])
			return true;
	return false;
}

bool querier_wants(const struct querier *q, const struct group *group)
{
	return members_find(q->members, group) && !group_is_for_all(group);
}

uint32_t querier_count(const struct querier *q)
{
	return q->wanted;
}

bool querier_next(const struct querier *q, uint32_t *at, struct group *out)
{
	const struct member *member;

	while ((member = members_next(q->members, at))) {
		*out = *members_group(q->members, member);
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
		if (v->id != 0 && v->concluded)
			return true;
	}
	return false;
}
