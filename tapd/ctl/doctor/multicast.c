#include <stdlib.h>
#include <string.h>

#include "tapd/ctl/doctor/checks.h"
#include "tapd/ctl/doctor/host.h"

/* Strict is 1, loose 2; the larger of the two numbers counts (the kernel's
 * ip-sysctl.rst). */
static void rp_filter(const struct facts *f, struct diagnosis *d)
{
	long all = host_number(f->root, 0,
			       "/proc/sys/net/ipv4/conf/all/rp_filter");
	long own =
		host_number(f->root, 0, "/proc/sys/net/ipv4/conf/%s/rp_filter",
			    f->interface);
	size_t v4 = 0;
	bool virtual = false;

	for (size_t i = 0; i < f->net.addresses_count; i++) {
		const struct hostnet_address *a = &f->net.addresses[i];

		if (a->index != f->tap->index || !addr_is_v4(&a->prefix.addr))
			continue;
		virtual |= a->prefix.len == 32;
		v4++;
	}
	if ((all > own ? all : own) == 1 && (virtual || v4 > 1))
		diagnosis_add(d, KIND_RP_FILTER,
			      "rp_filter is strict on %s, which has virtual"
			      " addresses",
			      f->interface);
}

static void route(const struct facts *f, struct diagnosis *d)
{
	const json_t *wanted = json_object_get(f->settings, "multicast_route");
	const struct hostnet_link *by =
		hostnet_link_of(&f->net, f->multicast_index);

	if (!wanted || f->multicast_index == f->tap->index || !f->tap->up)
		return;
	if (json_is_true(wanted))
		diagnosis_add(d, KIND_MULTICAST_ROUTE_MISSING,
			      "multicast leaves by %s, though"
			      " interface.multicast_route is set",
			      by ? by->name : "no interface");
	else
		diagnosis_add(d, KIND_MULTICAST_ELSEWHERE,
			      "programs that name no interface send multicast"
			      " by %s, not %s",
			      by ? by->name : "none", f->interface);
}

/* How many groups /proc/net/igmp has for the interface. Its line is
 * "INDEX\tNAME : COUNT VERSION"; 224.0.0.1 is among them. */
static long joined(const char *igmp, const char *interface)
{
	const size_t len = strlen(interface);
	char line[128];

	while (host_line(&igmp, line, sizeof(line))) {
		const char *name = strchr(line, '\t');
		const char *colon = strchr(line, ':');

		if (name && *line != '\t' && colon &&
		    strncmp(name + 1, interface, len) == 0 &&
		    strchr(" \t:", name[1 + len]))
			return strtol(colon + 1, NULL, 10) - 1;
	}
	return 0;
}

static void memberships(const struct facts *f, struct diagnosis *d)
{
	long most = host_number(f->root, 0,
				"/proc/sys/net/ipv4/igmp_max_memberships");
	char *igmp = host_text(f->root, "/proc/net/igmp");
	long now = joined(igmp, f->interface);

	if (most > 0 && now >= most)
		diagnosis_add(d, KIND_MEMBERSHIPS,
			      "%ld groups are joined on %s, and one socket may"
			      " join %ld",
			      now, f->interface, most);
	free(igmp);
}

void check_multicast(const struct facts *f, struct diagnosis *d)
{
	if (!f->net_known || !f->tap)
		return;
	rp_filter(f, d);
	route(f, d);
	memberships(f, d);
}
