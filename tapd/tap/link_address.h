/* The addresses of an interface, as the kernel tells of them. */
#ifndef TAPD_TAP_LINK_ADDRESS_H
#define TAPD_TAP_LINK_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct nlmsghdr;

/* IFA_PROTO, which the headers have since 5.18. */
#define LINK_ADDRESS_PROTO 11

/* Who gave what tapd gives, an address or a route, as `ip` shows it ("proto"): by it the
 * next run knows it again. Kernels before 5.18 keep none for addresses. */
#define LINK_PROTO 173

struct link_address {
	struct prefix prefix;
	uint32_t flags; /* IFA_F_… */
	uint8_t proto; /* IFAPROT_… or LINK_PROTO: who gave it, if not a person */
	bool has_age;
	uint32_t
		made_cs; /* CLOCK_MONOTONIC in hundredths of seconds, cut off */
};

/* All zero: none. */
struct link_addresses {
	struct link_address *list;
	size_t count;
	size_t size; /* what there is room for */
};

void link_addresses_free(struct link_addresses *a);
/* NULL: it is not there. */
const struct link_address *link_addresses_find(const struct link_addresses *a,
					       const struct prefix *prefix);
/* It is there now, or no longer. False if memory is short. */
bool link_addresses_note(struct link_addresses *a,
			 const struct link_address *address, bool there);
/* A message about an address; false if it names none. */
bool link_address_read(const struct nlmsghdr *nlh, struct link_address *out);

#endif
