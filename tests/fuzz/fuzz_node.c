/*
 * Two whole nodes with a session between them. An input is a list of steps: a
 * stranger's datagrams, an insider's records (sealed with the session's own
 * keys, so that what lies behind the tag is reached), frames on either TAP
 * (reports of groups among them), and time.
 */
#include <string.h>

#include "fuzz.h"
#include "sides.h"
#include "tunnel/wire.h"

#define STEPS_MAX 32
/* Of virtual time: past a rekey and the death of the keys before. */
#define TIME_MAX_US (200 * CLOCK_S)

static struct side a, b;
/* Bytes to and from an address that an insider claims to be at. */
static uint64_t to_third[2], from_third[2];

static const struct addr third = {
	.ip = { [10] = 0xff, [11] = 0xff, 10, 9, 0, 254 }, .port = 4243
};

static bool sends(struct side *s, const struct addr *to, const uint8_t *bytes,
		  size_t len)
{
	(void)bytes;
	if (addr_equal(to, &third))
		to_third[s == &b] += len;
	return true;
}

/* ---- steps ---- */

static void stranger(struct side *s, const uint8_t *bytes, size_t len)
{
	struct addr from = addr_v4(0x0a0900ff, 4242);
	uint64_t sent = s->sent, written = s->written;

	/* Half of them with the peer's address. */
	if (len % 2)
		from = s->other->addr;
	side_receive(s, &from, bytes, len);
	HOLDS(s->written == written);
	HOLDS(s->sent - sent <= len);
}

/* No input could guess it: groups that name none are given the sender's epoch. */
static void give_epoch(const struct side *s, uint8_t *bytes, size_t len)
{
	struct cursor c = cursor_init(bytes, len);
	struct wire_record r;
	struct node_debug debug;

	node_debug(s->node, &debug);
	while (wire_next_record(&c, &r))
		if (r.kind == WIRE_GROUPS && r.len >= 8 && !load_be64(r.body))
			store_be64(bytes + (r.body - bytes), debug.epoch);
}

/* claims: from an address where nobody answers. Nobody there is sent more than it
 * sent. */
static void insider(struct side *s, bool claims, const uint8_t *bytes,
		    size_t len)
{
	uint8_t *records = malloc(len ? len : 1);
	uint8_t *out = malloc(len + WIRE_DATA_OVERHEAD);
	struct node_status to;
	size_t sealed;

	HOLDS(out && records);
	node_status(s->other->node, &to);
	memcpy(records, bytes, len);
	give_epoch(s, records, len);
	sealed = node_debug_seal(s->node, &to.key, records, len,
				 sides_now.mono_us, out);
	if (sealed && claims) {
		from_third[s == &a] += sealed;
		side_receive(s->other, &third, out, sealed);
	} else if (sealed) {
		side_receive(s->other, &s->addr, out, sealed);
	}
	HOLDS(to_third[s == &a] <= from_third[s == &a]);
	free(out);
	free(records);
}

static void steps(struct cursor *c)
{
	for (int i = 0; i < STEPS_MAX && c->left; i++) {
		uint8_t op = cursor_u8(c);
		size_t len = cursor_u16(c);
		struct side *s = op & 0x80 ? &b : &a;
		const uint8_t *bytes;

		if (!cursor_ok(c))
			return;
		if ((op & 3) == 3) {
			if (sides_now.mono_us < TIME_MAX_US)
				sides_pass(&a, &b, len * CLOCK_MS, NULL);
			side_check(&a);
			side_check(&b);
			continue;
		}
		if (len > c->left)
			len = c->left;
		bytes = cursor_take(c, len);
		if ((op & 3) == 0)
			stranger(s, bytes, len);
		else if ((op & 3) == 1)
			insider(s, op & 0x40, bytes, len);
		else
			side_from_tap(s, bytes, len);
		side_deliver(&a);
		side_deliver(&b);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct node_config limits = side_limits();
	struct cursor c = cursor_init(data, size);

	sides_begin();
	memset(to_third, 0, sizeof(to_third));
	memset(from_third, 0, sizeof(from_third));
	side_start(&a, &b, 1, &limits);
	side_start(&b, &a, 2, &limits);
	a.sends = b.sends = sends;
	node_want(a.node, NODE_SOURCE_PEERS, &b.addr, 1, sides_now);
	sides_pass(&a, &b, 2 * CLOCK_S, NULL);
	HOLDS(side_has_other_up(&a) && side_has_other_up(&b));
	node_tap_up(a.node, sides_now);
	node_tap_up(b.node, sides_now);
	sides_pass(&a, &b, 3 * CLOCK_S, NULL);
	steps(&c);
	sides_pass(&a, &b, CLOCK_S, NULL);
	side_check(&a);
	side_check(&b);
	side_stop(&a);
	side_stop(&b);
	return 0;
}
