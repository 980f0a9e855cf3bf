#include "tapd/tap/netns.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAMES "/run/netns"
#define OWN   "/proc/thread-self/ns/net"

static uint64_t number_at(const char *path)
{
	struct stat s;

	return stat(path, &s) == 0 ? (uint64_t)s.st_ino : 0;
}

uint64_t netns_own(void)
{
	return number_at(OWN);
}

uint64_t netns_number(int fd)
{
	struct stat s;

	return fstat(fd, &s) == 0 ? (uint64_t)s.st_ino : 0;
}

/* ---- a walk through all others ---- */

/*
 * A thread of its own goes from one to the next, and ends there. The process stays
 * where it is: who ends a namespace kills the processes that he finds in it
 * (ip-netns(8), pids), and it must not be one of them.
 */
#define STACK_SIZE ((size_t)256 * 1024)

struct walk {
	netns_look *look;
	void *user;
	bool denied, ended;
	size_t visited, count;
	uint64_t seen[NETNS_VISITS_MAX]; /* our own is the first */
};

/* True the first time, while there is room. */
static bool is_new(struct walk *w, uint64_t number)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->seen[i] == number)
			return false;
	if (w->count == NETNS_VISITS_MAX)
		return false;
	w->seen[w->count++] = number;
	return true;
}

/* What is not there any more, or is no namespace, hides nothing. */
static void note_failure(struct walk *w)
{
	w->denied |= errno == EACCES || errno == EPERM;
}

static void visit(struct walk *w, const char *path,
		  const struct netns_place *place)
{
	uint64_t number = number_at(path);
	int fd;

	if (number && !is_new(w, number))
		return;
	fd = number ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0) {
		note_failure(w);
		return;
	}
	if (setns(fd, CLONE_NEWNET) == 0) {
		w->visited++;
		w->ended = w->look(w->user, place);
	} else {
		note_failure(w);
	}
	close(fd);
}

/* An entry of a folder: where its namespace is; false if it is none. */
typedef bool describe_entry(const char *entry, char path[128],
			    struct netns_place *place);

static bool describe_name(const char *entry, char path[128],
			  struct netns_place *place)
{
	if (entry[0] == '.' || strlen(entry) >= sizeof(place->name))
		return false;
	snprintf(path, 128, NAMES "/%s", entry);
	snprintf(place->name, sizeof(place->name), "%s", entry);
	return true;
}

static bool describe_process(const char *entry, char path[128],
			     struct netns_place *place)
{
	if (!isdigit((unsigned char)entry[0]) || strlen(entry) > 10)
		return false;
	snprintf(path, 128, "/proc/%s/ns/net", entry);
	place->pid = (pid_t)strtol(entry, NULL, 10);
	return true;
}

static void visit_folder(struct walk *w, const char *folder,
			 describe_entry *describe)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && !w->ended && (entry = readdir(dir))) {
		struct netns_place place = { .pid = 0 };
		char path[128];

		if (describe(entry->d_name, path, &place))
			visit(w, path, &place);
	}
	if (dir)
		closedir(dir);
}

static void *walk(void *user)
{
	struct walk *w = user;

	visit_folder(w, NAMES, describe_name);
	visit_folder(w, "/proc", describe_process);
	return NULL;
}

/* False if there can be no thread. */
static bool walk_in_a_thread(struct walk *w)
{
	pthread_attr_t small;
	pthread_t thread;
	bool made;

	if (pthread_attr_init(&small) != 0)
		return false;
	pthread_attr_setstacksize(&small, STACK_SIZE);
	made = pthread_create(&thread, &small, walk, w) == 0;
	pthread_attr_destroy(&small);
	if (made)
		pthread_join(thread, NULL);
	return made;
}

bool netns_visit_others(netns_look *look, void *user, bool *hidden)
{
	struct walk *w = calloc(1, sizeof(*w));
	uint64_t own = netns_own();
	bool ended;

	*hidden = true;
	if (!w)
		return false;
	w->look = look;
	w->user = user;
	if (own) {
		is_new(w, own);
		*hidden =
			!walk_in_a_thread(w) || (w->denied && w->visited == 0);
	}
	ended = w->ended;
	free(w);
	return ended;
}
