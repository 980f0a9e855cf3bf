#include "tapd/common/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "tapd/common/error.h"

#define NAME_LEN 64 /* of a user or a group, or its number */

/* ---- who is who ---- */

struct reader {
	uid_t uid;
	gid_t gid;
};

/* Once it is not root, the process is whom it will be. */
static struct reader reader_of(const struct private_rule *rule)
{
	struct reader r = { geteuid(), getegid() };
	const struct passwd *p = NULL;

	if (r.uid == 0 && rule->user && *rule->user)
		p = getpwnam(rule->user);
	return p ? (struct reader){ p->pw_uid, p->pw_gid } : r;
}

void private_file_give(int fd, const struct private_rule *rule)
{
	struct reader r = reader_of(rule);

	if (geteuid() == 0 && r.uid != 0)
		(void)!fchown(fd, r.uid, r.gid);
}

static const char *user_name(uid_t uid, char name[NAME_LEN])
{
	const struct passwd *p = getpwuid(uid);

	if (p)
		snprintf(name, NAME_LEN, "%s", p->pw_name);
	else
		snprintf(name, NAME_LEN, "%u", (unsigned)uid);
	return name;
}

static const char *group_name(gid_t gid, char name[NAME_LEN])
{
	const struct group *g = getgrgid(gid);

	if (g)
		snprintf(name, NAME_LEN, "%s", g->gr_name);
	else
		snprintf(name, NAME_LEN, "%u", (unsigned)gid);
	return name;
}

static bool is_trusted(uid_t owner, const struct reader *r)
{
	return owner == 0 || owner == r->uid;
}

/* A line of uid_map: FIRST OUTER COUNT, of which OUTER says nothing here. */
static bool maps(const char *line, uid_t uid)
{
	char *at;
	unsigned long first = strtoul(line, &at, 10);

	strtoul(at, &at, 10);
	return uid >= first && uid - first < strtoul(at, NULL, 10);
}

/* All users outside of a user namespace, root too, look like one inside. */
static bool is_outside(uid_t uid)
{
	FILE *f = fopen("/proc/self/uid_map", "re");
	bool inside = !f;
	char line[64];

	while (f && fgets(line, sizeof(line), f))
		inside = inside || maps(line, uid);
	if (f)
		fclose(f);
	return !inside;
}

/* ---- the file ---- */

/* Others have no rights; the group may read if it is the reader's. */
static bool check_mode(const char *path, const struct stat *st,
		       const struct private_rule *rule, char **error)
{
	const mode_t others = st->st_mode & (S_IRWXG | S_IRWXO) &
			      ~(mode_t)(S_IXGRP | S_IXOTH);
	const unsigned mode = (unsigned)(st->st_mode & 07777);
	char group[NAME_LEN], is[NAME_LEN];
	struct reader r;

	if (!others)
		return true;
	if (others == S_IRGRP && rule && rule->group_may_read) {
		r = reader_of(rule);
		if (r.uid != 0 && st->st_gid == r.gid)
			return true;
		if (r.uid != 0 && st->st_uid != r.uid) {
			group_name(r.gid, group);
			error_set(error,
				  "%s: can be read by the group %s; "
				  "chgrp %s %s",
				  path, group_name(st->st_gid, is), group,
				  path);
			return false;
		}
	}
	error_set(error,
		  "%s: others can read or change it (mode %04o); chmod 600 %s",
		  path, mode, path);
	return false;
}

static bool check_owner(const char *path, const struct stat *st,
			const struct private_rule *rule, char **error)
{
	struct reader r = reader_of(rule);
	char owner[NAME_LEN], wanted[NAME_LEN];

	if (is_trusted(st->st_uid, &r))
		return true;
	error_set(error,
		  "%s: belongs to the user %s, who can read and change it; "
		  "chown %s %s",
		  path, user_name(st->st_uid, owner), user_name(r.uid, wanted),
		  path);
	return false;
}

static bool check_file(int fd, const char *path,
		       const struct private_rule *rule, char **error)
{
	struct statvfs fs;
	struct stat st;

	if (fstat(fd, &st) != 0) {
		error_set(error, "%s: %s; check the disk", path,
			  strerror(errno));
		return false;
	}
	if (!S_ISREG(st.st_mode)) {
		error_set(error, "%s: is %s; name a file", path,
			  S_ISDIR(st.st_mode) ? "a directory"
					      : "not a regular file");
		return false;
	}
	if (fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_RDONLY))
		return true;
	return check_mode(path, &st, rule, error) &&
	       (!rule || check_owner(path, &st, rule, error));
}

/* ---- the folders ---- */

