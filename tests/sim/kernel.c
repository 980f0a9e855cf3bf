/* The kernel behind a TAP: what it reports, and when. */
#include <stdlib.h>
#include <string.h>

#include "base/drop.h"
#include "bridge/querier.h"
#include "bridge/router.h"
#include "ether/report.h"
#include "ether/snoop.h"

#include "listeners_impl.h"
#include "support/group_equal.h"
#include "traffic.h"

/* Linux: net.ipv4.igmp… and mld_unsolicited_report_interval are 1 s, or 10 s for
 * the old versions. */
#define AGAIN_US     (600 * SIM_MS)
#define AGAIN_OLD_US (10 * SIM_S)
#define LOOK_US	     SIM_S

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

struct joined *kernel_joined(const struct kernel *k, unsigned interface,
			     unsigned group)
{
	return &k->joined[interface * listeners_of(k)->count + group];
}

bool kernel_is_member(const struct kernel *k, unsigned group)
{
	for (unsigned i = 0; i < k->interface_count; i++)
		if (kernel_joined(k, i, group)->joined)
			return true;
	return false;
}

bool kernel_has_unheard(const struct kernel *k, unsigned group)
{
	for (unsigned i = 0; i < k->interface_count; i++) {
		const struct joined *j = kernel_joined(k, i, group);

		if (k->interfaces[i].firewalled && j->joined && !j->heard)
			return true;
	}
	return false;
}

bool kernel_is_asked(const struct kernel *k)
{
	return !k->tap_down && k->host->config.snooping &&
	       k->host->config.querier;
}

/* ---- reports ---- */

void kernel_wake(struct kernel *k, uint64_t at_us)
{
	struct sim *s = k->host->sim;

	if (at_us >= k->wake_us)
		return;
	k->wake_us = at_us > s->net.now_us ? at_us : s->net.now_us;
	queue_push(s->net.queue, k->wake_us, EVENT_KERNEL, k->host->index,
		   NULL);
}

/* As soon as some host must get what another one sends to the group, it sends. */
static void try_soon(struct kernel *k, unsigned group)
{
	struct sim *s = k->host->sim;
	unsigned from = (unsigned)rng_below(&s->net.rng, s->host_count);
	struct kernel *sender = &listeners_of(k)->kernels[from];
	uint64_t at_us = s->net.now_us +
			 net_link(&s->net, k->host->index, from)->longest_us +
			 1;

	if (from == k->host->index || sender->trial_count == TRIALS_MAX)
		return;
	sender->trials[sender->trial_count++] = (struct trial){ at_us, group };
	kernel_wake(sender, at_us);
}

static void note_heard(struct kernel *k, const struct kept_report *r)
{
	for (size_t i = 0; i < r->count && kernel_is_asked(k); i++) {
		struct joined *j = kernel_joined(k, r->interface, r->groups[i]);

		j->heard = r->says != REPORT_LEAVE;
		/* A join that was kept until after the leave, which was lost. */
		j->lingers = j->heard && !j->joined &&
			     k->interfaces[r->interface].firewalled;
		if (!j->heard || !j->joined)
			continue;
		want_now(k, r->groups[i]);
		if (r->says == REPORT_JOIN && i < 4)
			try_soon(k, r->groups[i]);
	}
}

/* Routers elsewhere have to hear it. */
static uint64_t routers(struct kernel *k)
{
	uint64_t set = 0;

	for (unsigned i = 0; i < k->host->sim->host_count; i++)
		if (want_reports(&listeners_of(k)->kernels[i], k->host->index))
			set |= UINT64_C(1) << i;
	return set;
}

/* Makes it a frame. */
static void speak(struct kernel *k, const struct kept_report *kept,
		  struct traffic_message *out)
{
	static const char *const said[] = { [REPORT_ANSWER] = "answers for",
					    [REPORT_LEAVE] = "reports to leave",
					    [REPORT_JOIN] = "reports to join" };
	struct listeners *l = listeners_of(k);
	struct host_report r = {
		.serial = l->serial++,
		.old = k->interfaces[kept->interface].old,
		.says = kept->says,
		.count = kept->count,
	};

