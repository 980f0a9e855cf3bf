#include "tapd/ctl/client.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "tapd/common/error.h"

#define ANSWER_MAX ((size_t)64 << 20)

/* A reload may look up names. */
#define PATIENCE_S 30

/* A connection, or -1 with errno. */
static int connect_to(const char *path, int patience_s)
{
	const struct timeval patience = { .tv_sec = patience_s };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, saved;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) ==
	    0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* ---- finding ---- */

static bool is_socket(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

bool client_is_answered(const char *path)
{
	int fd = connect_to(path, PATIENCE_S);

	if (fd < 0)
		return errno == EACCES || errno == EPERM;
	close(fd);
	return true;
}

/* A daemon's own socket; beside it may be that of its metrics. */
static bool is_named(const char *name)
{
	static const char suffix[] = ".sock";
	const size_t len = strlen(name), end = sizeof(suffix) - 1;

	return len > end && strcmp(name + len - end, suffix) == 0;
}

/* The sockets in dir for which wanted is true: the last one's path in *path (to
 * be freed), and how many. */
static size_t find(const char *dir, bool (*wanted)(const char *path),
		   char **path)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	size_t count = 0;

	*path = NULL;
	while (d && (entry = readdir(d)) != NULL) {
		char *candidate;

		if (!is_named(entry->d_name))
			continue;
		if (asprintf(&candidate, "%s/%s", dir, entry->d_name) < 0)
			break;
		if (!is_socket(candidate) || !wanted(candidate)) {
			free(candidate);
			continue;
		}
		free(*path);
		*path = candidate;
		count++;
	}
	if (d)
		closedir(d);
	return count;
}

enum client_result client_find(const char *dir, char **path, char **error)
{
	size_t count;

	*error = NULL;
	count = find(dir, is_socket, path);
	if (count > 1) {
		free(*path);
		count = find(dir, client_is_answered, path);
	}
	if (count == 1)
		return CLIENT_OK;
	free(*path);
	*path = NULL;
	if (count > 1) {
		error_set(error,
			  "%zu daemons have their sockets in %s; choose "
			  "one with -i NAME",
			  count, dir);
		return CLIENT_USAGE;
	}
	error_set(error,
		  "no tapd runs here: %s has no socket that is answered; start "
		  "it, or name its socket with -s",
		  dir);
	return CLIENT_NO_DAEMON;
}

/* ---- asking ---- */

static const volatile sig_atomic_t *end_if;

void client_end_if(const volatile sig_atomic_t *set)
{
	end_if = set;
}

/* A call that failed was cut short by a signal that ends nothing. */
static bool is_to_repeat(void)
{
	return errno == EINTR && !(end_if && *end_if);
}

static bool send_all(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		ssize_t n = send(fd, text, left, MSG_NOSIGNAL);

		if (n < 0 && is_to_repeat())
			continue;
		if (n < 0)
			return false;
		text += n;
		left -= (size_t)n;
	}
	return true;
}

struct client {
	int fd, patience_s;
	char *path;
	int passed;  /* a file descriptor that came, or -1 */
	char *bytes; /* what came, from which lines are taken */
	size_t start, len, size;
};

/* What came, with a file descriptor perhaps: the first is kept. */
static ssize_t receive(struct client *c)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { c->bytes + c->len, c->size - c->len };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control.bytes) };
	ssize_t n = recvmsg(c->fd, &message, MSG_CMSG_CLOEXEC);
	const struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	if (n < 0 || !header || header->cmsg_type != SCM_RIGHTS ||
	    header->cmsg_len != CMSG_LEN(sizeof(int)))
		return n;
	if (c->passed >= 0)
		close(c->passed);
	memcpy(&c->passed, CMSG_DATA(header), sizeof(int));
	return n;
}

/* True if there was more; false with errno, 0 at the end of the connection. */
static bool read_more(struct client *c)
{
	ssize_t n;

	if (c->len - c->start > ANSWER_MAX) {
		errno = EMSGSIZE;
		return false;
	}
	if (c->start > 0) {
		memmove(c->bytes, c->bytes + c->start, c->len - c->start);
		c->len -= c->start;
		c->start = 0;
	}
	if (c->len == c->size) {
		char *more = realloc(c->bytes, 2 * c->size);

		if (!more)
			return false;
		c->bytes = more;
		c->size *= 2;
	}
	do
		n = receive(c);
	while (n < 0 && is_to_repeat());
	if (n == 0)
		errno = 0;
	if (n > 0)
		c->len += (size_t)n;
	return n > 0;
}

