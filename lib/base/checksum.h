/* The Internet checksum: RFC 1071. */
#ifndef TAPD_BASE_CHECKSUM_H
#define TAPD_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Adds big-endian 16-bit words to a sum that starts at 0. Only the last buffer
 * that is added may be of odd length. */
uint64_t checksum_add(uint64_t sum, const void *bytes, size_t len);
/* The checksum of what was added: what to write if the field was summed as 0,
 * and 0 if a correct field was among it. */
uint16_t checksum_fold(uint64_t sum);

#endif
