#include "tunnel/replay.h"

#include <assert.h>
#include <string.h>

/*
 * One bit a counter, in a ring of words: counter c is bit c mod 64 of word
 * (c / 64) mod REPLAY_WORDS. Nothing is ever shifted: when the highest counter
 * enters a new word, the words from the old highest to it are cleared, and with
 * them the oldest counters are forgotten. The ring has one word more than the
 * window, because the word of the highest counter is only partly used.
 *
 * Invariant: bits of counters above the highest are zero.
 */

static_assert((REPLAY_WORDS & (REPLAY_WORDS - 1)) == 0,
	      "the ring's size is a power of two");

static size_t word_of(uint64_t counter)
{
	return counter / 64 & (REPLAY_WORDS - 1);
}

static uint64_t bit_of(uint64_t counter)
{
	return UINT64_C(1) << (counter & 63);
}

bool replay_fresh(const struct replay *r, uint64_t counter)
{
	if (counter >= r->next)
		return counter < REPLAY_LIMIT;
	if (r->next - 1 - counter > REPLAY_WINDOW)
		return false;
	return !(r->bits[word_of(counter)] & bit_of(counter));
}

bool replay_seen(const struct replay *r, uint64_t counter)
{
	return counter < r->next && r->next - 1 - counter <= REPLAY_WINDOW &&
	       r->bits[word_of(counter)] & bit_of(counter);
}

/* Clears the words that no counter up to the highest has used, through the
 * word of counter. */
static void advance(struct replay *r, uint64_t counter)
{
	uint64_t word = (r->next + 63) / 64;
	uint64_t last = counter / 64;

	if (last >= word + REPLAY_WORDS)
		memset(r->bits, 0, sizeof(r->bits));
	else
		for (; word <= last; word++)
			r->bits[word & (REPLAY_WORDS - 1)] = 0;
	r->next = counter + 1;
}

bool replay_accept(struct replay *r, uint64_t counter)
{
	if (!replay_fresh(r, counter))
		return false;
	if (counter >= r->next)
		advance(r, counter);
	r->bits[word_of(counter)] |= bit_of(counter);
	return true;
}
