#include "tapd/start.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/bytes.h"
#include "tapd/capture_frames.h"
#include "tapd/carrier.h"
#include "tapd/common/keyfile.h"
#include "tapd/conf/conf.h"
#include "tapd/conf/encapsulation.h"
#include "tapd/control/capture.h"
#include "tapd/control/commands.h"
#include "tapd/control/control.h"
#include "tapd/control/exporter.h"
#include "tapd/control/monitor.h"
#include "tapd/daemon_state.h"
#include "tapd/log/log.h"
#include "tapd/monitor_events.h"
#include "tapd/node_ops.h"
#include "tapd/rights/privileges.h"
#include "tapd/rights/run_user.h"
#include "tapd/sockets.h"
#include "tapd/tap/capture_watch.h"
#include "tapd/tap/fitting_mtu.h"
#include "tapd/tap/host_key.h"
#include "tapd/tap/host_watch.h"
#include "tapd/tap/interface.h"
#include "tapd/tap_events.h"
#include "tapd/underlay/neighbours.h"

static_assert(CONF_NAME_LEN == NODE_NAME_MAX + 1,
	      "a name is as long everywhere");

static int fail(int exit_code, char *error)
{
	log_error("%s", error ? error : "out of memory");
	free(error);
	return exit_code;
}

static void warn(char *warning)
{
	if (warning)
		log_warning("%s", warning);
	free(warning);
}

/* What is only missing may come until the interface is made. */
static int check_addresses(struct daemon *d)
{
	struct interface_plan plan;
	char *error = NULL;

	if (interface_plan(&plan, d->conf, &error))
		return 0;
	if (plan.refused)
		return fail(EX_CONFIG, error);
	free(error);
	return 0;
}

/* A network that is not sealed passes no larger frames than fit. */
static int find_mtu(struct daemon *d)
{
	char *error = NULL;

	d->fitting_mtu = fitting_mtu(d->conf);
	return fitting_mtu_set(d->conf, &error) ? 0 : fail(EX_CONFIG, error);
}

static int read_secrets(struct daemon *d)
{
	const struct conf *c = d->conf;
	char *warning, *error = NULL;

	if (!conf_is_sealed(c))
		return 0;
	d->secrets_count = secret_file_read(c->secret_file, d->files_user,
					    d->secrets, &warning, &error);
	warn(warning);
	return d->secrets_count > 0 ? 0 : fail(EX_CONFIG, error);
}

/* The control socket first: of two daemons with one configuration, the second
 * is told so in the clearest way. */
static int open_sockets(struct daemon *d)
{
	static const struct control_ops ops = { .command = daemon_command };
	const struct conf *c = d->conf;
	char *error = NULL;

	/* It removes the socket as that user. */
	run_user_make_folder(d->user, c->control_socket);
	run_user_make_folder(d->user, c->metrics);
	d->monitor = monitor_new(daemon_monitor_watched, d);
	d->captures = captures_new(d->base, c->interface.name,
				   daemon_capture_watched, d);
	if (!d->monitor || !d->captures)
		return fail(EX_OSERR, strdup("out of memory"));
	d->control = control_new(d->base, c->control_socket, &ops, d, &error);
	if (!d->control)
		return fail(EX_OSERR, error);
	d->neighbours = neighbours_new(&c->routing);
	return daemon_open_sockets(d, &error) ? 0 : fail(EX_OSERR, error);
}

/* An exit code, or 0: the key is there, if there is to be one. */
static int read_key(struct daemon *d, uint8_t private_key[KEY_LEN])
{
	const struct conf *c = d->conf;
	char *warning, *error = NULL;
	bool ok;

	if (!conf_is_sealed(c))
		return 0;
	ok = key_file_load(c->key_file, d->files_user, private_key, &warning,
			   &error);
	warn(warning);
	return ok ? 0 : fail(EX_CONFIG, error);
}

static int make_node(struct daemon *d)
{
	const struct conf *c = d->conf;
	struct node_config config = {
		.encapsulation = (enum node_encapsulation)c->encapsulation,
		.network_id = c->network_id,
		.network_id_set = c->network_id_set,
		.secrets_count = d->secrets_count,
		.trusted = c->trusted_keys,
		.trusted_count = c->trusted_keys_count,
		.tap_mtu = c->interface.mtu,
		.underlay_mtu = c->underlay_mtu,
		.interval_us = conf_interval_us(c),
		.down_after = c->liveness_down_after,
		.expire_us = c->liveness_expire * CLOCK_S,
		.snooping = c->multicast_snooping,
		.querier = c->multicast_querier,
		.peer_exchange = c->discover.peer_exchange,
		.relay = c->relay,
		.router_advertisements = c->interface.router_advertisements,
	};
	const char *why = "out of memory";
	int exit_code = read_key(d, config.private_key);

	if (exit_code != 0)
		return exit_code;
	memcpy(config.secrets, d->secrets, sizeof(config.secrets));
	snprintf(config.name, sizeof(config.name), "%s", c->name);
	d->tap_mtu = config.tap_mtu;
	d->node = node_new(&config, &daemon_node_ops, d, d->now, &why);
	bytes_wipe(&config, sizeof(config));
	if (d->node)
		daemon_tell_sockets(d);
	if (!d->node)
		log_error("%s", why);
	return d->node ? 0 : EX_OSERR;
}

static int make_queue(struct daemon *d)
{
	uint8_t key[SIPHASH_KEY_LEN];

	daemon_node_ops.random(d, key, sizeof(key));
	d->queue = fq_new(key);
	if (!d->queue)
		return fail(EX_OSERR, NULL);
	udp_limit(d->udp, d->now.mono_us);
	return 0;
}

static int open_interface(struct daemon *d)
{
	struct node_status status;
	struct public_key key;
	char *error = NULL;

	node_status(d->node, &status);
	key = conf_is_sealed(d->conf) ? status.key : host_key(d->conf);
	d->interface = interface_open(d->conf, &key, &error);
	if (!d->interface)
		return fail(EX_OSERR, error);
	d->host_watch = host_watch_new(d->node);
	d->capture_watch = capture_watch_new();
	if (!d->host_watch || !d->capture_watch)
		return fail(EX_OSERR, NULL);
	daemon_set_offloads(d);
	daemon_begin_carrier(d);
	daemon_follow_link(d);
	return 0;
}

static int drop_privileges(struct daemon *d)
{
	char *error = NULL;

	if (!privileges_drop(d->user, &error))
		return fail(EX_OSERR, error);
	return 0;
}

/* As that user, whose group may read the socket. */
static int open_metrics(struct daemon *d)
{
	char *error = NULL;

	if (!*d->conf->metrics)
		return 0;
	d->exporter = exporter_new(d->base, d->conf->metrics, daemon_metrics, d,
				   &error);
	return d->exporter ? 0 : fail(EX_OSERR, error);
}

/* In the order in which failing leaves least behind. */
int daemon_open(struct daemon *d)
{
	static int (*const steps[])(struct daemon *) = {
		find_mtu,	check_addresses, read_secrets,
		open_sockets,	make_node,	 make_queue,
		open_interface, drop_privileges, open_metrics,
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int exit_code = steps[i](d);

		if (exit_code != 0)
			return exit_code;
	}
	return 0;
}
