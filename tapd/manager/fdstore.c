#include "tapd/manager/fdstore.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "tapd/manager/notify.h"

#define MESSAGE_MAX 320 /* the manager takes names of up to 255 bytes */

int fdstore_take(const char *name, void (*other)(void *user, int fd),
		 void *user)
{
	char **names = NULL;
	/* Descriptors meant for whoever started us are not ours: then there are 0. */
	int count = sd_listen_fds_with_names(1, &names), taken = -1;

	for (int i = 0; i < count; i++) {
		const int fd = SD_LISTEN_FDS_START + i;
		const bool same = strcmp(names[i], name) == 0;

		if (same && taken < 0) {
			taken = fd;
		} else {
			/* A second of that name cannot be told from the first. */
			if (!same)
				(void)fdstore_drop(names[i]);
			if (!same && other)
				other(user, fd);
			close(fd);
		}
		free(names[i]);
	}
	free(names);
	return taken;
}

int fdstore_give(const char *name, int fd)
{
	char text[MESSAGE_MAX];

	snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s", name);
	return notify_send(text, fd);
}

int fdstore_drop(const char *name)
{
	char text[MESSAGE_MAX];

	snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	return notify_send(text, -1);
}
