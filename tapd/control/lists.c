#include "tapd/control/lists.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/control/peer_value.h"
#include "tapd/control/row_heap.h"
#include "tapd/control/values.h"

/* How many peers a reason names before it only counts. */
#define NAMED_MAX 3

/* A row that is made is the caller's. */
static enum control_step row_step(json_t *made, json_t **row)
{
	*row = made;
	return made ? CONTROL_ROW : CONTROL_FAILED;
}

/* ---- peers ---- */

struct peer_list {
	struct control_list list;
	uint64_t now_us;
	size_t count, at;
	struct snapshot_peer peers[];
};

static enum control_step step_peers(struct control_list *list, json_t **row)
{
	struct peer_list *l = (struct peer_list *)list;

	if (l->at == l->count)
		return CONTROL_END;
	return row_step(peer_value(&l->peers[l->at++], l->now_us), row);
}

static void free_peers(struct control_list *list)
{
	free(list);
}

struct control_list *list_peers(const struct snapshot *s)
{
	struct peer_list *l =
		malloc(sizeof(*l) + s->peers_count * sizeof(l->peers[0]));

	if (!l)
		return NULL;
	l->list =
		(struct control_list){ .step = step_peers, .free = free_peers };
	l->now_us = s->now_us;
	l->count = s->peers_count;
	l->at = 0;
	if (l->count > 0)
		memcpy(l->peers, s->peers, l->count * sizeof(l->peers[0]));
	return &l->list;
}

/* ---- MACs ---- */

struct fdb_list {
	struct control_list list;
	const struct node *node;
	struct public_key key; /* ours */
	bool sealed;	       /* so that there are keys */
	uint64_t now_us;
	struct node_iter at;
	bool whole; /* all is in the heap */
	struct row_heap rows;
	struct node_fdb_info last;
	bool any;
};

static int compare_macs(const void *left, const void *right)
{
	const struct node_fdb_info *a = left, *b = right;

	if (a->vlan != b->vlan)
		return a->vlan < b->vlan ? -1 : 1;
	return memcmp(a->mac, b->mac, sizeof(a->mac));
}

static enum control_step read_mac(struct fdb_list *l)
{
	struct node_fdb_info info;

	if (!node_next_mac(l->node, &l->at, &info, l->now_us)) {
		l->whole = true;
		return CONTROL_BUSY;
	}
	return row_heap_push(&l->rows, &info) ? CONTROL_BUSY : CONTROL_FAILED;
}

static json_t *owner_key(const struct fdb_list *l,
			 const struct node_fdb_info *m)
{
	return l->sealed ? value_key(m->local ? &l->key : &m->owner_key)
			 : json_null();
}

static json_t *mac(const struct fdb_list *l, const struct node_fdb_info *m)
{
	return json_pack("{s:o, s:i, s:o, s:o, s:I}", "mac", value_mac(m->mac),
			 "vlan", (int)m->vlan, "owner",
			 value_text(m->local ? "local" : m->owner), "owner_key",
			 owner_key(l, m), "age_s",
			 (json_int_t)(m->age_us / CLOCK_S));
}

static enum control_step step_fdb(struct control_list *list, json_t **row)
{
	struct fdb_list *l = (struct fdb_list *)list;
	struct node_fdb_info m;

	if (!l->whole)
		return read_mac(l);
	if (!row_heap_pop(&l->rows, &m))
		return CONTROL_END;
	/* It went, and came again further on. */
	if (l->any && compare_macs(&m, &l->last) == 0)
		return CONTROL_BUSY;
	l->any = true;
	l->last = m;
	return row_step(mac(l, &m), row);
}

static void free_fdb(struct control_list *list)
{
	struct fdb_list *l = (struct fdb_list *)list;

	row_heap_free(&l->rows);
	free(l);
}

struct control_list *list_fdb(const struct snapshot *s)
{
	struct fdb_list *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->list = (struct control_list){ .step = step_fdb, .free = free_fdb };
	l->node = s->node;
	l->key = s->status.key;
	l->sealed = s->encapsulation == NODE_SEALED;
	l->now_us = s->now_us;
	l->rows = (struct row_heap){ .row_size = sizeof(struct node_fdb_info),
				     .compare = compare_macs };
	return &l->list;
}

/* ---- groups ---- */

/* Who gets every group: "web3: its groups are not known yet; …". */
struct reasons {
	char text[NAMED_MAX * (NODE_NAME_MAX + 96) + 32];
	bool any;
};

