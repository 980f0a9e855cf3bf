#include "tapd/ctl/top.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tapd/ctl/answer.h"
#include "tapd/ctl/terminal.h"
#include "tapd/ctl/top_table.h"

#define PAUSE_MS 1000

/* What the daemon said at one moment. */
struct moment {
	double at_s;
	json_t *status, *peers;
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void forget(struct moment *m)
{
	json_decref(m->status);
	json_decref(m->peers);
	*m = (struct moment){ .at_s = 0 };
}

static enum client_result look(const char *socket, struct moment *m,
			       char **error)
{
	enum client_result result =
		client_ask(socket, "status", NULL, &m->status, error);

	if (result == CLIENT_OK)
		result = client_ask(socket, "peers", NULL, &m->peers, error);
	m->at_s = now_s();
	return result;
}

static void draw(const struct moment *before, const struct moment *now)
{
	json_t *rows =
		top_rows(before->peers, now->peers, now->at_s - before->at_s);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (out) {
		top_render(out, now->status, rows, terminal_lines());
		fclose(out);
		terminal_show(text);
	}
	free(text);
	json_decref(rows);
}

static enum client_result show(const char *socket, char **error)
{
	struct moment before = { .at_s = 0 }, now = { .at_s = 0 };
	enum client_result result;

	do {
		forget(&before);
		before = now;
		now = (struct moment){ .at_s = 0 };
		result = look(socket, &now, error);
		if (result == CLIENT_OK)
			draw(&before, &now);
	} while (result == CLIENT_OK && terminal_wait(PAUSE_MS));
	forget(&before);
	forget(&now);
	return result;
}

static void print(const struct moment *before, const struct moment *now,
		  const struct options *o)
{
	json_t *rows =
		top_rows(before->peers, now->peers, now->at_s - before->at_s);

	if (o->json) {
		answer_print(stdout, rows, JSON_INDENT(2));
	} else {
		top_render(stdout, now->status, rows, 0);
	}
	json_decref(rows);
}

static enum client_result print_once(const char *socket,
				     const struct options *o, char **error)
{
	const struct timespec pause = { .tv_sec = PAUSE_MS / 1000 };
	struct moment before = { .at_s = 0 }, now = { .at_s = 0 };
	enum client_result result = look(socket, &before, error);

	if (result == CLIENT_OK) {
		nanosleep(&pause, NULL);
		result = look(socket, &now, error);
	}
	if (result == CLIENT_OK)
		print(&before, &now, o);
	forget(&before);
	forget(&now);
	return result;
}

int top(const struct options *o)
{
	char *socket, *error = NULL;
	enum client_result result = options_socket(o, &socket, &error);

	if (result != CLIENT_OK)
		return options_fail((int)result, error);
	if (!o->json && terminal_is_there() && terminal_enter()) {
		result = show(socket, &error);
		terminal_leave();
	} else {
		result = print_once(socket, o, &error);
	}
	free(socket);
	return result == CLIENT_OK ? CLIENT_OK
				   : options_fail((int)result, error);
}
