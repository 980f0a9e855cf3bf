#include "tapd/control/scrape.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tapd/control/metrics.h"

#define REQUEST_MAX 4096
/* What one turn of the loop sends. */
#define PART_BYTES 16384
#define PART_LINES 256

static const struct timeval patience = { .tv_sec = SCRAPE_S };

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t scrape_silence_ms(const struct scrape *s)
{
	return s->answered ? 0 : now_ms() - s->since_ms;
}

void scrape_close(struct scrape *s)
{
	metrics_free(s->metrics);
	event_free(s->end);
	bufferevent_free(s->bev);
	*s = (struct scrape){ .bev = NULL };
}

/* ---- the answer ---- */

static struct evbuffer *output(const struct scrape *s)
{
	return bufferevent_get_output(s->bev);
}

static void refuse(struct scrape *s, const char *status, const char *why)
{
	evbuffer_add_printf(output(s),
			    "HTTP/1.1 %s\r\nContent-Type: text/plain\r\n"
			    "Content-Length: %zu\r\nConnection: close\r\n\r\n"
			    "%s\n",
			    status, strlen(why) + 1, why);
}

static void begin(struct scrape *s)
{
	s->metrics = s->ask(s->user);
	if (!s->metrics) {
		refuse(s, "503 Service Unavailable", "too often; try again");
		return;
	}
	evbuffer_add_printf(output(s),
			    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; "
			    "version=0.0.4; charset=utf-8\r\n%sConnection: "
			    "close\r\n\r\n",
			    s->chunked ? "Transfer-Encoding: chunked\r\n" : "");
}

/* Without its last chunk the answer is seen to be cut off. */
static void end(struct scrape *s)
{
	metrics_free(s->metrics);
	s->metrics = NULL;
	if (s->chunked)
		evbuffer_add_printf(output(s), "0\r\n\r\n");
}

/* False if memory is short. */
static bool send_part(struct scrape *s)
{
	struct evbuffer *part = evbuffer_new();
	const char *line = "";
	bool ok = part != NULL;

	for (int i = 0; ok && i < PART_LINES; i++) {
		if (evbuffer_get_length(part) >= PART_BYTES ||
		    !(line = metrics_next(s->metrics)))
			break;
		ok = evbuffer_add_printf(part, "%s\n", line) > 0;
	}
	if (ok && s->chunked && evbuffer_get_length(part) > 0)
		ok = evbuffer_add_printf(output(s), "%zx\r\n",
					 evbuffer_get_length(part)) > 0 &&
		     evbuffer_add(part, "\r\n", 2) == 0;
	ok = ok && evbuffer_add_buffer(output(s), part) == 0;
	if (part)
		evbuffer_free(part);
	if (ok && !line)
		end(s);
	return ok;
}

/* ---- the request ---- */

/* Answers its first line. Foreign bytes: whatever they are, there is an answer. */
static void answer(struct scrape *s, char *line)
{
	const char *method = strsep(&line, " ");
	char *target = line ? strsep(&line, " ") : NULL;
	const char *version = line ? line : "";

	s->answered = true;
	s->chunked = strcmp(version, "HTTP/1.1") == 0;
	if (!s->chunked && strcmp(version, "HTTP/1.0") != 0) {
		refuse(s, "400 Bad Request", "no request of HTTP 1.0 or 1.1");
		return;
	}
	target[strcspn(target, "?")] = '\0';
	if (strcmp(target, "/metrics") != 0)
		refuse(s, "404 Not Found", "the metrics are at /metrics");
	else if (strcmp(method, "GET") != 0)
		refuse(s, "405 Method Not Allowed\r\nAllow: GET", "only GET");
	else
		begin(s);
}

static void on_readable(struct bufferevent *bev, void *arg)
{
	struct scrape *s = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	struct evbuffer_ptr whole = evbuffer_search(in, "\r\n\r\n", 4, NULL);
	char *line;

	if (whole.pos < 0 && evbuffer_get_length(in) < REQUEST_MAX)
		return;
	bufferevent_disable(bev, EV_READ);
	if (whole.pos < 0) {
		s->answered = true;
		refuse(s, "431 Request Header Fields Too Large",
		       "longer than 4 KiB");
		return;
	}
	line = evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF);
	if (line)
		answer(s, line);
	else
		scrape_close(s);
	free(line);
}

/* ---- events ---- */

/* What was sent is in the socket. The last part may have nothing in it. */
static void on_drained(struct bufferevent *bev, void *arg)
{
	struct scrape *s = arg;
	bool ok = !s->metrics || send_part(s);

	(void)bev;
	if (!ok ||
	    (s->answered && !s->metrics && evbuffer_get_length(output(s)) == 0))
		scrape_close(s);
}

static void on_event(struct bufferevent *bev, short events, void *arg)
{
	struct scrape *s = arg;

	/* The end of the request is not that of the answer. */
	if ((events & BEV_EVENT_EOF) && s->answered)
		bufferevent_disable(bev, EV_READ);
	else
		scrape_close(s);
}

static void on_end(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	scrape_close(arg);
}

bool scrape_open(struct scrape *s, struct event_base *base, int fd,
		 scrape_ask *ask, void *user)
{
	struct bufferevent *bev =
		bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);

	if (!bev) {
		close(fd);
		return false;
	}
	*s = (struct scrape){ .ask = ask, .user = user, .since_ms = now_ms() };
	s->end = evtimer_new(base, on_end, s);
	if (!s->end || evtimer_add(s->end, &patience) != 0) {
		if (s->end)
			event_free(s->end);
		bufferevent_free(bev);
		return false;
	}
	s->bev = bev;
	bufferevent_setwatermark(bev, EV_READ, 0, REQUEST_MAX);
	bufferevent_setcb(bev, on_readable, on_drained, on_event, s);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
	return true;
}
