#include "tapd/events.h"

#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tapd/daemon_state.h"
#include "tapd/log/log.h"
#include "tapd/monitor_events.h"

/* From the first that is left out until their number is said. */
#define LEFT_OUT_S 10

/* "web1 (10.9.0.2:8273)", or as much of it as is known. */
#define PEER_STRLEN (2 * NODE_NAME_MAX + ADDR_STRLEN + 8)

static const char *print_peer(const struct node_event *e, char buf[PEER_STRLEN])
{
	static const struct public_key none;
	char at[ADDR_STRLEN], key[KEY_STRLEN];

	addr_print(&e->at, at);
	if (e->peer && *e->peer && e->at.leg)
		snprintf(buf, PEER_STRLEN, "%s (via %s)", e->peer,
			 e->via ? e->via : "a relay");
	else if (e->peer && *e->peer)
		snprintf(buf, PEER_STRLEN, "%s (%s)", e->peer, at);
	else if (!public_key_equal(&e->key, &none))
		snprintf(buf, PEER_STRLEN, "%.8s... (%s)",
			 key_print(e->key.bytes, key), at);
	else
		snprintf(buf, PEER_STRLEN, "%s", at);
	return buf;
}

const char *events_print_at(const struct addr *at, char buf[EVENTS_AT_STRLEN])
{
	char relay[ADDR_STRLEN];

	if (!at->leg)
		return addr_print(at, buf);
	snprintf(buf, EVENTS_AT_STRLEN, "a host that %s relays",
		 addr_print(at, relay));
	return buf;
}

struct line {
	char text[512]; /* "": nothing to say */
	bool warns;
};

static void __attribute__((format(printf, 2, 3)))
say(struct line *l, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(l->text, sizeof(l->text), format, args);
	va_end(args);
}

static void __attribute__((format(printf, 2, 3)))
warn(struct line *l, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(l->text, sizeof(l->text), format, args);
	va_end(args);
	l->warns = true;
}

/* One key, machine, address or MAC at two hosts, or one seen twice. own: this host's
 * name. */
static void describe_twins(const struct node_event *e, const char *own,
			   struct line *l)
{
	char peer[PEER_STRLEN], at[EVENTS_AT_STRLEN], other[EVENTS_AT_STRLEN];

	print_peer(e, peer);
	events_print_at(&e->at, at);
	events_print_at(&e->other, other);
	switch (e->type) {
	case NODE_PEER_COPIED:
		warn(l,
		     "%s goes on from memory that was copied or put"
		     " back, and another copy of it is or was at %s:"
		     " was the virtual machine cloned, or a snapshot"
		     " restored? its session keys are made anew",
		     peer, other);
		break;
	case NODE_COPIED:
		warn(l,
		     "%s has heard what this node does not know to have"
		     " sent: this machine was cloned, or put back to a"
		     " snapshot; run \"tapctl rekey\" after such",
		     peer);
		break;
	case NODE_DUPLICATE_KEY:
		warn(l,
		     "duplicate key: %s has the key of %s, which is"
		     " alive: was its disk cloned? remove key_file"
		     " there and restart its tapd",
		     other, peer);
		break;
	case NODE_OWN_KEY:
		warn(l,
		     "duplicate key: %s has this node's own key: was the"
		     " disk cloned? remove key_file on one of them and"
		     " restart its tapd",
		     at);
		break;
	case NODE_DUPLICATE_ADDRESS:
		warn(l,
		     "duplicate address: %s uses %s, which is that of"
		     " this host, %s: give one of them another",
		     peer, addr_print_host(&e->other, other), own);
		break;
	case NODE_DUPLICATE_MAC:
		warn(l,
		     "duplicate MAC: %s shows the MAC of this host, %s:"
		     " give one of the interfaces another, or end the"
		     " loop that brings frames back",
		     peer, own);
		break;
	case NODE_LOOP:
		warn(l,
		     "loop: %s sends frames of this side of %s back, such as"
		     " those of %02x:%02x:%02x:%02x:%02x:%02x: nothing is"
		     " flooded to it or from it for a second; do two hosts"
		     " bridge the same two networks?",
		     peer, own, e->mac[0], e->mac[1], e->mac[2], e->mac[3],
		     e->mac[4], e->mac[5]);
		break;
	default:
		break;
	}
}

static void describe(const struct node_event *e, const char *own,
		     struct line *l)
{
	char peer[PEER_STRLEN], at[ADDR_STRLEN], other[ADDR_STRLEN];
	char key[KEY_STRLEN];
	const char *why = e->text ? e->text : "";

	print_peer(e, peer);
	addr_print(&e->at, at);
	switch (e->type) {
	case NODE_PEER_UP:
		say(l, "%s is up", peer);
		break;
	case NODE_PEER_DOWN:
		say(l, "%s is down: %s", peer, why);
		break;
	case NODE_PEER_RESTARTED:
		say(l, "%s has restarted", peer);
		break;
	case NODE_PEER_MOVED:
		say(l, "%s moved to %s", *e->peer ? e->peer : "a peer", at);
		break;
	case NODE_PEER_PATH:
		if (e->via)
			say(l, "%s is reached through %s",
			    *e->peer ? e->peer : "a peer", e->via);
		else
			say(l, "%s is reached directly at %s",
			    *e->peer ? e->peer : "a peer", at);
		break;
	case NODE_PEER_REFUSED:
		/* All of its key: nothing else shows it, and trusted_keys may
		 * want it. */
		warn(l, "%s is refused: %s; its key is %s", peer, why,
		     key_print(e->key.bytes, key));
		break;
	case NODE_SELF:
		say(l, "%s is this node itself: left out", at);
		break;
	case NODE_RECURSION:
		addr_print_host(&e->at, other);
		warn(l,
		     "the route to %s goes through the overlay itself: it"
		     " is not dialled until there is another: ip route"
		     " add %s via GATEWAY dev DEVICE",
		     at, other);
		break;
	case NODE_PEER_COPIED:
	case NODE_COPIED:
	case NODE_DUPLICATE_KEY:
	case NODE_OWN_KEY:
	case NODE_DUPLICATE_ADDRESS:
	case NODE_DUPLICATE_MAC:
	case NODE_LOOP:
		describe_twins(e, own, l);
		break;
	case NODE_EVENT_COUNT:
		break;
	}
}

void daemon_announce_left_out(struct daemon *d)
{
	char what[256];
	uint64_t count =
		event_limit_take_left_out(&d->event_limit, what, sizeof(what));

	if (count > 0)
		log_warning("peers: %ju more events are not logged: %s",
			    (uintmax_t)count, what);
}

static void on_left_out(evutil_socket_t fd, short what, void *user)
{
	struct daemon *d = user;

	(void)fd;
	(void)what;
	d->leaving_out = false;
	daemon_announce_left_out(d);
}

void daemon_announce(struct daemon *d, const struct node_event *e)
{
	const struct timeval delay = { .tv_sec = LEFT_OUT_S };
	const bool logged =
		event_limit_allows(&d->event_limit, e, d->now.mono_us);
	const bool told = daemon_monitor_wants(d, e);
	struct line l = { .warns = false };

	if (logged || told)
		describe(e, d->conf->name, &l);
	if (told)
		daemon_monitor_event(d, e, l.text);
	if (logged && l.warns)
		log_warning("%s", l.text);
	else if (logged)
		log_info("%s", l.text);
	if (logged)
		return;
	if (!d->leaving_out)
		d->leaving_out = event_base_once(d->base, -1, EV_TIMEOUT,
						 on_left_out, d, &delay) == 0;
}
