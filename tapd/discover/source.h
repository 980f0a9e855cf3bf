/* One source of hosts over time: how good its answers are, and when to ask again. */
#ifndef TAPD_DISCOVER_SOURCE_H
#define TAPD_DISCOVER_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A source suggests hosts; sessions decide who is there. So an answer that is missing,
 * empty or wrong takes nobody away: the last good one stays, and people are told why
 * and how old it is.
 *
 * An answer without this host, where it should be in it, comes from a catalogue that
 * does not know it yet, and may lack others too: it counts, but is asked for again soon.
 *
 * A newcomer lists the others and dials them, so who is there already need not ask
 * often to learn of it. A source is asked every interval while it is young, or nobody is
 * up; later less often the more peers there are. So what a fleet asks an API is half a
 * question a second, of whatever size it is.
 */

#define SOURCE_YOUNG_S	 300
#define SOURCE_SOON_S	 2 /* twice as long each time, up to the interval */
#define SOURCE_A_PEER_S	 2
#define SOURCE_ERROR_MAX 1536

struct source {
	uint64_t since_us; /* monotonic: when it was first asked */
	uint64_t good_us;  /* when its last good answer came; 0: never */
	uint64_t failures; /* answers that were no good ones */
	unsigned soon;	   /* answers in a row after which it is asked soon */
	bool early; /* its last answer lacks this host, and nobody was up */
	bool early_told;
	char error
		[SOURCE_ERROR_MAX]; /* why the last was no good one; "": it was */
};

struct source_answer {
	const char *error; /* NULL: none. What it quotes may be anything. */
	size_t endpoints;
	bool tells_self; /* this host should be in it */
	bool has_self;
};

/* What is around it. */
struct source_view {
	uint64_t now_us;
	unsigned interval_s;
	uint32_t peers_up;
	bool is_near; /* asking costs nobody anything: always every interval */
};

void source_begin(struct source *s, uint64_t now_us);
/* Notes an answer. True: it is a good one, and what it lists is wanted from now on. */
bool source_take(struct source *s, const struct source_answer *a,
		 const struct source_view *v);
/* True once: people should be told that it does not list this host. */
bool source_tell_early(struct source *s);
/* How long from an answer until it is asked again; random: any number. */
uint64_t source_wait_us(const struct source *s, const struct source_view *v,
			uint64_t random);

#endif
