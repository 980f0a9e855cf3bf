/* What tapctl may ask of the daemon, and tell it. */
#ifndef TAPD_CONTROL_COMMANDS_H
#define TAPD_CONTROL_COMMANDS_H

#include "tapd/control/control.h"

/* Answers a command: control_ops.command, with a struct daemon as user. */
json_t *daemon_command(void *daemon, const char *name, json_t *arguments,
		       struct control_list **list, char **error);

/* The metrics of this moment: a scrape_ask, with a struct daemon as user. */
struct metrics *daemon_metrics(void *daemon);

#endif
