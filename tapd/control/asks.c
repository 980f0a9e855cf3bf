#include "tapd/control/asks.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/ask.h"
#include "tapd/common/error.h"
#include "tapd/control/peer_value.h"
#include "tapd/control/values.h"
#include "tapd/entry.h"

/* While the node asks it is looked at so often. */
#define LOOK_US 10000
/* The first frame of a test was late, if it took so much longer than it should. */
#define LATE_US (200 * CLOCK_MS)

/* What waits; each command's own follows. */
struct waiting {
	struct control_list list;
	struct node *node;
	struct event *look;
	bool began; /* the node is to be told that it ends */
};

static void on_look(evutil_socket_t fd, short what, void *user)
{
	struct waiting *w = user;

	(void)fd;
	(void)what;
	control_wake(&w->list);
}

static enum control_step wait(struct waiting *w)
{
	static const struct timeval soon = { .tv_usec = LOOK_US };

	evtimer_add(w->look, &soon);
	return CONTROL_WAIT;
}

/* False with *error. */
static bool begin(struct waiting *w, const struct asks *a,
		  const struct control_list *list, char **error)
{
	if (w)
		w->look = evtimer_new(a->base, on_look, w);
	if (!w || !w->look) {
		free(w);
		error_set(error, "out of memory");
		return false;
	}
	w->list = *list;
	w->node = a->node;
	return true;
}

static void end(struct waiting *w)
{
	event_free(w->look);
	free(w);
}

static enum control_step row_step(json_t *made, json_t **row)
{
	*row = made;
	return made ? CONTROL_ROW : CONTROL_FAILED;
}

/* ---- pings ---- */

struct ping {
	struct waiting waiting;
	int number; /* the node's */
	bool largest;
	uint16_t size;
	json_t *row; /* what is known beforehand */
};

static void free_ping(struct control_list *list)
{
	struct ping *p = (struct ping *)list;

	if (p->waiting.began)
		node_ping_end(p->waiting.node, p->number);
	json_decref(p->row);
	end(&p->waiting);
}

static enum control_step step_ping(struct control_list *list, json_t **row)
{
	struct ping *p = (struct ping *)list;
	const struct clock now = { .mono_us = daemon_monotonic_us() };
	struct node_ping got;

	node_ping_look(p->waiting.node, p->number, &got, now);
	if (!got.done)
		return wait(&p->waiting);
	if (p->largest) {
		value_set(p->row, "size_max", value_number(got.size));
	} else {
		value_set(p->row, "size", json_integer(p->size));
		value_set(p->row, "rtt_us", value_number(got.rtt_us));
	}
	return row_step(json_incref(p->row), row);
}

/* The only peer that the text means and that is up; NULL with *error. */
static const struct node_peer_info *find_peer(const struct snapshot *s,
					      const char *which, char **error)
{
	const struct node_peer_info *found = NULL;

	for (size_t i = 0; i < s->peers_count; i++) {
		const struct node_peer_info *p = &s->peers[i].info;

		if (!peer_is(p, which))
			continue;
		if (found) {
			error_set(error,
				  "%s means more than one peer: give more of "
				  "its key, or its endpoint",
				  which);
			return NULL;
		}
		found = p;
	}
	if (!found)
		error_set(error, "no peer is called %s; see tapctl peers",
			  which);
	else if (found->state != NODE_PEER_STATE_UP)
		error_set(error, "%s is not up: %s", which,
			  *found->reason ? found->reason : "connecting");
	return found && found->state == NODE_PEER_STATE_UP ? found : NULL;
}

static json_t *ping_row(const struct node_peer_info *p)
{
	char endpoint[ADDR_STRLEN] = "", local[ADDR_STRLEN] = "";
	json_t *o = json_object();

	if (p->has_endpoint)
		addr_print(&p->endpoint, endpoint);
	if (p->has_local)
		addr_print(&p->local, local);
	value_set(o, "peer", value_text(*p->name ? p->name : endpoint));
	value_set(o, "endpoint", value_text(endpoint));
	value_set(o, "local", value_text(local));
	value_set(o, "datagram_size", value_number(p->datagram_size));
	value_set(o, "via", peer_via(p));
	return o;
}

