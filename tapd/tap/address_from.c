#include "tapd/tap/address_from.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/common/error.h"
#include "tapd/tap/default_route.h"
#include "tapd/underlay/sockname.h"

/* How many interfaces an error names before it only counts. */
#define NAMED_MAX 8

static bool has_family(const struct ifaddrs *i, bool v4, struct addr *a)
{
	return i->ifa_addr && sockname_to_addr(a, i->ifa_addr) &&
	       addr_is_v4(a) == v4;
}

static uint8_t prefix_len(const struct ifaddrs *i, bool v4)
{
	unsigned len = v4 ? 96 : 0;
	struct addr mask;

	/* Without one it is alone. */
	if (!i->ifa_netmask || !sockname_to_addr(&mask, i->ifa_netmask))
		return v4 ? 32 : 128;
	while (len < 128 && (mask.ip[len / 8] & 0x80 >> len % 8))
		len++;
	return (uint8_t)(v4 ? len - 96 : len);
}

/* The first global address, or else the first link-local one. */
static bool find_address_of(const char *interface, bool v4, struct prefix *out)
{
	struct ifaddrs *all = NULL;
	bool found = false;
	struct addr a;

	if (getifaddrs(&all) < 0)
		return false;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		if (strcmp(i->ifa_name, interface) != 0 ||
		    !has_family(i, v4, &a))
			continue;
		if (!found ||
		    (addr_is_link_local(&out->addr) && !addr_is_link_local(&a)))
			*out = (struct prefix){ .addr = a,
						.len = prefix_len(i, v4) };
		found = true;
	}
	freeifaddrs(all);
	return found;
}

/* ---- what there is instead ---- */

static bool is_candidate(const struct ifaddrs *i, const char *tap, bool v4)
{
	struct addr a;

	return !(i->ifa_flags & IFF_LOOPBACK) &&
	       strcmp(i->ifa_name, tap) != 0 && has_family(i, v4, &a);
}

/* An interface is in the list once for each of its addresses. */
static bool is_first(const struct ifaddrs *all, const struct ifaddrs *i,
		     const char *tap, bool v4)
{
	for (; all != i; all = all->ifa_next)
		if (is_candidate(all, tap, v4) &&
		    strcmp(all->ifa_name, i->ifa_name) == 0)
			return false;
	return true;
}

static void list_candidates(FILE *out, const char *tap, bool v4)
{
	struct ifaddrs *all = NULL;
	unsigned count = 0;

	if (getifaddrs(&all) < 0)
		return;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		if (!is_candidate(i, tap, v4) || !is_first(all, i, tap, v4))
			continue;
		if (count++ < NAMED_MAX)
			fprintf(out, "%s%s", count > 1 ? ", " : "",
				i->ifa_name);
	}
	if (count > NAMED_MAX)
		fprintf(out, " and %u more", count - NAMED_MAX);
	if (count == 0)
		fputs("none", out);
	freeifaddrs(all);
}

/* To be freed; NULL if memory is short. */
static char *candidates(const char *tap, bool v4)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	list_candidates(out, tap, v4);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* what: why address_from does not do, as an English sentence without its end. */
static enum address_from missing(char **error, const char *what,
				 const char *tap, bool v4)
{
	char *there = candidates(tap, v4);

	error_set(error, "%s; interfaces with an %s address: %s", what,
		  v4 ? "IPv4" : "IPv6", there ? there : "not known");
	free(there);
	return ADDRESS_FROM_MISSING;
}

static enum address_from refused(char **error, const char *interface,
				 const struct prefix *from,
				 const struct prefix *address)
{
	char has[PREFIX_STRLEN], wanted[PREFIX_STRLEN];

	error_set(error,
		  "two hosts of the subnet that %s of %s is in could get the"
		  " same address out of %s; use a prefix of at most %u, or"
		  " write the whole address",
		  prefix_print(from, has), interface,
		  prefix_print(address, wanted), from->len);
	return ADDRESS_FROM_REFUSED;
}

/* ---- */

static void replace_host_bits(struct prefix *p, const struct addr *from)
{
	unsigned bits = p->len + (addr_is_v4(&p->addr) ? 96U : 0U);

	for (unsigned i = 0; i < 16; i++) {
		unsigned net = bits > 8 * i ? bits - 8 * i : 0;
		uint8_t host = (uint8_t)(net >= 8 ? 0 : 0xff >> net);

		p->addr.ip[i] = (uint8_t)((p->addr.ip[i] & ~host) |
					  (from->ip[i] & host));
	}
}

enum address_from address_take_host_bits(const char *from, const char *tap,
					 struct prefix *address, char **error)
{
	bool v4 = addr_is_v4(&address->addr);
	char name[IF_NAMESIZE], text[PREFIX_STRLEN], what[256];
	struct prefix source;

	snprintf(name, sizeof(name), "%s", from);
	if (strcmp(from, ADDRESS_FROM_DEFAULT) == 0 &&
	    !default_route_find(v4, tap, name) &&
	    (v4 || !default_route_find(true, tap, name)))
		return missing(error,
			       v4 ? "there is no IPv4 default route whose"
				    " interface it could be: name one"
				  : "there is no default route whose interface"
				    " it could be: name one",
			       tap, v4);
	if (if_nametoindex(name) == 0) {
		snprintf(what, sizeof(what),
			 "there is no interface \"%s\": name one that there is,"
			 " or write \"" ADDRESS_FROM_DEFAULT
			 "\" for that of the default route",
			 name);
		return missing(error, what, tap, v4);
	}
	if (!find_address_of(name, v4, &source)) {
		snprintf(what, sizeof(what),
			 "%s has no %s address to take the host bits of %s"
			 " from: give it one, or write the whole address",
			 name, v4 ? "IPv4" : "IPv6",
			 prefix_print(address, text));
		return missing(error, what, tap, v4);
	}
	if (source.len < address->len)
		return refused(error, name, &source, address);
	replace_host_bits(address, &source.addr);
	return ADDRESS_FROM_TAKEN;
}
