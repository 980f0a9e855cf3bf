#include "tapd/monitor_events.h"

#include <ctype.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/conf/encapsulation.h"
#include "tapd/control/checks.h"
#include "tapd/control/monitor.h"
#include "tapd/control/values.h"
#include "tapd/daemon_state.h"
#include "tapd/entry.h"
#include "tapd/log/log.h"

static bool is_wanted(const struct daemon *d)
{
	return monitor_wants(d->monitor, d->now.wall_us);
}

static void tell(const struct daemon *d, const char *event, json_t *what)
{
	monitor_tell(d->monitor, event, d->now.wall_us, what);
}

/* ---- peers ---- */

static const char warning[] = "warning";

/* NULL: it is not told. */
static const char *event_name(enum node_event_type type)
{
	switch (type) {
	case NODE_PEER_UP:
		return "peer_up";
	case NODE_PEER_DOWN:
		return "peer_down";
	case NODE_PEER_RESTARTED:
		return "peer_restarted";
	case NODE_PEER_MOVED:
		return "peer_moved";
	case NODE_PEER_PATH:
		return "peer_path";
	case NODE_PEER_COPIED:
	case NODE_COPIED:
	case NODE_PEER_REFUSED:
	case NODE_DUPLICATE_KEY:
	case NODE_OWN_KEY:
	case NODE_RECURSION:
	case NODE_LOOP:
		return warning;
	/* What the checks find they tell themselves. */
	case NODE_DUPLICATE_ADDRESS:
	case NODE_DUPLICATE_MAC:
	case NODE_SELF:
	case NODE_EVENT_COUNT:
		break;
	}
	return NULL;
}

bool daemon_monitor_wants(const struct daemon *d, const struct node_event *e)
{
	return event_name(e->type) && is_wanted(d);
}

void daemon_monitor_event(const struct daemon *d, const struct node_event *e,
			  const char *text)
{
	const char *name = event_name(e->type);
	char at[ADDR_STRLEN];

	if (name == warning)
		tell(d, name, json_pack("{s:o}", "text", value_text(text)));
	else if (name)
		tell(d, name,
		     json_pack("{s:o, s:o, s:s, s:o, s:o}", "peer",
			       value_text(e->peer), "key",
			       conf_is_sealed(d->conf) ? value_key(&e->key)
						       : json_null(),
			       "endpoint", addr_print(&e->at, at), "via",
			       value_text(e->via ? e->via : ""), "why",
			       value_text(e->text ? e->text : "")));
}

/* ---- tables ---- */

static json_t *who(const char *name)
{
	return name ? value_text(name) : json_null();
}

static void tell_move(const struct daemon *d, const struct node_change *c)
{
	tell(d, "mac_moved",
	     json_pack("{s:o, s:i, s:o, s:o}", "mac", value_mac(c->mac), "vlan",
		       (int)c->vlan, "from", who(c->from), "to", who(c->to)));
}

static void tell_group(const struct daemon *d, const char *event,
		       const struct node_change *c)
{
	struct addr a = { .port = 0 };
	char group[ADDR_STRLEN];

	memcpy(a.ip, c->group, sizeof(a.ip));
	tell(d, event,
	     json_pack("{s:s, s:i, s:o}", "group", addr_print_host(&a, group),
		       "vlan", (int)c->vlan, "peer", who(c->to)));
}

static void on_change(void *user, const struct node_change *c)
{
	const struct daemon *d = user;

	if (!is_wanted(d))
		return;
	switch (c->type) {
	case NODE_MAC_MOVED:
		tell_move(d, c);
		break;
	case NODE_GROUP_JOINED:
		tell_group(d, "group_joined", c);
		break;
	case NODE_GROUP_LEFT:
		tell_group(d, "group_left", c);
		break;
	}
}

void daemon_monitor_source(struct daemon *d, enum node_source source,
			   size_t before)
{
	if (!is_wanted(d))
		return;
	tell(d, "source_changed",
	     json_pack("{s:s, s:I, s:I}", "source", value_source_names[source],
		       "endpoints", (json_int_t)d->wanted[source].count,
		       "before", (json_int_t)before));
}

/* ---- warnings ---- */

/* The text without how long ago it was, which is another each second. To be freed;
 * NULL if memory is short. */
static char *without_age(const char *text)
{
	char *out = strdup(text), *to = out;

	while (out && *text) {
		const char *end = text;

		while (isdigit((unsigned char)*end))
			end++;
		if (end > text && strncmp(end, " s ago", 6) == 0)
			text = end;
		else if (end == text)
			*to++ = *text++;
		else
			while (text < end)
				*to++ = *text++;
	}
	if (out)
		*to = '\0';
	return out;
}

struct look {
	const struct daemon *d;
	json_t *seen; /* what was found, as the keys of an object */
};

static void found(void *user, const struct check *check, const char *what)
{
	struct look *look = user;
	char *same = check->severity == CHECK_FACT ? NULL : without_age(what);

	if (same && look->d->warned &&
	    !json_object_get(look->d->warned, same) && is_wanted(look->d))
		tell(look->d, warning,
		     json_pack("{s:o}", "text", value_text(what)));
	if (same)
		json_object_set_new(look->seen, same, json_true());
	free(same);
}

/* Tells of those that were not there when it looked last. */
static void look_for_warnings(struct daemon *d)
{
	struct look look = { .d = d, .seen = json_object() };
	struct snapshot s;

	if (!look.seen || !snapshot_take(&s, d)) {
		json_decref(look.seen);
		return;
	}
	checks_run(&s, found, &look);
	snapshot_free(&s);
	json_decref(d->warned);
	d->warned = look.seen;
}

static void on_look(evutil_socket_t fd, short what, void *user)
{
	struct daemon *d = user;

	(void)fd;
	(void)what;
	daemon_enter(d);
	look_for_warnings(d);
	monitor_tick(d->monitor, d->now.wall_us);
	daemon_leave(d);
}

void daemon_monitor_watched(void *daemon, bool on)
{
	const struct timeval second = { .tv_sec = 1 };
	struct daemon *d = daemon;

	if (d->monitor_event)
		event_free(d->monitor_event);
	d->monitor_event = NULL;
	json_decref(d->warned);
	d->warned = NULL;
	if (d->node)
		node_watch(d->node, on ? on_change : NULL);
	if (!on)
		return;
	/* What is wrong already is in status. */
	look_for_warnings(d);
	d->monitor_event = event_new(d->base, -1, EV_PERSIST, on_look, d);
	if (!d->monitor_event || event_add(d->monitor_event, &second) != 0)
		log_error("out of memory: monitor tells of no warnings");
}
