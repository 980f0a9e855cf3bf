#include "bridge/forward.h"
#include "ether/snoop.h"

#include <string.h>

#include "bridge/querier.h"
#include "bridge/router.h"
#include "ether/ra_guard.h"

/* A segment of a GSO frame, as large as on most networks. */
#define GSO_FRAME_LEN 1500

/* Both directions begin with this: check the frame, learn its source, note what
 * it says about multicast. */
static enum drop_reason admit(const struct forward_tables *t, uint16_t port,
			      const uint8_t *frame, size_t len, size_t max,
			      uint64_t now_us, struct forward *out)
{
	struct eth_view *view = &out->view;
	enum drop_reason reason = max ? eth_parse(view, frame, len)
				      : eth_parse_gso(view, frame, len);

	out->full = out->router = false;
	out->membership.kind = REPORT_NONE;
	if (reason != DROP_NONE)
		return reason;
	if (max != 0 && len > max)
		return DROP_frame_long;
	if (memcmp(view->src, querier_mac, ETH_ADDR_LEN) == 0 &&
	    !(t->foreign_queries && port != FDB_PORT_LOCAL &&
	      eth_is_membership(view, frame, len)))
		return DROP_querier_own;
	if (!eth_is_membership(view, frame, len)) {
		out->full =
			!fdb_learn(t->fdb, view->vlan, view->src, port, now_us);
	} else {
		snoop_parse(&out->membership, view, frame, len);
		out->router = out->membership.kind == REPORT_QUERY &&
			      out->membership.has_source;
	}
	if (eth_is_group(view->dst))
		out->router |= router_is_announced(view, frame, len);
	return DROP_NONE;
}

static void to_all(const struct forward_tables *t, struct forward *out)
{
	out->ports = t->live;
	out->reason = DROP_no_peer;
}

/* All ports but those that are known to have no member behind them. */
static void to_members(const struct forward_tables *t,
		       const struct group *group, struct forward *out)
{
	out->ports = t->flood;
	if (group->vlan != 0) {
		const struct group vlan = group_of_vlan(group->vlan);
		struct port_set known = { .words = { 0 } };

		mdb_find(t->mdb, &vlan, &known);
		for (int i = 0; i < PORT_SET_WORDS; i++)
			out->ports.words[i] |= ~known.words[i];
	}
	mdb_find(t->mdb, group, &out->ports);
	port_set_keep(&out->ports, &t->live);
	out->reason =
		port_set_is_empty(&t->live) ? DROP_no_peer : DROP_no_member;
}

static void to_group(const struct forward_tables *t, struct forward *out)
{
	struct group group;

	if (t->snooping && out->membership.kind == REPORT_MEMBERS) {
		out->ports = t->routers;
		port_set_keep(&out->ports, &t->live);
		out->reason = DROP_report_kept;
	} else if (t->snooping && out->membership.kind == REPORT_NONE &&
		   group_of_frame(&out->view, &group)) {
		to_members(t, &group, out);
	} else {
		to_all(t, out);
	}
}

/* The port that a MAC is behind, if it can be sent to. What a peer says of its own
 * MAC is for what was not learned: that MAC may have moved since. */
static int live_port(const struct forward_tables *t, const struct forward *out,
		     int learned)
{
	int port = learned > 0 ? learned
			       : tap_macs_find(t->tap_macs, out->view.dst);

	return port > 0 && port_set_has(&t->live, (uint16_t)port) ? port : -1;
}

/* frames: how many it stands for. */
static void to_mac(const struct forward_tables *t, uint32_t frames,
		   uint64_t now_us, struct forward *out)
{
	const struct eth_view *v = &out->view;
	const int learned = fdb_find(t->fdb, v->vlan, v->dst, now_us);
	int port;

	memset(&out->ports, 0, sizeof(out->ports));
	out->reason = DROP_frame_local;
	if (learned == FDB_PORT_LOCAL)
		return;
	port = live_port(t, out, learned);
	if (port > 0)
		port_set_add(&out->ports, (uint16_t)port);
	else if (learned == FDB_UNKNOWN ||
		 fdb_may_search(t->fdb, v->vlan, v->dst, frames, now_us))
		to_all(t, out);
	else
		out->reason = DROP_unknown_unicast;
}

/* A GSO frame counts for as many as it is cut into, or about that. */
static uint32_t frames_in(size_t len, size_t max)
{
	return max ? 1 : 1 + (uint32_t)(len / GSO_FRAME_LEN);
}

void forward_from_tap(const struct forward_tables *t, const uint8_t *frame,
		      size_t len, size_t max, uint64_t now_us,
		      struct forward *out)
{
	out->reason = admit(t, FDB_PORT_LOCAL, frame, len, max, now_us, out);
	if (out->reason != DROP_NONE)
		return;
	if (eth_is_group(out->view.dst))
		to_group(t, out);
	else
		to_mac(t, frames_in(len, max), now_us, out);
	if (!port_set_is_empty(&out->ports))
		out->reason = DROP_NONE;
}

void forward_from_port(const struct forward_tables *t, uint16_t port,
		       const uint8_t *frame, size_t len, size_t max,
		       uint64_t now_us, struct forward *out)
{
	/* The destination is not looked up: what a peer sent goes into the TAP,
	 * even to a MAC that we learned elsewhere, as its sender may know
	 * better. */
	out->reason = admit(t, port, frame, len, max, now_us, out);
	if (out->reason != DROP_NONE)
		return;
	if (!t->router_advertisements &&
	    ra_guard_forbids(&out->view, frame, len))
		out->reason = DROP_ra_guard;
	else if (!t->snooping)
		return;
	else if (out->membership.kind == REPORT_MEMBERS && !t->router)
		out->reason = DROP_report_foreign;
	else if (out->membership.kind == REPORT_QUERY &&
		 !out->membership.has_source && !t->foreign_queries)
		out->reason = DROP_query_foreign;
}
