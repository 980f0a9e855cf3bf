/* Random bytes that a copy of this process, or of its machine, does not draw too. */
#ifndef TAPD_COMMON_RANDOM_H
#define TAPD_COMMON_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Every secret of a node is drawn here: keys, epochs, indices, and the salt of each
 * batch of datagrams. The kernel's generator alone would be enough on a machine
 * that is never copied. Where a virtual machine is cloned, or put back to a
 * snapshot, the kernel's state is copied as well, and until somebody tells the
 * kernel so (a VM generation ID) or it reseeds (within a minute), all copies draw
 * the same bytes.
 *
 * So each call hashes together, with SHA-256,
 *
 *	- what the kernel gives, by the system call itself: the C library may answer
 *	  from a state in this process's memory (the vDSO), which a fork copies;
 *	- what the CPU's own generator gives, which no snapshot holds;
 *	- the cycle counter and the wall clock, which two copies that run at the same
 *	  time hardly ever read alike.
 *
 * Any of them is enough to part two copies; the first alone makes keys, and the
 * others cannot make it weaker. Nothing is kept from one call to the next, so there
 * is nothing that a copy could have, too. What is longer than a digest is made of it
 * by counting: SHA-256(digest | 1), SHA-256(digest | 2), ...
 *
 * One call costs about a microsecond.
 */

/* Fills buf. False with errno: the kernel gave none, or memory is short. */
bool random_fill(void *buf, size_t len);

#endif
