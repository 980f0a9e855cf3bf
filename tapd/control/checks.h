/* What may be wrong with this host and its peers: one table. */
#ifndef TAPD_CONTROL_CHECKS_H
#define TAPD_CONTROL_CHECKS_H

#include <stddef.h>

#include "tapd/control/snapshot.h"

enum check_severity {
	CHECK_ERROR,   /* something does not work */
	CHECK_WARNING, /* it works, and not as well as it should */
	CHECK_NOTE,    /* worth knowing */
};
/* "error", "warning", "note". */
const char *check_severity_name(enum check_severity severity);

struct check;

/* What one check found: a line for people, borrowed. */
typedef void check_found(void *user, const struct check *check,
			 const char *what);

/* Where a test puts what it finds. */
struct findings {
	check_found *found;
	void *user;
	const struct check *check; /* the one that runs */
};

struct check {
	const char *id; /* "link-down": stable, for programs */
	enum check_severity severity;
	/* Finds nothing, one thing, or one for each of some things. */
	void (*test)(const struct snapshot *s, struct findings *f);
	const char *advice; /* what to do: a sentence for all it finds */
};

/* In the order in which they are run. */
extern const struct check checks[];
extern const size_t checks_count;

/* Runs all of them. */
void checks_run(const struct snapshot *s, check_found *found, void *user);

#endif
