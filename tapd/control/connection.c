#include "tapd/control/connection.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX 4096
#define DUMP_FLAGS  (JSON_COMPACT | JSON_REAL_PRECISION(9) | JSON_ENCODE_ANY)

static const struct timeval silence = { .tv_sec = 5 };
static const struct timeval next_turn = { 0 };

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
static json_t *answer(const struct connection *c, const char *line, size_t len,
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
	result = c->ops->command(c->user, command,
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

static void list_close(struct connection *c)
{
	if (c->list)
		c->list->free(c->list);
	c->list = NULL;
}

void connection_close(struct connection *c)
{
	list_close(c);
	event_free(c->again);
	bufferevent_free(c->bev);
	c->bev = NULL;
}

/* Sends, and closes once it is out: nothing more is read. */
static void dismiss(struct connection *c, const char *why)
{
	c->closing = true;
	bufferevent_disable(c->bev, EV_READ);
	if (!send_answer(c->bev, refusal(why)))
		connection_close(c);
}

/* ---- lists ---- */

static bool has_output(const struct connection *c)
{
	return evbuffer_get_length(bufferevent_get_output(c->bev)) > 0;
}

static bool is_stream(const struct connection *c)
{
	return c->list && c->list->form == CONTROL_LINES;
}

static int add_text(const char *text, size_t len, void *out)
{
	return evbuffer_add(out, text, len);
}

static bool send_text(struct connection *c, const char *text)
{
	return evbuffer_add(bufferevent_get_output(c->bev), text,
			    strlen(text)) == 0;
}

/* What comes before a row, by the form of the list. */
static bool begin_row(struct connection *c)
{
	bool array = c->list->form == CONTROL_ARRAY;
	bool fresh = !c->begun || !array;

	c->begun = true;
	if (fresh && !send_text(c, "{\"ok\":true,\"result\":"))
		return false;
	return !array || !fresh || send_text(c, "[");
}

/* With a file descriptor, which is closed. Nothing is on the way: all of it fits into
 * the socket. */
static bool send_passing(int fd, const char *text, int *passed)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	struct iovec iov = { .iov_len = strlen(text) };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control.bytes) };
	ssize_t n;

	memcpy(&iov.iov_base, &text, sizeof(text));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), passed, sizeof(int));
	n = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(*passed);
	*passed = -1;
	return n >= 0 && (size_t)n == iov.iov_len;
}

/* Takes the reference. */
static bool pass_row(struct connection *c, json_t *row)
{
	json_t *answer = json_pack("{s:b, s:o}", "ok", 1, "result", row);
	char *text = answer ? json_dumps(answer, DUMP_FLAGS) : NULL;
	bool ok = text && send_passing(bufferevent_getfd(c->bev), text,
				       &c->list->passed);

	json_decref(answer);
	free(text);
	c->begun = c->has_row = true;
	return ok && send_text(c, "\n");
}

/* Takes the reference. False if memory is short. */
static bool send_row(struct connection *c, json_t *row)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);
	bool array = c->list->form == CONTROL_ARRAY, ok;

	if (c->list->passes && !c->begun)
		return pass_row(c, row);
	ok = begin_row(c) && (!array || !c->has_row || send_text(c, ",")) &&
	     json_dump_callback(row, add_text, out, DUMP_FLAGS) == 0 &&
	     (array || send_text(c, "}\n"));

	c->has_row = true;
	json_decref(row);
	if (c->list->form == CONTROL_ONE)
		list_close(c);
	return ok;
}

/* Half an array is no answer; in the other forms there may be one yet. */
static bool list_failed(struct connection *c)
{
	const char *why = c->list->error ? c->list->error : "failed";
	bool ok = !c->begun || is_stream(c);

	ok = ok && send_answer(c->bev, refusal(why));
	list_close(c);
	return ok;
}

static bool end_list(struct connection *c)
{
	bool ok = true;

	switch (c->list->form) {
	case CONTROL_ARRAY:
		ok = begin_row(c) && send_text(c, "]}\n");
		break;
	case CONTROL_ONE:
		return list_failed(c);
	case CONTROL_LINES:
		break;
	}
	list_close(c);
	return ok;
}

/* One step. False: the client has to be closed. */
static bool list_step(struct connection *c)
{
	json_t *row = NULL;

	switch (c->list->step(c->list, &row)) {
	case CONTROL_ROW:
		return send_row(c, row);
	case CONTROL_BUSY:
		return true;
	case CONTROL_WAIT:
		c->waits = true;
		return true;
	case CONTROL_END:
		return end_list(c);
	case CONTROL_FAILED:
		break;
	}
	return list_failed(c);
}

