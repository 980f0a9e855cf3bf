#include "tapd/daemon.h"

#include <errno.h>
#include <event2/event.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>

#include "base/bytes.h"
#include "tapd/common/keyfile.h"
#include "tapd/control/control.h"
#include "tapd/daemon_state.h"
#include "tapd/events.h"
#include "tapd/log.h"
#include "tapd/privileges.h"

/*
 * The loop: a readable TAP gives one batch to the node, a readable socket a few,
 * then libevent asks the kernel again. So neither starves the other, or the
 * timers, and under load a wake-up carries a full batch.
 *
 * One timer is set for the node's own deadline. It is moved only to be earlier;
 * when it fires early there is nothing to do but to set it again. Nothing else
 * ticks but a look at the TAP's other side, once a second (tapd/host_watch).
 */
#define UDP_READS 8		       /* batches of 8 messages each, */
#define UDP_BYTES ((size_t)256 * 1024) /* or what a batch of the TAP has */

/* libevent reads a clock that moves with the kernel's tick; without this the
 * timer fires early, a few times in a row. */
#define TIMER_SLACK_US 4000

#define HOOK_LIMIT_S	  10
#define LAST_HOOK_LIMIT_S 3 /* a stop takes at most 5 s */

/* ---- time ---- */

static uint64_t read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * CLOCK_S + (uint64_t)t.tv_nsec / 1000;
}

static void set_timer(struct daemon *d)
{
	uint64_t due = node_deadline(d->node);

	if (due >= d->timer_us)
		return;
	uint64_t wait = 0;
	if (due > d->now.mono_us)
		wait = due - d->now.mono_us + TIMER_SLACK_US;
	const struct timeval delay = {
		.tv_sec = (time_t)(wait / CLOCK_S),
		.tv_usec = (suseconds_t)(wait % CLOCK_S),
	};
	evtimer_add(d->timer, &delay);
	d->timer_us = due;
}

static void follow_peers(struct daemon *d)
{
	struct node_status status;

	d->peers_changed = false;
	node_status(d->node, &status);
	bool carrier = !d->conf->interface.carrier_peers || status.peers_up > 0;
	if (carrier == d->carrier)
		return;
	d->carrier = carrier;
	int err = tap_set_carrier(interface_tap(d->interface), carrier);
	if (err < 0)
		log_warning("cannot set the carrier: %s", strerror(-err));
}

void daemon_enter(struct daemon *d)
{
	d->now = (struct clock){
		.mono_us = read_clock(CLOCK_MONOTONIC),
		.wall_us = read_clock(CLOCK_REALTIME),
	};
}

void daemon_leave(struct daemon *d)
{
	if (d->stopping) /* perhaps because the interface is lost */
		return;
	if (d->peers_changed)
		follow_peers(d);
	rates_sample(d->rates, d->node, d->now.mono_us);
	set_timer(d);
}

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

/* ---- what the node asks for ---- */

