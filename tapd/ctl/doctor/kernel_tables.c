#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/ctl/doctor/checks.h"
#include "tapd/ctl/doctor/host.h"

/* What the kernel throws out to make room leaves some. */
static bool is_full(long entries, long most)
{
	return most > 0 && entries >= most - most / 16;
}

/* /proc/net/stat/arp_cache: a line of titles, then hexadecimal numbers, of which the
 * first is how many entries there are. */
static long entries_of(const char *root, const char *table)
{
	char *text = host_text(root, "/proc/net/stat/%s", table);
	const char *line = text ? strchr(text, '\n') : NULL;
	long entries = line ? strtol(line + 1, NULL, 16) : 0;

	free(text);
	return entries;
}

static void neighbours(const struct facts *f, const char *table,
		       const char *family, struct diagnosis *d)
{
	long most = host_number(f->root, 0,
				"/proc/sys/net/%s/neigh/default/gc_thresh3",
				family);
	long entries = entries_of(f->root, table);

	if (is_full(entries, most))
		diagnosis_add(d, KIND_NEIGHBOURS_FULL,
			      "the kernel's neighbour table of %s is full: %ld"
			      " of %ld (gc_thresh3)",
			      family, entries, most);
}

static void conntrack(const struct facts *f, struct diagnosis *d)
{
	const char *const folder = "/proc/sys/net/netfilter";
	long count = host_number(f->root, 0, "%s/nf_conntrack_count", folder);
	long most = host_number(f->root, 0, "%s/nf_conntrack_max", folder);

	if (is_full(count, most))
		diagnosis_add(d, KIND_CONNTRACK_FULL,
			      "the kernel's table of connections is full: %ld"
			      " of %ld: new ones are dropped",
			      count, most);
}

/* The daemon may have said so of a peer. */
void check_kernel_tables(const struct facts *f, struct diagnosis *d)
{
	if (!diagnosis_has(d, kinds[KIND_NEIGHBOURS_FULL].id)) {
		neighbours(f, "arp_cache", "ipv4", d);
		neighbours(f, "ndisc_cache", "ipv6", d);
	}
	conntrack(f, d);
}
