#include "tapd/control/listen.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tapd/common/error.h"

#define BACKLOG 8

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

int control_listen(const char *path, char **error)
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
