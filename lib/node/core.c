#include "node/core.h"

#include <assert.h>
#include <string.h>

static_assert(NODE_NAME_MAX == WIRE_NAME_MAX, "a name is as long everywhere");
static_assert(NODE_PORT == WIRE_PORT, "one default port");

void node_random(struct node *n, void *buf, size_t len)
{
	n->ops.random(n->user, buf, len);
	pack_drawn(&n->lane.packer);
}

uint64_t node_jitter(struct node *n, uint64_t base_us)
{
	uint32_t r;

	node_random(n, &r, sizeof(r));
	return base_us * 3 / 4 + base_us / 2 * (r >> 16) / 65536;
}

bool node_trusts(const struct node *n, const struct public_key *key)
{
	if (!n->trusted)
		return true;
	for (size_t i = 0; i < n->config.trusted_count; i++)
		if (public_key_equal(&n->trusted[i], key))
			return true;
	return false;
}

void node_tell_group(const struct node *n, enum node_change_type type,
		     const struct group *group, const char *who)
{
	struct node_change change = { .type = type,
				      .vlan = group->vlan,
				      .to = who ? who : NODE_OWN_SIDE };

	if (!n->changed || group_is_vlan(group))
		return;
	memcpy(change.group, group->ip, sizeof(change.group));
	n->changed(n->user, &change);
}

void node_emit(struct node *n, struct node_event event)
{
	if (!event.peer)
		event.peer = "";
	if (!event.text)
		event.text = "";
	n->ops.event(n->user, &event);
}

uint32_t node_index_new(struct node *n, const struct index_entry *entry)
{
	struct index_entry *place;
	uint32_t index;

	if (table_count(n->indices) == table_capacity(n->indices))
		return 0;
	do
		node_random(n, &index, sizeof(index));
	while (!index || table_find(n->indices, &index));
	place = table_insert(n->indices, &index);
	*place = *entry;
	return index;
}

size_t node_frame_max(const struct node *n)
{
	const size_t most =
		n->plain ? DATAGRAM_RUN_LEN_MAX - FRAME_HEADROOM
			 : UINT16_MAX - WIRE_RECORD_LEN - WIRE_FRAME_CSUM_LEN;
	size_t max = eth_frame_max(n->config.tap_mtu);

	return max < most ? max : most;
}
