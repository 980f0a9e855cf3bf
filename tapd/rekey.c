#include "tapd/rekey.h"

#include "tapd/conf/encapsulation.h"
#include "tapd/daemon_state.h"
#include "tapd/log/log.h"

size_t daemon_forget(struct daemon *d, const char *why)
{
	size_t sessions;

	if (!conf_is_sealed(d->conf))
		return 0;
	sessions = node_forget(d->node, d->now);
	log_info("%s: all session keys are made anew", why);
	return sessions;
}

json_t *daemon_rekey(struct daemon *d, char **error)
{
	(void)error;
	return json_pack("{s:I}", "sessions",
			 (json_int_t)daemon_forget(d, "tapctl rekey"));
}
