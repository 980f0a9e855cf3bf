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

static bool make_directory(const char *path, const char *key, char **error)
{
	const char *slash = strrchr(path, '/');
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];

	if (!slash || slash == path)
		return true;
	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
	if (mkdir(dir, 0755) == 0 || errno == EEXIST)
		return true;
	error_set(error, "%s: %s; make the directory, or set %s", dir,
		  strerror(errno), key);
	return false;
}

/* Removes a socket that nobody answers. What is no socket, or is answered, is
 * left alone: false with *error. */
static bool clear_path(const char *path, const struct sockaddr_un *address,
		       const char *key, char **error)
{
	struct stat st;
	int fd, result;

	if (lstat(path, &st) != 0)
		return true; /* bind will say */
	if (!S_ISSOCK(st.st_mode)) {
		error_set(error,
			  "%s: is there and no socket; remove it, or set %s",
			  path, key);
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
			  ? "%s: another tapd answers there; stop it, or set %s"
			  : "%s: is there and cannot be tried; remove it, or "
			    "set %s",
		  path, key);
	close(fd);
	return false;
}

int control_listen(const char *path, mode_t mode, const char *key, char **error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t before;
	int fd, result;

	if (strlen(path) >= sizeof(address.sun_path)) {
		error_set(error,
			  "%s: longer than %zu bytes; set %s to a shorter path",
			  path, sizeof(address.sun_path) - 1, key);
		return -1;
	}
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (!make_directory(path, key, error) ||
	    !clear_path(path, &address, key, error))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		error_set(error, "%s: %s", path, strerror(errno));
		return -1;
	}
	/* The mode must be right from the start: chmod would come too late. */
	before = umask(0777 & ~mode);
	result = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	umask(before);
	if (result != 0 || listen(fd, BACKLOG) != 0) {
		error_set(error,
			  "%s: cannot listen: %s; let tapd's user write "
			  "there, or set %s",
			  path, strerror(errno), key);
		close(fd);
		return -1;
	}
	return fd;
}

void socket_file_note(struct socket_file *f, const char *path)
{
	struct stat st;

	*f = (struct socket_file){ .ino = 0 };
	if (lstat(path, &st) == 0)
		*f = (struct socket_file){ .dev = st.st_dev, .ino = st.st_ino };
}

void socket_file_remove(const struct socket_file *f, const char *path)
{
	struct stat st;

	if (f->ino && lstat(path, &st) == 0 && st.st_dev == f->dev &&
	    st.st_ino == f->ino)
		unlink(path);
}
