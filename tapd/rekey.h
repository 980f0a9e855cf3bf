/* Every session key is forgotten, and made anew. */
#ifndef TAPD_REKEY_H
#define TAPD_REKEY_H

#include <jansson.h>

struct daemon;

/* Says so in the log. The count of sessions. */
size_t daemon_forget(struct daemon *d, const char *why);
/* tapctl rekey: { "sessions": how many }. */
json_t *daemon_rekey(struct daemon *d, char **error);

#endif
