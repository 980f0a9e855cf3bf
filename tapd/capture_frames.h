/* Frames that the node shows, captured: tapctl capture. */
#ifndef TAPD_CAPTURE_FRAMES_H
#define TAPD_CAPTURE_FRAMES_H

#include <jansson.h>

#include "tapd/control/control.h"

struct daemon;

/* captures_new's: somebody captures, or nobody any more. */
void daemon_capture_watched(void *daemon, bool on);
/* A capture: "peer", text, is one of those that peer_is; "dropped", a flag; "count".
 * NULL with *list, or with *error. */
json_t *daemon_capture(struct daemon *d, const json_t *arguments,
		       struct control_list **list, char **error);

#endif
