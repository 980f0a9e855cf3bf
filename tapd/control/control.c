#include "tapd/control/control.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tapd/common/error.h"

#define CLIENTS_MAX 16
#define REQUEST_MAX 4096
#define BACKLOG	    8

static const struct timeval silence = { .tv_sec = 5 };
static const struct timeval accept_pause = { .tv_sec = 1 };

struct client {
	struct control *control;
	struct bufferevent *bev; /* NULL: the place is free */
	bool closing;		 /* no more questions; once the answer is out */
	bool asked_all;		 /* it will ask no more than it has */
};

struct control {
	struct control_ops ops;
	void *user;
	char *path;
	dev_t dev; /* of the socket we bound: only that one is removed */
	ino_t ino;
	struct evconnlistener *listener;
	struct event *resume;
	struct client clients[CLIENTS_MAX];
};

/* ---- answering ---- */

static void free_text(const void *data, size_t len, void *text)
{
	(void)data;
	(void)len;
	free(text);
}

/* Takes the reference. False if memory is short. */
static bool send_answer(struct bufferevent *bev, json_t *answer)
{
	struct evbuffer *out = bufferevent_get_output(bev);
	char *text = NULL;

	if (answer)
		text = json_dumps(answer,
				  JSON_COMPACT | JSON_REAL_PRECISION(9));
	json_decref(answer);
	if (!text)
		return false;
	if (evbuffer_add_reference(out, text, strlen(text), free_text, text)) {
		free(text);
		return false;
	}
	return evbuffer_add(out, "\n", 1) == 0;
}

static json_t *refusal(const char *why)
{
	json_t *reply = json_pack("{s:b, s:s}", "ok", 0, "error", why);

	/* A file's name in the message need not be UTF-8. */
	return reply ? reply
		     : json_pack("{s:b, s:s}", "ok", 0, "error",
				 "failed; the log says why");
}

/* The answer to one line. Foreign bytes: whatever they are, there is one. */
static json_t *answer(struct control *c, const char *line, size_t len)
{
	json_t *request, *result, *reply;
	const char *command;
	char *error = NULL;
	json_error_t where;

	request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &where);
	command = json_string_value(json_object_get(request, "command"));
	if (!command) {
		json_decref(request);
		return refusal("not a request; send {\"command\": \"status\"}");
	}
	result = c->ops.command(c->user, command, &error);
	if (result)
		reply = json_pack("{s:b, s:o}", "ok", 1, "result", result);
	else
		reply = refusal(error ? error : "failed");
	free(error);
	json_decref(request);
	return reply;
}

static void client_close(struct client *client)
{
	bufferevent_free(client->bev);
	client->bev = NULL;
}

/* Sends, and closes once it is out: nothing more is read. */
static void client_dismiss(struct client *client, const char *why)
{
	client->closing = true;
	bufferevent_disable(client->bev, EV_READ);
	if (!send_answer(client->bev, refusal(why)))
		client_close(client);
}

static bool has_output(const struct client *client)
{
	return evbuffer_get_length(bufferevent_get_output(client->bev)) > 0;
}

/* One question at a time: the next waits until its answer was taken. */
static void client_serve(struct client *client)
{
	struct evbuffer *in = bufferevent_get_input(client->bev);
	size_t len;

	while (!client->closing && !has_output(client)) {
		char *line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF);

		if (!line && evbuffer_get_length(in) >= REQUEST_MAX) {
			client_dismiss(client, "request longer than 4 KiB");
			return;
		}
		if (!line)
			return;
		if (!send_answer(client->bev,
				 answer(client->control, line, len)))
			client->closing = true;
		free(line);
	}
}

/* ---- events ---- */

static void on_readable(struct bufferevent *bev, void *arg)
{
	(void)bev;
	client_serve(arg);
}

static void serve_or_close(struct client *client)
{
	client_serve(client);
	if (client->bev && !has_output(client) &&
	    (client->closing || client->asked_all))
		client_close(client);
}

static void on_drained(struct bufferevent *bev, void *arg)
{
	(void)bev;
	serve_or_close(arg);
}

