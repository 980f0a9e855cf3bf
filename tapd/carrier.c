#include "tapd/carrier.h"

#include <string.h>

#include "tapd/conf/conf.h"
#include "tapd/daemon_state.h"
#include "tapd/discover/sources.h"
#include "tapd/log/log.h"
#include "tapd/tap/interface.h"

void daemon_begin_carrier(struct daemon *d)
{
	d->carrier = !d->conf->interface.carrier_peers;
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
	carrier = !d->conf->interface.carrier_peers || status.peers_up > 0;
	if (carrier == d->carrier)
		return;
	d->carrier = carrier;
	err = tap_set_carrier(interface_tap(d->interface), carrier);
	if (err < 0)
		log_warning("cannot set the carrier: %s", strerror(-err));
}
