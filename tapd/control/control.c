#include "tapd/control/control.h"

#include <event2/event.h>
#include <event2/listener.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tapd/common/error.h"
#include "tapd/control/connection.h"
#include "tapd/control/listen.h"

#define CLIENTS_MAX 16

static const struct timeval accept_pause = { .tv_sec = 1 };

struct control {
	struct control_ops ops;
	void *user;
	char *path;
	struct socket_file file;
	struct evconnlistener *listener;
	struct event *resume;
	struct connection clients[CLIENTS_MAX];
};

static struct connection *free_place(struct control *c)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (!c->clients[i].bev)
			return &c->clients[i];
	return NULL;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd,
		      struct sockaddr *from, int from_len, void *arg)
{
	static const char full[] =
		"{\"ok\":false,\"error\":\"too many clients; try again\"}\n";
	struct control *c = arg;
	struct connection *client = free_place(c);

	(void)from;
	(void)from_len;
	if (client) {
		(void)connection_open(client, evconnlistener_get_base(listener),
				      fd, &c->ops, c->user);
		return;
	}
	send(fd, full, sizeof(full) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

/* Out of file descriptors: the connection waits in the queue, and asking again
 * at once would only spin. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	struct control *c = arg;

	evconnlistener_disable(listener);
	event_add(c->resume, &accept_pause);
}

static void on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct control *c = arg;

	(void)fd;
	(void)what;
	evconnlistener_enable(c->listener);
}

/* ---- the socket ---- */

struct control *control_new(struct event_base *base, const char *path,
			    const struct control_ops *ops, void *user,
			    char **error)
{
	struct control *c = calloc(1, sizeof(*c));
	int fd;

	*error = NULL;
	/* libevent writes to a client that is gone. */
	signal(SIGPIPE, SIG_IGN);
	if (!c || !(c->path = strdup(path)))
		goto out_of_memory;
	c->ops = *ops;
	c->user = user;
	c->resume = evtimer_new(base, on_resume, c);
	if (!c->resume)
		goto out_of_memory;
	fd = control_listen(path, 0600, "control_socket", error);
	if (fd < 0) {
		control_free(c);
		return NULL;
	}
	socket_file_note(&c->file, path);
	c->listener = evconnlistener_new(
		base, on_accept, c,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!c->listener) {
		close(fd);
		goto out_of_memory;
	}
	evconnlistener_set_error_cb(c->listener, on_accept_error);
	return c;
out_of_memory:
	error_set(error, "%s: out of memory", path);
	control_free(c);
	return NULL;
}

void control_free(struct control *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (c->clients[i].bev)
			connection_close(&c->clients[i]);
	if (c->listener)
		evconnlistener_free(c->listener);
	if (c->resume)
		event_free(c->resume);
	if (c->path)
		socket_file_remove(&c->file, c->path);
	free(c->path);
	free(c);
}
