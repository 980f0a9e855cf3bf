#include "tapd/hooks.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "tapd/conf/conf.h"
#include "tapd/daemon_state.h"
#include "tapd/entry.h"
#include "tapd/helper/helper.h"
#include "tapd/log/log.h"
#include "tapd/service.h"
#include "tapd/tap/interface.h"

#define LIMIT_S	     10
#define LAST_LIMIT_S 3 /* a stop takes at most 5 s */

static void log_result(const char *which, const char *command, int status,
		       bool timed_out)
{
	if (timed_out)
		log_warning("interface.%s: %s took too long and was killed",
			    which, command);
	else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		log_warning("interface.%s: %s failed with %s %d", which,
			    command, WIFEXITED(status) ? "exit code" : "signal",
			    WIFEXITED(status) ? WEXITSTATUS(status)
					      : WTERMSIG(status));
}

static void on_up_done(void *user, int status, bool timed_out)
{
	struct daemon *d = user;

	log_result("up", d->conf->interface.up, status, timed_out);
	d->up_hook_runs = false;
	daemon_enter(d);
	daemon_tell_manager(d);
	daemon_leave(d);
}

static void on_down_done(void *user, int status, bool timed_out)
{
	struct daemon *d = user;

	log_result("down", d->conf->interface.down, status, timed_out);
	event_base_loopbreak(d->base);
}

/* It cannot be killed, or the helper that would is stopped. */
static void on_down_limit(evutil_socket_t fd, short what, void *user)
{
	struct daemon *d = user;

	(void)fd;
	(void)what;
	log_warning("interface.down: %s: does not end: not waited for",
		    d->conf->interface.down);
	event_base_loopbreak(d->base);
}

/* False if there is none, or it cannot be started. */
static bool run_hook(struct daemon *d, const char *command, const char *event,
		     unsigned limit_s, const struct child_ops *ops)
{
	char name[64], what[32];
	char list[sizeof("TAPD_ADDRESS=") +
		  INTERFACE_ADDRESSES_MAX * PREFIX_STRLEN] = "TAPD_ADDRESS=";
	const char *const env[] = { name, what, list, NULL };
	size_t count, len = strlen(list);
	const struct prefix *addresses =
		interface_addresses(d->interface, &count);
	struct helper_job *job;
	char text[PREFIX_STRLEN];

	if (!*command)
		return false;
	snprintf(name, sizeof(name), "TAPD_INTERFACE=%s",
		 link_state(interface_link(d->interface))->name);
	snprintf(what, sizeof(what), "TAPD_EVENT=%s", event);
	for (size_t i = 0; i < count && len < sizeof(list); i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
					i ? " " : "",
					prefix_print(&addresses[i], text));
	job = helper_job_new(d->helper, HELPER_HOOK, limit_s, ops, d);
	if (job) {
		helper_job_add(job, command);
		for (size_t i = 0; env[i]; i++)
			helper_job_add(job, env[i]);
		if (helper_job_run(job))
			return true;
	}
	log_warning("interface.%s: %s: %s", event, command,
		    helper_why(d->helper));
	return false;
}

void daemon_run_up_hook(struct daemon *d)
{
	static const struct child_ops ops = { .done = on_up_done };

	d->up_hook_runs =
		run_hook(d, d->conf->interface.up, "up", LIMIT_S, &ops);
}

bool daemon_run_down_hook(struct daemon *d)
{
	static const struct child_ops ops = { .done = on_down_done };

	const struct timeval limit = { LAST_LIMIT_S + 1, 0 };

	return run_hook(d, d->conf->interface.down, "down", LAST_LIMIT_S,
			&ops) &&
	       event_base_once(d->base, -1, EV_TIMEOUT, on_down_limit, d,
			       &limit) == 0;
}
