/* Does the kernel say that this virtual machine was cloned, or put back? */
#ifndef TAPD_GENERATION_H
#define TAPD_GENERATION_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A hypervisor that copies a machine changes its generation ID. The kernel then
 * reseeds its generator, and some kernels tell programs, too: a uevent of the
 * driver vmgenid with NEW_VMGENID=1 (Linux 6.8, and the kernels of Amazon Linux).
 * Where none comes, what remains is what peers see (docs/PROTOCOL, 5.4).
 *
 * Uevents are for anybody to hear, and only the kernel, or root of this network
 * namespace, can send them to a group.
 */

/* A socket that hears uevents, or -errno. */
int generation_open(void);
/* Reads what waits, at most some dozens. True: one of them said so. */
bool generation_changed(int fd);
/* A uevent that says so: "ACTION@PATH", then "KEY=VALUE"s, each with its 0. */
bool generation_is_new(const char *message, size_t len);

#endif
