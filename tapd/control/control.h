/* The control socket: one JSON request a line, one JSON answer a line. */
#ifndef TAPD_CONTROL_CONTROL_H
#define TAPD_CONTROL_CONTROL_H

#include <jansson.h>
#include <stdbool.h>

struct event_base;
struct control;

enum control_step {
	CONTROL_ROW,  /* *row is the next; the caller has the reference */
	CONTROL_BUSY, /* there is more to do before the next */
	CONTROL_WAIT, /* there is nothing to do before control_wake */
	CONTROL_END,
	CONTROL_FAILED, /* error says why; or memory is short */
};

enum control_form {
	CONTROL_ARRAY, /* an answer of all rows */
	CONTROL_ONE,   /* the first row is the answer */
	CONTROL_LINES, /* each row is an answer of its own, until the client goes */
};

/*
 * A long answer, or one that takes its time, made step by step between turns of the
 * loop: no step takes more than some microseconds.
 *
 * One of lines ends when the client closes its side, reads nothing of what the
 * client says meanwhile, and waits as long as the client likes: what it would say
 * until then is kept, counted or forgotten by the list, which is asked for no row
 * before there is room.
 *
 * Another may follow the client's last question, whose side is closed then; where it
 * waits it ends when the client has closed both.
 */
struct control_list {
	enum control_step (*step)(struct control_list *list, json_t **row);
	void (*free)(struct control_list *list);
	enum control_form form;
	const char *error; /* the list's own; or NULL */
	/* A file descriptor goes with the first row, of lines, and is then closed; it
	 * is -1 from then on. */
	bool passes;
	int passed;
	void *client; /* the server's */
};

/* There is something to do for a list whose last step was CONTROL_WAIT: the next
 * step is in another turn of the loop. */
void control_wake(struct control_list *list);

/*
 * Answers one command ("status", …: control/commands has the table of them), whose
 * arguments are a JSON value of the client's, not looked at, or NULL: borrowed.
 * Returns the result (the server takes the reference), or NULL with *list set to
 * one of which it is made (to be freed), or with *error set to a message (to be
 * freed): the daemon says no.
 */
struct control_ops {
	json_t *(*command)(void *user, const char *name, json_t *arguments,
			   struct control_list **list, char **error);
};

/* What one client gets in one turn of the loop: so many steps of a list, or so many
 * bytes and the row that exceeds them. */
#define CONTROL_STEPS 256
#define CONTROL_BYTES 16384

/*
 * Listens on path, mode 0600; its directory is made if it is missing. A stale
 * socket there is replaced; one with a live daemon behind it is an error, and
 * so is anything else of that name. NULL with *error (to be freed). ops is
 * copied. SIGPIPE is ignored from then on, in the whole process.
 *
 * Request: {"command": "status"}, perhaps with "arguments": {…}. Answer:
 * {"ok": true, "result": …} or {"ok": false, "error": "…"}. A connection may ask
 * again; the next question is read when the answer to the last was taken, so a
 * client that does not read costs one answer, or the rows of one list, and no time. A client is cut off after
 * 4 KiB without a line's end, 5 s of silence (of asking or of taking the answer, but
 * for a list of lines), or when 16 others are there; where it can still be told why,
 * it is.
 */
struct control *control_new(struct event_base *base, const char *path,
			    const struct control_ops *ops, void *user,
			    char **error);
/* Closes every client and removes the socket. NULL is fine. */
void control_free(struct control *c);

#endif