/* Where all may put things, a link may be anybody's: it leads where they like. */
static bool check_link(const char *at, const char *path,
		       const struct private_rule *rule, char **error)
{
	struct reader r = reader_of(rule);
	char owner[NAME_LEN];
	struct stat st;

	if (lstat(at, &st) != 0 || !S_ISLNK(st.st_mode) ||
	    is_trusted(st.st_uid, &r) || is_outside(st.st_uid))
		return true;
	error_set(error,
		  "%s: %s is a symbolic link of the user %s, who can make it "
		  "lead elsewhere; rm %s",
		  path, at, user_name(st.st_uid, owner), at);
	return false;
}

static bool check_folder(const char *folder, const char *path,
			 const struct private_rule *rule, char **error)
{
	struct reader r = reader_of(rule);
	char owner[NAME_LEN], wanted[NAME_LEN];
	struct statvfs fs;
	struct stat st;

	/* What cannot be looked at cannot be gone through either. */
	if (stat(folder, &st) != 0)
		return true;
	if (statvfs(folder, &fs) == 0 && (fs.f_flag & ST_RDONLY))
		return true;
	if (!is_trusted(st.st_uid, &r) && !is_outside(st.st_uid)) {
		error_set(error,
			  "%s: its folder %s belongs to the user %s, who can "
			  "replace it; move it elsewhere, or chown %s %s",
			  path, folder, user_name(st.st_uid, owner),
			  user_name(r.uid, wanted), folder);
		return false;
	}
	if (st.st_mode & S_ISVTX)
		return true;
	if (st.st_mode & S_IWOTH) {
		error_set(error,
			  "%s: others can replace it: they can write to its "
			  "folder %s (mode %04o); chmod o-w %s",
			  path, folder, (unsigned)(st.st_mode & 07777), folder);
		return false;
	}
	if ((st.st_mode & S_IWGRP) && rule->warning)
		error_set(rule->warning,
			  "%s: the group %s can replace it: it can write to "
			  "its folder %s; chmod g-w %s",
			  path, group_name(st.st_gid, owner), folder, folder);
	return true;
}

/* Those above an absolute path. */
static bool check_folders_of(char *absolute, const char *path,
			     const struct private_rule *rule, char **error)
{
	bool ok = check_folder("/", path, rule, error);

	for (char *at = strchr(absolute + 1, '/'); ok && at;
	     at = strchr(at + 1, '/')) {
		*at = '\0';
		ok = check_link(absolute, path, rule, error) &&
		     check_folder(absolute, path, rule, error);
		*at = '/';
	}
	return ok && check_link(absolute, path, rule, error);
}

bool private_folders_check(const char *path, const struct private_rule *rule,
			   char **error)
{
	char *here = *path == '/' ? NULL : getcwd(NULL, 0);
	char *real = realpath(path, NULL), *named = NULL;
	bool ok;

	if ((*path != '/' && !here) ||
	    asprintf(&named, "%s%s%s", here ? here : "", here ? "/" : "",
		     path) < 0) {
		error_set(error, "%s: %s", path, strerror(errno));
		named = NULL;
	}
	ok = named && check_folders_of(named, path, rule, error) &&
	     (!real || check_folders_of(real, path, rule, error));
	free(named);
	free(real);
	free(here);
	return ok;
}

/* ---- reading it ---- */

static ssize_t read_all(int fd, const char *path,
			char text[PRIVATE_FILE_MAX + 1], char **error)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, text + len, PRIVATE_FILE_MAX + 1 - len);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (n < 0)
		error_set(error, "%s: %s; check the disk", path,
			  strerror(errno));
	else if (len > PRIVATE_FILE_MAX)
		error_set(error,
			  "%s: too large to hold keys; name another file",
			  path);
	else if (memchr(text, '\0', len))
		error_set(error, "%s: is not text; name another file", path);
	else {
		text[len] = '\0';
		return (ssize_t)len;
	}
	return -1;
}

/* A FIFO must not block the daemon, so it is opened without waiting and then
 * refused. */
ssize_t private_file_read(const char *path, const struct private_rule *rule,
			  char text[PRIVATE_FILE_MAX + 1], bool *missing,
			  char **error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t len = -1;

	*missing = fd < 0 && errno == ENOENT;
	if (fd < 0) {
		error_set(error, "%s: %s; %s", path, strerror(errno),
			  *missing ? "create it with: tapctl genpsk"
				   : "let tapd's user read it");
		return -1;
	}
	if (check_file(fd, path, rule, error) &&
	    (!rule || private_folders_check(path, rule, error)))
		len = read_all(fd, path, text, error);
	close(fd);
	return len;
}
