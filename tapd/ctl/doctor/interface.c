#include <stdlib.h>
#include <string.h>

#include "tapd/ctl/doctor/checks.h"
#include "tapd/ctl/doctor/host.h"

/* While no tapd runs it is not missed. */
static void absent(const struct facts *f, struct diagnosis *d)
{
	if (!f->tap && !f->daemon_down)
		diagnosis_add(d, KIND_INTERFACE_ABSENT,
			      "there is no interface %s in this network"
			      " namespace",
			      f->interface);
}

static void duplicate_address(const struct facts *f, struct diagnosis *d)
{
	for (size_t i = 0; i < f->net.addresses_count; i++) {
		const struct hostnet_address *a = &f->net.addresses[i];
		char text[PREFIX_STRLEN];

		if (a->index == f->tap->index && a->duplicate)
			diagnosis_add(d, KIND_DAD_FAILED,
				      "%s is not used on %s: another host has"
				      " it (duplicate address detection)",
				      prefix_print(&a->prefix, text),
				      f->interface);
	}
}

static void ipv6_off(const struct facts *f, struct diagnosis *d)
{
	if (host_number(f->root, 0, "/proc/sys/net/ipv6/conf/%s/disable_ipv6",
			f->interface) == 1)
		diagnosis_add(d, KIND_IPV6_OFF, "IPv6 is off on %s",
			      f->interface);
}

static bool is_macvlan(const struct hostnet_link *link)
{
	return strcmp(link->kind, "macvlan") == 0 ||
	       strcmp(link->kind, "macvtap") == 0 ||
	       strcmp(link->kind, "ipvlan") == 0;
}

static void bridged(const struct facts *f, struct diagnosis *d)
{
	const struct hostnet_link *master =
		hostnet_link_of(&f->net, f->tap->master);

	if (f->tap->master)
		diagnosis_add(d, KIND_INTERFACE_BRIDGED,
			      "%s is a port of %s: this host gets every"
			      " multicast group",
			      f->interface, master ? master->name : "a bridge");
	for (size_t i = 0; i < f->net.links_count; i++)
		if (f->net.links[i].below == f->tap->index &&
		    is_macvlan(&f->net.links[i]))
			diagnosis_add(d, KIND_INTERFACE_BRIDGED,
				      "%s, a %s, is on %s: each frame to a"
				      " group is copied to it",
				      f->net.links[i].name,
				      f->net.links[i].kind, f->interface);
}

/* networkd keeps a file for each link: sd-network's format, of its own. */
static void networkd(const struct facts *f, struct diagnosis *d)
{
	char *text = host_text(f->root, "/run/systemd/netif/links/%u",
			       f->tap->index);
	char *state = host_setting(text, "ADMIN_STATE");

	if (state &&
	    (strcmp(state, "configured") == 0 ||
	     strcmp(state, "configuring") == 0 ||
	     strcmp(state, "failed") == 0) &&
	    host_runs(f->root, "systemd-network"))
		diagnosis_add(d, KIND_INTERFACE_MANAGED,
			      "systemd-networkd manages %s (%s)", f->interface,
			      state);
	free(state);
	free(text);
}

/* "100 (connected)", "100 (connected (externally))", "10 (unmanaged)". */
static void network_manager(const struct facts *f, struct diagnosis *d)
{
	const char *state = f->manager;

	if (*state && strncmp(state, "10 ", 3) != 0 &&
	    !strstr(state, "externally"))
		diagnosis_add(d, KIND_INTERFACE_MANAGED,
			      "NetworkManager manages %s: state %s",
			      f->interface, state);
}

/* A port is one program's; GRE has none, and all who take it get all of it. */
static void kernel_gre(const struct facts *f, struct diagnosis *d)
{
	const char *kind =
		json_string_value(json_object_get(f->status, "encapsulation"));

	if (!kind || strcmp(kind, "gre") != 0)
		return;
	for (size_t i = 0; i < f->net.links_count; i++) {
		const struct hostnet_link *link = &f->net.links[i];

		if (link->up && (strcmp(link->kind, "gretap") == 0 ||
				 strcmp(link->kind, "ip6gretap") == 0))
			diagnosis_add(
				d, KIND_KERNEL_GRE,
				"%s, a %s of the kernel, takes GRE on this"
				" host as tapd does",
				link->name, link->kind);
	}
}

void check_interface(const struct facts *f, struct diagnosis *d)
{
	if (!f->net_known) {
		diagnosis_add(d, KIND_HOST_UNREAD,
			      "the kernel did not tell all of this host's"
			      " interfaces, addresses and routes");
		return;
	}
	absent(f, d);
	kernel_gre(f, d);
	if (!f->tap)
		return;
	duplicate_address(f, d);
	ipv6_off(f, d);
	bridged(f, d);
	networkd(f, d);
	network_manager(f, d);
}
