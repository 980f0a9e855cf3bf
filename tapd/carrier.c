#include "tapd/carrier.h"

#include <string.h>

#include "tapd/conf/conf.h"
#include "tapd/daemon_state.h"
#include "tapd/discover/sources.h"
#include "tapd/log/log.h"
#include "tapd/tap/interface.h"

void daemon_begin_carrier(struct daemon *d)
{
	const struct link_state *s = link_state(interface_link(d->interface));

	d->carrier_kept = d->conf->interface.carrier_peers &&
			  interface_was_kept(d->interface) && s->carrier;
	d->carrier = !d->conf->interface.carrier_peers || d->carrier_kept;
}

void daemon_follow_peers(struct daemon *d)
{
	struct node_status status;
	bool carrier;
	int err;

	d->peers_changed = false;
	node_status(d->node, &status);
	d->peers_up = status.peers_up;
	sources_peers_changed(d->sources);
	/* Peers of the last run have as long to be back as the manager waits. */
	d->carrier_kept =
		d->carrier_kept && status.peers_up == 0 && !d->progress.ready;
	carrier = !d->conf->interface.carrier_peers || status.peers_up > 0 ||
		  d->carrier_kept;
	if (carrier == d->carrier)
		return;
	d->carrier = carrier;
	err = tap_set_carrier(interface_tap(d->interface), carrier);
	if (err < 0)
		log_warning("cannot set the carrier: %s", strerror(-err));
}
