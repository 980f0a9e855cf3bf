/* The daemon's answers to tapctl. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/common/error.h"
#include "tapd/control/report.h"
#include "tapd/daemon_state.h"

#define WARNINGS_MAX 12

/* Below it, a burst from a few peers overflows the socket. */
#define RECEIVE_BUFFER_SMALL (1024 * 1024)

struct warnings {
	char *texts[WARNINGS_MAX];
	size_t count;
};

static void __attribute__((format(printf, 2, 3)))
warn(struct warnings *w, const char *format, ...)
{
	va_list args;

	if (w->count == WARNINGS_MAX)
		return;
	va_start(args, format);
	if (vasprintf(&w->texts[w->count], format, args) >= 0)
		w->count++;
	va_end(args);
}

static void warn_of_interface(const struct daemon *d, struct warnings *w)
{
	struct link *link = interface_link(d->interface);
	const struct link_state *s = link_state(link);
	char text[PREFIX_STRLEN];
	size_t count;
	const struct prefix *addresses =
		interface_addresses(d->interface, &count);

	if (!s->present)
		return;
	if (!s->up)
		warn(w, "%s is down: ip link set dev %s up", s->name, s->name);
	for (size_t i = 0; i < count; i++)
		if (!link_has_address(link, &addresses[i]))
			warn(w,
			     "%s lacks its address: ip address add %s dev %s",
			     s->name, prefix_print(&addresses[i], text),
			     s->name);
}

static void find_warnings(const struct daemon *d, struct warnings *w)
{
	const char *failure;
	int buffer = udp_receive_buffer(d->udp);

	warn_of_interface(d, w);
	if (d->conf->trusted_keys_set && d->conf->trusted_keys_count == 0)
		warn(w, "trusted_keys is empty: nobody may join");
	if (d->restart_pending)
		warn(w, "some changes take effect after a restart");
	if (buffer < RECEIVE_BUFFER_SMALL)
		warn(w,
		     "the UDP receive buffer has only %d KiB: give tapd"
		     " CAP_NET_ADMIN, or sysctl net.core.rmem_max=8388608",
		     buffer / 1024);
	for (size_t i = 0; (failure = resolve_failure(d->resolve, i)); i++)
		warn(w, "peer %s", failure);
}

static json_t *answer(const struct daemon *d,
		      json_t *(*report)(const struct report_source *))
{
	const struct link_state *link =
		link_state(interface_link(d->interface));
	struct warnings w = { 0 };
	struct report_source source = {
		.node = d->node,
		.node_name = d->conf->name,
		.interface = { .name = link->name,
			       .mtu = link->mtu,
			       .carrier = link->carrier },
		.rates = d->rates,
		.now_us = d->now.mono_us,
		.started_us = d->started_us,
	};

	memcpy(source.interface.mac, link->mac, sizeof(link->mac));
	find_warnings(d, &w);
	source.warnings = (const char *const *)w.texts;
	source.warnings_count = w.count;
	json_t *result = report(&source);
	for (size_t i = 0; i < w.count; i++)
		free(w.texts[i]);
	if (result && report == report_status)
		json_object_set_new(result, "offload",
				    offload_level_report(&d->offloads, d->udp));
	return result;
}

static json_t *run_command(struct daemon *d, const char *name, char **error)
{
	static const struct {
		const char *name;
		json_t *(*report)(const struct report_source *);
	} reports[] = {
		{ "status", report_status }, { "peers", report_peers },
		{ "fdb", report_fdb },	     { "groups", report_groups },
		{ "drops", report_drops },
	};

	if (strcmp(name, "reload") == 0)
		return daemon_reload(d, error);
	for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++)
		if (strcmp(name, reports[i].name) == 0)
			return answer(d, reports[i].report);
	error_set(error, "this tapd knows no command \"%s\"", name);
	return NULL;
}

json_t *daemon_command(void *daemon, const char *name, char **error)
{
	struct daemon *d = daemon;
	json_t *result;

	daemon_enter(d);
	result = run_command(d, name, error);
	daemon_leave(d);
	return result;
}
