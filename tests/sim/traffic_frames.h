/* The bytes of test frames. */
#ifndef TAPD_SIM_TRAFFIC_FRAMES_H
#define TAPD_SIM_TRAFFIC_FRAMES_H

#include "traffic.h"

#define FRAME_LEN_MAX 9300

/* The MAC of a host; and the one that moves between hosts as VRRP's does. */
void frame_host_mac(uint8_t mac[6], unsigned host);
extern const uint8_t frame_vmac[6];

/*
 * Builds the frame a spec asks for, distinct by id, at most `max` bytes plus
 * its tag. Returns its length; *offload is filled.
 */
size_t frame_build(uint8_t *out, struct rng *r, unsigned host,
		   const struct traffic_spec *spec, uint64_t id, size_t max,
		   struct offload *offload);

#endif
