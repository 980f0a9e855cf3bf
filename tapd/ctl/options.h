/* What tapctl's command line says, and which daemon is meant by it. */
#ifndef TAPD_CTL_OPTIONS_H
#define TAPD_CTL_OPTIONS_H

#include <jansson.h>
#include <stdbool.h>

#include "tapd/ctl/client.h"

struct options {
	const char *word;   /* after the command's, or NULL */
	const char *socket; /* NULL: the only one, */
	const char *name;   /* or that of this name */
	bool json;
	/* Of some commands: the letters of those given, each once. */
	char given[12];
	bool all, dropped;
	const char *peer; /* or NULL */
	long count, size; /* 0: not given */
	bool dot, svg;
	bool ran; /* a command: what it exits with is its own */
};

/* The socket of the daemon that is meant; to be freed. Otherwise *error (to be
 * freed). */
enum client_result options_socket(const struct options *o, char **path,
				  char **error);
/* Prints the error and frees it; NULL: memory is short. Returns the status. */
int options_fail(int status, char *error);

#endif
