#include "tapd/control/checks.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/control/findings.h"
#include "tapd/control/plain_checks.h"

/* A datagram lost in twenty is worth a word. */
#define LOSS_WARNING 0.05
/* As long as a duplicate address is. */
#define LOOP_SHOWN_US (600 * CLOCK_S)
/* Below it, a burst from a few peers overflows the socket. */
#define RECEIVE_BUFFER_SMALL (1024 * 1024)

static const char *const severity_names[] = {
	[CHECK_ERROR] = "error",
	[CHECK_WARNING] = "warning",
	[CHECK_NOTE] = "note",
	[CHECK_FACT] = "note",
};
static_assert(sizeof(severity_names) / sizeof(severity_names[0]) ==
		      CHECK_FACT + 1,
	      "every severity has a name");

const char *check_severity_name(enum check_severity severity)
{
	return severity_names[severity];
}

/* ---- the host ---- */

static void link_down(const struct snapshot *s, struct findings *f)
{
	const struct snapshot_interface *i = &s->interface;

	if (i->present && !i->up)
		findings_add(f, "%s is down: ip link set dev %s up", i->name,
			     i->name);
}

static void address_missing(const struct snapshot *s, struct findings *f)
{
	const struct snapshot_interface *i = &s->interface;
	char text[PREFIX_STRLEN];

	for (size_t n = 0; i->present && n < i->missing_count; n++)
		findings_add(
			f, "%s lacks its address: ip address add %s dev %s",
			i->name, prefix_print(&i->missing[n], text), i->name);
}

static const char *conflict_peer(const struct node_conflict *c,
				 char key[KEY_STRLEN])
{
	return *c->peer ? c->peer : key_print(c->key.bytes, key);
}

static void duplicate_address(const struct snapshot *s, struct findings *f)
{
	char address[ADDR_STRLEN], key[KEY_STRLEN];

	for (size_t i = 0; i < s->conflicts_count; i++) {
		const struct node_conflict *c = &s->conflicts[i];
		const uint8_t *mac = c->mac;

		if (!c->of_mac)
			findings_add(f,
				     "%s and %s both use %s on %s: seen %u s "
				     "ago with"
				     " MAC %02x:%02x:%02x:%02x:%02x:%02x",
				     s->node_name, conflict_peer(c, key),
				     addr_print_host(&c->address, address),
				     s->interface.name,
				     (unsigned)(c->age_us / CLOCK_S), mac[0],
				     mac[1], mac[2], mac[3], mac[4], mac[5]);
	}
}

static void duplicate_mac(const struct snapshot *s, struct findings *f)
{
	char key[KEY_STRLEN];

	for (size_t i = 0; i < s->conflicts_count; i++)
		if (s->conflicts[i].of_mac)
			findings_add(
				f,
				"%s and %s both show the MAC of %s: seen %u s "
				"ago",
				s->node_name,
				conflict_peer(&s->conflicts[i], key),
				s->interface.name,
				(unsigned)(s->conflicts[i].age_us / CLOCK_S));
}

static void nobody_trusted(const struct snapshot *s, struct findings *f)
{
	if (s->nobody_trusted)
		findings_add(f, "trusted_keys is empty: nobody may join");
}

static void device_missing(const struct snapshot *s, struct findings *f)
{
	if (s->device_missing)
		findings_add(f, "%s is gone, to which the sockets are bound",
			     s->routing.device);
}

static void restart_pending(const struct snapshot *s, struct findings *f)
{
	if (s->restart_pending)
		findings_add(f, "some changes take effect after a restart");
}

static void receive_buffer(const struct snapshot *s, struct findings *f)
{
	if (s->receive_buffer < RECEIVE_BUFFER_SMALL)
		findings_add(
			f,
			"the UDP receive buffer has only %d KiB: give tapd"
			" CAP_NET_ADMIN, or sysctl net.core.rmem_max=8388608",
			s->receive_buffer / 1024);
}

static void log_lines_lost(const struct snapshot *s, struct findings *f)
{
	if (s->log_lost > 0)
		findings_add(f,
			     "%ju lines of the log are lost: nobody took them",
			     (uintmax_t)s->log_lost);
}

static void name_unresolved(const struct snapshot *s, struct findings *f)
{
	for (size_t i = 0; i < s->unresolved_count; i++)
		findings_add(f, "peer %s", s->unresolved[i]);
	if (s->unresolved_more > 0)
		findings_add(f, "peers: %zu more names have no address",
			     s->unresolved_more);
}

/* Names in peers have a line of their own. */
static void source_failing(const struct snapshot *s, struct findings *f)
{
	for (size_t i = 0; i < s->sources_count; i++) {
		const struct snapshot_source *from = &s->sources[i];
		unsigned age_s =
			(unsigned)((s->now_us - from->good_us) / CLOCK_S);

		if (!from->error[0] || strcmp(from->name, "peers") == 0)
			continue;
		if (from->good_us)
			findings_add(f,
				     "discover.%s: %s: keeping its answer of "
				     "%u s ago",
				     from->name, from->error, age_s);
		else
			findings_add(f, "discover.%s: %s", from->name,
				     from->error);
	}
}

