#include "node/endpoint.h"

#include <stdio.h>
#include <string.h>

struct endpoint *endpoints_find(const struct node *n, const struct addr *addr)
{
	uint8_t key[ADDR_KEY_LEN];

	addr_key(addr, key);
	return table_find(n->peers.by_addr, key);
}

bool endpoints_wanted(const struct node *n, const struct addr *addr)
{
	const struct endpoint *e = endpoints_find(n, addr);

	return e && e->sources;
}

struct endpoint *endpoints_next(const struct node *n, uint32_t *at)
{
	*at = table_next(n->peers.by_addr, *at);
	return *at == TABLE_NONE ? NULL : table_at(n->peers.by_addr, *at);
}

static bool has_room(const struct node *n, const struct addr *addr)
{
	const uint32_t all = table_count(n->peers.by_addr);

	if (addr->leg)
		return n->peers.by_leg < n->peers.by_leg_max;
	return all - n->peers.by_leg <
	       table_capacity(n->peers.by_addr) - n->peers.by_leg_max;
}

struct endpoint *endpoints_add(struct node *n, const struct addr *addr)
{
	uint8_t key[ADDR_KEY_LEN];
	struct endpoint *e;

	addr_key(addr, key);
	e = table_find(n->peers.by_addr, key);
	if (e || !has_room(n, addr))
		return e;
	e = table_insert(n->peers.by_addr, key);
	e->addr = *addr;
	if (addr->leg)
		n->peers.by_leg++;
	return e;
}

void endpoints_remove(struct node *n, struct endpoint *e)
{
	uint8_t key[ADDR_KEY_LEN];

	addr_key(&e->addr, key);
	noise_wipe(&e->pending.noise);
	bytes_wipe(e->cookie, sizeof(e->cookie));
	if (e->addr.leg)
		n->peers.by_leg--;
	table_remove(n->peers.by_addr, key);
}

bool endpoints_init(struct node *n, uint32_t max, uint32_t by_leg_max,
		    const uint8_t seed[TABLE_SEED_LEN])
{
	n->peers.by_leg_max = by_leg_max;
	n->peers.by_addr = table_new(max + by_leg_max, ADDR_KEY_LEN,
				     sizeof(struct endpoint), seed);
	return n->peers.by_addr != NULL;
}

void endpoints_free(struct node *n)
{
	uint32_t at = TABLE_NONE;
	struct endpoint *e;

	while (n->peers.by_addr && (e = endpoints_next(n, &at)))
		endpoints_remove(n, e);
	table_free(n->peers.by_addr);
	n->peers.by_addr = NULL;
}

void endpoint_cancel(struct node *n, struct endpoint *e)
{
	if (e->pending.index)
		table_remove(n->indices, &e->pending.index);
	noise_wipe(&e->pending.noise);
	memset(&e->pending, 0, sizeof(e->pending));
}

static bool spare(const struct endpoint *e)
{
	return !e->sources && !e->users && !e->hinted && !e->by_leg;
}

void endpoint_release(struct node *n, struct endpoint *e)
{
	if (!spare(e))
		return;
	endpoint_cancel(n, e);
	timers_cancel(&n->timers, &e->timer);
	endpoints_remove(n, e);
}

struct endpoint *endpoint_get(struct node *n, const struct addr *addr)
{
	struct endpoint *e = endpoints_add(n, addr);
	uint32_t at = TABLE_NONE;

	if (!e) {
		while ((e = endpoints_next(n, &at)))
			if (spare(e) && !e->addr.leg == !addr->leg)
				break;
		if (!e)
			return NULL;
		endpoint_release(n, e);
		e = endpoints_add(n, addr);
		if (!e)
			return NULL;
	}
	e->timer.kind = NODE_TIMER_ENDPOINT;
	e->timer.owner = e;
	return e;
}

void endpoint_other_secret(struct node *n, const struct addr *from)
{
	struct endpoint *e = endpoints_find(n, from);

	if (e && e->heard.other_secret < UINT32_MAX)
		e->heard.other_secret++;
}

void endpoint_answers(struct endpoint *e)
{
	e->reason = ENDPOINT_DIALLING;
	e->heard.other_secret = 0;
	e->heard.mirrored = 0;
}

/* One may be anybody's. */
#define OTHER_SECRET_FEW 3

enum endpoint_reason endpoint_shown_reason(const struct endpoint *e)
{
	if (e->reason != ENDPOINT_DIALLING && e->reason != ENDPOINT_NO_ANSWER)
		return e->reason;
	if (e->heard.other_secret >= OTHER_SECRET_FEW)
		return ENDPOINT_OTHER_SECRET;
	return e->heard.mirrored ? ENDPOINT_MIRRORED : e->reason;
}

bool endpoint_is_refused(const struct endpoint *e)
{
	switch (e->reason) {
	case ENDPOINT_UNTRUSTED:
	case ENDPOINT_DUPLICATE:
	case ENDPOINT_SELF:
	case ENDPOINT_VERSION:
	case ENDPOINT_FULL:
		return true;
	case ENDPOINT_DIALLING:
	case ENDPOINT_NO_ANSWER:
	case ENDPOINT_OTHER_SECRET:
	case ENDPOINT_MIRRORED:
	case ENDPOINT_IGNORED:
	case ENDPOINT_RECURSION:
	case ENDPOINT_UNREACHABLE:
	case ENDPOINT_REASON_COUNT:
		break;
	}
	return false;
}

void endpoint_dial_now(struct node *n, struct endpoint *e, uint64_t now_us)
{
	/* What it was refused for once may be long over. */
	bool waits = e->timer.due_us > now_us + DIAL_LAST_US * 5 / 4 &&
		     !endpoint_is_refused(e);

	if (n->plain || (timer_armed(&e->timer) && !waits))
		return;
	e->attempts = 0;
	timers_set(&n->timers, &e->timer, now_us);
}

void endpoint_alive(struct node *n, struct endpoint *e, uint64_t now_us)
{
	/* A peer that refuses us still dials us: no reason to dial it again. But
	 * a handshake from an address that we took for our own means that it is
	 * another host's now. */
	if (endpoint_is_refused(e) && e->reason != ENDPOINT_SELF)
		return;
	/* What is tried for a hint alone has its tries, whoever seems to be there. */
	if (e->hinted && !e->sources && !e->peer)
		return;
	e->attempts = 0;
	if (timer_armed(&e->timer) && e->timer.due_us > now_us + DIAL_FIRST_US)
		timers_set(&n->timers, &e->timer,
			   now_us + node_jitter(n, DIAL_FIRST_US));
}

const char *endpoint_why(const struct endpoint *e, char *buf, size_t len)
{
	char at[ADDR_STRLEN];

	if (e->reason != ENDPOINT_RECURSION)
		return endpoint_reason_print(endpoint_shown_reason(e),
					     e->addr.port, buf, len);
	snprintf(buf, len,
		 "routed into itself: ip route add %s via GATEWAY dev DEVICE",
		 addr_print_host(&e->addr, at));
	return buf;
}
