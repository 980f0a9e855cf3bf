/* For tests of plain nodes: the three hosts of three.h speak VXLAN, or GRE. */
#ifndef TAPD_TESTS_PLAIN_THREE_H
#define TAPD_TESTS_PLAIN_THREE_H

#include "support/three.h"

#define PLAIN_VNI 42

/* Checked fixtures: all off, with a station behind each TAP; teardown is
 * three_teardown. */
void plain_setup(void);
void plain_setup_gre(void);
/* Starts them, with the TAPs up; each lists all the others. */
void plain_mesh(size_t count);
/* The same, until who wants what is known. */
void plain_mesh_asked(size_t count);

/* A datagram of a frame, with whatever header the host would send it behind; returns
 * its length. */
size_t plain_wrap(const struct host *as, uint8_t *out, size_t size,
		  const uint8_t *frame, size_t len);
/* … which that address sends to the host. */
void plain_send_from(struct host *to, const struct addr *from,
		     const uint8_t *frame, size_t len);

/* What is shown of the peer; it must be there. */
struct node_peer_info plain_info(const struct host *host,
				 const struct host *of);
size_t plain_peers_count(const struct host *host);

#endif
