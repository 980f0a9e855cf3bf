#include "tapd/ctl/streams.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tapd/common/error.h"
#include "tapd/ctl/answer.h"
#include "tapd/ctl/copy.h"
#include "tapd/ctl/render.h"

/* Asks the daemon that is meant. NULL with *result and *error. */
static struct client *begin(const struct options *o, const char *command,
			    json_t *arguments, enum client_result *result,
			    char **error)
{
	struct client *client = NULL;
	char *socket;

	*result = options_socket(o, &socket, error);
	if (*result != CLIENT_OK)
		return NULL;
	*result = client_open(socket, command, arguments, &client, error);
	free(socket);
	if (client)
		client_wait_forever(client);
	return client;
}

static int end(struct client *client, enum client_result result, char *error)
{
	client_close(client);
	return result == CLIENT_OK ? CLIENT_OK
				   : options_fail((int)result, error);
}

/* ---- monitor ---- */

int stream_monitor(const struct options *o)
{
	enum client_result result;
	char *error = NULL;
	struct client *client = begin(o, "monitor", NULL, &result, &error);

	while (result == CLIENT_OK && !ferror(stdout)) {
		json_t *event;

		result = client_next(client, &event, &error);
		if (result == CLIENT_OK && o->json)
			answer_print(stdout, event, JSON_COMPACT);
		else if (result == CLIENT_OK)
			render_event(stdout, event);
		json_decref(event);
		fflush(stdout);
	}
	return end(client, result, error);
}

/* ---- capture ---- */

static json_t *capture_arguments(const struct options *o)
{
	json_t *arguments = json_object();

	if (o->peer)
		json_object_set_new(arguments, "peer", json_string(o->peer));
	if (o->dropped)
		json_object_set_new(arguments, "dropped", json_true());
	if (o->count)
		json_object_set_new(arguments, "count", json_integer(o->count));
	return arguments;
}

/* What the daemon says at the end. One that is gone says nothing, and to a reader
 * what there is looks whole. */
static enum client_result print_sum(struct client *client, char **error)
{
	json_t *sum;
	enum client_result result = client_next(client, &sum, error);

	if (result == CLIENT_OK)
		fprintf(stderr,
			"tapctl: %" JSON_INTEGER_FORMAT
			" frames captured, %" JSON_INTEGER_FORMAT
			" lost: not read in time\n",
			json_integer_value(json_object_get(sum, "frames")),
			json_integer_value(json_object_get(sum, "lost")));
	json_decref(sum);
	if (result == CLIENT_NO_DAEMON) {
		free(*error);
		*error = NULL;
		error_set(error, "the daemon went: the capture is cut off");
	}
	return result;
}

/* Frames come through the descriptor that the first answer brings. */
static enum client_result copy_frames(struct client *client, char **error)
{
	json_t *answer;
	enum client_result result = client_next(client, &answer, error);
	int frames;

	json_decref(answer);
	if (result != CLIENT_OK)
		return result;
	frames = client_take_passed(client);
	if (frames < 0) {
		error_set(error, "the daemon sent no file descriptor");
		return CLIENT_NO_DAEMON;
	}
	if (copy_all(frames, STDOUT_FILENO)) {
		result = print_sum(client, error);
	} else if (errno != EPIPE) {
		error_set(error, "output: %s", strerror(errno));
		result = CLIENT_REFUSED;
	}
	close(frames);
	return result;
}

int stream_capture(const struct options *o)
{
	json_t *arguments;
	enum client_result result;
	char *error = NULL;
	struct client *client;

	if (isatty(STDOUT_FILENO))
		return options_fail(
			CLIENT_USAGE,
			strdup("capture writes pcapng, which is not for a "
			       "terminal: > FILE, or | tshark -r -"));
	arguments = capture_arguments(o);
	client = begin(o, "capture", arguments, &result, &error);
	json_decref(arguments);
	if (client)
		result = copy_frames(client, &error);
	return end(client, result, error);
}
