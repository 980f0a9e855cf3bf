#include "bridge/members.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

struct reporter_key {
	struct group group;
	uint8_t mac[ETH_ADDR_LEN];
};

_Static_assert(sizeof(struct reporter_key) == GROUP_LEN + ETH_ADDR_LEN,
	       "a table key has no padding");

/* VLAN, family, MAC. */
#define HOST_KEY_LEN (2 + 1 + ETH_ADDR_LEN)

struct members {
	struct table *groups;	 /* struct group → struct member */
	struct table *reporters; /* struct reporter_key → struct reporter */
	struct table *hosts;	 /* → struct host */
	struct table *macs; /* group MAC → uint32_t: groups that share it */
};

struct members *members_new(const struct members_config *config,
			    const uint8_t seed[TABLE_SEED_LEN])
{
	struct members *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->groups = table_new(config->groups, GROUP_LEN, sizeof(struct member),
			      seed);
	m->reporters = table_new(config->reporters, sizeof(struct reporter_key),
				 sizeof(struct reporter), seed);
	m->hosts = table_new(config->hosts, HOST_KEY_LEN, sizeof(struct host),
			     seed);
	m->macs =
		table_new(config->groups, ETH_ADDR_LEN, sizeof(uint32_t), seed);
	if (!m->groups || !m->reporters || !m->hosts || !m->macs) {
		members_free(m);
		return NULL;
	}
	return m;
}

void members_free(struct members *m)
{
	if (!m)
		return;
	table_free(m->groups);
	table_free(m->reporters);
	table_free(m->hosts);
	table_free(m->macs);
	free(m);
}

static void count_mac(struct members *m, const struct group *group, bool more)
{
	uint8_t mac[ETH_ADDR_LEN];
	uint32_t *count;

	group_mac(group, mac);
	/* As many as there are groups fit. */
	count = table_insert(m->macs, mac);
	assert(count);
	*count += more ? 1 : UINT32_MAX;
	if (*count == 0)
		table_remove(m->macs, mac);
}

bool members_use_mac(const struct members *m, const uint8_t mac[ETH_ADDR_LEN])
{
	return table_find(m->macs, mac) != NULL;
}

static struct reporter_key make_key(const struct group *group,
				    const uint8_t mac[ETH_ADDR_LEN])
{
	struct reporter_key key = { .group = *group };

	memcpy(key.mac, mac, ETH_ADDR_LEN);
	return key;
}

/* Into the group's list; NULL if there is no room. */
static struct reporter *add(struct members *m, struct member *member,
			    const struct reporter_key *key, uint64_t now_us)
{
	struct reporter *r = table_insert(m->reporters, key);

	if (!r)
		return NULL;
	r->since_us = r->heard_us = now_us;
	r->next = member->first;
	member->first = table_slot(m->reporters, r);
	return r;
}

struct reporter *members_report(struct members *m, const struct group *group,
				const uint8_t mac[ETH_ADDR_LEN],
				uint64_t now_us, struct member **member)
{
	const struct reporter_key key = make_key(group, mac);
	struct reporter *r = table_find(m->reporters, &key);

	*member = table_find(m->groups, group);
	if (r)
		return r;
	if (*member)
		return add(m, *member, &key, now_us);
	*member = table_insert(m->groups, group);
	if (!*member)
		return NULL;
	(*member)->first = TABLE_NONE;
	r = add(m, *member, &key, now_us);
	if (r) {
		count_mac(m, group, true);
	} else {
		table_remove(m->groups, group);
		*member = NULL;
	}
	return r;
}

static void remove_at(struct members *m, uint32_t *link)
{
	struct reporter *r = table_at(m->reporters, *link);

	*link = r->next;
	table_remove(m->reporters, table_key(m->reporters, r));
}

struct reporter *members_replace(struct members *m, struct member *member,
				 struct reporter *old,
				 const uint8_t mac[ETH_ADDR_LEN],
				 uint64_t now_us)
{
	const struct reporter_key key = make_key(members_group(m, member), mac);
	const uint32_t slot = table_slot(m->reporters, old);
	uint32_t *link = &member->first;

	while (*link != slot)
		link = &((struct reporter *)table_at(m->reporters, *link))
				->next;
	remove_at(m, link);
	return add(m, member, &key, now_us);
}

struct member *members_find(const struct members *m, const struct group *group)
{
	return table_find(m->groups, group);
}

struct reporter *members_reporter(const struct members *m,
				  const struct member *member,
				  const uint8_t mac[ETH_ADDR_LEN])
{
	const struct reporter_key key = make_key(members_group(m, member), mac);

	return table_find(m->reporters, &key);
}

const struct group *members_group(const struct members *m,
				  const struct member *member)
{
	return table_key(m->groups, member);
}

struct member *members_next(const struct members *m, uint32_t *at)
{
	*at = table_next(m->groups, *at);
	return table_at(m->groups, *at);
}

struct reporter *members_next_reporter(const struct members *m,
				       const struct member *member,
				       const struct reporter *after)
{
	return table_at(m->reporters, after ? after->next : member->first);
}

const uint8_t *members_mac(const struct members *m,
			   const struct reporter *reporter)
{
	const struct reporter_key *key = table_key(m->reporters, reporter);

	return key->mac;
}

static void host_key(uint8_t key[HOST_KEY_LEN], uint16_t vlan, bool v6,
		     const uint8_t mac[ETH_ADDR_LEN])
{
	store_be16(key, vlan);
	key[2] = v6;
	memcpy(key + 3, mac, ETH_ADDR_LEN);
}

bool members_prune(struct members *m, struct member *member,
		   bool (*is_gone)(const void *user, const struct reporter *r,
				   const struct host *host),
		   const void *user)
{
	const struct group group = *members_group(m, member);
	uint32_t *link = &member->first;
	uint8_t key[HOST_KEY_LEN];
	struct reporter *r;

	while ((r = table_at(m->reporters, *link))) {
		host_key(key, group.vlan, !group_is_v4(&group),
			 members_mac(m, r));
		if (!is_gone(user, r, table_find(m->hosts, key))) {
			link = &r->next;
			continue;
		}
		remove_at(m, link);
	}
	if (member->first != TABLE_NONE)
		return false;
	assert(!timer_armed(&member->timer));
	table_remove(m->groups, &group);
	count_mac(m, &group, false);
	return true;
}

struct host *members_host(struct members *m, uint16_t vlan, bool v6,
			  const uint8_t mac[ETH_ADDR_LEN], bool *made)
{
	uint8_t key[HOST_KEY_LEN];
	uint32_t before = table_count(m->hosts);
	struct host *host;

	host_key(key, vlan, v6, mac);
	host = table_insert(m->hosts, key);
	*made = table_count(m->hosts) != before;
	return host;
}

void members_age_hosts(struct members *m, uint64_t before_us)
{
	for (uint32_t at = table_next(m->hosts, TABLE_NONE); at != TABLE_NONE;
	     at = table_next(m->hosts, at)) {
		const struct host *host = table_at(m->hosts, at);

		if (host->heard_us < before_us)
			table_remove(m->hosts, table_key(m->hosts, host));
	}
}
