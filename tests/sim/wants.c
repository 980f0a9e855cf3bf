/* Since when a host must get what. */
#include "bridge/router.h"

#include "listeners_impl.h"

/* The node wants what was left for as long, if it heard of the leave, or not. */
#define LEAVE_US      (15 * SIM_S)
#define LEAVE_LOST_US (300 * SIM_S)

/* ---- what the node has to want ---- */

static uint64_t leave_us(const struct kernel *k)
{
	return k->untidy ? LEAVE_LOST_US : LEAVE_US;
}

/* A join of what was left just now changes nothing for the node, which then has
 * nothing new to declare: its peers have known since the join before, or not. */
void want_now(struct kernel *k, unsigned group)
{
	uint64_t now_us = k->host->sim->net.now_us;

	if (k->known_us[group] <= now_us)
		return;
	k->known_us[group] = now_us;
	if (k->first_us[group] == CLOCK_NEVER ||
	    now_us - k->left_us[group] > leave_us(k))
		k->first_us[group] = now_us;
}

void want_all_now(struct kernel *k)
{
	for (unsigned g = 0; g < listeners_of(k)->count; g++)
		if (kernel_is_member(k, g))
			want_now(k, g);
}

/* The TAP went down, or the querier was switched off: nobody can be asked about
 * what was just left, so the node takes the leave back, for who rejoins meanwhile
 * is not heard. Who never answers anything then counts as a member. */
static void forget_leaves(struct kernel *k)
{
	for (unsigned g = 0; g < listeners_of(k)->group_count; g++)
		for (unsigned i = 0; i < k->interface_count; i++)
			if (k->interfaces[i].firewalled && k->left_us[g] &&
			    !kernel_joined(k, i, g)->joined &&
			    k->host->sim->net.now_us - k->left_us[g] <
				    leave_us(k))
				kernel_joined(k, i, g)->lingers = true;
}

void want_consider(struct kernel *k)
{
	uint64_t now_us = k->host->sim->net.now_us;
	bool asked = kernel_is_asked(k);

	if (k->asked && !asked)
		forget_leaves(k);
	k->asked = asked;
	if (k->router_us && now_us - k->routed_us >= ROUTER_LIFE_US)
		k->router_us = 0;
	if (asked && !k->router_us) {
		k->all_us = CLOCK_NEVER;
	} else if (k->all_us == CLOCK_NEVER) {
		k->all_us = now_us;
		want_all_now(k);
	}
}

/* Who is not heard is seen listening; but behind a member that is, only at the
 * first look after that one's leave was noticed. */
static bool is_hidden(const struct kernel *k, unsigned group)
{
	if (!k->left_us[group] ||
	    k->host->sim->net.now_us - k->left_us[group] > leave_us(k))
		return false;
	for (unsigned i = 0; i < k->interface_count; i++) {
		const struct joined *j = kernel_joined(k, i, group);

		if (j->joined && (j->heard || !k->interfaces[i].firewalled))
			return false;
	}
	return true;
}

struct want want_of(struct kernel *k, unsigned group)
{
	want_consider(k);
	if (k->all_us < k->known_us[group])
		return (struct want){ k->all_us, k->all_us };
	if (is_hidden(k, group))
		return want_since(k->all_us);
	return (struct want){ k->known_us[group], k->first_us[group] };
}

/* ---- what must hold ---- */

const struct group *listeners_any(struct sim *s)
{
	const struct listeners *l = s->listeners;

	return &l->groups[rng_below(&s->net.rng, l->group_count)];
}

unsigned listeners_number(const struct sim *s, const struct group *group)
{
	return (unsigned)(group - s->listeners->groups);
}

bool want_must(struct sim *s, unsigned from, unsigned to, struct want want)
{
	const struct host *h = &s->hosts[to];
	const struct link *there = net_link(&s->net, from, to);
	const struct link *back = net_link(&s->net, to, from);
	uint64_t since_us = want.since_us;

	if (since_us == CLOCK_NEVER || !h->node || h->paused ||
	    !sim_is_up(s, from, to) || !sim_is_up(s, to, from) || there->cut ||
	    there->loss > 0 || there->datagram_max)
		return false;
	if (since_us < h->up_us[from])
		since_us = h->up_us[from];
	if (back->lost_us >= want.told_us && back->lost_us >= h->up_us[from] &&
	    since_us < back->lost_us + RECOVERED_US)
		since_us = back->lost_us + RECOVERED_US;
	return s->net.now_us > since_us + back->longest_us;
}

/* A router that counts as gone when a report arrives does not get it: the node gives
 * the TAP no more of them, though the sender still had to send it. */
static bool is_router_at_arrival(const struct kernel *k, unsigned from)
{
	struct sim *s = k->host->sim;
	const struct link *there = net_link(&s->net, from, k->host->index);

	return s->net.now_us + there->longest_us - k->routed_us <
	       ROUTER_LIFE_US;
}

bool want_reports(struct kernel *k, unsigned from)
{
	struct sim *s = k->host->sim;
	uint64_t up_us = s->hosts[from].up_us[k->host->index];
	struct want want;

	want_consider(k);
	if (k->host->index == from || !k->router_us ||
	    !is_router_at_arrival(k, from))
		return false;
	/* Who is not known to be a router does not get reports. */
	want = want_since(k->router_us);
	if (want.since_us < up_us + RECOVERED_US)
		want.since_us = up_us + RECOVERED_US;
	return want_must(s, from, k->host->index, want);
}

static bool wants(struct kernel *k, unsigned group)
{
	bool wants = kernel_is_member(k, group);

	want_consider(k);
	for (unsigned i = 0; i < k->interface_count; i++)
		wants |= kernel_joined(k, i, group)->lingers;
	return wants || k->all_us != CLOCK_NEVER;
}

/* Somebody listens to what the node has not heard of: it wants everything. */
bool want_is_unsure(const struct kernel *k)
{
	for (unsigned g = 0; g < k->host->sim->listeners->group_count; g++)
		if (kernel_has_unheard(k, g))
			return true;
	return false;
}

void listeners_expect(struct sim *s, unsigned sender, const struct group *group,
		      uint64_t *must, uint64_t *may)
{
	struct listeners *l = s->listeners;
	unsigned g = listeners_number(s, group);
	bool all = !l->quiet || !s->hosts[sender].config.snooping;

	*must = *may = 0;
	for (unsigned i = 0; i < s->host_count; i++) {
		struct kernel *k = &l->kernels[i];

		if (i == sender)
			continue;
		if (want_must(s, sender, i, want_of(k, g)))
			*must |= UINT64_C(1) << i;
		if (all || wants(k, g) || want_is_unsure(k))
			*may |= UINT64_C(1) << i;
	}
}
