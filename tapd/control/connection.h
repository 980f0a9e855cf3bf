/* One client of the control socket: its questions, and the answers. */
#ifndef TAPD_CONTROL_CONNECTION_H
#define TAPD_CONTROL_CONNECTION_H

#include <stdbool.h>

#include "tapd/control/control.h"

struct bufferevent;
struct event;
struct event_base;

struct connection {
	const struct control_ops *ops;
	void *user;
	struct bufferevent *bev; /* NULL: it is closed */
	bool closing;		 /* no more questions; once the answer is out */
	bool asked_all;		 /* it will ask no more than it has */
	/* The answer under way, or NULL; what of it went out, and whether it waits to
	 * be woken; what goes on with it. */
	struct control_list *list;
	bool begun, has_row, waits;
	struct event *again;
};

/* Serves the client at fd, which it takes, until either end closes; ops is kept.
 * False if memory is short: then fd is closed. */
bool connection_open(struct connection *c, struct event_base *base, int fd,
		     const struct control_ops *ops, void *user);
void connection_close(struct connection *c);

#endif
