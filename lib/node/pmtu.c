#include "node/pmtu.h"

/*
 * UDP payloads that real paths have: the packet size less 28 (IPv4 and UDP) or
 * 48 (IPv6 and UDP). One table serves both; a size that belongs to the other family
 * costs one round trip on the way up.
 */
static const uint16_t probe_sizes[] = {
	PMTU_BASE, /* under every packet size below, with room to spare */
	1232,	   /* 1280: the least IPv6 allows (v6) */
	1252,	   /* 1280: tunnels that are set to it (v4) */
	1352,	   /* 1400: VPN gateways (v6) */
	1372,	   /* 1400: VPN gateways (v4) */
	1392,	   /* 1420: inside WireGuard (v4) */
	1412,	   /* 1460: Google Cloud's default (v6) */
	1432,	   /* 1460: Google Cloud's default (v4) */
	1452,	   /* 1500: Ethernet (v6) */
	1472,	   /* 1500: Ethernet (v4); between AWS regions */
	3872,	   /* 3900: Azure, some series (v4) */
	8452,	   /* 8500: AWS Transit Gateway (v6) */
	8472,	   /* 8500: AWS Transit Gateway (v4) */
	8848,	   /* 8896: Google Cloud's largest (v6) */
	8868,	   /* 8896: Google Cloud's largest (v4) */
	8952,	   /* 9000: jumbo frames; one byte short of AWS's 9001 (v6) */
	8972,	   /* 9000: jumbo frames; one byte short of AWS's 9001 (v4) */
	PMTU_MAX,
};
#define PROBE_SIZES (sizeof(probe_sizes) / sizeof(probe_sizes[0]))

/* The next size to probe above size, or 0: size is the top. */
static uint16_t size_above(const struct pmtu *p, uint16_t size)
{
	if (size >= p->max)
		return 0;
	for (unsigned i = 0; i < PROBE_SIZES; i++) {
		uint16_t probed = (uint16_t)(probe_sizes[i] - p->overhead);

		if (probed > size && probed < p->max)
			return probed;
	}
	return p->max;
}

uint16_t pmtu_size_below(size_t size)
{
	for (unsigned i = PROBE_SIZES; i-- > 0;)
		if (probe_sizes[i] < size)
			return probe_sizes[i];
	return PMTU_MIN_V4;
}

static uint16_t at_most(uint16_t size, uint16_t max)
{
	return size < max ? size : max;
}

static uint16_t base_of(const struct pmtu *p)
{
	return at_most((uint16_t)(PMTU_BASE - p->overhead), p->max);
}

/* The size is proven by now, or needs no proof. */
static void use(struct pmtu *p, uint16_t size, uint64_t now_us)
{
	p->size = size;
	p->probed_size = 0;
	p->probe_count = 0;
	p->used = false;
	p->confirm_us = now_us + PMTU_CONFIRM_US;
	p->raise_us = now_us;
}

/* `refused` does not get through: to the base, or from there to the minimum.
 * The base has to show at once that it is any better. */
static void leave_black_hole(struct pmtu *p, uint16_t refused, uint64_t now_us)
{
	uint16_t base = base_of(p);

	use(p, refused > base ? base : p->min, now_us);
	p->confirm_us = now_us;
	p->used = true;
}

static void give_up(struct pmtu *p, uint64_t now_us)
{
	p->probed_size = 0;
	p->probe_count = 0;
	p->raise_us = now_us + PMTU_RAISE_US;
}

void pmtu_resume(struct pmtu *p, uint64_t now_us)
{
	if (p->min == p->max)
		return;
	use(p, p->size, now_us);
	p->confirm_us = now_us;
	p->used = p->size > p->min;
}

void pmtu_init(struct pmtu *p, bool v6, uint8_t overhead, uint16_t max,
	       uint16_t fixed, uint64_t now_us)
{
	*p = (struct pmtu){ .max = max, .overhead = overhead };
	if (fixed) {
		p->size = p->min = p->max = fixed;
		return;
	}
	p->min = v6 && !overhead
			 ? base_of(p)
			 : at_most((uint16_t)(PMTU_MIN_V4 - overhead), max);
	use(p, p->min, now_us);
}

static void probe_lost(struct pmtu *p, uint64_t now_us)
{
	bool confirming = p->probed_size == p->size;

	p->probe_count++;
	if (confirming && p->probe_count >= PMTU_CONFIRM_PROBES)
		leave_black_hole(p, p->size, now_us);
	else if (!confirming && p->probe_count >= PMTU_MAX_PROBES)
		give_up(p, now_us);
}

/* confirm_us is for when it is used. */
static uint64_t confirm_at(const struct pmtu *p)
{
	return p->used ? p->confirm_us
		       : p->confirm_us + (PMTU_IDLE_US - PMTU_CONFIRM_US);
}

static uint16_t next_probed_size(const struct pmtu *p, uint64_t now_us)
{
	if (p->size > p->min && now_us >= confirm_at(p))
		return p->size;
	return now_us >= p->raise_us ? size_above(p, p->size) : 0;
}

uint16_t pmtu_probe(struct pmtu *p, uint64_t small_ok_us, uint64_t now_us)
{
	if (now_us < pmtu_deadline(p))
		return 0;
	if (p->probed_size && small_ok_us >= p->probed_us)
		probe_lost(p, now_us);
	if (!p->probed_size)
		p->probed_size = next_probed_size(p, now_us);
	p->probed_us = now_us;
	return p->probed_size;
}

bool pmtu_echoed(struct pmtu *p, uint16_t size, uint64_t now_us)
{
	if (size == p->size) {
		p->confirm_us = now_us + PMTU_CONFIRM_US;
		p->used = false;
		if (p->probed_size == size) {
			p->probed_size = 0;
			p->probe_count = 0;
		}
		return false;
	}
	if (!p->probed_size || size != p->probed_size)
		return false;
	use(p, size, now_us);
	return true;
}

bool pmtu_too_big(struct pmtu *p, uint16_t size, uint64_t now_us)
{
	if (size > p->size) {
		if (p->probed_size >= size)
			give_up(p, now_us);
		return false;
	}
	if (p->size == p->min)
		return false;
	leave_black_hole(p, size, now_us);
	return true;
}

uint64_t pmtu_deadline(const struct pmtu *p)
{
	uint64_t at = CLOCK_NEVER;

	if (p->probed_size)
		return p->probed_us + PMTU_PROBE_US;
	if (p->size > p->min)
		at = confirm_at(p);
	if (p->raise_us < at && size_above(p, p->size))
		at = p->raise_us;
	return at;
}
