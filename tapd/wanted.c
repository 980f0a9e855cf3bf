#include "tapd/wanted.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/conf/conf.h"
#include "tapd/conf/encapsulation.h"
#include "tapd/daemon_state.h"
#include "tapd/discover/hosts.h"
#include "tapd/discover/own_host.h"
#include "tapd/discover/sources.h"
#include "tapd/entry.h"
#include "tapd/log/log.h"
#include "tapd/monitor_events.h"
#include "tapd/node_ops.h"
#include "tapd/recursion.h"
#include "tapd/tap/interface.h"

#define WANTED_MAX (NODE_ENDPOINTS_MAX + 1)
#define OWN_MAX	   256

/* In the order of enum node_source. */
static const char *const source_keys[] = { "peers", "discover.file",
					   "discover.command", "discover.dns" };
static_assert(sizeof(source_keys) / sizeof(source_keys[0]) == NODE_SOURCE_COUNT,
	      "every source has a key");

/* GRE has no ports, and one tapd a host. */
static bool is_own_port(const struct daemon *d, uint16_t port)
{
	bool own = port == 0;

	for (unsigned i = 0; !own && udp_fd(d->udp, i) >= 0; i++)
		own = udp_bound(d->udp, i).port == port;
	return own;
}

/* This host's own addresses, as far as they have to be known. */
struct own {
	struct addr addrs[OWN_MAX];
	size_t count;
};

/* Where hosts shake hands, one that is ourselves turns out to be; elsewhere the frames
 * that are sent there would come back. */
static void find_own(const struct daemon *d, struct own *own)
{
	own->count = 0;
	if (!conf_is_sealed(d->conf))
		own->count = own_host_addresses(
			own->addrs, OWN_MAX,
			link_state(interface_link(d->interface))->name);
}

/* A hosts file may give this host's name 127.0.1.1. There is nobody else at our own
 * port, though with a `listen` of ours nobody may answer there. */
static bool is_own_loopback(const struct daemon *d, const struct addr *a)
{
	return addr_is_loopback(a) && is_own_port(d, a->port);
}

static bool is_own(const struct daemon *d, const struct own *own,
		   const struct addr *a)
{
	bool ours = false;

	for (size_t i = 0; !ours && i < own->count; i++)
		ours = memcmp(own->addrs[i].ip, a->ip, sizeof(a->ip)) == 0 &&
		       own->addrs[i].scope == a->scope;
	return ours && is_own_port(d, a->port);
}

/* A peer that is not sealed to is up whatever becomes of what is sent there. */
static bool is_out_of_reach(const struct daemon *d, const struct addr *a)
{
	return !conf_is_sealed(d->conf) && !udp_has_family(d->udp, a);
}

/* Of a name that is ourselves alone no address is wanted. One that is that of many hosts,
 * with us among them, is left the others. */
static void leave_self_out(const struct daemon *d, struct wanted_list *w)
{
	struct own own;
	size_t kept = 0;

	find_own(d, &own);
	for (size_t i = 0, end; i < w->count; i = end) {
		bool self = false;

		for (end = i; end < w->count && w->hosts[end] == w->hosts[i];
		     end++)
			self |= is_own_loopback(d, &w->addrs[end]);
		for (; i < end && !self; i++) {
			if (is_own(d, &own, &w->addrs[i]) ||
			    is_out_of_reach(d, &w->addrs[i]))
				continue;
			w->addrs[kept] = w->addrs[i];
			w->hosts[kept++] = w->hosts[i];
		}
	}
	w->count = kept;
}

/* What it lists without ourselves; returns how many there are with us. */
static size_t list_wanted(const struct daemon *d, enum node_source source,
			  struct wanted_list *w)
{
	const struct conf *c = d->conf;
	size_t listed;

	if (source == NODE_SOURCE_PEERS)
		w->count = hosts_addresses(c->peers, c->peers_count, d->resolve,
					   w->addrs, w->hosts, WANTED_MAX);
	else
		w->count = sources_addresses(d->sources, source, w->addrs,
					     w->hosts, WANTED_MAX);
	listed = w->count;
	leave_self_out(d, w);
	return listed;
}

/* An answer is good once it has an address: one of names that are not known (yet), or
 * mean nothing, takes nobody away. One that is configured no more does. */
