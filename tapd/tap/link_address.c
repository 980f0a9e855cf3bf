#include "tapd/tap/link_address.h"

#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

static bool read_address(const struct nlattr *attr, int family,
			 struct addr *out)
{
	*out = (struct addr){ 0 };
	if (family == AF_INET && mnl_attr_get_payload_len(attr) == 4) {
		*out = addr_v4(load_be32(mnl_attr_get_payload(attr)), 0);
		return true;
	}
	if (family == AF_INET6 && mnl_attr_get_payload_len(attr) == 16) {
		memcpy(out->ip, mnl_attr_get_payload(attr), 16);
		return true;
	}
	return false;
}

void link_addresses_free(struct link_addresses *a)
{
	free(a->list);
	*a = (struct link_addresses){ .list = NULL };
}

static size_t place_of(const struct link_addresses *a,
		       const struct prefix *prefix)
{
	size_t i = 0;

	while (i < a->count && !prefix_equal(&a->list[i].prefix, prefix))
		i++;
	return i;
}

const struct link_address *link_addresses_find(const struct link_addresses *a,
					       const struct prefix *prefix)
{
	const size_t i = place_of(a, prefix);

	return i < a->count ? &a->list[i] : NULL;
}

static bool make_room(struct link_addresses *a)
{
	size_t size = a->size ? 2 * a->size : 8;
	struct link_address *more;

	if (a->count < a->size)
		return true;
	more = reallocarray(a->list, size, sizeof(*more));
	if (!more)
		return false;
	a->list = more;
	a->size = size;
	return true;
}

bool link_addresses_note(struct link_addresses *a,
			 const struct link_address *address, bool there)
{
	const size_t i = place_of(a, &address->prefix);

	if (i < a->count)
		a->list[i] = there ? *address : a->list[--a->count];
	else if (there && !make_room(a))
		return false;
	else if (there)
		a->list[a->count++] = *address;
	return true;
}

struct address_attributes {
	int family;
	bool found, local;
	struct link_address *out;
};

/* On a point-to-point address IFA_ADDRESS is the far end's. */
static int take_address_attribute(const struct nlattr *attr, void *user)
{
	struct address_attributes *a = user;
	const void *value = mnl_attr_get_payload(attr);
	const size_t len = mnl_attr_get_payload_len(attr);
	struct ifa_cacheinfo times;

	switch (mnl_attr_get_type(attr)) {
	case IFA_ADDRESS:
		if (!a->local)
			a->found |= read_address(attr, a->family,
						 &a->out->prefix.addr);
		break;
	case IFA_LOCAL:
		a->found |= read_address(attr, a->family, &a->out->prefix.addr);
		a->local = true;
		break;
	case IFA_FLAGS:
		if (len == sizeof(uint32_t))
			a->out->flags = mnl_attr_get_u32(attr);
		break;
	case IFA_CACHEINFO:
		if (len < sizeof(times))
			break;
		memcpy(&times, value, sizeof(times));
		a->out->made_cs = times.cstamp;
		a->out->has_age = true;
		break;
	case LINK_ADDRESS_PROTO:
		if (len == sizeof(uint8_t))
			a->out->proto = mnl_attr_get_u8(attr);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

bool link_address_read(const struct nlmsghdr *nlh, struct link_address *out)
{
	const struct ifaddrmsg *m = mnl_nlmsg_get_payload(nlh);
	struct address_attributes a = { .family = m->ifa_family, .out = out };

	*out = (struct link_address){ .prefix = { .len = m->ifa_prefixlen },
				      .flags = m->ifa_flags };
	mnl_attr_parse(nlh, sizeof(*m), take_address_attribute, &a);
	return a.found;
}
