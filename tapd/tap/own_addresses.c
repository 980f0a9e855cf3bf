#include "tapd/tap/own_addresses.h"

#include <linux/if_addr.h>
#include <stdio.h>
#include <time.h>

#define SETTLED_US (60 * CLOCK_S)
#define CS_US	   (CLOCK_S / 100)

static bool is_listed(const struct prefix *list, size_t count,
		      const struct prefix *p)
{
	for (size_t i = 0; i < count; i++)
		if (prefix_equal(&list[i], p))
			return true;
	return false;
}

static bool is_host_prefix(const struct prefix *p)
{
	return p->len == (addr_is_v4(&p->addr) ? 32 : 128);
}

/* From when on an address that nobody configured here counts. */
static uint64_t settled_us(const struct link_address *a, uint32_t now_cs,
			   uint64_t now_us)
{
	const int32_t age_cs = (int32_t)(now_cs - a->made_cs);
	const uint64_t age_us = age_cs > 0 ? (uint64_t)age_cs * CS_US : 0;

	if (!a->has_age)
		return now_us + SETTLED_US;
	return age_us >= SETTLED_US ? 0 : now_us + SETTLED_US - age_us;
}

size_t own_addresses(const struct link_state *s,
		     const struct prefix *configured, size_t configured_count,
		     uint32_t now_cs, struct clock now,
		     struct node_tap_address out[NODE_TAP_ADDRESSES_MAX],
		     size_t *left_out)
{
	size_t count = 0;

	*left_out = 0;
	for (size_t i = 0; s->present && s->up && i < s->addresses.count; i++) {
		const struct link_address *a = &s->addresses.list[i];
		const bool listed =
			is_listed(configured, configured_count, &a->prefix);

		if (a->flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED))
			continue;
		if (!listed && (a->flags & IFA_F_SECONDARY || a->proto ||
				is_host_prefix(&a->prefix)))
			continue;
		if (count == NODE_TAP_ADDRESSES_MAX) {
			++*left_out;
			continue;
		}
		out[count++] = (struct node_tap_address){
			.addr = a->prefix.addr,
			.configured = listed,
			.from_us =
				listed ? 0 : settled_us(a, now_cs, now.mono_us),
		};
	}
	return count;
}

uint32_t own_addresses_clock(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint32_t)((uint64_t)t.tv_sec * 100 +
			  (uint64_t)t.tv_nsec / 10000000);
}

bool own_addresses_forwards(const char *interface)
{
	char path[96];
	FILE *f;
	int value;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/forwarding",
		 interface);
	f = fopen(path, "re");
	if (!f)
		return false;
	value = fgetc(f);
	fclose(f);
	return value != EOF && value != '0';
}
