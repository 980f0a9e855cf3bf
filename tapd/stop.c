#include "tapd/stop.h"

#include <event2/event.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "tapd/clock_events.h"
#include "tapd/conf/conf.h"
#include "tapd/control/capture.h"
#include "tapd/control/control.h"
#include "tapd/control/exporter.h"
#include "tapd/control/monitor.h"
#include "tapd/control/rates.h"
#include "tapd/daemon_state.h"
#include "tapd/discover/resolve.h"
#include "tapd/discover/sources.h"
#include "tapd/events.h"
#include "tapd/helper/helper.h"
#include "tapd/hooks.h"
#include "tapd/log/log.h"
#include "tapd/manager/notify.h"
#include "tapd/manager_events.h"
#include "tapd/recursion.h"
#include "tapd/tap/capture_watch.h"
#include "tapd/tap/host_watch.h"
#include "tapd/tap/interface.h"
#include "tapd/underlay/neighbours.h"
#include "tapd/unwatch.h"

void daemon_stop(struct daemon *d, int exit_code)
{
	d->exit_code = exit_code;
	d->stopping = true;
	notify_stopping();
	daemon_unwatch_manager(d);
	node_bye(d->node, d->now);
	daemon_announce_left_out(d);
	daemon_unwatch_interface(d);
	daemon_unwatch_sockets(d);
	daemon_unwatch_clocks(d);
	daemon_unwatch_routes(d);
	event_del(d->timer);
	if (exit_code != 0 || !daemon_run_down_hook(d))
		event_base_loopbreak(d->base);
}

void daemon_close(struct daemon *d)
{
	resolve_free(d->resolve);
	sources_free(d->sources);
	free(d->wanted);
	helper_free(d->helper);
	control_free(d->control);
	exporter_free(d->exporter);
	monitor_free(d->monitor);
	captures_free(d->captures);
	for (unsigned i = 0; i < 3; i++)
		daemon_free_event(&d->signals[i]);
	daemon_unwatch_sockets(d);
	daemon_unwatch_clocks(d);
	daemon_free_event(&d->timer);
	daemon_unwatch_interface(d);
	daemon_unwatch_routes(d);
	daemon_unwatch_manager(d);
	interface_close(d->interface, d->conf->interface.persist);
	udp_close(d->udp);
	neighbours_free(d->neighbours);
	host_watch_free(d->host_watch);
	capture_watch_free(d->capture_watch);
	node_free(d->node);
	fq_free(d->queue);
	rates_free(d->rates);
	log_unwatch();
	if (d->base)
		event_base_free(d->base);
	bytes_wipe(d->secrets, sizeof(d->secrets));
	conf_free(d->conf);
}