static bool keeps_last(const struct daemon *d, enum node_source source)
{
	struct sources_info info;

	return source != NODE_SOURCE_PEERS &&
	       sources_info(d->sources, source, &info);
}

static bool same_list(const struct wanted_list *a, const struct wanted_list *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->hosts[i] != b->hosts[i] ||
		    !addr_equal(&a->addrs[i], &b->addrs[i]))
			return false;
	return true;
}

static size_t tell_node(struct daemon *d, enum node_source source)
{
	const struct wanted_list *w = &d->wanted[source];

	return node_want_hosts(d->node, source, w->addrs, w->hosts, w->count,
			       d->now);
}

static void tell(struct daemon *d, enum node_source source)
{
	struct wanted_list *w = &d->wanted[source];
	/* What it lists no more was still in the way the first time. */
	const bool short_of_room =
		tell_node(d, source) > 0 && tell_node(d, source) > 0;

	if (short_of_room && !w->short_of_room)
		log_warning("%s: some of its addresses are left out: there is"
			    " room for %d",
			    source_keys[source], NODE_ENDPOINTS_MAX);
	w->short_of_room = short_of_room;
}

/* What one source gives up is room for others. */
static void tell_others_again(struct daemon *d, enum node_source source)
{
	for (int i = 0; i < NODE_SOURCE_COUNT; i++)
		if (i != (int)source && d->wanted[i].short_of_room)
			tell(d, (enum node_source)i);
}

static void want(struct daemon *d, enum node_source source)
{
	struct wanted_list *now = &d->wanted[NODE_SOURCE_COUNT];
	struct wanted_list *told = &d->wanted[source];
	size_t before;

	if (list_wanted(d, source, now) == 0 && keeps_last(d, source))
		return;
	if (same_list(now, told) && !told->short_of_room)
		return;
	now->short_of_room = told->short_of_room;
	before = told->count;
	*told = *now;
	tell(d, source);
	daemon_monitor_source(d, source, before);
	tell_others_again(d, source);
	daemon_check_routes(d);
}

void daemon_want_peers(struct daemon *d)
{
	want(d, NODE_SOURCE_PEERS);
}

void daemon_addresses_changed(struct daemon *d)
{
	if (conf_is_sealed(d->conf))
		return;
	for (int i = 0; i < NODE_SOURCE_COUNT; i++)
		want(d, (enum node_source)i);
}

/* ---- what is looked up and asked for ---- */

static void on_resolved(void *user)
{
	struct daemon *d = user;

	if (d->stopping)
		return;
	daemon_enter(d);
	want(d, NODE_SOURCE_PEERS);
	daemon_leave(d);
}

static void on_listed(void *user, enum node_source source)
{
	struct daemon *d = user;

	if (d->stopping)
		return;
	daemon_enter(d);
	want(d, source);
	daemon_leave(d);
}

static uint64_t now_us(void *user)
{
	(void)user;
	return daemon_monotonic_us();
}

static uint32_t peers_up(void *user)
{
	const struct daemon *d = user;

	return d->peers_up;
}

static bool is_this_host(void *user, const struct addr *list, size_t count)
{
	const struct daemon *d = user;

	return own_host_is_among(
		list, count, link_state(interface_link(d->interface))->name);
}

static void fill_random(void *user, void *buf, size_t len)
{
	daemon_node_ops.random(user, buf, len);
}

bool daemon_find_peers(struct daemon *d)
{
	static const struct resolve_ops resolve_ops = { .what = "peer",
							.changed =
								on_resolved };
	static const struct discover_ops sources_ops = {
		.changed = on_listed,
		.now_us = now_us,
		.peers_up = peers_up,
		.is_this_host = is_this_host,
		.random = fill_random,
	};
	const struct conf *c = d->conf;

	d->wanted = calloc(NODE_SOURCE_COUNT + 1, sizeof(*d->wanted));
	d->resolve = resolve_new(d->base, d->helper, &resolve_ops, d);
	d->sources = sources_new(d->base, d->helper, &sources_ops, d);
	if (!d->wanted || !d->resolve || !d->sources ||
	    !resolve_set(d->resolve, c->peers, c->peers_count) ||
	    !sources_reserve(d->sources, c))
		return false;
	daemon_want_peers(d);
	sources_set(d->sources, c);
	return true;
}