struct control_list *ask_ping(const struct asks *a, const struct snapshot *s,
			      const char *peer, uint16_t size, bool largest,
			      char **error)
{
	const struct control_list list = { .step = step_ping,
					   .free = free_ping,
					   .form = CONTROL_ONE };
	const struct node_peer_info *to = find_peer(s, peer, error);
	struct ping *p;

	if (!to)
		return NULL;
	p = calloc(1, sizeof(*p));
	if (!begin(p ? &p->waiting : NULL, a, &list, error))
		return NULL;
	p->largest = largest;
	p->size = size;
	p->row = ping_row(to);
	p->number = largest ? node_ping_largest(a->node, &to->key, a->now)
			    : node_ping_begin(a->node, &to->key, size, a->now);
	p->waiting.began = p->number >= 0;
	if (p->waiting.began)
		return &p->waiting.list;
	error_set(error, "too many pings are under way; try again");
	free_ping(&p->waiting.list);
	return NULL;
}

/* ---- tests ---- */

struct test {
	struct waiting waiting;
	uint8_t group[16];
	bool told; /* what was sent, before the hosts */
	struct node_iter at;
};

static void free_test(struct control_list *list)
{
	struct test *t = (struct test *)list;

	if (t->waiting.began)
		node_test_end(t->waiting.node);
	end(&t->waiting);
}

static json_t *test_row(const struct test *t)
{
	struct addr group = { .port = 0 };
	char text[ADDR_STRLEN];

	memcpy(group.ip, t->group, sizeof(group.ip));
	return json_pack("{s:s, s:i}", "group", addr_print_host(&group, text),
			 "sent", (int)node_test_sent(t->waiting.node));
}

/* Why it heard less than all, or late, for people; "": it did not. */
static const char *test_why(const struct test *t,
			    const struct node_test_host *h,
			    const struct node_peer_info *p)
{
	const unsigned sent = node_test_sent(t->waiting.node);

	if (!h->able)
		return "its tapd answers no tests: it is of another version";
	if (!h->answered)
		return h->left ? "it went down meanwhile" : "no answer";
	if (h->heard > sent)
		return "it heard more than was sent: frames come twice";
	if (h->heard == 0 && h->unicast > 0)
		return h->member || h->all || node_test_is_for_all(t->group)
			       ? "multicast is lost, and unicast arrives"
			       : "not a member: nobody there joined the group";
	if (h->heard == 0)
		return "nothing arrives, unicast neither";
	if (h->heard < sent)
		return "some were lost";
	return h->first_us > LATE_US + p->rtt_us ? "late" : "";
}

static json_t *test_member(const struct test *t, const struct node_test_host *h)
{
	if (!h->answered)
		return json_null();
	if (h->member)
		return json_true();
	return h->all || node_test_is_for_all(t->group) ? json_null()
							: json_false();
}

static json_t *test_host(const struct test *t, const struct node_peer_info *p)
{
	struct node_test_host h = { .able = false };
	const bool has_part =
		p->has_key && node_test_host(t->waiting.node, &p->key, &h);
	char endpoint[ADDR_STRLEN] = "";
	json_t *o = json_object();

	if (p->has_endpoint)
		addr_print(&p->endpoint, endpoint);
	value_set(o, "name", value_text(*p->name ? p->name : endpoint));
	value_set(o, "key", p->has_key ? value_key(&p->key) : json_null());
	value_set(o, "up", json_boolean(has_part));
	value_set(o, "member", test_member(t, &h));
	value_set(o, "heard", h.answered ? json_integer(h.heard) : json_null());
	value_set(o, "unicast",
		  h.answered ? json_integer(h.unicast) : json_null());
	value_set(o, "first_ms",
		  h.any ? json_real((double)h.first_us / 1000) : json_null());
	if (has_part)
		value_set(o, "why", value_text(test_why(t, &h, p)));
	else
		value_set(o, "why",
			  json_string(*p->reason ? p->reason
						 : "it came up meanwhile"));
	return o;
}

static enum control_step step_test(struct control_list *list, json_t **row)
{
	struct test *t = (struct test *)list;
	struct node_peer_info p;

	if (!node_test_done(t->waiting.node))
		return wait(&t->waiting);
	if (!t->told) {
		t->told = true;
		return row_step(test_row(t), row);
	}
	if (!node_next_peer(t->waiting.node, &t->at, &p))
		return CONTROL_END;
	return row_step(test_host(t, &p), row);
}

static const char *const test_refusals[] = {
	[NODE_TEST_BUSY] = "another test is under way; try again",
	[NODE_TEST_MAC] = "the interface has no MAC yet",
	[NODE_TEST_GROUP] = "that is no multicast address",
};