	sim_note(l->sim, "h%u.%u %s group %u, and %zu more", k->host->index,
		 kept->interface, said[kept->says], kept->groups[0],
		 kept->count - 1);
	memcpy(r.mac, k->interfaces[kept->interface].mac, sizeof(r.mac));
	for (size_t i = 0; i < kept->count; i++)
		r.groups[i] = l->groups[kept->groups[i]];
	out->len = report_build(out->bytes, &r);
	out->must = routers(k);
}

/* The node reads all that waits in its TAP. */
static void read_tap(struct kernel *k)
{
	struct traffic_message *messages;

	if (!k->host->node || k->host->sim->failed)
		k->queue_count = 0;
	if (!k->queue_count)
		return;
	messages = test_alloc(QUEUE_MAX * sizeof(*messages));
	for (size_t i = 0; i < k->queue_count; i++)
		speak(k, &k->queue[i], &messages[i]);
	traffic_hand(k->host->sim, k->host->index, messages, k->queue_count);
	for (size_t i = 0; i < k->queue_count; i++)
		note_heard(k, &k->queue[i]);
	k->queue_count = 0;
	free(messages);
}

static void enqueue(struct kernel *k, const struct kept_report *r)
{
	struct sim *s = k->host->sim;

	if (!k->host->node || k->tap_down || s->failed)
		return;
	if (rng_chance(&s->net.rng, k->loses) ||
	    (k->host->paused && k->queue_count >= QUEUE_PAUSED_MAX)) {
		k->lost = k->untidy = true;
		return;
	}
	k->queue[k->queue_count++] = *r;
	if (k->queue_count == QUEUE_MAX)
		read_tap(k);
}

/* In as few reports as its version allows. */
static void send_groups(struct kernel *k, unsigned interface,
			enum report_type says, const uint16_t *groups,
			size_t count)
{
	const struct listeners *l = listeners_of(k);
	struct kept_report open[VLANS][2];

	for (size_t v = 0; v < 2 * VLANS; v++)
		open[v / 2][v % 2] =
			(struct kept_report){ .interface = interface,
					      .says = says };
	for (size_t i = 0; i < count; i++) {
		const struct group *g = &l->groups[groups[i]];
		bool v6 = !group_is_v4(g);
		unsigned vlan = 0;
		struct kept_report *r;

		while (listeners_vlans[vlan] != g->vlan)
			vlan++;
		r = &open[vlan][v6];
		kernel_joined(k, interface, groups[i])->silenced = false;
		r->groups[r->count++] = groups[i];
		if (k->interfaces[interface].old ||
		    r->count == report_room(v6)) {
			enqueue(k, r);
			r->count = 0;
		}
	}
	for (size_t v = 0; v < 2 * VLANS; v++)
		if (open[v / 2][v % 2].count)
			enqueue(k, &open[v / 2][v % 2]);
}

static void send_changes(struct kernel *k, unsigned interface)
{
	struct sim *s = k->host->sim;
	uint16_t joins[LISTENERS_GROUPS_MAX], leaves[LISTENERS_GROUPS_MAX];
	size_t joined = 0, left = 0;
	/* The new versions say all that changed in one report. */
	uint64_t all_us = s->net.now_us + rng_below(&s->net.rng, AGAIN_US);

	for (unsigned g = 0; g < listeners_of(k)->group_count; g++) {
		struct joined *j = kernel_joined(k, interface, g);

		if (j->change_us > s->net.now_us)
			continue;
		j->change_us = CLOCK_NEVER;
		if (--j->left > 0 && !k->interfaces[interface].old)
			j->change_us = all_us;
		else if (j->left > 0)
			j->change_us = s->net.now_us +
				       rng_below(&s->net.rng, AGAIN_OLD_US);
		if (j->joined)
			joins[joined++] = (uint16_t)g;
		else
			leaves[left++] = (uint16_t)g;
	}
	send_groups(k, interface, REPORT_JOIN, joins, joined);
	send_groups(k, interface, REPORT_LEAVE, leaves, left);
}

static bool is_of(const struct group *g, unsigned vlan, unsigned v6)
{
	return g->vlan == listeners_vlans[vlan] && group_is_v4(g) == !v6;
}

