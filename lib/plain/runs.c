#include "plain/runs.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool runs_init(struct runs *r, runs_send *send, void *user)
{
	*r = (struct runs){ .send = send, .user = user };
	r->pool = malloc(RUNS_POOL_LEN);
	return r->pool != NULL;
}

void runs_free(struct runs *r)
{
	free(r->pool);
	*r = (struct runs){ .pool = NULL };
}

static void send_all(struct runs *r)
{
	if (r->count)
		r->send(r->user, r->runs, r->count);
	r->count = 0;
	r->open = NULL;
}

void runs_flush(struct runs *r)
{
	send_all(r);
	r->used = 0;
	r->whole = false;
}

void runs_begin(struct runs *r, const struct way *to)
{
	r->to = *to;
	r->first = r->count;
	r->whole = true;
	r->open = NULL;
	r->datagrams = r->bytes = 0;
}

static bool continues(const struct runs *r, size_t len, uint16_t spread)
{
	const struct datagram_run *run = r->open;

	return run && run->spread == spread && len <= run->segment_len &&
	       r->segments < DATAGRAM_RUN_SEGMENTS &&
	       run->len + len <= DATAGRAM_RUN_LEN_MAX;
}

static void open_run(struct runs *r, size_t len, uint16_t spread)
{
	struct datagram_run *run;

	if (r->count == RUNS_MAX)
		runs_flush(r);
	run = &r->runs[r->count++];
	*run = (struct datagram_run){ .remote = r->to.remote,
				      .local = r->to.local,
				      .data = r->pool + r->used,
				      .segment_len = len,
				      .spread = spread };
	r->open = run;
	r->segments = 0;
}

void runs_add(struct runs *r, const uint8_t *head, size_t head_len,
	      const uint8_t *body, size_t body_len, uint16_t spread)
{
	const size_t len = head_len + body_len;

	assert(len <= DATAGRAM_RUN_LEN_MAX);
	if (len > RUNS_POOL_LEN - r->used)
		runs_flush(r);
	if (!continues(r, len, spread))
		open_run(r, len, spread);
	memcpy(r->pool + r->used, head, head_len);
	if (body_len)
		memcpy(r->pool + r->used + head_len, body, body_len);
	r->used += len;
	r->open->len += len;
	r->segments++;
	r->datagrams++;
	r->bytes += len;
	if (len < r->open->segment_len)
		r->open = NULL;
}

bool runs_repeat(struct runs *r, const struct way *to)
{
	const uint32_t count = r->count - r->first;
	struct datagram_run *runs = r->runs + r->count;

	if (!r->whole)
		return false;
	if (count > RUNS_MAX - r->count) {
		/* What they lie over stays, and they are needed still. */
		send_all(r);
		memmove(r->runs, r->runs + r->first, count * sizeof(*runs));
		runs = r->runs;
	} else {
		memcpy(runs, r->runs + r->first, count * sizeof(*runs));
	}
	r->first = (uint32_t)(runs - r->runs);
	r->count = r->first + count;
	r->open = NULL;
	r->to = *to;
	for (uint32_t i = 0; i < count; i++) {
		runs[i].remote = to->remote;
		runs[i].local = to->local;
	}
	return true;
}
