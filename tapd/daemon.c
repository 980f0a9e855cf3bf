#include "tapd/daemon.h"

#include <errno.h>
#include <event2/event.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "tapd/clock_events.h"
#include "tapd/common/private_memory.h"
#include "tapd/conf/encapsulation.h"
#include "tapd/control/rates.h"
#include "tapd/daemon_state.h"
#include "tapd/entry.h"
#include "tapd/helper/helper.h"
#include "tapd/hooks.h"
#include "tapd/log/log.h"
#include "tapd/manager/notify.h"
#include "tapd/manager_events.h"
#include "tapd/node_ops.h"
#include "tapd/recursion.h"
#include "tapd/rights/cpu_share.h"
#include "tapd/rights/privileges.h"
#include "tapd/rights/run_user.h"
#include "tapd/rights/sandbox.h"
#include "tapd/rights/slice.h"
#include "tapd/signals.h"
#include "tapd/start.h"
#include "tapd/stop.h"
#include "tapd/tap_events.h"
#include "tapd/udp_events.h"
#include "tapd/wanted.h"

/*
 * The loop: a readable TAP gives one batch to the node, a readable socket a few,
 * then libevent asks the kernel again. So neither starves the other, or the
 * timers, and under load a wake-up carries a full batch.
 *
 * One timer is set for the node's own deadline. It is moved only to be earlier;
 * when it fires early there is nothing to do but to set it again. Nothing else
 * ticks but a look at the TAP's other side, once a second (tapd/tap/host_watch).
 */

static void on_timer(evutil_socket_t fd, short what, void *user)
{
	struct daemon *d = user;

	(void)fd;
	(void)what;
	daemon_enter(d);
	d->timer_us = CLOCK_NEVER;
	if (node_deadline(d->node) <= d->now.mono_us)
		daemon_before_tick(d);
	if (!d->stopping)
		node_tick(d->node, d->now);
	daemon_leave(d);
}

/* Signals early: one that comes while the rest starts is answered after it, not
 * by dying in between. */
static bool make_loop(struct daemon *d)
{
	d->base = event_base_new();
	if (!d->base || !log_watch(d->base))
		return false;
	daemon_node_ops.random(d, d->event_limit.seed,
			       sizeof(d->event_limit.seed));
	d->timer = evtimer_new(d->base, on_timer, d);
	d->rates = rates_new();
	return d->timer && d->rates && helper_watch(d->helper, d->base) &&
	       daemon_watch_signals(d);
}

/* What keeps it from becoming that user keeps the daemon from it too, which says
 * so. */
static void prepare_helper(void *argument)
{
	const struct daemon *d = argument;
	char *error = NULL;

	cpu_share_restore();
	if (!privileges_drop(d->user, &error))
		_exit(EX_OSERR);
	sandbox_enter_helper();
}

static void warn(char *warning)
{
	if (warning)
		log_warning("%s", warning);
	free(warning);
}

static void choose_user(struct daemon *d)
{
	char *why;

	snprintf(d->files_user, sizeof(d->files_user), "%s",
		 run_user_of_files(d->conf));
	run_user_choose(d->conf, d->user, &why);
	warn(why);
}

/* A hook, and what is looked up, is for the helper to do: it goes on as before. */
static void enter_sandbox(void)
{
	char *error = NULL;

	if (!sandbox_is_built())
		log_info("built without a filter for system calls");
	(void)sandbox_enter(&error);
	warn(error);
}

/* The exit code: 0 if all is well. */
static int start(struct daemon *d)
{
	int exit_code = EX_OSERR;
	char *unlocked = NULL;

	choose_user(d);
	/* Of all that comes it is to know nothing. */
	d->helper = helper_fork(prepare_helper, d);
	if (!d->helper) {
		log_error("cannot fork: %s", strerror(errno));
		return EX_OSERR;
	}
	cpu_share_raise();
	(void)private_memory_lock(&unlocked);
	if (make_loop(d))
		exit_code = daemon_open(d);
	if (exit_code != 0) {
		free(unlocked);
		return exit_code;
	}
	/* Where nothing is sealed there are no keys. */
	if (conf_is_sealed(d->conf))
		warn(unlocked);
	else
		free(unlocked);
	if (!daemon_watch_interface(d) || !daemon_watch_sockets(d) ||
	    !daemon_watch_routes(d) || !daemon_find_peers(d)) {
		log_error("out of memory");
		return EX_OSERR;
	}
	daemon_watch_clocks(d);
	enter_sandbox();
	return 0;
}

