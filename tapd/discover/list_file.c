#include "tapd/discover/list_file.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tapd/log/log.h"

/* What happens in a folder comes in bursts, and a file is not written in one go. */
#define SETTLE_MS 100L

/* What ends a change, and what there is no end to. A file that is only begun is read
 * when it is closed. */
#define EVENTS                                                      \
	(IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_CLOSE_WRITE | \
	 IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

struct list_file {
	const char *path;
	list_file_changed *changed;
	void *user;
	struct event_base *base;
	int fd;		     /* inotify's; -1: there is none */
	int watch;	     /* of the folder; -1: it is not watched */
	int error;	     /* the last that was said of why */
	struct event *event; /* fd is readable */
	struct event *settled;
	struct stat seen; /* when it was read; zeros: it was not there */
};

/* ---- the folder ---- */

/* inotify(7) has other meanings for these two than their texts say. */
static const char *limit_of(int error)
{
	if (error == ENOSPC)
		return " (raise fs.inotify.max_user_watches)";
	if (error == EMFILE)
		return " (raise fs.inotify.max_user_instances, or the"
		       " limit of open files)";
	return "";
}

static void cannot_watch(struct list_file *f, int error)
{
	if (error != f->error)
		log_warning("discover.file: its folder cannot be watched: %s%s:"
			    " the file is read every interval",
			    strerror(error), limit_of(error));
	f->error = error;
}

static void watch_folder(struct list_file *f)
{
	const char *slash = strrchr(f->path, '/');
	char folder[PATH_MAX];

	if (f->fd < 0 || f->watch >= 0 || !slash)
		return;
	snprintf(folder, sizeof(folder), "%.*s",
		 slash == f->path ? 1 : (int)(slash - f->path), f->path);
	f->watch = inotify_add_watch(f->fd, folder, EVENTS);
	if (f->watch < 0 && errno != ENOENT)
		cannot_watch(f, errno);
}

static void unwatch_folder(struct list_file *f)
{
	if (f->watch >= 0)
		(void)inotify_rm_watch(f->fd, f->watch);
	f->watch = -1;
}

/* False if they are two files, or two states of one. */
static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size && a->st_mode == b->st_mode &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void look(struct stat *st, const char *path)
{
	if (stat(path, st) < 0)
		memset(st, 0, sizeof(*st));
}

static void on_settled(evutil_socket_t fd, short what, void *user)
{
	struct list_file *f = user;
	struct stat now;

	(void)fd;
	(void)what;
	look(&now, f->path);
	if (!same_file(&now, &f->seen))
		f->changed(f->user);
}

static void on_folder(evutil_socket_t fd, short what, void *user)
{
	const struct timeval delay = { .tv_usec = SETTLE_MS * 1000 };
	struct list_file *f = user;
	char events[4096];
	ssize_t n = read(fd, events, sizeof(events));

	(void)what;
	if (n <= 0 || !*f->path)
		return;
	for (ssize_t at = 0; at + (ssize_t)sizeof(struct inotify_event) <= n;) {
		struct inotify_event e;

		memcpy(&e, events + at, sizeof(e));
		at += (ssize_t)(sizeof(e) + e.len);
		/* The path leads to another folder now, or to none. */
		if (e.wd == f->watch &&
		    (e.mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF)))
			unwatch_folder(f);
	}
	if (!evtimer_pending(f->settled, NULL))
		evtimer_add(f->settled, &delay);
}

/* ---- the outside ---- */

struct list_file *list_file_new(struct event_base *base,
				list_file_changed *changed, void *user)
{
	struct list_file *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	*f = (struct list_file){ .path = "",
				 .changed = changed,
				 .user = user,
				 .base = base,
				 .fd = -1,
				 .watch = -1 };
	f->settled = evtimer_new(base, on_settled, f);
	if (f->settled)
		return f;
	free(f);
	return NULL;
}

void list_file_free(struct list_file *f)
{
	if (!f)
		return;
	event_free(f->settled);
	if (f->event)
		event_free(f->event);
	if (f->fd >= 0)
		close(f->fd);
	free(f);
}

static void open_inotify(struct list_file *f)
{
	if (f->fd >= 0)
		return;
	f->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (f->fd >= 0)
		f->event = event_new(f->base, f->fd, EV_READ | EV_PERSIST,
				     on_folder, f);
	if (!f->event || event_add(f->event, NULL) < 0)
		cannot_watch(f, errno);
}

void list_file_set(struct list_file *f, const char *path)
{
	unwatch_folder(f);
	f->error = 0;
	evtimer_del(f->settled);
	memset(&f->seen, 0, sizeof(f->seen));
	f->path = path;
	if (*path)
		open_inotify(f);
}

static char *read_all(int fd, size_t max, size_t *len, const char **why)
{
	char *text = malloc(max + 1);
	ssize_t n = 1;

	*why = "out of memory";
	*len = 0;
	while (text && n > 0 && *len <= max) {
		n = read(fd, text + *len, max + 1 - *len);
		if (n > 0)
			*len += (size_t)n;
		else if (n < 0)
			*why = strerror(errno);
	}
	if (text && n >= 0 && *len > max)
		*why = "is longer than 256 KiB";
	else if (text && n == 0)
		return text;
	free(text);
	return NULL;
}

char *list_file_read(struct list_file *f, size_t max, size_t *len,
		     const char **why)
{
	char *text = NULL;
	int fd;

	/* First, so that no change is missed in between. */
	watch_folder(f);
	look(&f->seen, f->path);
	fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		*why = strerror(errno);
		return NULL;
	}
	if (S_ISREG(f->seen.st_mode))
		text = read_all(fd, max, len, why);
	else
		*why = "is no file";
	close(fd);
	return text;
}
