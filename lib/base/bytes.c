#include "base/bytes.h"

#include <string.h>

struct cursor cursor_init(const void *bytes, size_t len)
{
	return (struct cursor){ .at = bytes, .left = len };
}

const uint8_t *cursor_take(struct cursor *c, size_t len)
{
	const uint8_t *taken = c->at;

	if (c->failed || len > c->left) {
		c->failed = true;
		return NULL;
	}
	/* An empty buffer may be a null pointer, and NULL + 0 is undefined. */
	if (len > 0) {
		c->at += len;
		c->left -= len;
	}
	return taken;
}

uint8_t cursor_u8(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 1);

	return p ? *p : 0;
}

uint16_t cursor_u16(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 2);

	return p ? load_be16(p) : 0;
}

uint32_t cursor_u32(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 4);

	return p ? load_be32(p) : 0;
}

uint64_t cursor_u64(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 8);

	return p ? load_be64(p) : 0;
}

void cursor_copy(struct cursor *c, void *out, size_t len)
{
	const uint8_t *p = cursor_take(c, len);

	if (len == 0)
		return;
	if (p)
		memcpy(out, p, len);
	else
		memset(out, 0, len);
}

bool cursor_ok(const struct cursor *c)
{
	return !c->failed;
}

bool cursor_done(const struct cursor *c)
{
	return !c->failed && c->left == 0;
}

struct writer writer_init(void *buf, size_t size)
{
	return (struct writer){ .start = buf, .size = size };
}

/* Room for len more bytes, or NULL and the sticky error. */
static uint8_t *writer_reserve(struct writer *w, size_t len)
{
	uint8_t *at;

	if (w->failed || len > w->size - w->len) {
		w->failed = true;
		return NULL;
	}
	if (len == 0)
		return NULL;
	at = w->start + w->len;
	w->len += len;
	return at;
}

void writer_u8(struct writer *w, uint8_t v)
{
	uint8_t *p = writer_reserve(w, 1);

	if (p)
		*p = v;
}

void writer_u16(struct writer *w, uint16_t v)
{
	uint8_t *p = writer_reserve(w, 2);

	if (p)
		store_be16(p, v);
}

void writer_u32(struct writer *w, uint32_t v)
{
	uint8_t *p = writer_reserve(w, 4);

	if (p)
		store_be32(p, v);
}

void writer_u64(struct writer *w, uint64_t v)
{
	uint8_t *p = writer_reserve(w, 8);

	if (p)
		store_be64(p, v);
}

void writer_bytes(struct writer *w, const void *bytes, size_t len)
{
	uint8_t *p = writer_reserve(w, len);

	if (p)
		memcpy(p, bytes, len);
}

void writer_zeros(struct writer *w, size_t len)
{
	uint8_t *p = writer_reserve(w, len);

	if (p)
		memset(p, 0, len);
}

bool writer_ok(const struct writer *w)
{
	return !w->failed;
}

void bytes_wipe(void *secret, size_t len)
{
	explicit_bzero(secret, len);
}

bool bytes_equal(const void *a, const void *b, size_t len)
{
	/* volatile, lest the compiler leave the loop at the first difference. */
	const volatile uint8_t *x = a, *y = b;
	uint8_t differs = 0;

	for (size_t i = 0; i < len; i++)
		differs |= (uint8_t)(x[i] ^ y[i]);
	return differs == 0;
}
