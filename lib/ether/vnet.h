/* The virtio_net_hdr before each frame on the TAP's descriptor. */
#ifndef TAPD_ETHER_VNET_H
#define TAPD_ETHER_VNET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/frame.h"

/* struct virtio_net_hdr, little-endian (virtio 1.2, 5.1.6.1). */
#define VNET_HDR_LEN 10

void vnet_pack(const struct offload *o, uint8_t hdr[VNET_HDR_LEN]);
/* False, and *o zeroed, for a GSO type this build does not know or a GSO frame
 * without a segment size. Fields that have no meaning under its flags read as 0. */
bool vnet_unpack(struct offload *o, const uint8_t hdr[VNET_HDR_LEN]);

#endif
