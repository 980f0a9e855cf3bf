#include "tapd/control/commands.h"

#include <string.h>

#include "node/ask.h"
#include "tapd/capture_frames.h"
#include "tapd/common/error.h"
#include "tapd/conf/encapsulation.h"
#include "tapd/control/arguments.h"
#include "tapd/control/asks.h"
#include "tapd/control/lists.h"
#include "tapd/control/metrics.h"
#include "tapd/control/monitor.h"
#include "tapd/control/peer_details.h"
#include "tapd/control/views.h"
#include "tapd/daemon_state.h"
#include "tapd/entry.h"
#include "tapd/rekey.h"
#include "tapd/reload.h"

/* A command shows a view of the daemon, or a table, or has it do something. */
struct command {
	const char *name;
	json_t *(*view)(const struct snapshot *s);
	struct control_list *(*list)(const struct snapshot *s);
	/* … of those that the argument "peer" means, if it is there. */
	struct control_list *(*detail)(const struct snapshot *s,
				       const char *which, char **error);
	json_t *(*run)(struct daemon *d, char **error);
	/* The same with arguments, which are checked, and perhaps with a list. */
	json_t *(*ask)(struct daemon *d, const json_t *arguments,
		       struct control_list **list, char **error);
	const struct argument *takes; /* NULL: no arguments */
	/* It is about keys, or asks other daemons. */
	bool sealed_only;
};

static json_t *monitor(struct daemon *d, const json_t *arguments,
		       struct control_list **list, char **error)
{
	(void)arguments;
	*list = monitor_subscribe(d->monitor, error);
	return NULL;
}

static struct asks asks_of(struct daemon *d)
{
	return (struct asks){ d->base, d->node, d->now };
}

static json_t *ping(struct daemon *d, const json_t *arguments,
		    struct control_list **list, char **error)
{
	const struct asks asks = asks_of(d);
	const char *peer = argument_text(arguments, "peer");
	struct snapshot s;

	if (!peer) {
		error_set(error, "ping whom? give its name");
		return NULL;
	}
	if (!snapshot_take(&s, d))
		return NULL;
	*list = ask_ping(&asks, &s, peer,
			 (uint16_t)argument_number(arguments, "size",
						   NODE_PING_SIZE_MIN),
			 argument_flag(arguments, "largest"), error);
	snapshot_free(&s);
	return NULL;
}

static json_t *test(struct daemon *d, const json_t *arguments,
		    struct control_list **list, char **error)
{
	const struct asks asks = asks_of(d);
	const char *group = argument_text(arguments, "group");

	if (!group)
		error_set(error, "test which group? give its address");
	else
		*list = ask_test(
			&asks, group,
			(unsigned)argument_number(arguments, "count", 10),
			error);
	return NULL;
}

static json_t *mesh(struct daemon *d, const json_t *arguments,
		    struct control_list **list, char **error)
{
	const struct asks asks = asks_of(d);

	(void)arguments;
	*list = ask_mesh(&asks, error);
	return NULL;
}

static const struct argument ping_arguments[] = {
	{ .name = "peer", .kind = ARGUMENT_TEXT },
	{ "size", ARGUMENT_NUMBER, NODE_PING_SIZE_MIN, NODE_PING_SIZE_MAX },
	{ .name = "largest", .kind = ARGUMENT_FLAG },
	{ .name = NULL },
};

static const struct argument test_arguments[] = {
	{ .name = "group", .kind = ARGUMENT_TEXT },
	{ "count", ARGUMENT_NUMBER, 1, NODE_TEST_FRAMES_MAX },
	{ .name = NULL },
};

static const struct argument peer_argument[] = {
	{ .name = "peer", .kind = ARGUMENT_TEXT },
	{ .name = NULL },
};

static const struct argument capture_arguments[] = {
	{ .name = "peer", .kind = ARGUMENT_TEXT },
	{ .name = "dropped", .kind = ARGUMENT_FLAG },
	{ .name = "count",
	  .kind = ARGUMENT_NUMBER,
	  .min = 1,
	  .max = INT32_MAX },
	{ .name = NULL },
};

static const struct command commands[] = {
	{ "status", .view = view_status },
	{ "peers", .list = list_peers, .detail = peer_details,
	  .takes = peer_argument },
	{ "fdb", .list = list_fdb },
	{ "groups", .list = list_groups },
	{ "drops", .view = view_drops },
	{ "doctor", .view = view_doctor },
	{ "metrics", .list = list_metrics },
	{ "reload", .run = daemon_reload },
	{ "rekey", .run = daemon_rekey, .sealed_only = true },
	{ "monitor", .ask = monitor },
	{ "capture", .ask = daemon_capture, .takes = capture_arguments },
	{ "ping", .ask = ping, .takes = ping_arguments, .sealed_only = true },
	{ "test", .ask = test, .takes = test_arguments, .sealed_only = true },
	{ "mesh", .ask = mesh, .sealed_only = true },
};

static json_t *show(const struct daemon *d, const struct command *c,
		    const json_t *arguments, struct control_list **list,
		    char **error)
{
	const char *which = argument_text(arguments, "peer");
	struct snapshot s;
	json_t *result = NULL;

	if (!snapshot_take(&s, d))
		return NULL;
	if (which)
		*list = c->detail(&s, which, error);
	else if (c->list)
		*list = c->list(&s);
	else
		result = c->view(&s);
	snapshot_free(&s);
	return result;
}

static bool is_possible(const struct daemon *d, const struct command *c,
			char **error)
{
	if (!c->sealed_only || conf_is_sealed(d->conf))
		return true;
	error_set(error,
		  "not with encapsulation = \"%s\": there are no keys, and the"
		  " peers may be hosts without tapd",
		  conf_encapsulation_words[d->conf->encapsulation]);
	return false;
}

static json_t *run(struct daemon *d, const char *name, json_t *arguments,
		   struct control_list **list, char **error)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command *c = &commands[i];

		if (strcmp(c->name, name) != 0)
			continue;
		if (!arguments_check(arguments, c->takes, c->name, error) ||
		    !is_possible(d, c, error))
			return NULL;
		if (c->ask)
			return c->ask(d, arguments, list, error);
		return c->run ? c->run(d, error)
			      : show(d, c, arguments, list, error);
	}
	error_set(error, "this tapd knows no command \"%s\"", name);
	return NULL;
}

json_t *daemon_command(void *daemon, const char *name, json_t *arguments,
		       struct control_list **list, char **error)
{
	struct daemon *d = daemon;
	json_t *result;

	daemon_enter(d);
	result = run(d, name, arguments, list, error);
	daemon_leave(d);
	return result;
}

/* Anybody on the host may scrape, and each time costs a look at all peers. */
struct metrics *daemon_metrics(void *daemon)
{
	struct daemon *d = daemon;
	struct metrics *m = NULL;
	struct snapshot s;

	daemon_enter(d);
	if (bucket_take(&d->scrapes, d->now.mono_us) && snapshot_take(&s, d)) {
		m = metrics_new(&s);
		snapshot_free(&s);
	}
	daemon_leave(d);
	return m;
}
