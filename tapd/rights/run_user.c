#include "tapd/rights/run_user.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tapd/common/error.h"

#define DEFAULT_USER "tapd"

#define PARTS_MAX  64
#define ADVICE_MAX 2048

/* How the user is let in. */
enum need { NEED_GROUP_SEARCH, NEED_GROUP_READ, NEED_SECRET, NEED_OWNER };

/* A file or a folder on the way to one. The descriptor is root's, so that each is
 * looked at even if the user cannot come so far. */
struct part {
	int fd;
	enum need need;
	bool folder;
	char path[PATH_MAX];
};

struct parts {
	struct part list[PARTS_MAX];
	size_t count;
};

/* ---- what is read again ---- */

static void add_part(struct parts *p, const char *path, enum need need,
		     bool folder)
{
	struct part *part = &p->list[p->count];

	for (size_t i = 0; i < p->count; i++)
		if (strcmp(p->list[i].path, path) == 0)
			return;
	if (p->count == PARTS_MAX)
		return;
	part->fd = open(path, O_PATH | O_CLOEXEC);
	if (part->fd < 0)
		return;
	snprintf(part->path, sizeof(part->path), "%s", path);
	part->need = need;
	part->folder = folder;
	p->count++;
}

/* Where the file really is; where it is still to come, its last folder. */
static char *find_real(const char *path)
{
	char *copy = strdup(path), *real = NULL, *slash;

	while (copy && !(real = realpath(copy, NULL)) &&
	       (slash = strrchr(copy, '/')) && slash != copy)
		*slash = '\0';
	free(copy);
	return real;
}

/* need: of the file; in: of its folder. */
static void add_file(struct parts *p, const char *path, enum need need,
		     enum need in)
{
	char *real = path ? find_real(path) : NULL;
	struct stat st;

	if (!real)
		return;
	for (char *at = strchr(real + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		add_part(p, real, strchr(at + 1, '/') ? NEED_GROUP_SEARCH : in,
			 true);
		*at = '/';
	}
	if (stat(real, &st) == 0 && S_ISDIR(st.st_mode))
		add_part(p, real, in, true);
	else
		add_part(p, real, need, false);
	free(real);
}

/* ---- asked as the user ---- */

/* The folder's own descriptor, or by the way to it on kernels before 5.8. */
static bool may(const struct part *part)
{
	int mode = part->folder ? X_OK : R_OK;

	if (faccessat(part->fd, "", mode, AT_EMPTY_PATH) == 0)
		return true;
	return (errno == EINVAL || errno == ENOSYS) &&
	       access(part->path, mode) == 0;
}

static int print_advice(const struct part *part, const char *user,
			const char *group, char *out, size_t room)
{
	static const char *const modes[] = { [NEED_GROUP_SEARCH] = "g+x",
					     [NEED_GROUP_READ] = "g+r",
					     [NEED_SECRET] = "640" };

	if (part->need == NEED_OWNER)
		return snprintf(out, room, "; chown %s %s", user, part->path);
	return snprintf(out, room, "; chgrp %s %s; chmod %s %s", group,
			part->path, modes[part->need], part->path);
}

/* In a fork: becomes the user, and writes what is to be done to out. */
static _Noreturn void ask_as(const struct passwd *user, const struct parts *p,
			     int out)
{
	const struct group *g = getgrgid(user->pw_gid);
	char text[ADVICE_MAX], group[32];
	size_t len = 0;

	snprintf(group, sizeof(group), "%u", (unsigned)user->pw_gid);
	if (initgroups(user->pw_name, user->pw_gid) < 0 ||
	    setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
		_exit(1);
	for (size_t i = 0; i < p->count; i++) {
		int n = may(&p->list[i])
				? 0
				: print_advice(&p->list[i], user->pw_name,
					       g ? g->gr_name : group,
					       text + len, sizeof(text) - len);

		if (n < 0 || (size_t)n >= sizeof(text) - len)
			break;
		len += (size_t)n;
	}
	_exit(write(out, text, len) == (ssize_t)len ? 0 : 1);
}

/* What it said; false if it could not say. */
static bool hear(pid_t child, int in, char text[ADVICE_MAX])
{
	size_t len = 0;
	int status = 0;
	ssize_t n;

	do {
		n = read(in, text + len, ADVICE_MAX - 1 - len);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	text[len] = '\0';
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Root's descriptors are closed on the way; false as hear. */
static bool ask(const struct passwd *user, struct parts *p,
		char text[ADVICE_MAX])
{
	int fds[2];
	pid_t child = -1;
	bool ok;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return false;
	child = fork();
	if (child == 0)
		ask_as(user, p, fds[1]);
	close(fds[1]);
	ok = child > 0 && hear(child, fds[0], text);
	close(fds[0]);
	for (size_t i = 0; i < p->count; i++)
		close(p->list[i].fd);
	return ok;
}

static bool can_read_again(const struct conf *c, const struct passwd *user,
			   char **why)
{
	struct parts *p = calloc(1, sizeof(*p));
	char text[ADVICE_MAX];
	bool ok;

	if (!p)
		return false;
	add_file(p, c->path, NEED_GROUP_READ, NEED_GROUP_SEARCH);
	add_file(p, c->secret_file, NEED_SECRET, NEED_GROUP_SEARCH);
	add_file(p, c->key_file, NEED_OWNER, NEED_OWNER);
	ok = ask(user, p, text);
	free(p);
	if (!ok)
		error_set(why,
			  "stays root: cannot ask what the user %s can read",
			  user->pw_name);
	else if (*text)
		error_set(
			why,
			"stays root: the user %s cannot read all that a reload"
			" and a start read%s; or set user = \"root\"",
			user->pw_name, text);
	return ok && !*text;
}

void run_user_choose(const struct conf *c, char user[CONF_NAME_LEN], char **why)
{
	const struct passwd *p;

	*why = NULL;
	snprintf(user, CONF_NAME_LEN, "%s", c->user);
	if (*user || geteuid() != 0)
		return;
	p = getpwnam(DEFAULT_USER);
	if (p && can_read_again(c, p, why))
		snprintf(user, CONF_NAME_LEN, "%s", DEFAULT_USER);
}

const char *run_user_of_files(const struct conf *c)
{
	if (*c->user || geteuid() != 0)
		return c->user;
	return getpwnam(DEFAULT_USER) ? DEFAULT_USER : "";
}

void run_user_make_folder(const char *user, const char *path)
{
	const struct passwd *p =
		*user && geteuid() == 0 ? getpwnam(user) : NULL;
	const char *slash = strrchr(path, '/');
	char *folder;

	if (!p || !slash || slash == path)
		return;
	folder = strndup(path, (size_t)(slash - path));
	if (folder && mkdir(folder, 0755) == 0)
		(void)!chown(folder, p->pw_uid, p->pw_gid);
	free(folder);
}
