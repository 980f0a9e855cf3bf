/* The daemon's answers to tapctl. */
#include <string.h>

#include "tapd/common/error.h"
#include "tapd/control/views.h"
#include "tapd/daemon_state.h"

static json_t *answer(const struct daemon *d,
		      json_t *(*view)(const struct snapshot *))
{
	struct snapshot s;
	json_t *result;

	if (!snapshot_take(&s, d))
		return NULL;
	result = view(&s);
	snapshot_free(&s);
	return result;
}

static json_t *run_command(struct daemon *d, const char *name, char **error)
{
	static const struct {
		const char *name;
		json_t *(*view)(const struct snapshot *);
	} views[] = {
		{ "status", view_status }, { "peers", view_peers },
		{ "fdb", view_fdb },	   { "groups", view_groups },
		{ "drops", view_drops },
	};

	if (strcmp(name, "reload") == 0)
		return daemon_reload(d, error);
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++)
		if (strcmp(name, views[i].name) == 0)
			return answer(d, views[i].view);
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