static void find_reasons(const struct snapshot *s, struct reasons *r)
{
	size_t len = 0;

	r->text[0] = '\0';
	for (size_t i = 0; i < s->flooded_count && i < NAMED_MAX; i++)
		if (len < sizeof(r->text))
			len += (size_t)snprintf(
				r->text + len, sizeof(r->text) - len,
				"%s%s: %s", i ? "; " : "",
				*s->flooded[i].peer ? s->flooded[i].peer
						    : "a peer",
				s->flooded[i].reason);
	if (s->flooded_count > NAMED_MAX && len < sizeof(r->text))
		snprintf(r->text + len, sizeof(r->text) - len, "; and %zu more",
			 s->flooded_count - NAMED_MAX);
	r->any = s->flooded_count > 0;
}

struct group_list {
	struct control_list list;
	const struct node *node;
	struct reasons reasons;
	struct node_iter at;
	bool whole;
	struct row_heap rows;
	struct node_group_info last;
	bool any;
	/* The peers by their ports, when all was read: a port is soon another's. */
	char names[64 * NODE_PORT_WORDS][NODE_NAME_MAX + 1];
	uint64_t named[NODE_PORT_WORDS];
};

static int compare_groups(const void *left, const void *right)
{
	const struct node_group_info *a = left, *b = right;

	if (a->vlan != b->vlan)
		return a->vlan < b->vlan ? -1 : 1;
	return memcmp(a->ip, b->ip, sizeof(a->ip));
}

static void read_names(struct group_list *l)
{
	struct node_group_info all = { .vlan = 0 };
	struct node_iter at = { 0 };
	const char *name;

	memset(all.members, 0xff, sizeof(all.members));
	while ((name = node_next_member(l->node, &all, &at))) {
		snprintf(l->names[at.slot], sizeof(l->names[0]), "%s", name);
		l->named[at.slot / 64] |= UINT64_C(1) << at.slot % 64;
	}
}

static enum control_step read_group(struct group_list *l)
{
	struct node_group_info info;

	if (!node_next_group(l->node, &l->at, &info)) {
		read_names(l);
		l->whole = true;
		return CONTROL_BUSY;
	}
	return row_heap_push(&l->rows, &info) ? CONTROL_BUSY : CONTROL_FAILED;
}

static json_t *members(const struct group_list *l,
		       const struct node_group_info *g)
{
	json_t *all = json_array();

	for (size_t word = 0; word < NODE_PORT_WORDS; word++) {
		uint64_t ports = g->members[word] & l->named[word];

		for (; ports != 0; ports &= ports - 1) {
			size_t port =
				word * 64 + (size_t)__builtin_ctzll(ports);

			json_array_append_new(all, value_text(l->names[port]));
		}
	}
	return all;
}

static json_t *group(const struct group_list *l,
		     const struct node_group_info *g)
{
	const struct reasons *r = &l->reasons;
	struct addr a = { .port = 0 };
	char text[ADDR_STRLEN];

	memcpy(a.ip, g->ip, sizeof(a.ip));
	return json_pack("{s:s, s:i, s:b, s:o, s:b, s:o}", "group",
			 addr_print_host(&a, text), "vlan", (int)g->vlan,
			 "local", (int)g->local, "members", members(l, g),
			 "flooded", (int)r->any, "why", value_text(r->text));
}

static enum control_step step_groups(struct control_list *list, json_t **row)
{
	struct group_list *l = (struct group_list *)list;
	struct node_group_info g;

	if (!l->whole)
		return read_group(l);
	if (!row_heap_pop(&l->rows, &g))
		return CONTROL_END;
	/* It went, and came again further on. */
	if (l->any && compare_groups(&g, &l->last) == 0)
		return CONTROL_BUSY;
	l->any = true;
	l->last = g;
	return row_step(group(l, &g), row);
}

static void free_groups(struct control_list *list)
{
	struct group_list *l = (struct group_list *)list;

	row_heap_free(&l->rows);
	free(l);
}

struct control_list *list_groups(const struct snapshot *s)
{
	struct group_list *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->list = (struct control_list){ .step = step_groups,
					 .free = free_groups };
	l->node = s->node;
	l->whole = !s->multicast.snooping;
	l->rows = (struct row_heap){ .row_size = sizeof(struct node_group_info),
				     .compare = compare_groups };
	find_reasons(s, &l->reasons);
	return &l->list;
}
