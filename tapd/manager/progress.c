#include "tapd/manager/progress.h"

#include <inttypes.h>
#include <stdio.h>

#define STATUS_INTERVAL_US 1000000

static bool is_ready(const struct progress *p, const struct progress_now *now)
{
	if (now->hook_runs)
		return false;
	if (now->us - p->started_us >= PROGRESS_WAIT_US)
		return true;
	return now->link_up && (now->peers_up > 0 || !now->wants_peers);
}

static bool is_news(const struct progress *p, const struct progress_now *now)
{
	if (p->shown_us == 0)
		return true;
	return (now->peers_up != p->peers_up ||
		now->peers_total != p->peers_total) &&
	       now->us - p->shown_us >= STATUS_INTERVAL_US;
}

enum progress_news progress_look(struct progress *p,
				 const struct progress_now *now)
{
	const bool ready = !p->ready && is_ready(p, now);

	if (!ready && !is_news(p, now))
		return PROGRESS_NOTHING;
	p->ready |= ready;
	p->shown_us = now->us;
	p->peers_up = now->peers_up;
	p->peers_total = now->peers_total;
	return ready ? PROGRESS_READY : PROGRESS_STATUS;
}

const char *progress_print(const struct progress *p,
			   char text[PROGRESS_TEXT_LEN])
{
	snprintf(text, PROGRESS_TEXT_LEN, "%" PRIu32 " of %" PRIu32 " peers up",
		 p->peers_up, p->peers_total);
	return text;
}
