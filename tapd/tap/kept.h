/* The TAP whose descriptor a service manager kept since the last run. */
#ifndef TAPD_TAP_KEPT_H
#define TAPD_TAP_KEPT_H

#include <net/if.h>
#include <stdbool.h>

#include "tapd/conf/conf.h"
#include "tapd/tap/tap.h"

/*
 * With it the carrier never goes. It was given under the name that was configured then
 * (fdstore.h). Is interface.name another now, the TAP of the old name has nobody who
 * reads it, but its carrier, addresses and routes, which lead frames to nowhere: so it is
 * let go. One that an earlier run made goes away with that, unless interface.persist is
 * set; one that was renamed to the new name is used.
 */

/* *tap NULL: there is none; otherwise the caller's, and in name what it is called. False
 * with *error (to be freed): it is in another network namespace. Asked once. */
bool kept_take(const struct conf *c, char name[IFNAMSIZ], struct tap **tap,
	       char **error);

#endif
