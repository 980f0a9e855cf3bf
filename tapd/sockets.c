#include "tapd/sockets.h"

#include <net/if.h>
#include <stdlib.h>

#include "tapd/conf/conf.h"
#include "tapd/daemon_state.h"
#include "tapd/log/log.h"
#include "tapd/rights/privileges.h"
#include "tapd/udp_events.h"
#include "tapd/unwatch.h"

static enum udp_kind kind_of(const struct conf *c)
{
	switch ((enum node_encapsulation)c->encapsulation) {
	case NODE_SEALED:
		break;
	case NODE_VXLAN:
		return UDP_VXLAN;
	case NODE_GRE:
		return UDP_GRE;
	}
	return UDP_SEALED;
}

bool daemon_open_sockets(struct daemon *d, char **error)
{
	const struct conf *c = d->conf;

	d->udp = c->listen_set ? udp_open(c->listen, c->listen_count,
					  kind_of(c), &c->routing, error)
			       : udp_open_default(c->listen[0].port, kind_of(c),
						  &c->routing, error);
	return d->udp != NULL;
}

void daemon_tell_sockets(struct daemon *d)
{
	struct addr bound[NODE_SOCKETS_MAX];
	unsigned count = 0;

	for (; count < NODE_SOCKETS_MAX && udp_fd(d->udp, count) >= 0; count++)
		bound[count] = udp_bound(d->udp, count);
	node_set_sockets(d->node, bound, count);
}

/* What comes to the old ones meanwhile, by nothing, is not missed. */
static bool open_again(struct daemon *d)
{
	struct udp *old = d->udp;
	char *error = NULL;
	bool ok;

	privileges_raise();
	ok = daemon_open_sockets(d, &error);
	privileges_lower();
	if (!ok) {
		d->udp = old;
		if (!d->sockets_refused)
			log_warning("%s was made again, and its sockets cannot"
				    " be: %s",
				    d->conf->routing.device,
				    error ? error : "out of memory");
		free(error);
		d->device_missing = d->sockets_refused = true;
		return false;
	}
	log_info("%s was made again: its sockets are, too",
		 d->conf->routing.device);
	d->device_missing = d->sockets_refused = false;
	daemon_unwatch_sockets(d);
	udp_close(old);
	daemon_tell_sockets(d);
	udp_limit(d->udp, d->now.mono_us);
	if (!daemon_watch_sockets(d))
		log_error("out of memory: nothing is received");
	return true;
}

bool daemon_follow_device(struct daemon *d)
{
	const char *device = d->conf->routing.device;

	if (udp_has_device(d->udp)) {
		d->device_missing = false;
		return false;
	}
	if (if_nametoindex(device) != 0)
		return open_again(d);
	if (!d->device_missing)
		log_warning("%s is gone: no peer is reached until there is an"
			    " interface of that name again",
			    device);
	d->device_missing = true;
	d->sockets_refused = false;
	return false;
}
