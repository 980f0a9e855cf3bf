/* A network that is on the interface and elsewhere: one of the two wins, and hosts
 * in the other cannot be reached. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/ctl/doctor/checks.h"
#include "tapd/ctl/doctor/host.h"

/* One host's address, as virtual ones may be, is no network. */
static bool is_host(const struct prefix *p)
{
	return p->len == (addr_is_v4(&p->addr) ? 32 : 128);
}

static bool is_network(const struct prefix *p)
{
	return p->len > 0 && !is_host(p) && !addr_is_link_local(&p->addr) &&
	       !addr_is_loopback(&p->addr);
}

static const char *name_of(const struct facts *f, unsigned index)
{
	const struct hostnet_link *link = hostnet_link_of(&f->net, index);

	return link ? link->name : "another interface";
}

/* The same network once more on the interface, or on what is above it, is none. */
static bool is_elsewhere(const struct facts *f, unsigned index)
{
	return !hostnet_is_above(&f->net, index, f->tap->index) &&
	       !hostnet_is_above(&f->net, f->tap->index, index);
}

/* A virtual address that a host answers to, and nobody is reached by: on loopback or
 * a dummy, as behind LVS and of anycast, or on the tunnel that LVS sends by. */
static bool is_held(const struct facts *f, const struct hostnet_address *a)
{
	static const char *const kinds_of_link[] = { "dummy", "ipip",
						     "ip6tnl" };
	const struct hostnet_link *link = hostnet_link_of(&f->net, a->index);

	if (!link || !is_host(&a->prefix))
		return false;
	for (size_t i = 0; i < sizeof(kinds_of_link) / sizeof(char *); i++)
		if (strcmp(link->kind, kinds_of_link[i]) == 0)
			return true;
	return link->loopback;
}

static void addresses(const struct facts *f, const struct prefix *ours,
		      struct diagnosis *d)
{
	for (size_t i = 0; i < f->net.addresses_count; i++) {
		const struct hostnet_address *a = &f->net.addresses[i];
		char mine[PREFIX_STRLEN], other[PREFIX_STRLEN];

		if (!is_elsewhere(f, a->index) || is_held(f, a) ||
		    addr_is_link_local(&a->prefix.addr))
			continue;
		if (!prefix_contains(ours, &a->prefix.addr) &&
		    !(is_network(&a->prefix) &&
		      prefix_contains(&a->prefix, &ours->addr)))
			continue;
		diagnosis_add(d, KIND_OVERLAP_ADDRESS,
			      "%s of %s and %s of %s overlap",
			      prefix_print(ours, mine), f->interface,
			      prefix_print(&a->prefix, other),
			      name_of(f, a->index));
	}
}

/* Those that the kernel made are their addresses' matter; one to a single host is
 * set on purpose, so that a peer is not routed into the interface itself. */
static void routes(const struct facts *f, const struct prefix *ours,
		   struct diagnosis *d)
{
	for (size_t i = 0; i < f->net.routes_count; i++) {
		const struct hostnet_route *r = &f->net.routes[i];
		char mine[PREFIX_STRLEN], other[PREFIX_STRLEN];

		if (r->kernel || !is_network(&r->to) ||
		    !is_elsewhere(f, r->index) || r->to.len < ours->len ||
		    !prefix_contains(ours, &r->to.addr))
			continue;
		diagnosis_add(d, KIND_OVERLAP_ROUTE,
			      "the route to %s by %s is inside %s of %s",
			      prefix_print(&r->to, other), name_of(f, r->index),
			      prefix_print(ours, mine), f->interface);
	}
}

/* resolv.conf(5): "nameserver ADDRESS", which may have a scope. */
static void servers(const struct facts *f, const struct prefix *ours,
		    const char *resolv, struct diagnosis *d)
{
	char line[256], word[64], mine[PREFIX_STRLEN];
	struct addr server;

	while (host_line(&resolv, line, sizeof(line)))
		if (sscanf(line, " nameserver %63[0-9a-fA-F.:]", word) == 1 &&
		    addr_parse(&server, word, 53) &&
		    prefix_contains(ours, &server))
			diagnosis_add(d, KIND_OVERLAP_DNS,
				      "the DNS server %s is inside %s of %s",
				      word, prefix_print(ours, mine),
				      f->interface);
}

void check_overlap(const struct facts *f, struct diagnosis *d)
{
	char *resolv;

	if (!f->net_known || !f->tap)
		return;
	resolv = host_text(f->root, "/etc/resolv.conf");
	for (size_t i = 0; i < f->net.addresses_count; i++) {
		const struct hostnet_address *a = &f->net.addresses[i];

		if (a->index != f->tap->index || !is_network(&a->prefix))
			continue;
		addresses(f, &a->prefix, d);
		routes(f, &a->prefix, d);
		servers(f, &a->prefix, resolv, d);
	}
	free(resolv);
}
