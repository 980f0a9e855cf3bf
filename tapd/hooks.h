/* The programs that interface.up and interface.down name. */
#ifndef TAPD_HOOKS_H
#define TAPD_HOOKS_H

#include <stdbool.h>

struct daemon;

/* The interface is there. What goes wrong is logged. */
void daemon_run_up_hook(struct daemon *d);
/* The last thing a daemon does: it breaks the loop when it is done. False if
 * there is none, or it cannot be started. */
bool daemon_run_down_hook(struct daemon *d);

#endif
