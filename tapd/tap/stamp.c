#include "tapd/tap/stamp.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/siphash.h"
#include "tapd/tap/link_dump.h"
#include "tapd/tap/netns.h"

#define RANGE	   0x7a000000u
#define RANGE_MASK 0xff000000u

/* linux/if_link.h since 4.17. */
#define ATTRIBUTE_TUN_GROUP 2

uint32_t stamp_make(const struct public_key *key, const char *name)
{
	static const uint8_t seed[SIPHASH_KEY_LEN] = "tapd TAP stamp 1";
	struct {
		uint8_t key[sizeof(key->bytes)];
		char name[IFNAMSIZ];
		uint64_t namespace;
	} of = { .namespace = netns_own() };

	memcpy(of.key, key->bytes, sizeof(of.key));
	memcpy(of.name, name, strnlen(name, sizeof(of.name)));
	return RANGE | (uint32_t)(siphash(seed, &of, sizeof(of)) & ~RANGE_MASK);
}

bool stamp_is_one(uint32_t group)
{
	return (group & RANGE_MASK) == RANGE;
}

/* ---- of every interface ---- */

struct tap_attributes {
	char name[IFNAMSIZ];
	bool is_tun;
	uint32_t group;
};

static int take_group(const struct nlattr *attr, void *user)
{
	struct tap_attributes *t = user;

	if (mnl_attr_get_type(attr) == ATTRIBUTE_TUN_GROUP &&
	    mnl_attr_get_payload_len(attr) == sizeof(uint32_t))
		t->group = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

/* The kind comes before its data. */
static int take_kind(const struct nlattr *attr, void *user)
{
	static const char tun[] = "tun";
	struct tap_attributes *t = user;

	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
		t->is_tun = mnl_attr_get_payload_len(attr) == sizeof(tun) &&
			    memcmp(mnl_attr_get_payload(attr), tun,
				   sizeof(tun)) == 0;
	else if (mnl_attr_get_type(attr) == IFLA_INFO_DATA && t->is_tun)
		mnl_attr_parse_nested(attr, take_group, t);
	return MNL_CB_OK;
}

static int take_attribute(const struct nlattr *attr, void *user)
{
	struct tap_attributes *t = user;
	const size_t len = mnl_attr_get_payload_len(attr);
	const char *text = mnl_attr_get_payload(attr);

	if (mnl_attr_get_type(attr) == IFLA_LINKINFO)
		mnl_attr_parse_nested(attr, take_kind, t);
	else if (mnl_attr_get_type(attr) == IFLA_IFNAME &&
		 len <= sizeof(t->name) && memchr(text, '\0', len))
		memcpy(t->name, text, len);
	return MNL_CB_OK;
}

/* By index, or by stamp if that is 0. */
struct search {
	unsigned index;
	uint32_t stamp;
	bool found;
	struct tap_attributes attributes;
};

static int take_interface(const struct nlmsghdr *nlh, void *user)
{
	struct search *s = user;
	const struct ifinfomsg *m = mnl_nlmsg_get_payload(nlh);
	struct tap_attributes t = { .group = 0 };

	if (s->found || (s->index && m->ifi_index != (int)s->index))
		return MNL_CB_OK;
	mnl_attr_parse(nlh, sizeof(*m), take_attribute, &t);
	if (!t.is_tun || (!s->index && t.group != s->stamp))
		return MNL_CB_OK;
	s->found = true;
	s->attributes = t;
	return MNL_CB_OK;
}

/* One that is missed because something changed meanwhile is looked for again. */
static void search(struct search *s)
{
	struct link_dump *d = link_dump_open();

	for (int tries = 4; d && !s->found && tries > 0; tries--)
		if (link_dump_run(d, take_interface, s) == 0)
			break;
	link_dump_close(d);
}

uint32_t stamp_read(unsigned index)
{
	struct search s = { .index = index };

	search(&s);
	return s.attributes.group;
}

bool stamp_find(uint32_t stamp, char name[IFNAMSIZ])
{
	struct search s = { .stamp = stamp };

	search(&s);
	memcpy(name, s.attributes.name, sizeof(s.attributes.name));
	return s.found;
}
