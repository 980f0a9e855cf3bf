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
#include <unistd.h>

#include "tapd/common/error.h"
#include "tapd/control/listen.h"

#define CLIENTS_MAX 16
#define REQUEST_MAX 4096
#define DUMP_FLAGS  (JSON_COMPACT | JSON_REAL_PRECISION(9) | JSON_ENCODE_ANY)

static const struct timeval silence = { .tv_sec = 5 };
static const struct timeval accept_pause = { .tv_sec = 1 };

struct client {
	struct control *control;
	struct bufferevent *bev; /* NULL: the place is free */
	bool closing;		 /* no more questions; once the answer is out */
	bool asked_all;		 /* it will ask no more than it has */
	/* The answer under way, or NULL; it has a row; what goes on with it. */
	struct control_list *list;
	bool has_row;
	struct event *again;
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
		text = json_dumps(answer, DUMP_FLAGS);
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

/* The answer to one line, or *list. Foreign bytes: whatever they are, there is one. */
static json_t *answer(struct control *c, const char *line, size_t len,
		      struct control_list **list)
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
	result = c->ops.command(c->user, command,
				json_object_get(request, "arguments"), list,
				&error);
	if (*list)
		reply = NULL;
	else if (result)
		reply = json_pack("{s:b, s:o}", "ok", 1, "result", result);
	else
		reply = refusal(error ? error : "failed");
	free(error);
	json_decref(request);
	return reply;
}

static void list_close(struct client *client)
{
	if (client->list)
		client->list->free(client->list);
	client->list = NULL;
}

static void client_close(struct client *client)
{
	list_close(client);
	event_free(client->again);
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

/* ---- lists ---- */

static bool has_output(const struct client *client)
{
	return evbuffer_get_length(bufferevent_get_output(client->bev)) > 0;
}

static int add_text(const char *text, size_t len, void *out)
{
	return evbuffer_add(out, text, len);
}

static bool send_text(struct client *client, const char *text)
{
	return evbuffer_add(bufferevent_get_output(client->bev), text,
			    strlen(text)) == 0;
}

static bool begin_list(struct client *client)
{
	return client->has_row ||
	       send_text(client, "{\"ok\":true,\"result\":[");
}

/* Takes the reference. False if memory is short. */
static bool send_row(struct client *client, json_t *row)
{
	struct evbuffer *out = bufferevent_get_output(client->bev);
	bool ok = begin_list(client) &&
		  (!client->has_row || send_text(client, ",")) &&
		  json_dump_callback(row, add_text, out, DUMP_FLAGS) == 0;

	client->has_row = true;
	json_decref(row);
	return ok;
}

static bool end_list(struct client *client)
{
	bool ok = begin_list(client) && send_text(client, "]}\n");

	list_close(client);
	return ok;
}

/* One step. False: the client has to be closed, half an answer is none. */
static bool list_step(struct client *client)
{
	json_t *row = NULL;

	switch (client->list->step(client->list, &row)) {
	case CONTROL_ROW:
		return send_row(client, row);
	case CONTROL_BUSY:
		return true;
	case CONTROL_END:
		return end_list(client);
	case CONTROL_FAILED:
		break;
	}
	return false;
}

/* A part of the list. The next follows when this one was taken, or, if it came to
 * nothing that can be sent, in the next turn of the loop. False: see list_step. */
static bool list_continue(struct client *client)
{
	static const struct timeval now = { 0 };
	struct evbuffer *out = bufferevent_get_output(client->bev);
	unsigned int steps = 0;

	while (client->list && steps++ < CONTROL_STEPS &&
	       evbuffer_get_length(out) < CONTROL_BYTES)
		if (!list_step(client))
			return false;
	return !client->list || has_output(client) ||
	       evtimer_add(client->again, &now) == 0;
}

static void client_ask(struct client *client, const char *line, size_t len)
{
	json_t *reply = answer(client->control, line, len, &client->list);

	client->has_row = false;
	if (!client->list && !send_answer(client->bev, reply))
		client->closing = true;
}

/* One question at a time: the next waits until its answer was taken. */
static void client_serve(struct client *client)
{
	struct evbuffer *in = bufferevent_get_input(client->bev);
	size_t len;

	while (!client->closing && !has_output(client)) {
		char *line;

		if (client->list && !list_continue(client)) {
			client_close(client);
			return;
		}
		if (client->list || has_output(client))
			return;
		line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF);
		if (!line && evbuffer_get_length(in) >= REQUEST_MAX) {
			client_dismiss(client, "request longer than 4 KiB");
			return;
		}
		if (!line)
			return;
		client_ask(client, line, len);
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
	if (client->bev && !has_output(client) && !client->list &&
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
		   (events & BEV_EVENT_READING) &&
		   (has_output(client) || client->list)) {
		/* Silent because it is still taking the answer; whether it is
		 * has a timeout of its own. */
		bufferevent_enable(bev, EV_READ);
	} else {
		client_close(client);
	}
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	serve_or_close(arg);
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
	client->again = evtimer_new(evconnlistener_get_base(listener), on_again,
				    client);
	if (!client->again) {
		bufferevent_free(client->bev);
		client->bev = NULL;
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
	fd = control_listen(path, error);
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
