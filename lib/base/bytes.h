/* Big-endian loads and stores, and bounded cursors over foreign bytes. */
#ifndef TAPD_BASE_BYTES_H
#define TAPD_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Inline: they run several times a frame. Compilers make one move of each. */
static inline uint16_t load_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t load_be32(const uint8_t *p)
{
	return (uint32_t)load_be16(p) << 16 | load_be16(p + 2);
}

static inline uint64_t load_be64(const uint8_t *p)
{
	return (uint64_t)load_be32(p) << 32 | load_be32(p + 4);
}

static inline void store_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void store_be32(uint8_t *p, uint32_t v)
{
	store_be16(p, (uint16_t)(v >> 16));
	store_be16(p + 2, (uint16_t)v);
}

static inline void store_be64(uint8_t *p, uint64_t v)
{
	store_be32(p, (uint32_t)(v >> 32));
	store_be32(p + 4, (uint32_t)v);
}

/*
 * Reads a buffer front to back. The first read past the end sets `failed`;
 * from then on every read yields zeros (or NULL) and consumes nothing, so a
 * parser reads all its fields and tests once, with cursor_ok(). The bytes are
 * borrowed.
 */
struct cursor {
	const uint8_t *at;
	size_t left;
	bool failed;
};

struct cursor cursor_init(const void *bytes, size_t len);
uint8_t cursor_u8(struct cursor *c);
uint16_t cursor_u16(struct cursor *c);
uint32_t cursor_u32(struct cursor *c);
uint64_t cursor_u64(struct cursor *c);
/* The next len bytes in place, or NULL if there are fewer. */
const uint8_t *cursor_take(struct cursor *c, size_t len);
/* Copies the next len bytes to out, or zeroes it. */
void cursor_copy(struct cursor *c, void *out, size_t len);
/* True if nothing was read past the end. */
bool cursor_ok(const struct cursor *c);
/* True if, in addition, every byte was read. */
bool cursor_done(const struct cursor *c);

/*
 * Fills a caller's buffer front to back, with the same sticky error: the first
 * write that does not fit writes nothing and sets `failed`, and nothing is
 * written after it.
 */
struct writer {
	uint8_t *start;
	size_t len;
	size_t size;
	bool failed;
};

struct writer writer_init(void *buf, size_t size);
void writer_u8(struct writer *w, uint8_t v);
void writer_u16(struct writer *w, uint16_t v);
void writer_u32(struct writer *w, uint32_t v);
void writer_u64(struct writer *w, uint64_t v);
void writer_bytes(struct writer *w, const void *bytes, size_t len);
void writer_zeros(struct writer *w, size_t len);
bool writer_ok(const struct writer *w);

/* Overwrites a secret in a way the compiler keeps. */
void bytes_wipe(void *secret, size_t len);
/* Compares two secrets in time that depends on len alone. */
bool bytes_equal(const void *a, const void *b, size_t len);

#endif
