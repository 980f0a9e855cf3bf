/* System calls that are left: few to the daemon, all but the dangerous to its helper. */
#ifndef TAPD_RIGHTS_SANDBOX_H
#define TAPD_RIGHTS_SANDBOX_H

#include <stdbool.h>

/*
 * Of the kernel's some 400 system calls the daemon uses about 70 once it has started,
 * and none that starts a program, attaches to another process, changes a mount or
 * maps code. The others fail with EPERM and are logged, once each; the daemon goes on.
 * Ending it would tell a fault in a library, or a call that a later one makes, by
 * taking the network away; the call itself is refused all the same.
 *
 * Built without TAPD_SECCOMP, as sanitizers and coverage need, neither does anything.
 */
bool sandbox_is_built(void);

/* False with *error (to be freed) if the kernel takes no filter. */
bool sandbox_enter(char **error);

/* Logs what was refused since the last call. Cheap if there is nothing. */
void sandbox_report(void);

/* For the helper: hooks inherit it, and may be any program. What would reach other
 * processes, the kernel or its mounts fails with EPERM. What fails is left out. */
void sandbox_enter_helper(void);

#endif
