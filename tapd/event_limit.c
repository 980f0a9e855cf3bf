#include "tapd/event_limit.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char *const type_words[] = {
	[NODE_PEER_UP] = "up",
	[NODE_PEER_DOWN] = "down",
	[NODE_PEER_RESTARTED] = "restarted",
	[NODE_PEER_COPIED] = "copied",
	[NODE_COPIED] = "says that we are copied",
	[NODE_PEER_MOVED] = "moved",
	[NODE_PEER_PATH] = "reached another way",
	[NODE_PEER_REFUSED] = "refused",
	[NODE_DUPLICATE_KEY] = "duplicate key",
	[NODE_OWN_KEY] = "our own key",
	[NODE_SELF] = "this node itself",
	[NODE_RECURSION] = "in the overlay",
	[NODE_DUPLICATE_ADDRESS] = "duplicate address",
	[NODE_DUPLICATE_MAC] = "duplicate MAC",
	[NODE_LOOP] = "loop",
};
static_assert(sizeof(type_words) / sizeof(type_words[0]) == NODE_EVENT_COUNT,
	      "every event has a word");

/* Takes a token of a bucket that holds `burst` and gains one in `each_us`. */
static bool take(uint64_t *full_us, uint64_t burst, uint64_t each_us,
		 uint64_t now_us)
{
	uint64_t full = *full_us > now_us ? *full_us : now_us;

	if (full - now_us > (burst - 1) * each_us)
		return false;
	*full_us = full + each_us;
	return true;
}

static bool is_known_peer(enum node_event_type type)
{
	return type <= NODE_PEER_PATH || type == NODE_DUPLICATE_KEY ||
	       type >= NODE_DUPLICATE_ADDRESS;
}

static uint64_t who(const struct event_limit *l, const struct node_event *e)
{
	uint8_t bytes[1 + KEY_LEN] = { (uint8_t)e->type };

	if (is_known_peer(e->type))
		memcpy(bytes + 1, e->key.bytes, KEY_LEN);
	else
		memcpy(bytes + 1, e->at.ip, sizeof(e->at.ip));
	return siphash(l->seed, bytes, sizeof(bytes));
}

static bool peer_allows(struct event_limit *l, const struct node_event *e,
			uint64_t now_us)
{
	uint64_t hash = who(l, e);
	size_t at = hash % EVENT_LIMIT_PLACES;

	if (l->places[at].who != hash) {
		l->places[at].who = hash;
		l->places[at].full_us = 0;
	}
	return take(&l->places[at].full_us, EVENT_LIMIT_PEER_BURST,
		    EVENT_LIMIT_PEER_US, now_us);
}

bool event_limit_allows(struct event_limit *l, const struct node_event *e,
			uint64_t now_us)
{
	if (peer_allows(l, e, now_us) &&
	    take(&l->types_us[e->wanted][e->type], EVENT_LIMIT_TYPE_BURST,
		 EVENT_LIMIT_TYPE_US, now_us))
		return true;
	l->left_out[e->type]++;
	return false;
}

uint64_t event_limit_take_left_out(struct event_limit *l, char *buf,
				   size_t size)
{
	uint64_t all = 0;
	size_t len = 0;

	buf[0] = '\0';
	for (int i = 0; i < NODE_EVENT_COUNT; i++) {
		if (l->left_out[i] == 0)
			continue;
		if (len < size)
			len += (size_t)snprintf(buf + len, size - len,
						"%s%ju %s", all ? ", " : "",
						(uintmax_t)l->left_out[i],
						type_words[i]);
		all += l->left_out[i];
		l->left_out[i] = 0;
	}
	return all;
}
