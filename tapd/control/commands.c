/* The daemon's answers to tapctl. */
#include <string.h>

#include "tapd/common/error.h"
#include "tapd/control/report.h"
#include "tapd/daemon_state.h"

static json_t *answer(const struct daemon *d,
		      json_t *(*report)(const struct snapshot *))
{
	struct snapshot s;
	json_t *result;

	if (!snapshot_take(&s, d))
		return NULL;
	result = report(&s);
	snapshot_free(&s);
	return result;
}

static json_t *run_command(struct daemon *d, const char *name, char **error)
{
	static const struct {
		const char *name;
		json_t *(*report)(const struct snapshot *);
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