static void send_all(struct kernel *k, unsigned interface, unsigned vlan,
		     unsigned v6)
{
	const struct listeners *l = listeners_of(k);
	uint16_t all[LISTENERS_GROUPS_MAX];
	size_t count = 0;

	k->general_us[interface][vlan][v6] = CLOCK_NEVER;
	for (unsigned g = 0; g < l->count; g++)
		if (is_of(&l->groups[g], vlan, v6) &&
		    kernel_joined(k, interface, g)->joined)
			all[count++] = (uint16_t)g;
	send_groups(k, interface, REPORT_ANSWER, all, count);
}

static void send_answers(struct kernel *k, unsigned interface)
{
	uint64_t now_us = k->host->sim->net.now_us;
	uint16_t due[LISTENERS_GROUPS_MAX];
	size_t count = 0;

	for (unsigned g = 0; g < listeners_of(k)->count; g++) {
		struct joined *j = kernel_joined(k, interface, g);

		if (j->answer_us > now_us)
			continue;
		j->answer_us = CLOCK_NEVER;
		if (j->joined)
			due[count++] = (uint16_t)g;
	}
	send_groups(k, interface, REPORT_ANSWER, due, count);
	for (unsigned v = 0; v < 2 * VLANS; v++)
		if (k->general_us[interface][v / 2][v % 2] <= now_us)
			send_all(k, interface, v / 2, v % 2);
}

/* ---- what the node does besides ---- */

void listeners_before_tick(struct host *h)
{
	struct kernel *k;

	if (!h->sim->listeners)
		return;
	k = &h->sim->listeners->kernels[h->index];
	if (!k->lost)
		return;
	k->lost = false;
	sim_note(h->sim, "h%u is told that its TAP lost a report", h->index);
	node_tap_dropped(h->node, host_clock(h));
	want_all_now(k);
}

static void look(struct kernel *k)
{
	struct host *h = k->host;
	const struct listeners *l = h->sim->listeners;
	uint8_t macs[LISTENERS_GROUPS_MAX * 6];
	size_t count = 0;

	k->look_us += LOOK_US;
	if (!h->node || h->paused)
		return;
	listeners_before_tick(h);
	for (unsigned g = 0; g < l->count && k->listens; g++)
		if (kernel_is_member(k, g))
			group_mac(&l->groups[g], macs + 6 * count++);
	if (k->listens)
		node_tap_listening(h->node, macs, count, host_clock(h));
	host_settle(h);
}

static void send_trials(struct kernel *k)
{
	struct sim *s = k->host->sim;

	for (size_t i = 0; i < k->trial_count;) {
		struct traffic_spec spec = { TRAFFIC_GROUP, .len = 80 };

		if (k->trials[i].at_us > s->net.now_us) {
			i++;
			continue;
		}
		spec.group = &s->listeners->groups[k->trials[i].group];
		k->trials[i] = k->trials[--k->trial_count];
		traffic_send(s, k->host->index, &spec, 1);
	}
}

static uint64_t next_turn(const struct kernel *k)
{
	uint64_t at_us = k->look_us;

	for (unsigned i = 0; i < k->interface_count; i++) {
		for (unsigned g = 0; g < listeners_of(k)->count; g++) {
			const struct joined *j = kernel_joined(k, i, g);

			at_us = earlier(at_us,
					earlier(j->change_us, j->answer_us));
		}
		for (unsigned v = 0; v < 2 * VLANS; v++)
			at_us = earlier(at_us, k->general_us[i][v / 2][v % 2]);
	}
	for (size_t i = 0; i < k->trial_count; i++)
		at_us = earlier(at_us, k->trials[i].at_us);
	return at_us;
}

void listeners_turn(struct sim *s, unsigned host)
{
	struct kernel *k = &s->listeners->kernels[host];

	if (k->wake_us > s->net.now_us)
		return;
	k->wake_us = CLOCK_NEVER;
	if (k->look_us <= s->net.now_us)
		look(k);
	for (unsigned i = 0; i < k->interface_count; i++) {
		send_changes(k, i);
		send_answers(k, i);
	}
	if (!k->host->paused)
		read_tap(k);
	send_trials(k);
	kernel_wake(k, next_turn(k));
}

void listeners_resumed(struct host *h)
{
	struct kernel *k;

	if (!h->sim->listeners)
		return;
	k = &h->sim->listeners->kernels[h->index];
	read_tap(k);
}

/* ---- what it reads ---- */

