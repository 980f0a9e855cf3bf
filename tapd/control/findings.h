/* A check, and the lines that it finds. */
#ifndef TAPD_CONTROL_FINDINGS_H
#define TAPD_CONTROL_FINDINGS_H

#include "tapd/control/snapshot.h"

enum check_severity {
	CHECK_ERROR,   /* something does not work */
	CHECK_WARNING, /* it works, and not as well as it should */
	CHECK_NOTE,    /* worth knowing */
	/* A note on how it is configured: doctor tells of it, and nobody is warned. */
	CHECK_FACT,
};
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

/* How many peers a line names before it only counts. */
#define FINDINGS_NAMED_MAX 3

void findings_add(struct findings *f, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* "web1 (1400), web2 (9000), web3 (1400)", and how many there are in all. Begins
 * zeroed. */
struct naming {
	char text[FINDINGS_NAMED_MAX * (NODE_NAME_MAX + 16)];
	size_t len;
	unsigned count;
};
void naming_add(struct naming *n, const struct node_peer_info *p,
		unsigned value, const char *unit);
/* "WHAT: web1 (1400), …"; nothing if none was named. */
void findings_add_named(struct findings *f, const char *what,
			const struct naming *n);

#endif
