#include "tapd/log/log_ring.h"

#include <stdint.h>
#include <string.h>

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* What goes over the end goes on at the beginning. */
static void write_at(struct log_ring *r, size_t offset, const void *bytes,
		     size_t len)
{
	size_t at = (r->first + offset) % LOG_RING_SIZE;
	size_t part = min(len, LOG_RING_SIZE - at);

	memcpy(r->bytes + at, bytes, part);
	memcpy(r->bytes, (const char *)bytes + part, len - part);
}

static void append(struct log_ring *r, const void *bytes, size_t len)
{
	write_at(r, r->used, bytes, len);
	r->used += len;
}

static void copy(const struct log_ring *r, size_t offset, void *out, size_t len)
{
	size_t at = (r->first + offset) % LOG_RING_SIZE;
	size_t part = min(len, LOG_RING_SIZE - at);

	memcpy(out, r->bytes + at, part);
	memcpy((char *)out + part, r->bytes, len - part);
}

bool log_ring_put(struct log_ring *r, const char *line, size_t len)
{
	const uint16_t head = (uint16_t)len;

	if (len == 0 || len > LOG_LINE_SIZE ||
	    sizeof(head) + len > LOG_RING_SIZE - r->used)
		return false;
	append(r, &head, sizeof(head));
	append(r, line, len);
	return true;
}

size_t log_ring_first(const struct log_ring *r, char line[LOG_LINE_SIZE])
{
	uint16_t len;

	if (r->used == 0)
		return 0;
	copy(r, 0, &len, sizeof(len));
	copy(r, sizeof(len), line, len);
	return len;
}

void log_ring_take(struct log_ring *r, size_t len)
{
	uint16_t line;

	if (r->used == 0)
		return;
	copy(r, 0, &line, sizeof(line));
	len = min(len, line);
	line = (uint16_t)(line - len);
	r->first = (r->first + len) % LOG_RING_SIZE;
	r->used -= len;
	if (line > 0) {
		write_at(r, 0, &line, sizeof(line));
		return;
	}
	r->first = (r->first + sizeof(line)) % LOG_RING_SIZE;
	r->used -= sizeof(line);
}
