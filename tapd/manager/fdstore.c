#include "tapd/manager/fdstore.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "tapd/manager/notify.h"

#define MESSAGE_MAX 320 /* the manager takes names of up to 255 bytes */

int fdstore_take(const char *name)
{
	char **names = NULL;
	/* Descriptors meant for whoever started us are not ours: then there are 0. */
	int count = sd_listen_fds_with_names(1, &names), fd = -1;

	for (int i = 0; i < count; i++) {
		if (fd < 0 && strcmp(names[i], name) == 0)
			fd = SD_LISTEN_FDS_START + i;
		free(names[i]);
	}
	free(names);
	return fd;
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
