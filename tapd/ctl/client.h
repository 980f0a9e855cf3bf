/* The other end of the control socket. */
#ifndef TAPD_CTL_CLIENT_H
#define TAPD_CTL_CLIENT_H

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>

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
/* The same, of which answers are taken one by one: a connection, to be closed. */
struct client;
enum client_result client_open(const char *path, const char *command,
			       json_t *arguments, struct client **client,
			       char **error);
/* As client_ask. The end of the connection is CLIENT_NO_DAEMON. */
enum client_result client_next(struct client *c, json_t **answer, char **error);
/* From now on a signal whose handler sets it ends the wait for an answer, with
 * CLIENT_NO_DAEMON. */
void client_end_if(const volatile sig_atomic_t *set);
/* An answer may take as long as it likes; else it is 30 s. */
void client_wait_forever(struct client *c);
/* The file descriptor that came with the last answer: the caller's. -1: none. */
int client_take_passed(struct client *c);
/* NULL is fine. */
void client_close(struct client *c);

/* client_ask, where a daemon that says nothing for so long does not answer. */
enum client_result client_ask_within(const char *path, const char *command,
				     json_t *arguments, int patience_s,
				     json_t **answer, char **error);
/* Whether anybody listens there, or might: it may not be tried. */
bool client_is_answered(const char *path);

#endif
