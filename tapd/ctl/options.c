#include "tapd/ctl/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/ctl/columns.h"

#define SOCKET_DIR "/run/tapd"

enum client_result options_socket(const struct options *o, char **path,
				  char **error)
{
	*error = NULL;
	if (o->name) {
		if (asprintf(path, SOCKET_DIR "/%s.sock", o->name) < 0)
			*path = NULL;
	} else if (o->socket) {
		*path = strdup(o->socket);
	} else {
		return client_find(SOCKET_DIR, path, error);
	}
	return *path ? CLIENT_OK : CLIENT_REFUSED;
}

int options_fail(int status, char *error)
{
	fputs("tapctl: ", stderr);
	/* It may be the daemon's, which is not trusted with the terminal. */
	columns_text(stderr, error ? error : "out of memory");
	fputc('\n', stderr);
	free(error);
	return status;
}
