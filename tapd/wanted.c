#include "tapd/wanted.h"

#include "tapd/conf/conf.h"
#include "tapd/daemon_state.h"
#include "tapd/discover/resolve.h"
#include "tapd/entry.h"
#include "tapd/log.h"

void daemon_want_peers(struct daemon *d)
{
	/* One more than there is room for tells that there are too many. */
	struct addr wanted[NODE_ENDPOINTS_MAX + 1];
	const size_t max = sizeof(wanted) / sizeof(wanted[0]);
	size_t n = 0;

	for (size_t i = 0; i < d->conf->peers_count && n < max; i++)
		if (d->conf->peers[i].is_addr)
			wanted[n++] = d->conf->peers[i].addr;
	n += resolve_addresses(d->resolve, wanted + n, max - n);
	if (node_want(d->node, NODE_SOURCE_PEERS, wanted, n, d->now) > 0)
		log_warning("some of the peers' addresses are left out: there"
			    " is room for %d",
			    NODE_ENDPOINTS_MAX);
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
	const struct conf *c = d->conf;

	d->resolve = resolve_new(d->base, d->helper, on_resolved, d);
	if (!d->resolve || !resolve_set(d->resolve, c->peers, c->peers_count))
		return false;
	daemon_want_peers(d);
	return true;
}
