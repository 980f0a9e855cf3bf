/* Any sequence of pieces: a record that completes is the one that was cut. */
#include <string.h>

#include "base/bytes.h"
#include "fuzz.h"
#include "tunnel/frag.h"

#define RECORD_MAX 2000
#define BUFFERS	   12
#define PORTS	   4

/* Every frame is made of these bytes, so a byte out of its place shows. */
static uint8_t bytes[2 * (RECORD_MAX + 8)];
static uint64_t drops[DROP_REASON_COUNT];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 31 + i / 256 + 1);
	return 0;
}

static void add_piece(struct frag *f, struct cursor *c, uint64_t now_us)
{
	uint8_t name = cursor_u8(c);
	uint16_t offset = cursor_u16(c), len = cursor_u16(c);
	struct wire_fragment piece = {
		.id = name >> 4,
		.offset = offset % (RECORD_MAX + 8),
		.last = name & 8,
		.len = len % (RECORD_MAX + 8),
	};
	struct frag_done done;

	piece.piece = bytes + piece.offset;
	if (!frag_add(f, name % PORTS, name & 4, &piece, now_us, &done)) {
		HOLDS(!done.record);
		return;
	}
	HOLDS(done.len >= 1 && done.len <= RECORD_MAX);
	HOLDS(memcmp(done.record, bytes, done.len) == 0);
	frag_release(f, done.slot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frag *f = frag_new(BUFFERS, RECORD_MAX, PORTS, drops);
	struct cursor c = cursor_init(data, size);
	uint64_t now_us = CLOCK_S;

	HOLDS(f);
	/* What happens(1), and a piece: port, session, LAST and id(1),
	 * offset(2), length(2). */
	while (c.left >= 6) {
		uint8_t what = cursor_u8(&c);

		if (what >= 0xf0)
			frag_forget_session(f, what % PORTS, what & 4);
		now_us += (uint64_t)(what & 0x0f) * 10 * CLOCK_MS;
		add_piece(f, &c, now_us);
		HOLDS(frag_deadline(f) == CLOCK_NEVER ||
		      frag_deadline(f) > now_us);
	}
	frag_age(f, now_us + FRAG_LIFE_US);
	HOLDS(frag_deadline(f) == CLOCK_NEVER);
	frag_free(f);
	return 0;
}
