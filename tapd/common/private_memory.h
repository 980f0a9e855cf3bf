/* Memory with keys in it: other processes do not read it, no file gets it. */
#ifndef TAPD_COMMON_PRIVATE_MEMORY_H
#define TAPD_COMMON_PRIVATE_MEMORY_H

#include <stdbool.h>

/*
 * No core dump holds this process from here on, and none but a privileged process
 * attaches to it or reads its memory, not even one of the same user: prctl(2),
 * PR_SET_DUMPABLE. To be called before any key is read, and again after a change of
 * user, for which the kernel decides it anew.
 */
void private_memory_hide(void);

/*
 * Keeps all pages, those that are still to come too, out of swap space. Where only
 * some memory may be locked nothing is: an allocation over the limit would fail.
 * False with *why (to be freed), which says what to do.
 */
bool private_memory_lock(char **why);

#endif
