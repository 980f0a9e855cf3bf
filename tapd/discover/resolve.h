/* Host names of peers → addresses, asked again and again beside the loop. */
#ifndef TAPD_DISCOVER_RESOLVE_H
#define TAPD_DISCOVER_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>

#include "tapd/conf/conf.h"
#include "tapd/helper/helper.h"

/*
 * getaddrinfo(3) follows the host's own ways (hosts file, search list, nsswitch)
 * but waits; so the helper process asks, in forks, which besides see a changed
 * resolv.conf. The names are spread over a few of them, lest one dead name holds up all. Each
 * name keeps its last good answer until there is a better one.
 */
struct resolve;

struct resolve_ops {
	const char *what; /* before a name in the log: "peer" */
	/* The addresses changed. */
	void (*changed)(void *user);
	/* All names were asked for. NULL: nothing is done. */
	void (*asked)(void *user);
	/* They are asked for when resolve_ask says so; false: again and again. */
	bool when_told;
	unsigned limit_s; /* of a lookup, which asks for several; 0: 20 */
};

/* ops is borrowed. */
struct resolve *resolve_new(struct event_base *base, struct helper *helper,
			    const struct resolve_ops *ops, void *user);
void resolve_free(struct resolve *r);

/* Replaces the names (peers that are addresses are passed over), and asks at
 * once. Answers to names that stay are kept. False if memory is short. */
bool resolve_set(struct resolve *r, const struct conf_peer *peers,
		 size_t count);
/* Sets memory aside, so that a resolve_set of no more than count peers cannot
 * fail. False if there is none. */
bool resolve_reserve(struct resolve *r, size_t count);
/* The names among these peers are those it has, in its order. */
bool resolve_has(const struct resolve *r, const struct conf_peer *peers,
		 size_t count);
/* Asks for all names now, unless it is asking. */
void resolve_ask(struct resolve *r);
bool resolve_is_asking(const struct resolve *r);
/* An interface came, went or changed: names with one in them, "fe80::1%eth0", are
 * asked for again, soon and not more often than that. */
void resolve_links_changed(struct resolve *r);
/* Every known address of every name, at most max. names, if not NULL: the number of
 * the name, from 0, that each is of. */
size_t resolve_addresses(const struct resolve *r, struct addr *out,
			 uint16_t *names, size_t max);
/* A name has more than one address. */
bool resolve_has_many(const struct resolve *r);
/* Why the i-th name without an answer has none: "web9: Name or service not
 * known". NULL past the last. */
const char *resolve_failure(const struct resolve *r, size_t i);
/* The same of the first name whose last answer was no good, though it may have an
 * older one; NULL: there is none. */
const char *resolve_last_failure(const struct resolve *r);

#endif
