#include "node/pmtu.h"

/*
 * UDP payloads that real paths have: the packet size less 28 (IPv4 and UDP) or
 * 48 (IPv6 and UDP). One ladder serves both; a rung that belongs to the other
 * family costs one round trip on the way up.
 */
static const uint16_t ladder[] = {
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
#define RUNGS (sizeof(ladder) / sizeof(ladder[0]))

/* The next candidate above size, or 0: size is the top. */
static uint16_t rung_above(const struct pmtu *p, uint16_t size)
{
	if (size >= p->max)
		return 0;
	for (unsigned i = 0; i < RUNGS; i++)
		if (ladder[i] > size && ladder[i] < p->max)
			return ladder[i];
	return p->max;
}

static uint16_t at_most(uint16_t size, uint16_t max)
{
	return size < max ? size : max;
}

/* The size is proven by now, or needs no proof. */
static void use(struct pmtu *p, uint16_t size, uint64_t now_us)
{
	p->size = size;
	p->candidate = 0;
	p->lost = 0;
	p->confirm_us = now_us + PMTU_CONFIRM_US;
	p->raise_us = now_us;
}

/* `refused` does not get through: to the base, or from there to the minimum.
 * The base has to show at once that it is any better. */
static void fall(struct pmtu *p, uint16_t refused, uint64_t now_us)
{
	uint16_t base = at_most(PMTU_BASE, p->max);

	use(p, refused > base ? base : p->min, now_us);
	p->confirm_us = now_us;
}

static void give_up(struct pmtu *p, uint64_t now_us)
{
	p->candidate = 0;
	p->lost = 0;
	p->raise_us = now_us + PMTU_RAISE_US;
}

void pmtu_init(struct pmtu *p, bool v6, uint16_t max, uint16_t fixed,
	       uint64_t now_us)
{
	*p = (struct pmtu){ .max = max };
	if (fixed) {
		p->fixed = true;
		p->size = p->min = p->max = fixed;
	}
	pmtu_reset(p, v6, now_us);
}

void pmtu_reset(struct pmtu *p, bool v6, uint64_t now_us)
{
	if (p->fixed)
		return;
	p->min = at_most(v6 ? PMTU_BASE : PMTU_MIN_V4, p->max);
	use(p, p->min, now_us);
}

static void candidate_lost(struct pmtu *p, uint64_t now_us)
{
	bool confirming = p->candidate == p->size;

	p->lost++;
	if (confirming && p->lost >= PMTU_CONFIRM_LOSSES)
		fall(p, p->size, now_us);
	else if (!confirming && p->lost >= PMTU_LOSSES)
		give_up(p, now_us);
}

static uint16_t next_candidate(const struct pmtu *p, uint64_t now_us)
{
	if (p->size > p->min && now_us >= p->confirm_us)
		return p->size;
	return now_us >= p->raise_us ? rung_above(p, p->size) : 0;
}

uint16_t pmtu_probe(struct pmtu *p, uint64_t small_ok_us, uint64_t now_us)
{
	if (now_us < pmtu_deadline(p))
		return 0;
	if (p->candidate && small_ok_us >= p->sent_us)
		candidate_lost(p, now_us);
	if (!p->candidate)
		p->candidate = next_candidate(p, now_us);
	p->sent_us = now_us;
	return p->candidate;
}

bool pmtu_echoed(struct pmtu *p, uint16_t size, uint64_t now_us)
{
	if (size == p->size) {
		p->confirm_us = now_us + PMTU_CONFIRM_US;
		if (p->candidate == size) {
			p->candidate = 0;
			p->lost = 0;
		}
		return false;
	}
	if (!p->candidate || size != p->candidate)
		return false;
	use(p, size, now_us);
	return true;
}

bool pmtu_too_big(struct pmtu *p, uint16_t size, uint64_t now_us)
{
	if (size > p->size) {
		if (p->candidate >= size)
			give_up(p, now_us);
		return false;
	}
	if (p->size == p->min)
		return false;
	fall(p, size, now_us);
	return true;
}

uint64_t pmtu_deadline(const struct pmtu *p)
{
	uint64_t at = CLOCK_NEVER;

	if (p->candidate)
		return p->sent_us + PMTU_TIMEOUT_US;
	if (p->size > p->min)
		at = p->confirm_us;
	if (p->raise_us < at && rung_above(p, p->size))
		at = p->raise_us;
	return at;
}
