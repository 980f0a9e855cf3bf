#include "tapd/discover/source.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

void source_begin(struct source *s, uint64_t now_us)
{
	*s = (struct source){ .since_us = now_us };
}

/* One line of printable text: it is shown as JSON, too. */
static void set_error(struct source *s, const char *error)
{
	json_t *whole;
	size_t len;

	snprintf(s->error, sizeof(s->error), "%s", error);
	for (char *c = s->error; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	whole = json_string(s->error);
	for (char *c = s->error; !whole && *c; c++)
		if ((unsigned char)*c > 0x7f)
			*c = '?';
	json_decref(whole);
	len = strlen(s->error);
	while (len > 0 && s->error[len - 1] == ' ')
		s->error[--len] = '\0';
}

bool source_take(struct source *s, const struct source_answer *a,
		 const struct source_view *v)
{
	bool good = !a->error && a->endpoints > 0;

	if (a->error)
		set_error(s, a->error);
	else
		set_error(s, good ? "" : "its answer is empty");
	s->failures += !good;
	if (good) {
		s->good_us = v->now_us;
		s->early = a->tells_self && !a->has_self;
	}
	s->early &= v->peers_up == 0;
	if (s->early || s->good_us == 0)
		s->soon++;
	else
		s->soon = 0;
	return good;
}

bool source_tell_early(struct source *s)
{
	bool tell = s->early && !s->early_told;

	s->early_told |= tell;
	return tell;
}

static uint64_t wait_us(const struct source *s, const struct source_view *v)
{
	const uint64_t interval = v->interval_s * CLOCK_S;
	const uint64_t stretched = CLOCK_S * SOURCE_A_PEER_S * v->peers_up;
	const bool young = v->now_us < s->since_us + SOURCE_YOUNG_S * CLOCK_S;
	uint64_t soon;

	if (v->peers_up == 0 && s->soon > 0) {
		/* The interval is less than a day. */
		soon = SOURCE_SOON_S * CLOCK_S
		       << (s->soon < 17 ? s->soon - 1 : 16);
		return soon < interval ? soon : interval;
	}
	if (v->is_near || young || v->peers_up == 0 || stretched < interval)
		return interval;
	return stretched;
}

/* ±25 %: those that start together do not ask together for ever. */
uint64_t source_wait_us(const struct source *s, const struct source_view *v,
			uint64_t random)
{
	uint64_t wait = wait_us(s, v);

	return wait - wait / 4 + random % (wait / 2 + 1);
}
