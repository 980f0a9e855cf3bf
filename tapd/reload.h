/* A new configuration for a running daemon. */
#ifndef TAPD_RELOAD_H
#define TAPD_RELOAD_H

#include <jansson.h>

struct daemon;

/* Reads the configuration and the secret again and applies what may change at
 * run time. {"changes": […]}; or NULL with *error, and nothing changed. */
json_t *daemon_reload(struct daemon *d, char **error);

#endif
