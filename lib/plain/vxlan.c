#include "plain/vxlan.h"

#include "base/bytes.h"

#define FLAG_VNI   0x08 /* I: the VNI is valid */
#define FLAGS_ELSE 0x05 /* P, O: draft-ietf-nvo3-vxlan-gpe */

void vxlan_put(uint8_t header[VXLAN_LEN], uint32_t vni)
{
	store_be32(header, (uint32_t)FLAG_VNI << 24);
	store_be32(header + 4, vni << 8);
}

enum drop_reason vxlan_take(const uint8_t *datagram, size_t len, uint32_t vni,
			    const uint8_t **frame, size_t *frame_len)
{
	if (len < VXLAN_LEN || !(datagram[0] & FLAG_VNI) ||
	    (datagram[0] & FLAGS_ELSE))
		return DROP_vxlan_bad;
	if (load_be32(datagram + 4) >> 8 != vni)
		return DROP_vxlan_vni;
	*frame = datagram + VXLAN_LEN;
	*frame_len = len - VXLAN_LEN;
	return DROP_NONE;
}
