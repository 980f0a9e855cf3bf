/* The other end of the control socket. */
#ifndef TAPD_CTL_CLIENT_H
#define TAPD_CTL_CLIENT_H

#include <jansson.h>

/* What tapctl exits with. */
enum client_result {
	CLIENT_OK,
	CLIENT_REFUSED,	  /* the daemon says no */
	CLIENT_USAGE,	  /* which daemon is meant? */
	CLIENT_NO_DAEMON, /* nobody answers, or not as a tapd does */
};

/*
 * The socket in dir, if there is one; of several, the one that is answered. The
 * path is to be freed. Otherwise *error (to be freed).
 */
enum client_result client_find(const char *dir, char **path, char **error);

/* Asks the daemon at path. arguments: an object, borrowed, or NULL. On CLIENT_OK
 * *answer is its result (a reference for the caller), otherwise *error is set (to be
 * freed). */
enum client_result client_ask(const char *path, const char *command,
			      json_t *arguments, json_t **answer, char **error);

#endif
