#include "tapd/ctl/ask_commands.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tapd/common/error.h"
#include "tapd/ctl/answer.h"
#include "tapd/ctl/mesh.h"
#include "tapd/ctl/render.h"

static volatile sig_atomic_t interrupted;

/* The next one ends the program, whatever it does. */
static void on_interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

/* Asks, and prints why not; an interrupt is no reason, and there is no answer. Takes
 * the arguments. */
static enum client_result ask(const char *socket, const char *command,
			      json_t *arguments, json_t **answer)
{
	char *error = NULL;
	enum client_result result =
		client_ask(socket, command, arguments, answer, &error);

	json_decref(arguments);
	if (interrupted && result == CLIENT_NO_DAEMON) {
		free(error);
		return CLIENT_OK;
	}
	if (result != CLIENT_OK)
		options_fail((int)result, error);
	return result;
}

/* The socket, to be freed; or NULL with what to exit with. */
static char *find(const struct options *o, int *status)
{
	char *socket = NULL, *error = NULL;
	enum client_result result = options_socket(o, &socket, &error);

	*status = result == CLIENT_OK ? CLIENT_OK
				      : options_fail((int)result, error);
	return socket;
}

/* Takes the value. */
static void print_json(json_t *value)
{
	answer_print(stdout, value, JSON_INDENT(2));
	json_decref(value);
}

/* ---- ping ---- */

/* Between pings, as ping(8) has it. */
#define PING_S 1
#define PINGS  4

struct pings {
	long sent, received;
	double least, most, sum; /* RTT, in us */
	json_t *last;		 /* the newest answer, or NULL */
};

static void count_ping(struct pings *p, json_t *answer)
{
	const double rtt = answer_number(answer, "rtt_us");

	p->sent++;
	json_decref(p->last);
	p->last = answer;
	if (isnan(rtt))
		return;
	if (!p->received || rtt < p->least)
		p->least = rtt;
	if (!p->received || rtt > p->most)
		p->most = rtt;
	p->sum += rtt;
	p->received++;
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Sleeps to the end of the second that began then; less, if interrupted. */
static void pause_since(double began)
{
	const double left = began + PING_S - now_s();
	const struct timespec t = {
		.tv_sec = (time_t)left,
		.tv_nsec = (long)((left - floor(left)) * 1e9),
	};

	if (left > 0 && !interrupted)
		nanosleep(&t, NULL);
}

static json_t *ping_arguments(const struct options *o, bool largest)
{
	return largest ? json_pack("{s:s, s:b}", "peer", o->word, "largest", 1)
	       : o->size ? json_pack("{s:s, s:I}", "peer", o->word, "size",
				     (json_int_t)o->size)
			 : json_pack("{s:s}", "peer", o->word);
}

static enum client_result send_pings(const struct options *o,
				     const char *socket, struct pings *p)
{
	const long count = o->count ? o->count : PINGS;
	enum client_result result = CLIENT_OK;

	while (p->sent < count && !interrupted) {
		const double began = now_s();
		json_t *answer = NULL;

		result = ask(socket, "ping", ping_arguments(o, false), &answer);
		if (result != CLIENT_OK || !answer)
			break;
		count_ping(p, answer);
		if (!o->json)
			render_ping(stdout, answer, p->sent);
		fflush(stdout);
		if (p->sent < count)
			pause_since(began);
	}
	return result;
}

static json_t *ping_json(const struct pings *p, const json_t *largest)
{
	json_t *rtt = json_null();

	if (p->received > 0)
		rtt = json_pack("{s:I, s:I, s:I}", "min", (json_int_t)p->least,
				"avg",
				(json_int_t)(p->sum / (double)p->received),
				"max", (json_int_t)p->most);
	return json_pack(
		"{s:O?, s:O?, s:O?, s:I, s:I, s:o, s:O?, s:O?, s:O?, s:O?}",
		"peer", json_object_get(p->last, "peer"), "endpoint",
		json_object_get(p->last, "endpoint"), "local",
		json_object_get(p->last, "local"), "sent", (json_int_t)p->sent,
		"received", (json_int_t)p->received, "rtt_us", rtt, "size",
		json_object_get(p->last, "size"), "size_max",
		json_object_get(largest, "size_max"), "datagram_size",
		json_object_get(p->last, "datagram_size"), "via",
		json_object_get(p->last, "via"));
}

int ask_ping(const struct options *o)
{
	const struct sigaction action = { .sa_handler = on_interrupt,
					  .sa_flags = (int)SA_RESETHAND };
	struct pings p = { 0 };
	json_t *largest = NULL, *all;
	int status;
	char *socket = find(o, &status);

	if (!socket)
		return status;
	sigaction(SIGINT, &action, NULL);
	client_end_if(&interrupted);
	status = (int)send_pings(o, socket, &p);
	if (status == CLIENT_OK && p.received > 0 && !interrupted)
		status = (int)ask(socket, "ping", ping_arguments(o, true),
				  &largest);
	free(socket);
	if (!largest)
		largest = json_pack("{s:n}", "size_max");
	if (p.sent > 0 && (all = ping_json(&p, largest)) != NULL) {
		if (o->json) {
			print_json(all);
		} else {
			render_pings(stdout, all);
			json_decref(all);
		}
	}
	json_decref(p.last);
	json_decref(largest);
	return status == CLIENT_OK && p.received == 0 ? CLIENT_REFUSED : status;
}

/* ---- test ---- */

/* The rows after the first are hosts. */
static json_t *test_json(const json_t *rows)
{
	const json_t *first = json_array_get(rows, 0);
	json_t *hosts = json_array();

	for (size_t i = 1; i < json_array_size(rows); i++)
		json_array_append(hosts, json_array_get(rows, i));
	answer_sort(hosts, "name", "key");
	return json_pack("{s:O?, s:O?, s:o}", "group",
			 json_object_get(first, "group"), "sent",
			 json_object_get(first, "sent"), "hosts", hosts);
}

int ask_test(const struct options *o)
{
	json_t *rows = NULL, *all, *arguments;
	int status;
	char *socket = find(o, &status);

	if (!socket)
		return status;
	arguments = o->count ? json_pack("{s:s, s:I}", "group", o->word,
					 "count", (json_int_t)o->count)
			     : json_pack("{s:s}", "group", o->word);
	status = (int)ask(socket, "test", arguments, &rows);
	free(socket);
	if (status != CLIENT_OK)
		return status;
	all = test_json(rows);
	json_decref(rows);
	if (!all)
		return options_fail(CLIENT_NO_DAEMON, NULL);
	if (o->json) {
		print_json(all);
	} else {
		render_test(stdout, all);
		json_decref(all);
	}
	return CLIENT_OK;
}

/* ---- mesh ---- */

int ask_mesh(const struct options *o)
{
	json_t *rows = NULL;
	char *error = NULL;
	struct mesh *m;
	int status;
	char *socket = find(o, &status);

	if (!socket)
		return status;
	status = (int)ask(socket, "mesh", NULL, &rows);
	free(socket);
	if (status != CLIENT_OK)
		return status;
	m = mesh_read(rows);
	json_decref(rows);
	if (!m) {
		error_set(&error, "what answers there knows no mesh");
		return options_fail(CLIENT_NO_DAEMON, error);
	}
	if (o->dot)
		mesh_dot(m, stdout);
	else if (o->svg)
		mesh_svg(m, stdout);
	else if (o->json)
		print_json(mesh_json(m));
	else
		mesh_table(m, stdout);
	mesh_free(m);
	return CLIENT_OK;
}
