/* The TAP that an earlier run made, found before another is made beside it. */
#ifndef TAPD_TAP_OURS_H
#define TAPD_TAP_OURS_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "tapd/tap/link.h"

/*
 * A crash leaves the TAP, and its administrator may have renamed it, or moved it to a
 * container's namespace, before or since. Then it still has the MAC and the addresses
 * that a new one would get, and so would cut this host off, or itself. It is known by
 * its stamp, or by the descriptor that a service manager kept.
 */
#define OURS_ALIAS "made by tapd"

enum ours {
	OURS_NONE,
	OURS_HERE,
	OURS_ELSEWHERE, /* another network namespace */
};

/* configured: the name of the configuration; name: what it is called now. Elsewhere:
 * *error says where, and what to do (to be freed). */
enum ours ours_find(uint32_t stamp, const char *configured, char name[IFNAMSIZ],
		    char **error);
/* The same of a descriptor: OURS_NONE if it is of no TAP, or of a deleted one. */
enum ours ours_of_descriptor(int fd, const char *configured,
			     char name[IFNAMSIZ], char **error);
/* Whether this tapd or another made it: by its stamp; where there can be none, by the
 * alias. */
bool ours_is_marked(const struct link_state *state);

#endif
