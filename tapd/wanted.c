#include "tapd/wanted.h"

#include <string.h>

#include "tapd/conf/conf.h"
#include "tapd/daemon_state.h"
#include "tapd/discover/resolve.h"
#include "tapd/entry.h"
#include "tapd/log/log.h"
#include "tapd/recursion.h"

/* One more than there is room for tells that there are too many. */
#define WANTED_MAX (NODE_ENDPOINTS_MAX + 1)

/* Addresses, and the numbers of the hosts whose they are. */
struct wanted_list {
	struct addr addrs[WANTED_MAX];
	uint16_t hosts[WANTED_MAX];
	size_t count;
};

/* A hosts file may give this host's name 127.0.1.1. There is nobody else at our own
 * port, though with a `listen` of ours nobody may answer there. */
static bool is_own_loopback(const struct daemon *d, const struct addr *a)
{
	if (!addr_is_loopback(a))
		return false;
	for (unsigned i = 0; udp_fd(d->udp, i) >= 0; i++)
		if (udp_bound(d->udp, i).port == a->port)
			return true;
	return false;
}

/* Of a name that is ourselves no address is wanted. */
static void leave_self_out(const struct daemon *d, struct wanted_list *w,
			   size_t from)
{
	size_t kept = from;

	for (size_t i = from, end; i < w->count; i = end) {
		bool self = false;

		for (end = i; end < w->count && w->hosts[end] == w->hosts[i];
		     end++)
			self |= is_own_loopback(d, &w->addrs[end]);
		for (; i < end && !self; i++, kept++) {
			w->addrs[kept] = w->addrs[i];
			w->hosts[kept] = w->hosts[i];
		}
	}
	w->count = kept;
}

static void list_peers_of(const struct daemon *d, struct wanted_list *w)
{
	const struct conf *c = d->conf;
	size_t from;

	w->count = 0;
	for (size_t i = 0; i < c->peers_count && w->count < WANTED_MAX; i++)
		if (c->peers[i].is_addr)
			w->addrs[w->count++] = c->peers[i].addr;
	from = w->count;
	for (size_t i = 0; i < from; i++)
		w->hosts[i] = (uint16_t)i;
	w->count += resolve_addresses(d->resolve, w->addrs + from,
				      w->hosts + from, WANTED_MAX - from);
	for (size_t i = from; i < w->count; i++)
		w->hosts[i] = (uint16_t)(w->hosts[i] + from);
	leave_self_out(d, w, from);
}

void daemon_want_peers(struct daemon *d)
{
	const size_t room = sizeof(d->wanted) / sizeof(d->wanted[0]);
	struct wanted_list w;

	list_peers_of(d, &w);
	d->wanted_count = w.count < room ? w.count : room;
	memcpy(d->wanted, w.addrs, d->wanted_count * sizeof(d->wanted[0]));
	if (node_want_hosts(d->node, NODE_SOURCE_PEERS, w.addrs, w.hosts,
			    w.count, d->now) > 0)
		log_warning("some of the peers' addresses are left out: there"
			    " is room for %d",
			    NODE_ENDPOINTS_MAX);
	daemon_check_routes(d);
}

static void on_resolved(void *user)
{
	struct daemon *d = user;

	if (d->stopping)
		return;
	daemon_enter(d);
	daemon_want_peers(d);
	daemon_leave(d);
}

bool daemon_find_peers(struct daemon *d)
{
	static const struct resolve_ops ops = { .what = "peer",
						.changed = on_resolved };
	const struct conf *c = d->conf;

	d->resolve = resolve_new(d->base, d->helper, &ops, d);
	if (!d->resolve || !resolve_set(d->resolve, c->peers, c->peers_count))
		return false;
	daemon_want_peers(d);
	return true;
}
