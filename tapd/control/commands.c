#include "tapd/control/commands.h"

#include <string.h>

#include "tapd/common/error.h"
#include "tapd/control/views.h"
#include "tapd/daemon_state.h"
#include "tapd/entry.h"
#include "tapd/reload.h"

/* A command shows a view of the daemon, or has it do something. */
struct command {
	const char *name;
	json_t *(*view)(const struct snapshot *s);
	json_t *(*run)(struct daemon *d, char **error);
};

static const struct command commands[] = {
	{ "status", .view = view_status }, { "peers", .view = view_peers },
	{ "fdb", .view = view_fdb },	   { "groups", .view = view_groups },
	{ "drops", .view = view_drops },   { "reload", .run = daemon_reload },
};

static json_t *show(const struct daemon *d, const struct command *c)
{
	struct snapshot s;
	json_t *result;

	if (!snapshot_take(&s, d))
		return NULL;
	result = c->view(&s);
	snapshot_free(&s);
	return result;
}

static json_t *run(struct daemon *d, const char *name, char **error)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command *c = &commands[i];

		if (strcmp(c->name, name) != 0)
			continue;
		return c->run ? c->run(d, error) : show(d, c);
	}
	error_set(error, "this tapd knows no command \"%s\"", name);
	return NULL;
}

json_t *daemon_command(void *daemon, const char *name, char **error)
{
	struct daemon *d = daemon;
	json_t *result;

	daemon_enter(d);
	result = run(d, name, error);
	daemon_leave(d);
	return result;
}