static void announce_start(const struct daemon *d)
{
	struct node_status status;
	char key[KEY_STRLEN], at[ADDR_STRLEN];
	struct addr bound = udp_bound(d->udp, 0);

	node_status(d->node, &status);
	if (d->conf->encapsulation == NODE_GRE)
		bound.port = 0; /* the protocol's number */
	addr_print(&bound, at);
	if (!conf_is_sealed(d->conf)) {
		log_info("tapd " TAPD_VERSION " is %s, not sealed: %s, on %s",
			 d->conf->name,
			 conf_encapsulation_words[d->conf->encapsulation], at);
		return;
	}
	log_info("tapd " TAPD_VERSION " is %s, key %s, on %s, %s",
		 d->conf->name, key_print(status.key.bytes, key), at,
		 status.aead);
}

/* A signal ends it: what it sets off is not to wait. */
static void sleep_us(uint64_t us)
{
	const struct timespec length = {
		.tv_sec = (time_t)(us / CLOCK_S),
		.tv_nsec = (long)(us % CLOCK_S * 1000),
	};

	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &length, NULL);
}

/* After a slice without sleep whoever is due has the CPU, if only for a moment. */
static void give_way(struct daemon *d)
{
	uint64_t now_us = daemon_monotonic_us();

	if (slice_is_over(&d->slice, now_us)) {
		sched_yield();
		now_us = daemon_monotonic_us();
		slice_begins(&d->slice, now_us);
	}
	slice_asks(&d->slice, now_us);
}

/* Before the next turn of the loop. True: it is to look for what there is; false: to
 * sleep until something comes. Yields between polls. */
static bool before_turn(struct daemon *d)
{
	uint64_t wait_us = moderation_wait_us(&d->moderation);

	give_way(d);
	/* What waits in the queue goes on in this turn. */
	if (wait_us > 0 && fq_is_empty(d->queue)) {
		sleep_us(wait_us);
		return true;
	}
	if (daemon_monotonic_us() >= busy_poll_until(&d->busy_poll))
		return false;
	sched_yield();
	return true;
}

static void run_loop(struct daemon *d)
{
	int flags;

	do {
		sandbox_report();
		flags = EVLOOP_ONCE;
		if (before_turn(d))
			flags |= EVLOOP_NONBLOCK;
	} while (event_base_loop(d->base, flags) == 0 &&
		 !event_base_got_break(d->base));
}

/* Of metrics over HTTP: a bound for those of the host who are no friends. */
#define SCRAPES_A_S 10

int daemon_run(struct conf *c)
{
	struct daemon d = { .conf = c,
			    .busy_poll = { .limit_us = c->busy_poll },
			    .scrapes = { .rate = SCRAPES_A_S,
					 .tokens = SCRAPES_A_S },
			    .timer_us = CLOCK_NEVER };

	moderation_set_limit(&d.moderation, c->moderation);
	daemon_enter(&d);
	d.started_us = d.now.mono_us;
	d.started_wall_us = d.reload_wall_us = d.now.wall_us;
	d.exit_code = start(&d);
	if (d.exit_code == 0) {
		announce_start(&d);
		daemon_run_up_hook(&d);
		if (!daemon_watch_manager(&d))
			log_error("out of memory: the service manager hears"
				  " nothing");
		daemon_leave(&d);
		run_loop(&d);
	}
	daemon_close(&d);
	sandbox_report();
	/* The manager tries again, at once; more often would cost others too much. */
	if (d.exit_code == EX_OSERR && notify_is_wanted())
		sleep_us(CLOCK_S);
	return d.exit_code;
}
