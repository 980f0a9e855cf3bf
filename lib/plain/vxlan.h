/* VXLAN: RFC 7348. */
#ifndef TAPD_PLAIN_VXLAN_H
#define TAPD_PLAIN_VXLAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/drop.h"

/*
 * The header stands between UDP and an Ethernet frame: flags(1), reserved(3), VNI(3),
 * reserved(1). Receivers ignore what is reserved (section 5). Later drafts gave some
 * of it a meaning: a group policy (GBP) leaves the frame as it is and is ignored, too;
 * but where the generic extension's P or O flag (VXLAN-GPE) is set, what follows is
 * not an Ethernet frame, or none to be delivered.
 */
#define VXLAN_LEN 8

/* vni: 24 bits. */
void vxlan_put(uint8_t header[VXLAN_LEN], uint32_t vni);

/*
 * Finds the frame in a datagram of that VNI, borrowed; it may be of any length, also
 * 0. DROP_vxlan_bad: no whole header, no valid VNI, or another format. DROP_vxlan_vni.
 * Both then are left as they were.
 */
enum drop_reason vxlan_take(const uint8_t *datagram, size_t len, uint32_t vni,
			    const uint8_t **frame, size_t *frame_len);

#endif
