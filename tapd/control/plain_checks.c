#include "tapd/control/plain_checks.h"

#include <stdio.h>

/* "VXLAN 42", "GRE", "GRE 7" */
void check_not_sealed(const struct snapshot *s, struct findings *f)
{
	const char *name = s->encapsulation == NODE_VXLAN ? "VXLAN" : "GRE";
	char id[16] = "";

	if (s->encapsulation == NODE_SEALED)
		return;
	if (s->network_id_set)
		snprintf(id, sizeof(id), " %u", s->network_id);
	findings_add(f,
		     "frames are not sealed: %s%s: whoever is on the network "
		     "below can"
		     " read them, and send as a peer",
		     name, id);
}

void check_mtu_does_not_fit(const struct snapshot *s, struct findings *f)
{
	const struct snapshot_interface *i = &s->interface;

	if (s->fitting_mtu && i->present && i->mtu > s->fitting_mtu)
		findings_add(f,
			     "%s has an MTU of %u, and %u fits into the "
			     "network below:"
			     " ip link set dev %s mtu %u",
			     i->name, i->mtu, s->fitting_mtu, i->name,
			     s->fitting_mtu);
}

/* What a frame of the interface's MTU needs: with VXLAN's or GRE's header. */
static unsigned datagram_of(const struct snapshot *s)
{
	const unsigned header = s->encapsulation == NODE_VXLAN ? 8
				: s->network_id_set	       ? 8
							       : 4;

	return s->interface.mtu + 14 + header;
}

void check_way_too_small(const struct snapshot *s, struct findings *f)
{
	struct naming named = { .count = 0 };
	char what[96];

	for (size_t i = 0;
	     s->encapsulation != NODE_SEALED && i < s->peers_count; i++) {
		const struct node_peer_info *p = &s->peers[i].info;

		if (p->state == NODE_PEER_STATE_UP && p->datagram_size &&
		    p->datagram_size < datagram_of(s))
			naming_add(&named, p, p->datagram_size, "");
	}
	snprintf(what, sizeof(what),
		 "ways that pass less than the %u bytes of our largest frames",
		 datagram_of(s));
	findings_add_named(f, what, &named);
}

/* A host has something to say within that time: ARP, IPv6's neighbour discovery. */
#define SILENT_US (60 * CLOCK_S)

void check_never_heard(const struct snapshot *s, struct findings *f)
{
	struct naming named = { .count = 0 };

	for (size_t i = 0; i < s->peers_count; i++) {
		const struct node_peer_info *p = &s->peers[i].info;
		const uint64_t up_us = s->now_us - p->up_since_us;

		if (s->peers[i].plain && p->rx.datagrams == 0 &&
		    up_us >= SILENT_US)
			naming_add(&named, p, (unsigned)(up_us / CLOCK_S),
				   " s");
	}
	findings_add_named(f, "peers that were never heard", &named);
}

/* Of those with a tapd it is soon known, or a matter of a moment. */
void check_ports_flooded(const struct snapshot *s, struct findings *f)
{
	if (s->encapsulation != NODE_SEALED && s->multicast.snooping &&
	    s->flooded_count > 0)
		findings_add(
			f,
			"multicast: %zu of %zu peers get every group: tapctl"
			" groups says why",
			s->flooded_count, s->peers_count);
}
