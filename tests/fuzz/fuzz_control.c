/*
 * Any bytes as what a client of the control socket asks. Whatever they are, each line
 * has one answer, which is one line of JSON with "ok" in it, in order; then the
 * connection ends.
 */
#include <event2/event.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fuzz.h"
#include "tapd/common/error.h"
#include "tapd/control/arguments.h"
#include "tapd/control/control.h"

#define REQUEST_MAX 4096 /* control.c's */
#define ANSWERS_MAX (1 << 20)

static struct event_base *base;
static struct control *control;
static char folder[] = "/tmp/fuzz_control.XXXXXX", path[64];
static char answers[ANSWERS_MAX];

/* ---- a daemon that knows three commands ---- */

struct rows {
	struct control_list list;
	int left;
};

static enum control_step step(struct control_list *list, json_t **row)
{
	struct rows *rows = (struct rows *)list;

	if (rows->left-- == 0)
		return CONTROL_END;
	if (rows->left % 3 == 0)
		return CONTROL_BUSY;
	*row = json_pack("{s:i}", "row", rows->left);
	return CONTROL_ROW;
}

static void free_rows(struct control_list *list)
{
	free(list);
}

/* As commands.c does, before the command sees them. */
static bool check_arguments(const char *name, json_t *arguments, char **error)
{
	static const struct argument takes[] = {
		{ "peer", ARGUMENT_TEXT, 0, 0 },
		{ "count", ARGUMENT_NUMBER, 1, 1000 },
		{ "all", ARGUMENT_FLAG, 0, 0 },
		{ NULL, ARGUMENT_FLAG, 0, 0 },
	};
	const char *peer;
	json_int_t count;

	if (!arguments_check(arguments, takes, name, error))
		return false;
	peer = argument_text(arguments, "peer");
	count = argument_number(arguments, "count", 1);
	HOLDS(!peer || (*peer && strlen(peer) <= ARGUMENT_TEXT_MAX));
	HOLDS(count >= 1 && count <= 1000);
	(void)argument_flag(arguments, "all");
	return true;
}

static json_t *command(void *user, const char *name, json_t *arguments,
		       struct control_list **list, char **error)
{
	struct rows *rows;

	(void)user;
	if (strcmp(name, "status") == 0)
		return json_pack("{s:s}", "name", "node");
	if (strcmp(name, "peers") != 0) {
		error_set(error, "no command \"%s\"", name);
		return NULL;
	}
	if (!check_arguments(name, arguments, error))
		return NULL;
	rows = malloc(sizeof(*rows));
	HOLDS(rows);
	*rows = (struct rows){ .list = { .step = step, .free = free_rows },
			       .left = 20 };
	*list = &rows->list;
	return NULL;
}

/* ---- a client ---- */

static int connect_to_it(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	HOLDS(fd >= 0);
	HOLDS(connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0);
	return fd;
}

/* Takes what there is; true at the end. */
static bool take(int fd, size_t *len)
{
	ssize_t n;

	HOLDS(*len < sizeof(answers));
	n = read(fd, answers + *len, sizeof(answers) - *len);
	if (n > 0)
		*len += (size_t)n;
	return n == 0;
}

/* How many answers there are. */
static size_t check_answers(size_t len)
{
	const char *at = answers, *end;
	json_t *answer;
	size_t n = 0;

	HOLDS(len == 0 || answers[len - 1] == '\n');
	for (; at < answers + len; at = end + 1, n++) {
		end = memchr(at, '\n', (size_t)(answers + len - at));
		answer = json_loadb(at, (size_t)(end - at), 0, NULL);
		HOLDS(json_is_boolean(json_object_get(answer, "ok")));
		json_decref(answer);
	}
	return n;
}

static size_t count_lines(const uint8_t *data, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++)
		n += data[i] == '\n';
	return n;
}

static void clean_up(void)
{
	control_free(control);
	event_base_free(base);
	rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const struct control_ops ops = { .command = command };
	char *error = NULL;

	(void)argc;
	(void)argv;
	HOLDS(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	base = event_base_new();
	HOLDS(base);
	control = control_new(base, path, &ops, NULL, &error);
	HOLDS(control);
	atexit(clean_up);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t lines = count_lines(data, size);
	size_t sent = 0, len = 0, n;
	int fd = connect_to_it(), turns = 0;

	while (!take(fd, &len)) {
		ssize_t went = sent < size ? send(fd, data + sent, size - sent,
						  MSG_NOSIGNAL)
					   : 0;

		HOLDS(turns++ < 100000);
		if (went > 0)
			sent += (size_t)went;
		if (sent == size)
			shutdown(fd, SHUT_WR);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	n = check_answers(len);
	/* One more where it is told that its line is too long. */
	HOLDS(size < REQUEST_MAX ? n == lines : n <= lines + 1);
	close(fd);
	return 0;
}
