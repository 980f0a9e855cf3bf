/* The ip(8) command that would have done what could not be done. */
#ifndef TAPD_TAP_IP_COMMAND_H
#define TAPD_TAP_IP_COMMAND_H

/* err: what a change of an interface gave, 0 or -errno; 0 is not logged. The format makes
 * the arguments of the command: "link set dev tap0 up". */
void __attribute__((format(printf, 2, 3)))
ip_command_log(int err, const char *format, ...);

#endif
