/* What may be wrong with this host and its peers: one table. */
#ifndef TAPD_CONTROL_CHECKS_H
#define TAPD_CONTROL_CHECKS_H

#include <stddef.h>

#include "tapd/control/findings.h"

/* "error", "warning", "note". */
const char *check_severity_name(enum check_severity severity);

/* In the order in which they are run. */
extern const struct check checks[];
extern const size_t checks_count;

/* Runs all of them. */
void checks_run(const struct snapshot *s, check_found *found, void *user);

#endif
