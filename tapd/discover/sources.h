/* discover.file, .command and .dns: asked in time, and what they list. */
#ifndef TAPD_DISCOVER_SOURCES_H
#define TAPD_DISCOVER_SOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/node.h"
#include "tapd/conf/conf.h"
#include "tapd/discover/discover_ops.h"
#include "tapd/helper/helper.h"

/*
 * Each source is asked by itself, and keeps its last good answer (discover/source.h has
 * the rules). The names in an answer are looked up, like those of discover.dns, each with
 * its own last good answer.
 */
struct sources;

/* ops is borrowed. NULL if memory is short. */
struct sources *sources_new(struct event_base *base, struct helper *helper,
			    const struct discover_ops *ops, void *user);
void sources_free(struct sources *s);
/* Sets memory aside, so that sources_set of this configuration cannot fail. False if
 * there is none. */
bool sources_reserve(struct sources *s, const struct conf *c);
/* Takes over what is configured, a copy of it. A source that is the same as before keeps
 * its answer and its time; one that is another is asked at once. */
void sources_set(struct sources *s, const struct conf *c);
/* A peer went up or down. */
void sources_peers_changed(struct sources *s);
/* As resolve_links_changed. */
void sources_links_changed(struct sources *s);

/* What it lists: as hosts_addresses. */
size_t sources_addresses(const struct sources *s, enum node_source which,
			 struct addr *out, uint16_t *hosts, size_t max);

struct sources_info {
	uint64_t good_us;  /* monotonic: its last good answer; 0: never */
	uint64_t failures; /* answers that were no good ones */
	const char *error; /* borrowed; "": its last answer was good */
	bool early;	   /* that does not list this host, and nobody is up */
};
/* False if it is not configured. */
bool sources_info(const struct sources *s, enum node_source which,
		  struct sources_info *out);

#endif