static void source_early(const struct snapshot *s, struct findings *f)
{
	for (size_t i = 0; i < s->sources_count; i++)
		if (s->sources[i].early)
			findings_add(f, "discover.%s does not list this host",
				     s->sources[i].name);
}

/* ---- the peers ---- */

static void no_peer_known(const struct snapshot *s, struct findings *f)
{
	bool asked = false;

	for (size_t i = 0; i < s->sources_count; i++)
		asked |= strcmp(s->sources[i].name, "peers") != 0 &&
			 strcmp(s->sources[i].name, "exchange") != 0;
	if (s->status.peers_total == 0 && !asked)
		findings_add(f, "no peer is known: add one to peers");
	else if (s->status.peers_total == 0)
		findings_add(f,
			     "no peer is known: no source lists another host");
}

static void no_peer_up(const struct snapshot *s, struct findings *f)
{
	if (s->status.peers_total > 0 && s->status.peers_up == 0)
		findings_add(f, "no peer is up: tapctl peers says why");
}

static void mtu_differs(const struct snapshot *s, struct findings *f)
{
	struct naming named = { .count = 0 };
	char what[96];

	for (size_t i = 0; i < s->peers_count; i++) {
		const struct node_peer_info *p = &s->peers[i].info;

		if (p->state == NODE_PEER_STATE_UP && p->tap_mtu &&
		    p->tap_mtu != s->interface.mtu)
			naming_add(&named, p, p->tap_mtu, "");
	}
	snprintf(what, sizeof(what), "peers whose interface MTU is not our %u",
		 s->interface.mtu);
	findings_add_named(f, what, &named);
}

static void datagrams_lost(const struct snapshot *s, struct findings *f)
{
	struct naming named = { .count = 0 };

	for (size_t i = 0; i < s->peers_count; i++) {
		const struct node_peer_info *p = &s->peers[i].info;

		if (p->state == NODE_PEER_STATE_UP && p->loss >= LOSS_WARNING)
			naming_add(&named, p, (unsigned)lround(100 * p->loss),
				   " %");
	}
	findings_add_named(f, "peers with datagrams lost", &named);
}

static void loop(const struct snapshot *s, struct findings *f)
{
	struct naming named = { .count = 0 };

	for (size_t i = 0; i < s->peers_count; i++) {
		const struct node_peer_info *p = &s->peers[i].info;
		const uint64_t ago_us = s->now_us - p->looped_us;

		if (p->looped_us && ago_us < LOOP_SHOWN_US)
			naming_add(&named, p, (unsigned)(ago_us / CLOCK_S),
				   " s ago");
	}
	findings_add_named(f, "peers that sent our own frames back", &named);
}

static const char *why_relayed(const struct snapshot *s,
			       const struct node_peer_info *p)
{
	if (s->status.nat.symmetric && p->symmetric)
		return "the NATs of both show them to each peer at another "
		       "address";
	if (s->status.nat.symmetric)
		return "the NAT of this host shows it to each peer at another "
		       "address";
	if (p->symmetric)
		return "its NAT shows it to each peer at another address";
	return "nothing gets in directly, here or there: a firewall, or a NAT";
}

static void peer_relayed(const struct snapshot *s, struct findings *f)
{
	unsigned count = 0;

	for (size_t i = 0; i < s->peers_count; i++) {
		const struct node_peer_info *p = &s->peers[i].info;

		if (p->state != NODE_PEER_STATE_UP || !p->relayed ||
		    count++ >= FINDINGS_NAMED_MAX)
			continue;
		findings_add(f, "%s is reached through %s: %s",
			     *p->name ? p->name : "a peer",
			     *p->via ? p->via : "a relay", why_relayed(s, p));
	}
	if (count > FINDINGS_NAMED_MAX)
		findings_add(f, "%u more are reached through relays",
			     count - FINDINGS_NAMED_MAX);
}

/* ---- multicast ---- */

static void groups_unknowable(const struct snapshot *s, struct findings *f)
{
	const struct node_multicast_status *m = &s->multicast;

	if (m->unknowable && m->wants_all)
		findings_add(f, "multicast: %s: this host gets every group",
			     m->wants_all);
}

/* The firewall's rules are for both ways: the queries come in, the answers go
 * out. */
static void find_silence(struct findings *f, const char *interface,
			 const char *queries, const char *accept)
{
	findings_add(f,
		     "%s: %s queries get no answer: does the host's firewall"
		     " accept %s on %s, INPUT and OUTPUT? Until then groups are"
		     " kept, whoever leaves them",
		     interface, queries, accept, interface);
}

static void igmp_silent(const struct snapshot *s, struct findings *f)
{
	if (s->multicast.silent_v4)
		find_silence(f, s->interface.name, "IGMP", "IGMP (protocol 2)");
}

static void mld_silent(const struct snapshot *s, struct findings *f)
{
	if (s->multicast.silent_v6)
		find_silence(f, s->interface.name, "MLD",
			     "ICMPv6 types 130, 131, 132 and 143");
}