static void on_event(struct bufferevent *bev, short events, void *arg)
{
	struct client *client = arg;

	if (events & BEV_EVENT_EOF) {
		/* The end of the questions is not that of the answers:
		 * printf … | nc -U. */
		client->asked_all = true;
		serve_or_close(client);
	} else if ((events & BEV_EVENT_TIMEOUT) &&
		   (events & BEV_EVENT_READING) && has_output(client)) {
		/* Silent because it is still taking the answer; whether it is
		 * has a timeout of its own. */
		bufferevent_enable(bev, EV_READ);
	} else {
		client_close(client);
	}
}

static struct client *free_place(struct control *c)
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
	struct client *client = free_place(c);

	(void)from;
	(void)from_len;
	if (client) {
		*client = (struct client){ .control = c };
		client->bev = bufferevent_socket_new(
			evconnlistener_get_base(listener), fd,
			BEV_OPT_CLOSE_ON_FREE);
	} else {
		send(fd, full, sizeof(full) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	if (!client || !client->bev) {
		close(fd);
		return;
	}
	/* Never more than a request is taken from the client at a time. */
	bufferevent_setwatermark(client->bev, EV_READ, 0, REQUEST_MAX);
	bufferevent_setcb(client->bev, on_readable, on_drained, on_event,
			  client);
	bufferevent_set_timeouts(client->bev, &silence, &silence);
	bufferevent_enable(client->bev, EV_READ | EV_WRITE);
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

static bool make_directory(const char *path, char **error)
{
	const char *slash = strrchr(path, '/');
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];

	if (!slash || slash == path)
		return true;
	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
	if (mkdir(dir, 0755) == 0 || errno == EEXIST)
		return true;
	error_set(error, "%s: %s; make the directory, or set control_socket",
		  dir, strerror(errno));
	return false;
}

/* Removes a socket that nobody answers. What is no socket, or is answered, is
 * left alone: false with *error. */
static bool clear_path(const char *path, const struct sockaddr_un *address,
		       char **error)
{
	struct stat st;
	int fd, result;

	if (lstat(path, &st) != 0)
		return true; /* bind will say */
	if (!S_ISSOCK(st.st_mode)) {
		error_set(error,
			  "%s: is there and no socket; remove it, or set "
			  "control_socket",
			  path);
		return false;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		error_set(error, "%s: %s", path, strerror(errno));
		return false;
	}
	/* EAGAIN: alive, with a full queue. */
	result =
		connect(fd, (const struct sockaddr *)address, sizeof(*address));
	if (result != 0 && errno == ECONNREFUSED) {
		unlink(path);
		close(fd);
		return true;
	}
	error_set(error,
		  result == 0 || errno == EAGAIN
			  ? "%s: another tapd answers there; stop it, or set "
			    "control_socket"
			  : "%s: is there and cannot be tried; remove it, or "
			    "set control_socket",
		  path);
	close(fd);
	return false;
}

/* The listening socket, or -1 with *error. */
static int listen_at(const char *path, char **error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd, result;

	if (strlen(path) >= sizeof(address.sun_path)) {
		error_set(error,
			  "%s: longer than %zu bytes; set "
			  "control_socket to a shorter path",
			  path, sizeof(address.sun_path) - 1);
		return -1;
	}
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (!make_directory(path, error) || !clear_path(path, &address, error))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		error_set(error, "%s: %s", path, strerror(errno));
		return -1;
	}
	/* The mode must be right from the start: chmod would come too late. */
	mask = umask(0177);
	result = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (result != 0 || listen(fd, BACKLOG) != 0) {
		error_set(error,
			  "%s: cannot listen: %s; let tapd's user write "
			  "there, or set control_socket",
			  path, strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

static void remember_inode(struct control *c)
{
	struct stat st;

	if (lstat(c->path, &st) == 0) {
		c->dev = st.st_dev;
		c->ino = st.st_ino;
	}
}

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
	fd = listen_at(path, error);
	if (fd < 0) {
		control_free(c);
		return NULL;
	}
	remember_inode(c);
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
	struct stat st;

	if (!c)
		return;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (c->clients[i].bev)
			client_close(&c->clients[i]);
	if (c->listener)
		evconnlistener_free(c->listener);
	if (c->resume)
		event_free(c->resume);
	/* Another may have been put there meanwhile. */
	if (c->ino && lstat(c->path, &st) == 0 && st.st_dev == c->dev &&
	    st.st_ino == c->ino)
		unlink(c->path);
	free(c->path);
	free(c);
}
