#include "tapd/tap/interface.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/siphash.h"
#include "tapd/common/error.h"
#include "tapd/log/log.h"
#include "tapd/manager/fdstore.h"
#include "tapd/manager/notify.h"
#include "tapd/tap/ip_command.h"
#include "tapd/tap/kept.h"
#include "tapd/tap/netns.h"
#include "tapd/tap/ours.h"
#include "tapd/tap/stamp.h"

/* Room for the bursts of programs that fragment 64 KB datagrams. */
#define QUEUE_LEN 4096

struct interface {
	const struct conf *conf;
	struct tap *tap;
	struct link *link;
	bool ours;
	bool kept;	/* since the last run, by a manager that waits for us */
	bool elsewhere; /* moved to another network namespace */
	uint8_t mac[6]; /* from the node's key */
	uint32_t stamp; /* by which ours is known again */
	struct interface_plan plan;
	/* As last seen, to tell what changed. */
	bool up;
	uint32_t mtu;
	char name[IFNAMSIZ];
};

/* ---- making it as configured ---- */

static void set_mac(struct interface *i)
{
	const struct conf *c = i->conf;
	const uint8_t *mac = c->interface.mac_set ? c->interface.mac : i->mac;

	if (i->ours || c->interface.mac_set)
		ip_command_log(
			link_set_mac(i->link, mac),
			"link set dev %s address %02x:%02x:%02x:%02x:%02x:%02x",
			link_state(i->link)->name, mac[0], mac[1], mac[2],
			mac[3], mac[4], mac[5]);
}

static void set_mtu(struct interface *i)
{
	const struct conf *c = i->conf;

	if (i->ours || c->interface.mtu_set)
		ip_command_log(link_set_mtu(i->link, c->interface.mtu),
			       "link set dev %s mtu %u",
			       link_state(i->link)->name, c->interface.mtu);
}

static void configure(struct interface *i)
{
	const char *name = link_state(i->link)->name;
	int err;

	/* On a TAP that was kept, peers are about to be up again. */
	if (!i->kept || !i->conf->interface.carrier_peers)
		(void)tap_set_carrier(i->tap,
				      !i->conf->interface.carrier_peers);
	if (i->ours && (err = link_refuse_redirects(i->link)) < 0)
		log_info("%s may obey redirects: cannot set accept_redirects:"
			 " %s",
			 name, strerror(-err));
	if (i->ours)
		ip_command_log(link_raise_queue_len(i->link, QUEUE_LEN),
			       "link set dev %s txqueuelen %d", name,
			       QUEUE_LEN);
	/* The MAC before it is up: IPv6 makes its link-local address of it. */
	set_mac(i);
	set_mtu(i);
	ip_command_log(link_set_up(i->link), "link set dev %s up", name);
	interface_plan_set(&i->plan, i->link);
}

static void note_state(struct interface *i)
{
	const struct link_state *s = link_state(i->link);

	i->up = s->up;
	i->mtu = s->mtu;
	memcpy(i->name, s->name, sizeof(i->name));
}

/* Its key, the name that is configured and the addresses may be others than the last
 * run's; which, if it ended well, left it to whoever holds the descriptor. */
static void take_over(struct interface *i)
{
	(void)tap_set_group(i->tap, i->stamp);
	(void)tap_set_persist(i->tap, true);
}

/* Ours if just made, or if an earlier run made it. A new one is stamped before it is
 * made to stay, so that none of ours ever stays unmarked. */
static void take_possession(struct interface *i)
{
	const char *name = link_state(i->link)->name;
	int err;

	i->ours = tap_was_made(i->tap);
	if (!i->ours) {
		i->ours = ours_is_marked(link_state(i->link));
		log_info(i->ours ? "%s is still there from the last run: taken"
				   " over"
				 : "%s was made by somebody else: attached",
			 name);
		if (i->ours)
			take_over(i);
		return;
	}
	(void)tap_set_group(i->tap, i->stamp);
	err = link_set_alias(i->link, OURS_ALIAS);
	if (err == 0)
		err = tap_set_persist(i->tap, true);
	if (err < 0)
		log_warning("%s will not survive a crash of tapd: %s", name,
			    strerror(-err));
}

/* The one of an earlier run, whatever it is called now; that which was made ready;
 * or a new one. In i->name what it is called. */
static struct tap *open_tap(struct interface *i, bool first, char **error)
{
	const char *configured = i->conf->interface.name;
	struct tap *t;

	if (!kept_take(i->conf, i->name, &t, error) || t) {
		i->kept = t && notify_is_wanted();
		return t;
	}
	i->kept = false;
	if (!first ||
	    ours_find(i->stamp, configured, i->name, error) == OURS_NONE)
		snprintf(i->name, sizeof(i->name), "%s", configured);
	if (*error)
		return NULL;
	t = tap_open(i->name, error);
	if (t) {
		(void)fdstore_drop(configured);
		(void)fdstore_give(configured, tap_fd(t));
	}
	return t;
}

static bool open_parts(struct interface *i, bool first, char **error)
{
	i->tap = open_tap(i, first, error);
	if (!i->tap)
		return false;
	i->link = link_open(i->name, error);
	if (!i->link)
		return false;
	if (strcmp(i->name, i->conf->interface.name) != 0)
		log_info("%s of an earlier run is called %s now",
			 i->conf->interface.name, i->name);
	take_possession(i);
	configure(i);
	if (i->ours && !tap_was_made(i->tap))
		interface_plan_remove_leftovers(&i->plan, i->link);
	note_state(i);
	return true;
}