/* ---- the table ---- */

const struct check checks[] = {
	{ "link-down", CHECK_ERROR, link_down,
	  "Set the interface up; while it is down no frame passes." },
	{ "address-missing", CHECK_ERROR, address_missing,
	  "Add the address again, or reload: tapctl reload." },
	{ "duplicate-address", CHECK_ERROR, duplicate_address,
	  "Give one of the two hosts another address; until then others reach"
	  " now the one and now the other." },
	{ "duplicate-mac", CHECK_ERROR, duplicate_mac,
	  "Give one of the interfaces another MAC, or find the bridge that "
	  "sends"
	  " frames back." },
	{ "nobody-trusted", CHECK_ERROR, nobody_trusted,
	  "List the peers' public keys in trusted_keys, or remove the key to"
	  " trust every holder of the secret." },
	{ "device-missing", CHECK_ERROR, device_missing,
	  "Make the interface again, or the address in listen that it had: tapd"
	  " follows by itself; or name another in device, and restart tapd." },
	{ "restart-pending", CHECK_NOTE, restart_pending,
	  "Restart tapd when it suits; the log of the reload names the keys." },
	{ "receive-buffer", CHECK_WARNING, receive_buffer,
	  "Start tapd with CAP_NET_ADMIN, or raise net.core.rmem_max and"
	  " restart it." },
	{ "log-lines-lost", CHECK_WARNING, log_lines_lost,
	  "Look at what reads the standard error of tapd, or set log_level"
	  " lower." },
	{ "name-unresolved", CHECK_WARNING, name_unresolved,
	  "Mend the name in peers, or its record in the DNS." },
	{ "source-failing", CHECK_WARNING, source_failing,
	  "Nobody is taken off for it; mend what the line names, or it will"
	  " not know of new hosts." },
	{ "source-early", CHECK_WARNING, source_early,
	  "Give this host the tag, label or record by which the others are"
	  " found." },
	{ "no-peer-known", CHECK_WARNING, no_peer_known,
	  "Name at least one peer in peers, or a source in discover, then"
	  " reload." },
	{ "no-peer-up", CHECK_ERROR, no_peer_up,
	  "Read the reasons in tapctl peers; most often a firewall between the"
	  " hosts drops UDP, or the secrets differ." },
	{ "mtu-differs", CHECK_WARNING, mtu_differs,
	  "Set interface.mtu alike on all hosts: larger frames than a peer"
	  " takes are lost." },
	{ "datagrams-lost", CHECK_WARNING, datagrams_lost,
	  "Look at the network between the hosts, and at udp_overflow in the"
	  " peers' tapctl drops." },
	{ "peer-relayed", CHECK_FACT, peer_relayed,
	  "Nothing is lost, but the relay's network is in between: let UDP in "
	  "at"
	  " the tunnel's port on one of the two hosts, or forward that port to"
	  " it on its NAT, and they reach each other directly." },
	{ "loop", CHECK_ERROR, loop,
	  "Two hosts bridge the same two networks: take one of these bridges'"
	  " ports away, or run STP there." },
	{ "not-sealed", CHECK_FACT, check_not_sealed,
	  "Keep others off the network below, and let only the peers' addresses"
	  " in; hosts that can run tapd are sealed without encapsulation." },
	{ "mtu-does-not-fit", CHECK_WARNING, check_mtu_does_not_fit,
	  "Lower the interface's MTU, or raise underlay_mtu if the network "
	  "below"
	  " passes more: what is not sealed is not split." },
	{ "way-too-small", CHECK_WARNING, check_way_too_small,
	  "Lower interface.mtu on all hosts, or let the network between them "
	  "pass"
	  " larger packets." },
	{ "never-heard", CHECK_WARNING, check_never_heard,
	  "See whether the host is there, lists this one by the address that it"
	  " sends from, and whether a firewall or a route is in the way: tapctl"
	  " drops has what could not be sent." },
	{ "ports-flooded", CHECK_FACT, check_ports_flooded,
	  "Nothing is lost; where a host's own switch answers IGMP and MLD"
	  " queries, groups go to members only." },
	{ "groups-unknowable", CHECK_WARNING, groups_unknowable,
	  "Nothing is lost, but this host is sent every group; remove what the"
	  " line names if that is too much." },
	{ "igmp-silent", CHECK_WARNING, igmp_silent,
	  "Accept IGMP (protocol 2) on the interface, in and out." },
	{ "mld-silent", CHECK_WARNING, mld_silent,
	  "Accept ICMPv6 types 130, 131, 132 and 143 on the interface, in and"
	  " out." },
};
const size_t checks_count = sizeof(checks) / sizeof(checks[0]);

void checks_run(const struct snapshot *s, check_found *found, void *user)
{
	struct findings f = { .found = found, .user = user };

	for (size_t i = 0; i < checks_count; i++) {
		f.check = &checks[i];
		checks[i].test(s, &f);
	}
}
