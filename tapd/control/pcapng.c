#include "tapd/control/pcapng.h"

#include <string.h>

enum block_type {
	SECTION_HEADER = 0x0a0d0d0a,
	INTERFACE_DESCRIPTION = 1,
	ENHANCED_PACKET = 6,
};

#define BYTE_ORDER_MAGIC  UINT32_C(0x1a2b3c4d)
#define LINKTYPE_ETHERNET 1
#define UNKNOWN_LENGTH	  UINT64_MAX

enum option {
	OPTION_END = 0,
	OPTION_COMMENT = 1,
	SECTION_APPLICATION = 4,
	INTERFACE_NAME = 2,
	INTERFACE_RESOLUTION = 9,
	PACKET_FLAGS = 2,
	PACKET_DROPCOUNT = 4,
};

enum { FLAG_INBOUND = 1, FLAG_OUTBOUND = 2 };

/* Where a block is written; the first thing that does not fit ends it. */
struct writer {
	uint8_t *out;
	size_t size, len;
	bool full;
};

static void put(struct writer *w, const void *bytes, size_t len)
{
	if (w->full || w->size - w->len < len) {
		w->full = true;
		return;
	}
	if (len > 0)
		memcpy(w->out + w->len, bytes, len);
	w->len += len;
}

static void put16(struct writer *w, size_t value)
{
	const uint16_t v = (uint16_t)value;

	put(w, &v, sizeof(v));
}

static void put32(struct writer *w, size_t value)
{
	const uint32_t v = (uint32_t)value;

	put(w, &v, sizeof(v));
}

static void put64(struct writer *w, uint64_t value)
{
	put(w, &value, sizeof(value));
}

static void pad(struct writer *w)
{
	static const uint8_t zeros[4];

	put(w, zeros, -w->len % 4);
}

static void put_option(struct writer *w, enum option code, const void *value,
		       size_t len)
{
	put16(w, code);
	put16(w, len);
	put(w, value, len);
	pad(w);
}

static void put_text(struct writer *w, enum option code, const char *text)
{
	put_option(w, code, text, strnlen(text, PCAPNG_COMMENT_MAX));
}

/* Its length is known at its end. */
static struct writer begin(uint8_t *out, size_t size, uint32_t type)
{
	struct writer w = { .out = out, .size = size };

	put32(&w, type);
	put32(&w, 0);
	return w;
}

static size_t end(struct writer *w)
{
	uint32_t len;

	put_option(w, OPTION_END, NULL, 0);
	len = (uint32_t)(w->len + sizeof(len));
	put(w, &len, sizeof(len));
	if (w->full)
		return 0;
	memcpy(w->out + sizeof(uint32_t), &len, sizeof(len));
	return w->len;
}

static size_t put_section(uint8_t *out, size_t size, const char *application)
{
	struct writer w = begin(out, size, SECTION_HEADER);

	put32(&w, BYTE_ORDER_MAGIC);
	put16(&w, 1); /* version 1.0 */
	put16(&w, 0);
	put64(&w, UNKNOWN_LENGTH);
	put_text(&w, SECTION_APPLICATION, application);
	return end(&w);
}

static size_t put_interface(uint8_t *out, size_t size, const char *name)
{
	static const uint8_t microseconds = 6;
	struct writer w = begin(out, size, INTERFACE_DESCRIPTION);

	put16(&w, LINKTYPE_ETHERNET);
	put16(&w, 0);
	put32(&w, 0); /* no limit of a frame's length */
	put_text(&w, INTERFACE_NAME, name);
	put_option(&w, INTERFACE_RESOLUTION, &microseconds,
		   sizeof(microseconds));
	return end(&w);
}

size_t pcapng_begin(uint8_t *out, size_t size, const char *application,
		    const char *interface)
{
	size_t section = put_section(out, size, application), rest;

	if (!section)
		return 0;
	rest = put_interface(out + section, size - section, interface);
	return rest ? section + rest : 0;
}

static void put_frame(struct writer *w, const struct pcapng_packet *p)
{
	size_t len = 0;

	for (size_t i = 0; i < p->count; i++)
		len += p->lens[i];
	put32(w, 0); /* the interface */
	put32(w, (uint32_t)(p->time_us >> 32));
	put32(w, (uint32_t)p->time_us);
	put32(w, len);
	put32(w, len);
	for (size_t i = 0; i < p->count; i++)
		put(w, p->pieces[i], p->lens[i]);
	pad(w);
}

size_t pcapng_packet(uint8_t *out, size_t size, const struct pcapng_packet *p,
		     uint8_t **frame)
{
	const uint32_t flags = p->inbound ? FLAG_INBOUND : FLAG_OUTBOUND;
	struct writer w = begin(out, size, ENHANCED_PACKET);

	*frame = out + w.len + 5 * sizeof(uint32_t);
	put_frame(&w, p);
	if (*p->comment)
		put_text(&w, OPTION_COMMENT, p->comment);
	put_option(&w, PACKET_FLAGS, &flags, sizeof(flags));
	if (p->lost)
		put_option(&w, PACKET_DROPCOUNT, &p->lost, sizeof(p->lost));
	return end(&w);
}