static void fill_random(void *user, void *buf, size_t len)
{
	uint8_t *at = buf;

	(void)user;
	while (len > 0) {
		ssize_t n = getrandom(at, len, 0);

		if (n < 0 && errno != EINTR)
			abort(); /* keys must not be guessable */
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
}

static void lose_datagrams(void *user, const struct addr *to,
			   enum drop_reason reason, size_t size, uint64_t count)
{
	struct daemon *d = user;

	node_send_failed(d->node, to, reason, size, count, d->now);
}

static void send_datagrams(void *user, const struct datagram_run *runs,
			   size_t n)
{
	struct daemon *d = user;

	udp_send(d->udp, runs, n, lose_datagrams, d);
}

static void write_frames(void *user, const struct frame *frames, size_t n)
{
	struct daemon *d = user;
	size_t refused = tap_write(interface_tap(d->interface), frames, n);

	busy_poll_frames(&d->busy_poll, BUSY_POLL_PEERS, frames, n,
			 d->now.mono_us);
	if (refused == 0)
		return;
	node_count_drop(d->node, DROP_tap_write, refused);
	offload_level_refused(&d->offloads, d->conf,
			      interface_tap(d->interface), d->node);
}

static void note_event(void *user, const struct node_event *event)
{
	struct daemon *d = user;

	announce(event);
	d->peers_changed = true;
}

static const struct node_ops node_ops = {
	.random = fill_random,
	.udp_send = send_datagrams,
	.tap_write = write_frames,
	.event = note_event,
};

/* ---- hooks ---- */

static void report_hook(const char *which, const char *command, int status,
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
	const struct daemon *d = user;

	report_hook("up", d->conf->interface.up, status, timed_out);
}

static void on_down_done(void *user, int status, bool timed_out)
{
	struct daemon *d = user;

	report_hook("down", d->conf->interface.down, status, timed_out);
	event_base_loopbreak(d->base);
}

/* False if there is none, or it cannot be started. */
static bool run_hook(struct daemon *d, const char *command, const char *event,
		     unsigned limit_s, const struct child_ops *ops)
{
	char name[64], what[32], list[1200] = "TAPD_ADDRESS=";
	const char *const env[] = { name, what, list, NULL };
	size_t count, len = strlen(list);
	const struct prefix *addresses =
		interface_addresses(d->interface, &count);
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
	if (child_run_command(d->children, command, env, limit_s, ops, d))
		return true;
	log_warning("interface.%s: %s: %s", event, command, strerror(errno));
	return false;
}

void daemon_run_up_hook(struct daemon *d)
{
	static const struct child_ops ops = { .done = on_up_done };

	run_hook(d, d->conf->interface.up, "up", HOOK_LIMIT_S, &ops);
}

/* ---- stopping ---- */

void daemon_free_event(struct event **e)
{
	if (*e)
		event_free(*e);
	*e = NULL;
}

void daemon_stop(struct daemon *d, int exit_code)
{
	static const struct child_ops ops = { .done = on_down_done };

	d->exit_code = exit_code;
	d->stopping = true;
	node_bye(d->node, d->now);
	daemon_unwatch_interface(d);
	for (unsigned i = 0; i < UDP_SOCKETS_MAX; i++)
		daemon_free_event(&d->udp_events[i]);
	event_del(d->timer);
	if (exit_code != 0 || !run_hook(d, d->conf->interface.down, "down",
					LAST_HOOK_LIMIT_S, &ops))
		event_base_loopbreak(d->base);
}

static void on_stop_signal(evutil_socket_t number, short what, void *user)
{
	struct daemon *d = user;

	(void)what;
	if (d->stopping) { /* told twice: do not wait for the hook */
		event_base_loopbreak(d->base);
		return;
	}
	log_info("%s: stopping", strsignal(number));
	daemon_enter(d);
	daemon_stop(d, 0);
}

static void on_reload_signal(evutil_socket_t number, short what, void *user)
{
	struct daemon *d = user;
	char *error = NULL;

	(void)number;
	(void)what;
	if (d->stopping)
		return;
	daemon_enter(d);
	json_t *changes = daemon_reload(d, &error);
	if (!changes)
		log_error("reload: nothing changed: %s", error);
	json_decref(changes);
	free(error);
	daemon_leave(d);
}

/* ---- the sockets ---- */

static void on_udp(evutil_socket_t fd, short what, void *user)
{
	struct daemon *d = user;
	unsigned socket = 0;
	size_t bytes = 0;
	bool more = true;

	(void)what;
	while (udp_fd(d->udp, socket) != fd)
		socket++;
	daemon_enter(d);
	for (int i = 0; more && i < UDP_READS && bytes < UDP_BYTES; i++) {
		const struct datagram_run *received;
		size_t n = udp_receive(d->udp, socket, &received, &more);

		if (n > 0)
			node_from_udp(d->node, received, n, d->now);
		for (size_t j = 0; j < n; j++)
			bytes += received[j].len;
	}
	uint64_t overflows = udp_overflows(d->udp);
	if (overflows > 0)
		node_count_drop(d->node, DROP_udp_overflow, overflows);
	daemon_leave(d);
}

/* ---- peers ---- */

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

/* ---- the whole ---- */

static bool add_signal(struct daemon *d, unsigned at, int number,
		       event_callback_fn call)
{
	d->signals[at] = evsignal_new(d->base, number, call, d);
	return d->signals[at] && event_add(d->signals[at], NULL) == 0;
}

/* Signals early: one that comes while the rest starts is answered after it, not
 * by dying in between. */
static bool start_loop(struct daemon *d)
{
	d->base = event_base_new();
	if (!d->base)
		return false;
	d->children = children_new(d->base);
	d->timer = evtimer_new(d->base, on_timer, d);
	d->rates = rates_new();
	return d->children && d->timer && d->rates &&
	       add_signal(d, 0, SIGTERM, on_stop_signal) &&
	       add_signal(d, 1, SIGINT, on_stop_signal) &&
	       add_signal(d, 2, SIGHUP, on_reload_signal);
}

static bool watch_all(struct daemon *d)
{
	bool ok = daemon_watch_interface(d);

	for (unsigned i = 0; ok && udp_fd(d->udp, i) >= 0; i++) {
		d->udp_events[i] = event_new(d->base, udp_fd(d->udp, i),
					     EV_READ | EV_PERSIST, on_udp, d);
		ok = d->udp_events[i] && event_add(d->udp_events[i], NULL) == 0;
	}
	return ok;
}

static bool find_peers(struct daemon *d)
{
	const struct conf *c = d->conf;

	d->resolve = resolve_new(d->base, d->children, on_resolved, d);
	if (!d->resolve || !resolve_set(d->resolve, c->peers, c->peers_count))
		return false;
	daemon_want_peers(d);
	return true;
}

/* The exit code: 0 if all is well. */
static int start(struct daemon *d)
{
	int exit_code = EX_OSERR;

	if (start_loop(d))
		exit_code = daemon_open(d);
	if (exit_code != 0)
		return exit_code;
	if (!watch_all(d) || !find_peers(d)) {
		log_error("out of memory");
		return EX_OSERR;
	}
	return 0;
}

static void announce_start(const struct daemon *d)
{
	struct node_status status;
	char key[KEY_STRLEN], at[ADDR_STRLEN];
	struct addr bound = udp_bound(d->udp, 0);

	node_status(d->node, &status);
	log_info("tapd " TAPD_VERSION " is %s, key %s, on %s, %s",
		 d->conf->name, key_print(status.key.bytes, key),
		 addr_print(&bound, at), status.aead);
}

static void finish(struct daemon *d)
{
	resolve_free(d->resolve);
	children_free(d->children);
	control_free(d->control);
	for (unsigned i = 0; i < 3; i++)
		daemon_free_event(&d->signals[i]);
	for (unsigned i = 0; i < UDP_SOCKETS_MAX; i++)
		daemon_free_event(&d->udp_events[i]);
	daemon_free_event(&d->timer);
	daemon_unwatch_interface(d);
	interface_close(d->interface, d->conf->interface.persist);
	udp_close(d->udp);
	host_watch_free(d->host_watch);
	node_free(d->node);
	rates_free(d->rates);
	if (d->base)
		event_base_free(d->base);
	bytes_wipe(d->secrets, sizeof(d->secrets));
	conf_free(d->conf);
}

/* Yields between polls. */
static void loop(struct daemon *d)
{
	int flags;

	do {
		bool poll = read_clock(CLOCK_MONOTONIC) <
			    busy_poll_until(&d->busy_poll);

		flags = EVLOOP_ONCE | (poll ? EVLOOP_NONBLOCK : 0);
		if (poll)
			sched_yield();
	} while (event_base_loop(d->base, flags) == 0 &&
		 !event_base_got_break(d->base));
}

int daemon_run(struct conf *c)
{
	struct daemon d = { .conf = c,
			    .node_ops = &node_ops,
			    .busy_poll = { .limit_us = c->busy_poll },
			    .timer_us = CLOCK_NEVER };

	daemon_enter(&d);
	d.started_us = d.now.mono_us;
	d.exit_code = start(&d);
	if (d.exit_code == 0) {
		announce_start(&d);
		daemon_run_up_hook(&d);
		daemon_leave(&d);
		loop(&d);
	}
	finish(&d);
	return d.exit_code;
}
