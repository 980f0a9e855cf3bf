#include "bridge/members.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

struct member_key {
	struct group group;
	uint8_t mac[ETH_ADDR_LEN];
};

_Static_assert(sizeof(struct member_key) == GROUP_LEN + ETH_ADDR_LEN,
	       "a table key has no padding");

/* VLAN, family, MAC. */
#define REPORTER_KEY_LEN (2 + 1 + ETH_ADDR_LEN)

struct members {
	struct table *groups;	 /* struct group → struct group_entry */
	struct table *members;	 /* struct member_key → struct member */
	struct table *reporters; /* → struct reporter */
	struct table *macs; /* group MAC → uint32_t: groups that share it */
};

struct members *members_new(const struct members_config *config,
			    const uint8_t seed[TABLE_SEED_LEN])
{
	struct members *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->groups = table_new(config->groups, GROUP_LEN,
			      sizeof(struct group_entry), seed);
	m->members = table_new(config->members, sizeof(struct member_key),
			       sizeof(struct member), seed);
	m->reporters = table_new(config->reporters, REPORTER_KEY_LEN,
				 sizeof(struct reporter), seed);
	m->macs =
		table_new(config->groups, ETH_ADDR_LEN, sizeof(uint32_t), seed);
	if (!m->groups || !m->members || !m->reporters || !m->macs) {
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
	table_free(m->members);
	table_free(m->reporters);
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

static struct member_key make_key(const struct group *group,
				  const uint8_t mac[ETH_ADDR_LEN])
{
	struct member_key key = { .group = *group };

	memcpy(key.mac, mac, ETH_ADDR_LEN);
	return key;
}

/* Into the group's list; NULL if there is no room. */
static struct member *add(struct members *m, struct group_entry *entry,
			  const struct member_key *key, uint64_t now_us)
{
	struct member *member = table_insert(m->members, key);

	if (!member)
		return NULL;
	member->joined_us = member->heard_us = now_us;
	member->next = entry->first;
	entry->first = table_slot(m->members, member);
	return member;
}

struct member *members_add(struct members *m, const struct group *group,
			   const uint8_t mac[ETH_ADDR_LEN], uint64_t now_us,
			   struct group_entry **entry)
{
	const struct member_key key = make_key(group, mac);
	struct member *member = table_find(m->members, &key);

	*entry = table_find(m->groups, group);
	if (member)
		return member;
	if (*entry)
		return add(m, *entry, &key, now_us);
	*entry = table_insert(m->groups, group);
	if (!*entry)
		return NULL;
	(*entry)->first = TABLE_NONE;
	member = add(m, *entry, &key, now_us);
	if (member) {
		count_mac(m, group, true);
	} else {
		table_remove(m->groups, group);
		*entry = NULL;
	}
	return member;
}

static void remove_at(struct members *m, uint32_t *link)
{
	struct member *member = table_at(m->members, *link);

	*link = member->next;
	table_remove(m->members, table_key(m->members, member));
}

struct member *members_replace(struct members *m, struct group_entry *entry,
			       struct member *old,
			       const uint8_t mac[ETH_ADDR_LEN], uint64_t now_us)
{
	const struct member_key key = make_key(members_group(m, entry), mac);
	const uint32_t slot = table_slot(m->members, old);
	uint32_t *link = &entry->first;

	while (*link != slot)
		link = &((struct member *)table_at(m->members, *link))->next;
	remove_at(m, link);
	return add(m, entry, &key, now_us);
}

struct group_entry *members_find_group(const struct members *m,
				       const struct group *group)
{
	return table_find(m->groups, group);
}

struct member *members_find_member(const struct members *m,
				   const struct group_entry *entry,
				   const uint8_t mac[ETH_ADDR_LEN])
{
	const struct member_key key = make_key(members_group(m, entry), mac);

	return table_find(m->members, &key);
}

const struct group *members_group(const struct members *m,
				  const struct group_entry *entry)
{
	return table_key(m->groups, entry);
}

struct group_entry *members_next_group(const struct members *m, uint32_t *at)
{
	*at = table_next(m->groups, *at);
	return table_at(m->groups, *at);
}

struct member *members_next_member(const struct members *m,
				   const struct group_entry *entry,
				   const struct member *after)
{
	return table_at(m->members, after ? after->next : entry->first);
}

static void reporter_key(uint8_t key[REPORTER_KEY_LEN], uint16_t vlan, bool v6,
			 const uint8_t mac[ETH_ADDR_LEN])
{
	store_be16(key, vlan);
	key[2] = v6;
	memcpy(key + 3, mac, ETH_ADDR_LEN);
}

const struct reporter *members_reporter(const struct members *m,
					const struct member *member)
{
	const struct member_key *k = table_key(m->members, member);
	uint8_t key[REPORTER_KEY_LEN];

	reporter_key(key, k->group.vlan, !group_is_v4(&k->group), k->mac);
	return table_find(m->reporters, key);
}

bool members_prune(struct members *m, struct group_entry *entry,
		   bool (*is_gone)(const void *user,
				   const struct member *member,
				   const struct reporter *reporter),
		   const void *user)
{
	const struct group group = *members_group(m, entry);
	uint32_t *link = &entry->first;
	struct member *member;

	while ((member = table_at(m->members, *link))) {
		if (!is_gone(user, member, members_reporter(m, member))) {
			link = &member->next;
			continue;
		}
		remove_at(m, link);
	}
	if (entry->first != TABLE_NONE)
		return false;
	assert(!timer_armed(&entry->timer));
	table_remove(m->groups, &group);
	count_mac(m, &group, false);
	return true;
}

struct reporter *members_add_reporter(struct members *m, uint16_t vlan, bool v6,
				      const uint8_t mac[ETH_ADDR_LEN],
				      bool *made)
{
	uint8_t key[REPORTER_KEY_LEN];
	uint32_t before = table_count(m->reporters);
	struct reporter *reporter;

	reporter_key(key, vlan, v6, mac);
	reporter = table_insert(m->reporters, key);
	*made = table_count(m->reporters) != before;
	return reporter;
}

void members_age_reporters(struct members *m, uint64_t before_us)
{
	for (uint32_t at = table_next(m->reporters, TABLE_NONE);
	     at != TABLE_NONE; at = table_next(m->reporters, at)) {
		const struct reporter *reporter = table_at(m->reporters, at);

		if (reporter->heard_us < before_us)
			table_remove(m->reporters,
				     table_key(m->reporters, reporter));
	}
}