static void close_parts(struct interface *i)
{
	link_close(i->link);
	tap_close(i->tap);
	i->link = NULL;
	i->tap = NULL;
}

/* ---- its life ---- */

/* Locally administered, unicast, and the same at every start: neighbours'
 * caches stay right. */
static void derive_mac(uint8_t mac[6], const struct public_key *key)
{
	static const uint8_t seed[SIPHASH_KEY_LEN] = "tapd MAC address";
	uint64_t hash = siphash(seed, key->bytes, sizeof(key->bytes));

	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t)(hash >> 8 * i);
	mac[0] = (uint8_t)((mac[0] & 0xfc) | 0x02);
}

struct interface *interface_open(const struct conf *c,
				 const struct public_key *key, char **error)
{
	struct interface *i = calloc(1, sizeof(*i));

	if (!i) {
		error_set(error, "out of memory");
		return NULL;
	}
	i->conf = c;
	derive_mac(i->mac, key);
	i->stamp = stamp_make(key, c->interface.name);
	if (!interface_plan_wait(&i->plan, c, error) ||
	    !open_parts(i, true, error)) {
		interface_close(i, false);
		return NULL;
	}
	return i;
}

void interface_close(struct interface *i, bool keep)
{
	if (!i)
		return;
	/* It goes with its last descriptor. A service manager that holds one closes
	 * it when the service is stopped, and gives it back when it is restarted. */
	if (i->tap && i->ours && !keep)
		(void)tap_set_persist(i->tap, false);
	close_parts(i);
	free(i);
}

bool interface_open_again(struct interface *i, char **error)
{
	close_parts(i);
	/* Whose the next one is has to be seen. */
	i->ours = false;
	i->elsewhere = false;
	return open_parts(i, false, error);
}

bool interface_was_kept(const struct interface *i)
{
	return i->kept;
}

struct tap *interface_tap(const struct interface *i)
{
	return i->tap;
}

struct link *interface_link(const struct interface *i)
{
	return i->link;
}

const struct prefix *interface_addresses(const struct interface *i,
					 size_t *count)
{
	*count = i->plan.addresses_count;
	return i->plan.addresses;
}

static bool same_mac(const struct conf *a, const struct conf *b)
{
	return a->interface.mac_set == b->interface.mac_set &&
	       memcmp(a->interface.mac, b->interface.mac,
		      sizeof(a->interface.mac)) == 0;
}

static bool same_mtu(const struct conf *a, const struct conf *b)
{
	return a->interface.mtu_set == b->interface.mtu_set &&
	       a->interface.mtu == b->interface.mtu;
}

void interface_apply(struct interface *i, const struct interface_plan *plan,
		     const struct conf *c)
{
	const struct interface_plan old_plan = i->plan;
	const struct conf *old = i->conf;

	i->conf = c;
	i->plan = *plan;
	/* What ip(8) set meanwhile stays unless the file has something new. */
	if (!same_mac(old, c))
		set_mac(i);
	if (!same_mtu(old, c))
		set_mtu(i);
	interface_plan_set(&i->plan, i->link);
	interface_plan_take_back(&old_plan, &i->plan, i->link);
	note_state(i);
}

/* ---- what others do to it ---- */

static void follow_state(struct interface *i)
{
	const struct link_state *s = link_state(i->link);
	const bool was_down = link_was_down(i->link);

	if (strcmp(s->name, i->name) != 0)
		log_info("%s is now called %s", i->name, s->name);
	if (s->mtu != i->mtu)
		log_info("%s has an MTU of %u now", s->name, s->mtu);
	if (!s->up && i->up)
		log_warning("%s was set down: nothing passes until"
			    " `ip link set dev %s up`",
			    s->name, s->name);
	if (s->up && !i->up)
		log_info("%s is up again", s->name);
	/* Down took the routes and the IPv6 addresses, and so did too small an MTU. */
	if (s->up && (was_down || !i->up ||
		      (i->mtu < IPV6_MTU_MIN && s->mtu >= IPV6_MTU_MIN)))
		interface_plan_set(&i->plan, i->link);
	note_state(i);
}

/* In i->name what it is called then. */
static bool is_back(struct interface *i)
{
	int netns = tap_open_netns(tap_fd(i->tap));
	bool here = netns >= 0 && netns_number(netns) == netns_own();

	if (netns >= 0)
		close(netns);
	return here && tap_read_name(tap_fd(i->tap), i->name) == 0;
}

bool interface_link_again(struct interface *i, char **error)
{
	struct link *link = link_open(i->name, error);

	if (!link)
		return false;
	link_close(i->link);
	i->link = link;
	i->elsewhere = false;
	log_info("%s is back in this network namespace", i->name);
	/* On its way it was set down, and lost its addresses; somebody may have
	 * set it up before we looked. */
	i->up = !link_state(link)->up;
	follow_state(i);
	return true;
}

enum interface_change interface_follow(struct interface *i)
{
	if (!tap_is_alive(i->tap))
		return INTERFACE_GONE;
	if (!link_read(i->link) && !i->elsewhere)
		return INTERFACE_SAME;
	if (i->elsewhere)
		return is_back(i) ? INTERFACE_BACK : INTERFACE_SAME;
	if (link_state(i->link)->present) {
		follow_state(i);
		return INTERFACE_CHANGED;
	}
	log_info("%s was moved to another network namespace: it works there,"
		 " but its MTU and addresses are not followed",
		 i->name);
	link_forget(i->link);
	i->elsewhere = true;
	return INTERFACE_SAME;
}
