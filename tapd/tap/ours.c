#include "tapd/tap/ours.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tapd/common/error.h"
#include "tapd/log/log.h"
#include "tapd/tap/netns.h"
#include "tapd/tap/stamp.h"
#include "tapd/tap/tap.h"

/* With ip(8)'s command for there: "ip -n box" or "nsenter -t 123 -n ip". */
static void explain(char **error, const char *configured, const char *name,
		    const struct netns_place *place)
{
	char where[96], ip[96];

	if (*place->name) {
		snprintf(where, sizeof(where), "%s", place->name);
		snprintf(ip, sizeof(ip), "ip -n %s", place->name);
	} else {
		snprintf(where, sizeof(where), "that of process %d",
			 (int)place->pid);
		snprintf(ip, sizeof(ip), "nsenter -t %d -n ip",
			 (int)place->pid);
	}
	/* $$: the shell that the command is typed into, in this namespace. */
	error_set(error,
		  "%s: an earlier run made it, and it is in another network"
		  " namespace now: %s, as %s. None is made beside it: move it"
		  " back with `%s link set %s netns $$`, or delete it with `%s"
		  " link del %s`",
		  configured, where, name, ip, name, ip, name);
}

/* ---- by its stamp ---- */

struct search {
	uint32_t stamp;
	char *name;
	struct netns_place place;
};

static bool look(void *user, const struct netns_place *place)
{
	struct search *s = user;

	s->place = *place;
	return stamp_find(s->stamp, s->name);
}

enum ours ours_find(uint32_t stamp, const char *configured, char name[IFNAMSIZ],
		    char **error)
{
	struct search s = { .stamp = stamp, .name = name };
	bool hidden;

	if (stamp_find(stamp, name))
		return OURS_HERE;
	/* One that stands ready is used; then none is made. */
	if (if_nametoindex(configured) != 0)
		return OURS_NONE;
	if (netns_visit_others(look, &s, &hidden)) {
		explain(error, configured, name, &s.place);
		return OURS_ELSEWHERE;
	}
	if (hidden)
		log_info("no other network namespace can be looked into: if"
			 " %s was moved to one, there are two now",
			 configured);
	return OURS_NONE;
}

bool ours_is_marked(const struct link_state *state)
{
	const uint32_t group = stamp_read(state->index);

	return group ? stamp_is_one(group)
		     : strcmp(state->alias, OURS_ALIAS) == 0;
}

/* ---- by its descriptor ---- */

struct number_search {
	uint64_t number;
	struct netns_place place;
};

static bool is_number(void *user, const struct netns_place *place)
{
	struct number_search *s = user;

	s->place = *place;
	return netns_own() == s->number;
}

enum ours ours_of_descriptor(int fd, const char *configured,
			     char name[IFNAMSIZ], char **error)
{
	struct number_search s = { .number = 0 };
	bool hidden;
	int netns;

	if (tap_read_name(fd, name) < 0)
		return OURS_NONE;
	netns = tap_open_netns(fd);
	if (netns < 0) /* an old kernel: it is here if its name is */
		return if_nametoindex(name) ? OURS_HERE : OURS_NONE;
	s.number = netns_number(netns);
	close(netns);
	if (s.number == netns_own())
		return OURS_HERE;
	if (netns_visit_others(is_number, &s, &hidden))
		explain(error, configured, name, &s.place);
	else
		error_set(error,
			  "%s: it is in another network namespace now, as %s;"
			  " none is made beside it: move it back, or delete it",
			  configured, name);
	return OURS_ELSEWHERE;
}
