#include "tapd/service.h"

#include "tapd/daemon_state.h"
#include "tapd/manager/notify.h"
#include "tapd/tap/interface.h"

static bool wants_peers(const struct conf *c)
{
	return c->peers_count > 0 || *c->discover.file ||
	       *c->discover.command || c->discover.dns_count > 0;
}

void daemon_tell_manager(struct daemon *d)
{
	struct progress_now now = {
		.us = d->now.mono_us,
		.hook_runs = d->up_hook_runs,
		.wants_peers = wants_peers(d->conf),
	};
	char text[PROGRESS_TEXT_LEN];
	struct node_status status;

	if (!d->manager_event) /* none, or stopping */
		return;
	now.link_up = link_state(interface_link(d->interface))->up;
	node_status(d->node, &status);
	now.peers_up = status.peers_up;
	now.peers_total = status.peers_total;
	switch (progress_look(&d->progress, &now)) {
	case PROGRESS_NOTHING:
		break;
	case PROGRESS_STATUS:
		notify_status(progress_print(&d->progress, text));
		break;
	case PROGRESS_READY:
		d->peers_changed = true; /* nobody is waited for any more */
		notify_ready(progress_print(&d->progress, text));
		break;
	}
}

/* Before it was ready once, it is starting, not reloading. */
void daemon_tell_reloading(const struct daemon *d)
{
	if (d->progress.ready)
		notify_reloading();
}

void daemon_tell_reloaded(const struct daemon *d)
{
	if (d->progress.ready)
		notify_reloaded();
}
