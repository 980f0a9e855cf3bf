#include "tapd/control/exporter.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
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

static const struct timeval accept_pause = { .tv_sec = 1 };

struct exporter {
	scrape_ask *ask;
	void *user;
	char *path; /* of the Unix socket, or NULL */
	struct socket_file file;
	struct evconnlistener *listener;
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

static struct scrape *free_place(struct exporter *e)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (!e->clients[i].bev)
			return &e->clients[i];
	return NULL;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd,
		      struct sockaddr *from, int from_len, void *arg)
{
	static const char full[] = "HTTP/1.1 503 Service Unavailable\r\n"
				   "Content-Length: 0\r\n"
				   "Connection: close\r\n\r\n";
	struct exporter *e = arg;
	struct scrape *client = free_place(e);

	(void)from;
	(void)from_len;
	if (client) {
		(void)scrape_open(client, evconnlistener_get_base(listener), fd,
				  e->ask, e->user);
		return;
	}
	send(fd, full, sizeof(full) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

/* As the control socket's: out of file descriptors. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	struct exporter *e = arg;

	evconnlistener_disable(listener);
	event_add(e->resume, &accept_pause);
}

static void on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct exporter *e = arg;

	(void)fd;
	(void)what;
	evconnlistener_enable(e->listener);
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

struct exporter *exporter_new(struct event_base *base, const char *where,
			      scrape_ask *ask, void *user, char **error)
{
	struct exporter *e = calloc(1, sizeof(*e));
	int fd = -1;

	*error = NULL;
	if (e) {
		e->ask = ask;
		e->user = user;
		e->resume = evtimer_new(base, on_resume, e);
		fd = e->resume ? listen_at(e, where, error) : -1;
	}
	if (fd >= 0)
		e->listener = evconnlistener_new(
			base, on_accept, e,
			LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (e && e->listener) {
		evconnlistener_set_error_cb(e->listener, on_accept_error);
		return e;
	}
	if (fd >= 0)
		close(fd);
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
	if (e->listener)
		evconnlistener_free(e->listener);
	if (e->resume)
		event_free(e->resume);
	if (e->path)
		socket_file_remove(&e->file, e->path);
	free(e->path);
	free(e);
}
