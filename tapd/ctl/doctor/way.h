/* Which way the kernel sends what goes to an address. */
#ifndef TAPD_CTL_DOCTOR_WAY_H
#define TAPD_CTL_DOCTOR_WAY_H

#include <stdint.h>

#include "base/addr.h"

struct way_out {
	unsigned index; /* of the interface; 0: there is no way */
	uint32_t mtu;	/* of the route, where that has one; else 0 */
};

/* Of what is sent from a socket that is bound to the interface of that index, or to none
 * (0), and has that mark, or none (0). */
struct way_out way_out_to(const struct addr *to, unsigned bound, uint32_t mark);

#endif
