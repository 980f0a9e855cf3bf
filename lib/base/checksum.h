/* The Internet checksum: RFC 1071. */
#ifndef TAPD_BASE_CHECKSUM_H
#define TAPD_BASE_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Adds big-endian 16-bit words to a sum that starts at 0. Only the last buffer
 * that is added may be of odd length. */
uint64_t checksum_add(uint64_t sum, const void *bytes, size_t len);
/* The checksum of what was added: what to write if the field was summed as 0,
 * and 0 if a correct field was among it. */
uint16_t checksum_fold(uint64_t sum);

/*
 * Completes a partial checksum in place, as a network card does whatever the
 * protocol (virtio 1.2, 5.1.6.2): what the bytes from `start` to the end sum to is
 * written at start + offset, where the sum of a pseudo header is, or 0. Written as
 * 0xffff if it is 0, as Linux does: the two say the same to all who sum, and to
 * UDP 0 says that there is none.
 *
 * False, and nothing changed, if the field is not inside.
 */
bool checksum_complete(uint8_t *bytes, size_t len, size_t start, size_t offset);

#endif