/* A part of the list. The next follows when this one was taken, or, if it came to
 * nothing that can be sent, in the next turn of the loop, or once there is more.
 * False: see list_step. */
static bool list_continue(struct connection *c)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);
	unsigned int steps = 0;

	while (c->list && !c->waits && steps++ < CONTROL_STEPS &&
	       evbuffer_get_length(out) < CONTROL_BYTES)
		if (!list_step(c))
			return false;
	return !c->list || c->waits || has_output(c) ||
	       evtimer_add(c->again, &next_turn) == 0;
}

void control_wake(struct control_list *list)
{
	struct connection *c = list->client;

	if (!c || !c->waits)
		return;
	c->waits = false;
	(void)evtimer_add(c->again, &next_turn);
}

static void ask(struct connection *c, const char *line, size_t len)
{
	json_t *reply = answer(c, line, len, &c->list);

	c->begun = c->has_row = c->waits = false;
	if (c->list)
		c->list->client = c;
	else if (!send_answer(c->bev, reply))
		c->closing = true;
}

/* One question at a time: the next waits until its answer was taken. */
static void serve(struct connection *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t len;

	while (!c->closing && !has_output(c)) {
		char *line;

		if (c->list && !list_continue(c)) {
			connection_close(c);
			return;
		}
		if (c->list || has_output(c))
			return;
		line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF);
		if (!line && evbuffer_get_length(in) >= REQUEST_MAX) {
			dismiss(c, "request longer than 4 KiB");
			return;
		}
		if (!line)
			return;
		ask(c, line, len);
		free(line);
	}
}

/* ---- events ---- */

static void on_readable(struct bufferevent *bev, void *arg)
{
	struct connection *c = arg;
	struct evbuffer *in = bufferevent_get_input(bev);

	/* What has no end of its own leaves no room for questions; and a client
	 * whose words are not taken could not be seen to go. */
	if (is_stream(c))
		evbuffer_drain(in, evbuffer_get_length(in));
	else
		serve(c);
}

/* Whether nobody takes the answer any more: whoever only ended their questions has not
 * closed both directions. */
static bool is_gone(const struct connection *c)
{
	struct pollfd client = { .fd = bufferevent_getfd(c->bev) };

	return poll(&client, 1, 0) == 1 && (client.revents & POLLHUP);
}

/* Where nothing is sent, nothing fails: a client that goes while its list waits is
 * looked for. */
static bool is_over(const struct connection *c)
{
	if (has_output(c))
		return false;
	if (!c->list)
		return c->closing || c->asked_all;
	return c->asked_all && c->waits && is_gone(c);
}

static void serve_or_close(struct connection *c)
{
	serve(c);
	if (c->bev && is_over(c))
		connection_close(c);
}

static void on_drained(struct bufferevent *bev, void *arg)
{
	(void)bev;
	serve_or_close(arg);
}

static bool is_slow(const struct connection *c, short events)
{
	/* Silent because it is still taking the answer; whether it is has a timeout
	 * of its own. */
	if (events & BEV_EVENT_READING)
		return has_output(c) || c->list;
	/* It reads when it likes: what it misses is told to it. */
	return is_stream(c);
}

static void on_event(struct bufferevent *bev, short events, void *arg)
{
	struct connection *c = arg;

	if ((events & BEV_EVENT_EOF) && !is_stream(c)) {
		/* The end of the questions is not that of the answers:
		 * printf … | nc -U. */
		c->asked_all = true;
		serve_or_close(c);
	} else if ((events & BEV_EVENT_TIMEOUT) && is_slow(c, events)) {
		bufferevent_enable(bev, events & BEV_EVENT_READING ? EV_READ
								   : EV_WRITE);
	} else {
		connection_close(c);
	}
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	serve_or_close(arg);
}

bool connection_open(struct connection *c, struct event_base *base, int fd,
		     const struct control_ops *ops, void *user)
{
	*c = (struct connection){ .ops = ops, .user = user };
	c->bev = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!c->bev) {
		close(fd);
		return false;
	}
	c->again = evtimer_new(base, on_again, c);
	if (!c->again) {
		bufferevent_free(c->bev);
		c->bev = NULL;
		return false;
	}
	/* Never more than a request is taken from the client at a time. */
	bufferevent_setwatermark(c->bev, EV_READ, 0, REQUEST_MAX);
	bufferevent_setcb(c->bev, on_readable, on_drained, on_event, c);
	bufferevent_set_timeouts(c->bev, &silence, &silence);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	return true;
}