struct control_list *ask_test(const struct asks *a, const char *group,
			      unsigned frames, char **error)
{
	const struct control_list list = { .step = step_test,
					   .free = free_test,
					   .form = CONTROL_ARRAY };
	enum node_test_began began = NODE_TEST_GROUP;
	struct test *t = calloc(1, sizeof(*t));
	struct addr at;

	if (!begin(t ? &t->waiting : NULL, a, &list, error))
		return NULL;
	if (addr_parse(&at, group, 1)) {
		memcpy(t->group, at.ip, sizeof(t->group));
		began = node_test_begin(a->node, t->group, frames, a->now);
	}
	t->waiting.began = began == NODE_TEST_BEGAN;
	if (t->waiting.began)
		return &t->waiting.list;
	error_set(error, "%s: %s", group, test_refusals[began]);
	free_test(&t->waiting.list);
	return NULL;
}

/* ---- the mesh ---- */

struct mesh {
	struct waiting waiting;
	size_t count, at;
	bool told;     /* the names, before the rows */
	size_t *order; /* by name; NULL until all is known */
};

static void free_mesh(struct control_list *list)
{
	struct mesh *m = (struct mesh *)list;

	if (m->waiting.began)
		node_mesh_end(m->waiting.node);
	free(m->order);
	end(&m->waiting);
}

static int compare_names(const void *left, const void *right, void *node)
{
	const size_t *a = left, *b = right;
	const struct node_mesh_host x = node_mesh_host(node, *a),
				    y = node_mesh_host(node, *b);
	const int order = strverscmp(x.name, y.name);

	return order ? order
		     : memcmp(x.key->bytes, y.key->bytes, sizeof(x.key->bytes));
}

static bool sort(struct mesh *m)
{
	m->count = node_mesh_count(m->waiting.node);
	m->order = calloc(m->count, sizeof(*m->order));
	if (!m->order)
		return false;
	for (size_t i = 0; i < m->count; i++)
		m->order[i] = i;
	qsort_r(m->order, m->count, sizeof(*m->order), compare_names,
		m->waiting.node);
	return true;
}

static json_t *mesh_names(const struct mesh *m)
{
	json_t *all = json_array();

	for (size_t i = 0; i < m->count; i++) {
		const struct node_mesh_host h =
			node_mesh_host(m->waiting.node, m->order[i]);
		char key[KEY_STRLEN];

		key_print(h.key->bytes, key);
		key[8] = '\0';
		json_array_append_new(all, json_string(*h.name ? h.name : key));
	}
	return json_pack("{s:o}", "names", all);
}

static json_t *mesh_row(const struct mesh *m, size_t row)
{
	const struct node_mesh_link *links =
		node_mesh_links(m->waiting.node, m->order[row]);
	const struct node_mesh_host h =
		node_mesh_host(m->waiting.node, m->order[row]);
	json_t *rtt = json_array(), *loss = json_array();

	for (size_t i = 0; i < m->count; i++) {
		const struct node_mesh_link *l = &links[m->order[i]];

		json_array_append_new(rtt, value_number(l->rtt_us));
		json_array_append_new(loss, l->known
						    ? json_real((double)l->loss)
						    : json_null());
	}
	return json_pack("{s:b, s:o, s:o}", "answered", (int)h.answered,
			 "rtt_us", rtt, "loss", loss);
}

static enum control_step step_mesh(struct control_list *list, json_t **row)
{
	struct mesh *m = (struct mesh *)list;

	if (!node_mesh_done(m->waiting.node))
		return wait(&m->waiting);
	if (!m->order && !sort(m))
		return CONTROL_FAILED;
	if (!m->told) {
		m->told = true;
		return row_step(mesh_names(m), row);
	}
	if (m->at == m->count)
		return CONTROL_END;
	return row_step(mesh_row(m, m->at++), row);
}

struct control_list *ask_mesh(const struct asks *a, char **error)
{
	const struct control_list list = { .step = step_mesh,
					   .free = free_mesh,
					   .form = CONTROL_ARRAY };
	struct mesh *m = calloc(1, sizeof(*m));

	if (!begin(m ? &m->waiting : NULL, a, &list, error))
		return NULL;
	m->waiting.began = node_mesh_begin(a->node, a->now);
	if (m->waiting.began)
		return &m->waiting.list;
	error_set(error, "the mesh is being asked already; try again");
	free_mesh(&m->waiting.list);
	return NULL;
}
