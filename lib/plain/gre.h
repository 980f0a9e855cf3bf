/* GRE that carries Ethernet (gretap, "GRE-TEB"): RFC 2784, RFC 2890. */
#ifndef TAPD_PLAIN_GRE_H
#define TAPD_PLAIN_GRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/drop.h"

/*
 * The header stands between IP and the frame: flags and version(2), protocol(2), and
 * as the flags say, checksum(2) and reserved(2), key(4), sequence number(4). It is sent
 * with a key or without, and with neither of the others.
 */
#define GRE_LEN_MAX 8 /* as it is sent */

/* Returns the header's length: 4, or 8 if keyed. */
size_t gre_put(uint8_t header[GRE_LEN_MAX], bool keyed, uint32_t key);

/*
 * Finds the frame in what follows an IP header, borrowed; it may be of any length,
 * also 0. A checksum that is there is verified; a sequence number is skipped: what is
 * out of order is delivered, as Ethernet may do.
 *
 * DROP_gre_bad: no whole header; a version other than 0; what only RFC 1701 knows, such
 * as routing; a protocol other than transparent Ethernet bridging. DROP_gre_checksum.
 * DROP_gre_key: another key, or one although there should be none, or none. *frame and
 * *frame_len then are left as they were.
 */
enum drop_reason gre_take(const uint8_t *datagram, size_t len, bool keyed,
			  uint32_t key, const uint8_t **frame,
			  size_t *frame_len);

#endif
