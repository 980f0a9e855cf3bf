/* Unix sockets on which the daemon is found. */
#ifndef TAPD_CONTROL_LISTEN_H
#define TAPD_CONTROL_LISTEN_H

#include <sys/types.h>

/* A listening socket at path, as control_new says, with that mode; -1 with *error (to
 * be freed), which names the key of the configuration that moves it. */
int control_listen(const char *path, mode_t mode, const char *key,
		   char **error);

/* Which file a socket is. */
struct socket_file {
	dev_t dev;
	ino_t ino; /* 0: none */
};
void socket_file_note(struct socket_file *f, const char *path);
/* Removes it, if it is still that one: another may have been put there meanwhile. */
void socket_file_remove(const struct socket_file *f, const char *path);

#endif
