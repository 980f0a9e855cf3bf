/* The TAP and the devices above it: VLANs, a bridge it is a port of, and theirs. */
#ifndef TAPD_TAP_UPPERS_H
#define TAPD_TAP_UPPERS_H

#include <stddef.h>

#define UPPERS_MAX 32

/* Writes the indexes of the interface and of all that are above it, at most
 * UPPERS_MAX. Returns how many: 0 if there is no interface of that name here. */
size_t uppers_find(const char *name, unsigned indexes[UPPERS_MAX]);

#endif
