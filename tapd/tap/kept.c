#include "tapd/tap/kept.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tapd/log/log.h"
#include "tapd/manager/fdstore.h"
#include "tapd/tap/link.h"
#include "tapd/tap/ours.h"

struct search {
	const struct conf *conf;
	int renamed; /* a descriptor of the TAP that has the new name; -1: none */
};

static bool is_marked(const char *name)
{
	char *error = NULL;
	struct link *l = link_open(name, &error);
	const bool marked = l && ours_is_marked(link_state(l));

	link_close(l);
	free(error);
	return marked;
}

/* A crash left it persistent. Elsewhere it is as the last run left it. */
static void let_go(const struct conf *c, int fd, const char *name)
{
	struct tap *t;
	int copy;

	if (c->interface.persist || !is_marked(name))
		return;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	t = tap_adopt(copy, name);
	if (!t) {
		close(copy);
		return;
	}
	if (tap_set_persist(t, false) == 0)
		log_info("%s is not configured any more: removed", name);
	tap_close(t);
}

static void take_other(void *user, int fd)
{
	struct search *s = user;
	const char *configured = s->conf->interface.name;
	char name[IFNAMSIZ], *error = NULL;

	if (ours_of_descriptor(fd, configured, name, &error) == OURS_HERE) {
		if (strcmp(name, configured) != 0)
			let_go(s->conf, fd, name);
		else if (s->renamed < 0)
			s->renamed = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	}
	free(error);
}

/* Its descriptor, or -1. */
static int take(const struct conf *c)
{
	struct search s = { .conf = c, .renamed = -1 };
	const int kept = fdstore_take(c->interface.name, take_other, &s);

	if (s.renamed < 0)
		return kept;
	if (kept >= 0) {
		close(s.renamed);
		return kept;
	}
	(void)fdstore_give(c->interface.name, s.renamed);
	return s.renamed;
}

bool kept_take(const struct conf *c, char name[IFNAMSIZ], struct tap **tap,
	       char **error)
{
	int fd = take(c);
	enum ours ours;

	*tap = NULL;
	if (fd < 0)
		return true;
	ours = ours_of_descriptor(fd, c->interface.name, name, error);
	if (ours == OURS_HERE)
		*tap = tap_adopt(fd, name);
	if (!*tap)
		close(fd);
	return ours != OURS_ELSEWHERE;
}
