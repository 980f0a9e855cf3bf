#include "tapd/control/peer_details.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/common/error.h"
#include "tapd/control/peer_value.h"
#include "tapd/control/values.h"

struct details {
	struct control_list list;
	const struct node *node;
	uint64_t now_us;
	/* The one that is being shown: its row so far, NULL before it began. */
	json_t *row, *groups;
	struct node_peer_detail detail;
	struct node_iter at_group;
	size_t groups_total;
	size_t count, at;
	struct snapshot_peer peers[];
};

/* ---- paths and sessions ---- */

static const char *const use_names[] = {
	[NODE_PATH_USED] = "used",
	[NODE_PATH_SPARE] = "spare",
	[NODE_PATH_VALIDATED] = "validated",
	[NODE_PATH_KNOWN] = "known",
};
static_assert(sizeof(use_names) / sizeof(use_names[0]) == NODE_PATH_KNOWN + 1,
	      "every use has a name");

static const char *const rank_names[] = {
	[NODE_RANK_RELAYED] = "relayed",
	[NODE_RANK_DIRECT] = "direct",
	[NODE_RANK_LOCAL] = "local",
};
static_assert(sizeof(rank_names) / sizeof(rank_names[0]) == NODE_RANK_LOCAL + 1,
	      "every rank has a name");

static json_t *address(bool known, const struct addr *a)
{
	char text[ADDR_STRLEN];

	return known ? json_string(addr_print(a, text)) : json_null();
}

static json_t *paths(const struct node_peer_detail *d, uint64_t now_us)
{
	json_t *all = json_array();

	for (size_t i = 0; i < d->paths_count; i++) {
		const struct node_path_info *p = &d->paths[i];
		struct addr local = p->local;

		if (p->remote.port == 0)
			local.port = 0; /* GRE has none */
		json_array_append_new(
			all,
			json_pack(
				"{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
				"s:o}",
				"state", use_names[p->use], "rank",
				rank_names[p->rank], "local",
				address(p->has_local, &local), "remote",
				address(true, &p->remote), "via",
				value_text(p->via), "proven_s",
				value_seconds_or_null(now_us, p->proven_us),
				"rtt_us", value_number(p->rtt_us),
				"datagram_size", value_number(p->size),
				"size_max", value_number(p->size_max),
				"size_probed", value_number(p->probed_size)));
	}
	return all;
}

static json_t *sessions(const struct node_peer_detail *d, uint64_t now_us)
{
	json_t *all = json_array();

	for (size_t i = 0; i < d->sessions_count; i++) {
		const struct node_session_info *s = &d->sessions[i];

		json_array_append_new(
			all,
			json_pack("{s:b, s:b, s:b, s:b, s:I, s:I, s:I}", "used",
				  (int)s->used, "open", (int)s->open,
				  "initiator", (int)s->initiator, "rekeyed",
				  (int)s->carried, "age_s",
				  value_seconds(now_us, s->born_us), "sent",
				  (json_int_t)s->sent, "received",
				  (json_int_t)s->received));
	}
	return all;
}

static bool is_zero(const uint8_t mac[6])
{
	static const uint8_t zero[6];

	return memcmp(mac, zero, sizeof(zero)) == 0;
}

/* ---- a peer ---- */

static void begin(struct details *l)
{
	const struct snapshot_peer *peer = &l->peers[l->at];
	struct node_peer_detail *d = &l->detail;

	*d = (struct node_peer_detail){ .port = 0 };
	if (peer->info.has_key || peer->plain)
		(void)node_peer_detail(l->node, &peer->info.key, d);
	l->row = peer_value(peer, l->now_us);
	value_set(l->row, "tap_mac",
		  is_zero(d->tap_mac) ? json_null() : value_mac(d->tap_mac));
	value_set(l->row, "state_s",
		  value_seconds_or_null(l->now_us, d->state_since_us));
	value_set(l->row, "sent_s",
		  value_seconds_or_null(l->now_us, d->sent_us));
	value_set(l->row, "gets_all",
		  value_text(d->gets_all ? d->gets_all : ""));
	value_set(l->row, "paths", paths(d, l->now_us));
	value_set(l->row, "sessions", sessions(d, l->now_us));
	l->groups = json_array();
	l->groups_total = 0;
	l->at_group = (struct node_iter){ .table = 0 };
}

static bool is_member(const struct node_group_info *g, uint16_t port)
{
	return port != 0 && g->members[port / 64] >> port % 64 & 1;
}

static void add_group(struct details *l, const struct node_group_info *g)
{
	struct addr a = { .port = 0 };
	char text[ADDR_STRLEN];

	if (++l->groups_total > PEER_DETAILS_GROUPS)
		return;
	memcpy(a.ip, g->ip, sizeof(a.ip));
	json_array_append_new(l->groups, json_pack("{s:s, s:i}", "group",
						   addr_print_host(&a, text),
						   "vlan", (int)g->vlan));
}

static json_t *end(struct details *l)
{
	json_t *row = l->row;

	value_set(row, "groups", l->groups);
	value_set(row, "groups_total",
		  json_integer((json_int_t)l->groups_total));
	l->row = l->groups = NULL;
	l->at++;
	return row;
}

static enum control_step step(struct control_list *list, json_t **row)
{
	struct details *l = (struct details *)list;
	struct node_group_info g;

	if (l->at == l->count)
		return CONTROL_END;
	if (!l->row)
		begin(l);
	else if (l->detail.port && node_next_group(l->node, &l->at_group, &g)) {
		if (is_member(&g, l->detail.port))
			add_group(l, &g);
	} else {
		*row = end(l);
		return CONTROL_ROW;
	}
	return l->row && l->groups ? CONTROL_BUSY : CONTROL_FAILED;
}

static void free_details(struct control_list *list)
{
	struct details *l = (struct details *)list;

	json_decref(l->row);
	json_decref(l->groups);
	free(l);
}

struct control_list *peer_details(const struct snapshot *s, const char *which,
				  char **error)
{
	struct details *l =
		calloc(1, sizeof(*l) + s->peers_count * sizeof(l->peers[0]));

	if (!l) {
		error_set(error, "out of memory");
		return NULL;
	}
	l->list = (struct control_list){ .step = step, .free = free_details };
	l->node = s->node;
	l->now_us = s->now_us;
	for (size_t i = 0; i < s->peers_count; i++)
		if (peer_is(&s->peers[i].info, which))
			l->peers[l->count++] = s->peers[i];
	if (l->count > 0)
		return &l->list;
	free_details(&l->list);
	error_set(
		error,
		"no peer has that name, key or endpoint: %s; see tapctl peers",
		which);
	return NULL;
}