/* One that is due earlier stays: RFC 3376, 5.2. */
static void answer_within(struct kernel *k, uint64_t *due_us, uint64_t us)
{
	struct sim *s = k->host->sim;

	*due_us = earlier(*due_us, s->net.now_us + rng_below(&s->net.rng, us));
	kernel_wake(k, *due_us);
}

static void asked_all(struct kernel *k, unsigned interface,
		      const struct report *query)
{
	const struct listeners *l = listeners_of(k);
	uint64_t us = query->response_ms * SIM_MS;

	for (unsigned vlan = 0; vlan < VLANS; vlan++) {
		if (listeners_vlans[vlan] != query->vlan)
			continue;
		if (!k->interfaces[interface].old) {
			answer_within(
				k, &k->general_us[interface][vlan][query->v6],
				us);
			continue;
		}
		for (unsigned g = 0; g < l->count; g++)
			if (is_of(&l->groups[g], vlan, query->v6) &&
			    kernel_joined(k, interface, g)->joined)
				answer_within(k,
					      &kernel_joined(k, interface, g)
						       ->answer_us,
					      us);
	}
}

static void hear_query(struct kernel *k, const struct report *query)
{
	const struct group all = { .vlan = query->vlan };
	const struct listeners *l = listeners_of(k);

	for (unsigned i = 0; i < k->interface_count; i++) {
		if (k->interfaces[i].firewalled)
			continue;
		if (group_equal(&query->group, &all))
			asked_all(k, i, query);
		for (unsigned g = 0; g < l->count; g++)
			if (group_equal(&query->group, &l->groups[g]) &&
			    kernel_joined(k, i, g)->joined)
				answer_within(
					k, &kernel_joined(k, i, g)->answer_us,
					query->response_ms * SIM_MS);
	}
}

/* As Linux does, whatever its own version is: the other's report will do. */
static void hear_report(struct kernel *k, const struct report *report)
{
	const struct listeners *l = listeners_of(k);

	if (!report_is_old(report) || report->says == REPORT_LEAVES)
		return;
	for (unsigned i = 0; i < k->interface_count; i++) {
		for (unsigned g = 0; g < l->count; g++) {
			struct joined *j = kernel_joined(k, i, g);

			if (k->interfaces[i].firewalled || !j->joined ||
			    !group_equal(&report->group, &l->groups[g]))
				continue;
			j->silenced = k->interfaces[i].old;
			j->answer_us = CLOCK_NEVER;
		}
	}
}

static bool is_for_kernel(const uint8_t *bytes, size_t len, struct report *out)
{
	struct eth_view view;

	return eth_parse(&view, bytes, len) == DROP_NONE &&
	       snoop_parse(out, &view, bytes, len) >= REPORT_QUERY;
}

static void hear(struct kernel *k, const struct report *message)
{
	if (k->tap_down)
		return;
	if (message->kind == REPORT_QUERY)
		hear_query(k, message);
	else
		hear_report(k, message);
}

bool listeners_read_query(struct host *h, const uint8_t *bytes, size_t len)
{
	struct sim *s = h->sim;
	struct report query;

	if (!s->listeners || len < ETH_HEADER_LEN ||
	    memcmp(bytes + ETH_ADDR_LEN, querier_mac, ETH_ADDR_LEN) != 0)
		return false;
	if (!is_for_kernel(bytes, len, &query) || query.kind != REPORT_QUERY)
		sim_fail(s, "h%u writes no query from its querier's MAC",
			 h->index);
	else if (!kernel_is_asked(&s->listeners->kernels[h->index]))
		sim_fail(s, "h%u asks, and was told not to", h->index);
	else
		hear(&s->listeners->kernels[h->index], &query);
	return true;
}

void listeners_read(struct host *h, const uint8_t *bytes, size_t len)
{
	struct sim *s = h->sim;
	struct kernel *k = &s->listeners->kernels[h->index];
	struct report message;

	if (!is_for_kernel(bytes, len, &message)) {
		sim_fail(s, "h%u cannot read another's report", h->index);
		return;
	}
	/* Its timer may be late. */
	if (message.kind == REPORT_MEMBERS && h->config.snooping &&
	    (!k->routed_us ||
	     s->net.now_us - k->routed_us > ROUTER_LIFE_US + 2 * SIM_S))
		sim_fail(s, "h%u, which is no router, gets a report", h->index);
	hear(k, &message);
}
