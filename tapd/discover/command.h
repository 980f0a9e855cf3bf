/* A command that lists hosts, run beside the loop. */
#ifndef TAPD_DISCOVER_COMMAND_H
#define TAPD_DISCOVER_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "tapd/helper/helper.h"

/* It is killed after so long. */
#define COMMAND_LIMIT_S 20
/* As much is kept of what it says of an error: the end. */
#define COMMAND_ERRORS_MAX 1024

/*
 * The contract is that of the exec of go-netaddrs, of Consul: it exits with 0 and has
 * the hosts on standard output; or with something else and says why on standard error.
 * One that exits with 0 and lists nobody may say why there, too.
 */
struct command;

/* It ended: what it printed; or why that is no answer, one line or more. Both are
 * borrowed. */
typedef void command_done(void *user, const char *text, size_t len,
			  const char *error);

/* max: bytes of output; one that prints more is killed. NULL if memory is short. */
struct command *command_new(struct helper *helper, size_t max,
			    command_done *done, void *user);
/* Kills it, if it runs. */
void command_free(struct command *c);
/* Runs text with sh(1), unless it runs already. done is called later, or, where it
 * cannot be started, before it returns. */
void command_run(struct command *c, const char *text);
/* Kills it; done is not called. */
void command_stop(struct command *c);

#endif
