/* The helper process: it resolves names and runs hooks for the daemon. */
#ifndef TAPD_HELPER_HELPER_PROCESS_H
#define TAPD_HELPER_HELPER_PROCESS_H

/* Does what is asked of it at fd, a SOCK_SEQPACKET (helper_message.h), until that is
 * closed. Then it kills what still runs, and ends. Takes fd. */
_Noreturn void helper_process(int fd);

#endif
