#include "node/local_groups.h"

#include <string.h>

static unsigned int querier_reasons(const struct node *n)
{
	return n->config.querier ? querier_want_all(n->querier) : 0;
}

bool local_groups_want_all(const struct node *n)
{
	return !n->config.snooping || !n->config.querier || n->tap_wants ||
	       bridge_has_router(n->bridge) ||
	       declaration_is_incomplete(n->declaration) || querier_reasons(n);
}

static void group_changed(void *user, const struct group *group, bool wanted)
{
	struct node *n = user;

	n->groups_dirty = true;
	node_tell_group(n, wanted ? NODE_GROUP_JOINED : NODE_GROUP_LEFT, group,
			NULL);
	declaration_set(n->declaration, group, wanted);
	if (declaration_is_incomplete(n->declaration))
		node_drop(n, DROP_groups_full);
}

static void vlan_known(void *user, uint16_t vlan, bool known)
{
	const struct group group = group_of_vlan(vlan);

	group_changed(user, &group, known);
}

static void write_query(void *user, const struct querier_query *query)
{
	struct node *n = user;
	uint8_t bytes[QUERIER_FRAME_MAX];
	struct iovec iov = { bytes, querier_build(bytes, query) };
	struct frame frame = { .iov = &iov, .iovcnt = 1 };

	n->ops.tap_write(n->user, &frame, 1);
}

static const struct querier_ops querier_ops = {
	.query = write_query,
	.changed = group_changed,
	.vlan_known = vlan_known,
};

bool local_groups_init(struct node *n, const uint8_t seed[TABLE_SEED_LEN])
{
	const struct node_config *c = &n->config;
	const uint32_t vlans = 1 + QUERIER_VLANS_MAX;
	const struct querier_config querier = { c->groups_max,
						QUERIER_REPORTERS };

	n->querier = querier_new(&querier, &querier_ops, n, seed);
	/* As many may be on the way out as are wanted. */
	n->declaration = declaration_new(2 * (c->groups_max + vlans), seed);
	n->router_timer.kind = NODE_TIMER_ROUTER;
	if (!n->querier || !n->declaration)
		return false;
	n->want_all_sent = local_groups_want_all(n);
	n->groups_dirty = true;
	return true;
}

void local_groups_free(struct node *n)
{
	querier_free(n->querier);
	declaration_free(n->declaration);
}

/* A report, or a router's word, that was read from the TAP. */
void local_groups_from_tap(struct node *n, const struct forward *f,
			   uint64_t now_us)
{
	n->groups_dirty = true;
	if (f->membership.kind == REPORT_BAD)
		node_drop(n, DROP_membership_bad);
	if (f->membership.kind == REPORT_MEMBERS &&
	    !querier_report(n->querier, &f->membership, f->view.src, now_us))
		node_drop(n, DROP_groups_full);
	if (!f->router)
		return;
	bridge_set_router(n->bridge, true);
	timers_set(&n->timers, &n->router_timer, now_us + ROUTER_LIFE_US);
}

void local_groups_start(struct node *n, uint64_t now_us)
{
	n->groups_dirty = true;
	if (n->tap_up && n->config.snooping && n->config.querier)
		querier_start(n->querier, now_us);
	else
		querier_stop(n->querier);
}

/* While a router was here, other hosts' reports came in too, and old hosts kept
 * silent about the same groups. They seem to have left: all are asked again. */
void local_groups_router_timer(struct node *n, uint64_t now_us)
{
	bridge_set_router(n->bridge, false);
	local_groups_start(n, now_us);
}

void local_groups_saw_vlan(struct node *n, uint16_t vlan, uint64_t now_us)
{
	if (querier_saw_vlan(n->querier, vlan, now_us))
		n->groups_dirty = true;
}

void local_groups_tick(struct node *n, uint64_t now_us)
{
	querier_tick(n->querier, now_us);
	n->groups_dirty = true;
}

/* ---- what there is to see ---- */

const char *local_groups_why_all(const struct node *n)
{
	unsigned int reasons = querier_reasons(n);

	if (!n->config.snooping)
		return "multicast.snooping = false";
	if (!n->config.querier)
		return "multicast.querier = false";
	/* The kernel makes a bridge's port all-multicast, too. */
	if (n->tap_wants & NODE_TAP_BRIDGED)
		return "the interface is a port of a bridge";
	if (n->tap_wants & NODE_TAP_ALLMULTI)
		return "the interface is all-multicast";
	if (bridge_has_router(n->bridge))
		return "a multicast router is on this side of the interface";
	if (!n->tap_up)
		return "the interface is down";
	for (unsigned int i = QUERIER_REASON_COUNT; i-- > 0;)
		if (reasons & 1u << i)
			return querier_reason_text((enum querier_reason)i);
	return n->want_all_sent
		       ? "more groups come and go than peers can follow"
		       : NULL;
}
