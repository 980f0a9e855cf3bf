/* The socket on which tapctl finds the daemon. */
#ifndef TAPD_CONTROL_LISTEN_H
#define TAPD_CONTROL_LISTEN_H

/* A listening socket at path, as control_new says; -1 with *error (to be freed). */
int control_listen(const char *path, char **error);

#endif
