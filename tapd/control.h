/* The control socket: one JSON request a line, one JSON answer a line. */
#ifndef TAPD_CONTROL_H
#define TAPD_CONTROL_H

#include <jansson.h>

struct event_base;
struct control;

/*
 * Answers one command ("status", "peers", "fdb", "drops", "reload"). Returns
 * the result (the server takes the reference), or NULL with *error set to a
 * message (to be freed): the daemon says no.
 */
struct control_ops {
	json_t *(*command)(void *user, const char *name, char **error);
};

/*
 * Listens on path, mode 0600 (0660 if group is not -1). A stale socket there is
 * replaced; one with a live daemon behind it is an error. A client is cut off
 * after 4 KiB of request, 5 s of silence, or the 16th connection at a time; a
 * client that does not read costs nobody anything. NULL with *error (to be
 * freed).
 *
 * Request: {"command": "status"}. Answer: {"ok": true, "result": …} or
 * {"ok": false, "error": "…"}.
 */
struct control *control_new(struct event_base *base, const char *path,
			    const struct control_ops *ops, void *user,
			    char **error);
/* Closes every client and removes the socket. */
void control_free(struct control *c);

#endif
