#include "tapd/tap/interface_plan.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tapd/common/error.h"
#include "tapd/log/log.h"
#include "tapd/tap/address_from.h"
#include "tapd/tap/ip_command.h"

#define ADDRESS_WAIT_MS 3000

/* ---- what it comes to ---- */

static enum address_from complete_address(const struct conf *c,
					  struct prefix *address, char **error)
{
	const char *at = c->address_from_at;
	enum address_from result;
	char *why = NULL;

	if (!*c->interface.address_from)
		return ADDRESS_FROM_TAKEN;
	result = address_take_host_bits(c->interface.address_from,
					c->interface.name, address, &why);
	if (result == ADDRESS_FROM_TAKEN)
		return result;
	error_set(error, "%s%sinterface.address_from: %s", at ? at : "",
		  at ? ": " : "", why ? why : "out of memory");
	free(why);
	return result;
}

bool interface_plan(struct interface_plan *plan, const struct conf *c,
		    char **error)
{
	*plan = (struct interface_plan){
		.addresses_count = c->interface.address_count,
		.multicast_route = c->interface.multicast_route,
	};
	for (size_t n = 0; n < plan->addresses_count; n++) {
		enum address_from result;

		plan->addresses[n] = c->interface.address[n];
		result = complete_address(c, &plan->addresses[n], error);
		if (result == ADDRESS_FROM_TAKEN)
			continue;
		plan->refused = result == ADDRESS_FROM_REFUSED;
		return false;
	}
	return true;
}

bool interface_plan_wait(struct interface_plan *plan, const struct conf *c,
			 char **error)
{
	const struct timespec pause = { .tv_nsec = 50L * 1000 * 1000 };
	int left = ADDRESS_WAIT_MS / 50;

	while (!interface_plan(plan, c, error)) {
		if (plan->refused || left-- == 0)
			return false;
		free(*error);
		*error = NULL;
		nanosleep(&pause, NULL);
	}
	return true;
}

/* ---- set ---- */

static bool has_prefix(const struct prefix *list, size_t count,
		       const struct prefix *p)
{
	for (size_t n = 0; n < count; n++)
		if (prefix_equal(&list[n], p))
			return true;
	return false;
}

void interface_plan_set(const struct interface_plan *plan, struct link *link)
{
	const struct link_state *s = link_state(link);
	char text[PREFIX_STRLEN];

	for (size_t n = 0; n < plan->addresses_count; n++) {
		const struct prefix *p = &plan->addresses[n];

		if (!addr_is_v4(&p->addr) && s->mtu < IPV6_MTU_MIN) {
			log_warning("%s goes without %s: IPv6 needs an MTU of"
				    " at least %d",
				    s->name, prefix_print(p, text),
				    IPV6_MTU_MIN);
			continue;
		}
		ip_command_log(link_add_address(link, p),
			       "address add %s dev %s%s", prefix_print(p, text),
			       s->name, addr_is_v4(&p->addr) ? " brd +" : "");
	}
	if (!plan->multicast_route || !s->up)
		return;
	ip_command_log(link_add_multicast_route(link, false),
		       "route add 224.0.0.0/4 dev %s", s->name);
	ip_command_log(link_add_broadcast_route(link),
		       "route add 255.255.255.255 dev %s", s->name);
	ip_command_log(
		link_add_multicast_route(link, true),
		"-6 route add multicast ff00::/8 dev %s table local metric 128",
		s->name);
}

/* ---- taken back ---- */

/* What goes, and what is to be there afterwards. */
struct removal {
	const struct interface_plan *plan;
	struct link *link;
	int kept_secondaries; /* link_keep_secondaries */
	bool begun;
};

/* An address takes with it the others of its subnet, unless they may follow it, and the
 * last one all IPv4 routes: of others, too, such as a VIP. */
static void begin(struct removal *r)
{
	r->begun = true;
	r->kept_secondaries = link_keep_secondaries(r->link, true);
	if (r->kept_secondaries < 0)
		log_warning("%s may lose other addresses of the subnets that it"
			    " leaves: cannot set promote_secondaries: %s",
			    link_state(r->link)->name,
			    strerror(-r->kept_secondaries));
}

static void remove_address(struct removal *r, const struct prefix *p)
{
	char text[PREFIX_STRLEN];

	if (has_prefix(r->plan->addresses, r->plan->addresses_count, p) ||
	    !link_has_address(r->link, p))
		return;
	if (!r->begun)
		begin(r);
	ip_command_log(link_remove_address(r->link, p), "address del %s dev %s",
		       prefix_print(p, text), link_state(r->link)->name);
}

/* Some of the plan may have gone along, or could not be there beside what went: an IPv6
 * address of another length. */
static void end(struct removal *r)
{
	if (!r->begun)
		return;
	if (r->kept_secondaries == 0)
		(void)link_keep_secondaries(r->link, false);
	if (link_ask_addresses(r->link) == 0)
		interface_plan_set(r->plan, r->link);
}

static void remove_routes(struct link *link)
{
	(void)link_remove_multicast_route(link, false);
	(void)link_remove_multicast_route(link, true);
	(void)link_remove_broadcast_route(link);
}

/* Each removed leaves another in its place in the list. */
void interface_plan_remove_leftovers(const struct interface_plan *plan,
				     struct link *link)
{
	const struct link_addresses *there = &link_state(link)->addresses;
	struct removal r = { .plan = plan, .link = link };

	for (size_t n = there->count; n-- > 0;) {
		const struct prefix p = there->list[n].prefix;

		if (there->list[n].proto == LINK_PROTO)
			remove_address(&r, &p);
	}
	end(&r);
	if (!plan->multicast_route)
		remove_routes(link);
}

void interface_plan_take_back(const struct interface_plan *old,
			      const struct interface_plan *plan,
			      struct link *link)
{
	struct removal r = { .plan = plan, .link = link };

	for (size_t n = 0; n < old->addresses_count; n++)
		remove_address(&r, &old->addresses[n]);
	end(&r);
	if (old->multicast_route && !plan->multicast_route)
		remove_routes(link);
}
