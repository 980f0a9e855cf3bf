/* A file that others write, read and watched. */
#ifndef TAPD_DISCOVER_LIST_FILE_H
#define TAPD_DISCOVER_LIST_FILE_H

#include <stddef.h>

struct event_base;

/*
 * Its folder is watched (inotify), so that one that is renamed to it, made later, or
 * behind a link there that is turned, is noticed. Where the folder is not there yet, or
 * the link leads elsewhere, only reading it again from time to time finds out.
 */
struct list_file;

/* The file is another than when it was read last, or may be. */
typedef void list_file_changed(void *user);

/* NULL if memory is short. */
struct list_file *list_file_new(struct event_base *base,
				list_file_changed *changed, void *user);
void list_file_free(struct list_file *f);
/* Which file it is; "": none. path is borrowed until another is set. */
void list_file_set(struct list_file *f, const char *path);
/* All of it, at most max bytes, to be freed; its length in *len. NULL with *why set to
 * a reason. */
char *list_file_read(struct list_file *f, size_t max, size_t *len,
		     const char **why);

#endif