/* One line without its end, good until the next call; NULL as read_more. */
static const char *read_line(struct client *c, size_t *len)
{
	size_t seen = c->start;
	const char *end;

	while (!(end = memchr(c->bytes + seen, '\n', c->len - seen))) {
		seen = c->len - c->start;
		if (!read_more(c))
			return NULL;
		seen += c->start;
	}
	*len = (size_t)(end - (c->bytes + c->start));
	c->start += *len + 1;
	return end - *len;
}

/* What a daemon's line says. */
static enum client_result understand(const char *path, const char *line,
				     size_t len, json_t **answer, char **error)
{
	json_t *reply = json_loadb(line, len, 0, NULL);
	const json_t *ok = json_object_get(reply, "ok");
	const char *why = json_string_value(json_object_get(reply, "error"));
	enum client_result result = CLIENT_NO_DAEMON;

	*answer = json_incref(json_object_get(reply, "result"));
	if (json_is_true(ok) && *answer) {
		result = CLIENT_OK;
	} else if (json_is_false(ok) && why) {
		error_set(error, "%s", why);
		result = CLIENT_REFUSED;
	} else {
		error_set(error, "%s: what answers there is no tapd", path);
	}
	if (result != CLIENT_OK) {
		json_decref(*answer);
		*answer = NULL;
	}
	json_decref(reply);
	return result;
}

static enum client_result no_daemon(const char *path, int patience_s,
				    char **error)
{
	if (errno == EACCES || errno == EPERM)
		error_set(error, "%s: %s; ask as root", path, strerror(errno));
	else if (errno == ENOENT || errno == ECONNREFUSED)
		error_set(error, "%s: no tapd answers there (%s)", path,
			  strerror(errno));
	else if (errno == EAGAIN)
		error_set(error, "%s: no answer within %d s", path, patience_s);
	else
		error_set(error, "%s: %s", path,
			  errno ? strerror(errno) : "closed without an answer");
	return CLIENT_NO_DAEMON;
}

/* One line: it is sent in one piece, so that who has read what asks has read it all,
 * and closes a connection that has nothing unread in it. */
static char *make_request(const char *command, json_t *arguments)
{
	json_t *request = json_pack("{s:s, s:O*}", "command", command,
				    "arguments", arguments);
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	char *line;

	if (!text || asprintf(&line, "%s\n", text) < 0)
		line = NULL;
	free(text);
	json_decref(request);
	return line;
}

static enum client_result open_within(const char *path, const char *command,
				      json_t *arguments, int patience_s,
				      struct client **client, char **error)
{
	struct client *c = calloc(1, sizeof(*c));
	char *text = make_request(command, arguments);

	*error = NULL;
	*client = c;
	if (c) {
		c->passed = -1;
		c->fd = connect_to(path, patience_s);
		c->patience_s = patience_s;
		c->size = 1 << 16;
		c->bytes = malloc(c->size);
		c->path = strdup(path);
	}
	if (!c || c->fd < 0 || !c->bytes || !c->path || !text) {
		enum client_result result = no_daemon(path, patience_s, error);

		free(text);
		client_close(c);
		*client = NULL;
		return result;
	}
	/* A daemon that is full answers before it is asked, and closes: what it
	 * said is worth more than that the question did not arrive. */
	(void)send_all(c->fd, text);
	free(text);
	return CLIENT_OK;
}

enum client_result client_open(const char *path, const char *command,
			       json_t *arguments, struct client **client,
			       char **error)
{
	return open_within(path, command, arguments, PATIENCE_S, client, error);
}

void client_wait_forever(struct client *c)
{
	static const struct timeval forever = { .tv_sec = 0 };

	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof(forever));
}

enum client_result client_next(struct client *c, json_t **answer, char **error)
{
	size_t len;
	const char *line = read_line(c, &len);

	*answer = NULL;
	*error = NULL;
	return line ? understand(c->path, line, len, answer, error)
		    : no_daemon(c->path, c->patience_s, error);
}

int client_take_passed(struct client *c)
{
	int fd = c->passed;

	c->passed = -1;
	return fd;
}

void client_close(struct client *c)
{
	if (!c)
		return;
	if (c->passed >= 0)
		close(c->passed);
	if (c->fd >= 0)
		close(c->fd);
	free(c->bytes);
	free(c->path);
	free(c);
}

enum client_result client_ask_within(const char *path, const char *command,
				     json_t *arguments, int patience_s,
				     json_t **answer, char **error)
{
	struct client *c;
	enum client_result result =
		open_within(path, command, arguments, patience_s, &c, error);

	*answer = NULL;
	if (result == CLIENT_OK)
		result = client_next(c, answer, error);
	client_close(c);
	return result;
}

enum client_result client_ask(const char *path, const char *command,
			      json_t *arguments, json_t **answer, char **error)
{
	return client_ask_within(path, command, arguments, PATIENCE_S, answer,
				 error);
}
