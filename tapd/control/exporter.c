#include "tapd/control/exporter.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "tapd/common/error.h"
#include "tapd/conf/conf.h"
#include "tapd/control/listen.h"
#include "tapd/underlay/sockname.h"

#define CLIENTS_MAX 8
#define BACKLOG	    8
/* Who has asked nothing for so long makes room for others. */
#define SILENCE_MS 1000

/* Until it is looked again whether somebody can be served. */
static const struct timeval accept_pause = { .tv_usec = 100000 };

struct exporter {
	scrape_ask *ask;
	void *user;
	char *path; /* of the Unix socket, or NULL */
	struct socket_file file;
	int fd;		       /* that listens, or -1 */
	struct event *waiting; /* somebody is */
	struct event *resume;
	struct scrape clients[CLIENTS_MAX];
};

/* ---- where ---- */

static int listen_tcp(const char *where, char **error)
{
	static const int on = 1;
	union sockname name;
	struct addr a;
	socklen_t len;
	int fd, family;

	(void)addr_parse(&a, where, CONF_METRICS_PORT);
	family = addr_is_v4(&a) ? AF_INET : AF_INET6;
	len = sockname_from_addr(&name, &a, family);
	fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    bind(fd, &name.any, len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	error_set(error,
		  "%s: cannot listen: %s; set metrics to another port, or to a "
		  "path",
		  where, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* ---- who comes ---- */

/* One that is free; or that of whoever has been silent longest, and not only just come. */
static struct scrape *find_place(struct exporter *e)
{
	uint64_t longest_ms = SILENCE_MS;
	struct scrape *silent = NULL;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct scrape *s = &e->clients[i];

		if (!s->bev)
			return s;
		if (scrape_silence_ms(s) >= longest_ms) {
			longest_ms = scrape_silence_ms(s);
			silent = s;
		}
	}
	if (silent)
		scrape_close(silent);
	return silent;
}

/* One a turn of the loop, whoever comes as fast as the kernel lets them: frames wait for
 * it. Nobody is let in only to be sent away, which would cost more than to let them
 * wait. */
static void on_waiting(evutil_socket_t fd, short what, void *arg)
{
	struct exporter *e = arg;
	struct scrape *place = find_place(e);
	int client = -1;

	(void)what;
	if (place)
		client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	/* Without a place or a file descriptor to ask again at once would only spin. */
	if (client >= 0)
		(void)scrape_open(place, event_get_base(e->waiting), client,
				  e->ask, e->user);
	else if (evtimer_add(e->resume, &accept_pause) == 0)
		event_del(e->waiting);
}

static void on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct exporter *e = arg;

	(void)fd;
	(void)what;
	event_add(e->waiting, NULL);
}

static int listen_at(struct exporter *e, const char *where, char **error)
{
	int fd;

	if (*where != '/')
		return listen_tcp(where, error);
	e->path = strdup(where);
	fd = e->path ? control_listen(where, 0660, "metrics", error) : -1;
	if (fd >= 0)
		socket_file_note(&e->file, e->path);
	return fd;
}

static bool serve(struct exporter *e, struct event_base *base)
{
	e->resume = evtimer_new(base, on_resume, e);
	e->waiting =
		event_new(base, e->fd, EV_READ | EV_PERSIST, on_waiting, e);
	return e->resume && e->waiting && event_add(e->waiting, NULL) == 0;
}

struct exporter *exporter_new(struct event_base *base, const char *where,
			      scrape_ask *ask, void *user, char **error)
{
	struct exporter *e = calloc(1, sizeof(*e));

	*error = NULL;
	if (e) {
		e->ask = ask;
		e->user = user;
		e->fd = listen_at(e, where, error);
	}
	if (e && e->fd >= 0 && serve(e, base))
		return e;
	if (!*error)
		error_set(error, "%s: out of memory", where);
	exporter_free(e);
	return NULL;
}

void exporter_free(struct exporter *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (e->clients[i].bev)
			scrape_close(&e->clients[i]);
	if (e->waiting)
		event_free(e->waiting);
	if (e->resume)
		event_free(e->resume);
	if (e->fd >= 0)
		close(e->fd);
	if (e->path)
		socket_file_remove(&e->file, e->path);
	free(e->path);
	free(e);
}
