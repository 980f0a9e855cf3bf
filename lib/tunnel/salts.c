#include "tunnel/salts.h"

#include <string.h>

/* How many of the runs begin at or before the counter: the last of them has it. */
static uint32_t begun_by(const struct salts *s, uint32_t counter)
{
	uint32_t at = s->count;

	while (at > 0 && s->runs[at - 1].first > counter)
		at--;
	return at;
}

static bool has_salt(const struct salts *s, uint32_t run,
		     const uint8_t salt[WIRE_SALT_LEN])
{
	return memcmp(s->runs[run].salt, salt, WIRE_SALT_LEN) == 0;
}

/* Makes room for a run before the one at `at`, and returns where. */
static uint32_t make_room(struct salts *s, uint32_t at)
{
	if (s->count < SALTS_RUNS) {
		memmove(&s->runs[at + 1], &s->runs[at],
			(s->count - at) * sizeof(s->runs[0]));
		s->count++;
		return at;
	}
	memmove(&s->runs[0], &s->runs[1], (at - 1) * sizeof(s->runs[0]));
	return at - 1;
}

void salts_note(struct salts *s, uint32_t counter,
		const uint8_t salt[WIRE_SALT_LEN])
{
	uint32_t at = begun_by(s, counter);

	if (at > 0 && has_salt(s, at - 1, salt))
		return;
	/* It was overtaken by others of its run. */
	if (at < s->count && has_salt(s, at, salt)) {
		s->runs[at].first = counter;
		return;
	}
	if (at == 0 && s->count == SALTS_RUNS) /* older than all that is kept */
		return;
	at = make_room(s, at);
	s->runs[at].first = counter;
	memcpy(s->runs[at].salt, salt, WIRE_SALT_LEN);
}

bool salts_differ(const struct salts *s, uint32_t counter,
		  const uint8_t salt[WIRE_SALT_LEN])
{
	uint32_t at = begun_by(s, counter);

	return at > 0 && !has_salt(s, at - 1, salt);
}
