#include "tapd/tap/above.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <stdlib.h>

#include "tapd/tap/link_dump.h"

struct interface_place {
	unsigned index, link, master; /* 0: none */
	bool above;
};

struct above {
	struct link_dump *dump;
	bool short_of_memory;
	struct interface_place *all; /* every interface of the namespace */
	size_t count, size;
};

struct above *above_new(void)
{
	struct above *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->dump = link_dump_open();
	if (a->dump)
		return a;
	free(a);
	return NULL;
}

void above_free(struct above *a)
{
	if (!a)
		return;
	link_dump_close(a->dump);
	free(a->all);
	free(a);
}

/* One more, zeroed; NULL if memory is short. */
static struct interface_place *add_place(struct above *a)
{
	size_t size = a->size ? 2 * a->size : 32;
	struct interface_place *more;

	if (a->count == a->size) {
		more = reallocarray(a->all, size, sizeof(*more));
		if (!more)
			return NULL;
		a->all = more;
		a->size = size;
	}
	a->all[a->count] = (struct interface_place){ .index = 0 };
	return &a->all[a->count++];
}

struct place_attributes {
	unsigned link, master;
	bool link_elsewhere; /* in another namespace: the index is of there */
};

static int take_attribute(const struct nlattr *attr, void *user)
{
	struct place_attributes *p = user;
	const uint16_t type = mnl_attr_get_type(attr);

	if (type == IFLA_LINK_NETNSID)
		p->link_elsewhere = true;
	if ((type == IFLA_LINK || type == IFLA_MASTER) &&
	    mnl_attr_get_payload_len(attr) == sizeof(uint32_t))
		*(type == IFLA_LINK ? &p->link : &p->master) =
			mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int take_interface(const struct nlmsghdr *nlh, void *user)
{
	struct above *a = user;
	const struct ifinfomsg *m = mnl_nlmsg_get_payload(nlh);
	struct place_attributes attributes = { 0 };
	struct interface_place *place;

	place = add_place(a);
	if (!place) {
		a->short_of_memory = true;
		return MNL_CB_OK;
	}
	mnl_attr_parse(nlh, sizeof(*m), take_attribute, &attributes);
	place->index = (unsigned)m->ifi_index;
	place->link = attributes.link_elsewhere ? 0 : attributes.link;
	place->master = attributes.master;
	return MNL_CB_OK;
}

/* Whether `upper` is on `lower`, or has it as a port. */
static bool is_upon(const struct interface_place *upper,
		    const struct interface_place *lower)
{
	return upper->link == lower->index || lower->master == upper->index;
}

/* Each found may have others above it. False: there were no more. */
static bool spread(struct above *a, unsigned index)
{
	bool more = false;

	for (size_t i = 0; i < a->count; i++) {
		const struct interface_place *lower = &a->all[i];

		if (!lower->above && lower->index != index)
			continue;
		for (size_t j = 0; j < a->count; j++) {
			struct interface_place *upper = &a->all[j];

			if (upper->above || upper->index == index ||
			    !is_upon(upper, lower))
				continue;
			upper->above = more = true;
		}
	}
	return more;
}

int above_find(struct above *a, unsigned index)
{
	int err, tries = 8;

	do {
		a->count = 0;
		a->short_of_memory = false;
		err = link_dump_run(a->dump, take_interface, a);
	} while (err == -EINTR && --tries > 0);
	if (err == 0 && a->short_of_memory)
		err = -ENOMEM;
	if (err < 0)
		a->count = 0;
	while (spread(a, index))
		;
	return err;
}

bool above_has(const struct above *a, unsigned index)
{
	for (size_t i = 0; i < a->count; i++)
		if (a->all[i].index == index)
			return a->all[i].above;
	return false;
}
