#include "tunnel/pack.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tunnel/wire.h"

bool pack_init(struct packer *b, const struct pack_ops *ops, void *user)
{
	memset(b, 0, sizeof(*b));
	b->ops = ops;
	b->user = user;
	b->pool = malloc((size_t)PACK_RUNS * PACK_RUN_SIZE);
	if (!b->pool)
		return false;
	for (size_t i = 0; i < PACK_RUNS; i++)
		b->runs[i].data = b->pool + i * PACK_RUN_SIZE;
	return true;
}

void pack_free(struct packer *b)
{
	free(b->pool);
	memset(b, 0, sizeof(*b));
}

static void send_runs(struct packer *b)
{
	if (b->runs_count)
		b->ops->send(b->user, b->runs, b->runs_count);
	b->runs_count = 0;
	b->open.run = b->carried.run = NULL;
}

void pack_drawn(struct packer *b)
{
	b->salted = false;
}

void pack_flush(struct packer *b)
{
	send_runs(b);
	b->salted = false;
}

static const uint8_t *salt_of(struct packer *b)
{
	if (!b->salted)
		b->ops->salt(b->user, b->salt);
	b->salted = true;
	return b->salt;
}

static struct datagram_run *take_run(struct packer *b, const struct way *to)
{
	struct datagram_run *run;

	if (b->runs_count == PACK_RUNS)
		send_runs(b);
	run = &b->runs[b->runs_count++];
	run->remote = to->remote;
	run->remote.leg = 0;
	run->local = to->local;
	run->len = 0;
	run->segment_len = 0;
	run->carried = false;
	return run;
}

/* Where in the open run, or in one that it opens, the next `len` bytes belong. */
static uint8_t *place_in_run(struct packer *b, struct pack_open *open,
			     const struct way *to, size_t len)
{
	struct datagram_run *run = open->run;

	if (!run || len > run->segment_len ||
	    open->segments == DATAGRAM_RUN_SEGMENTS ||
	    run->len + len > DATAGRAM_RUN_LEN_MAX) {
		run = open->run = take_run(b, to);
		run->segment_len = len;
		open->segments = 0;
	}
	return run->data + run->len;
}

/* That place is taken. */
static void add_to_run(struct pack_open *open, size_t len)
{
	open->run->len += len;
	open->segments++;
	if (len < open->run->segment_len) /* a short one ends its run */
		open->run = NULL;
}

static size_t header_len(const struct way *to)
{
	return to->remote.leg ? WIRE_RELAYED_LEN : 0;
}

/* A relay's header, if the way has a leg. Returns where the message goes. */
static uint8_t *put_header(const struct way *to, uint8_t *out)
{
	const struct wire_relayed m = { .leg = to->remote.leg };

	if (m.leg)
		wire_pack_relayed(&m, out);
	return out + header_len(to);
}

void pack_begin(struct packer *b, struct session *session, const struct way *to,
		size_t datagram_size, uint64_t now_us)
{
	b->session = session;
	b->to = *to;
	b->limit = datagram_size - WIRE_DATA_OVERHEAD;
	b->open.run = NULL;
	b->now_us = now_us;
	b->sealed = b->bytes = b->exhausted = 0;
	b->largest = 0;
	b->count = b->len = b->fragments = 0;
}

static bool seal(struct packer *b, uint8_t *out)
{
	struct session_job job;

	return session_reserve(b->session, salt_of(b), out, b->now_us, &job) &&
	       session_job_seal(&job, b->pieces, b->count);
}

void pack_close(struct packer *b)
{
	const size_t len = b->len + WIRE_DATA_OVERHEAD;
	const size_t whole = header_len(&b->to) + len;
	uint8_t *place;

	if (!b->count)
		return;
	place = place_in_run(b, &b->open, &b->to, whole);
	if (seal(b, put_header(&b->to, place))) {
		add_to_run(&b->open, whole);
		b->sealed++;
		b->bytes += len;
		if (len > b->largest)
			b->largest = len;
	} else {
		b->exhausted++;
		if (!b->open.segments) {
			b->runs_count--;
			b->open.run = NULL;
		}
	}
	b->count = b->len = b->fragments = 0;
}

void pack_end(struct packer *b)
{
	pack_close(b);
	b->session = NULL;
	b->open.run = NULL;
}

static void add_piece(struct packer *b, const uint8_t *bytes, size_t len)
{
	/* aead_seal reads the pieces only; iovec has no const. */
	union {
		const uint8_t *in;
		void *out;
	} unconst = { .in = bytes };

	b->pieces[b->count].iov_base = unconst.out;
	b->pieces[b->count].iov_len = len;
	b->count++;
	b->len += len;
}

/* A record, perhaps in two places. */
struct parts {
	const uint8_t *head, *body;
	size_t head_len, body_len;
};

/* Adds what lies in the record from offset on. */
static void add_range(struct packer *b, const struct parts *r, size_t offset,
		      size_t len)
{
	if (offset < r->head_len) {
		size_t part = r->head_len - offset;

		if (part > len)
			part = len;
		add_piece(b, r->head + offset, part);
		offset += part;
		len -= part;
	}
	if (len)
		add_piece(b, r->body + (offset - r->head_len), len);
}

/* What a record takes of the pieces: both parts, and a fragment's header. */
#define PIECES_OF_FRAGMENT 3

static void add_fragments(struct packer *b, const struct parts *r, size_t len)
{
	const size_t header_len = sizeof(b->fragment_header[0]);
	uint32_t id = b->session->fragment_id++;

	for (size_t offset = 0; offset < len;) {
		uint8_t *header;
		size_t piece;

		if (b->limit - b->len < header_len + PACK_FRAGMENT_MIN ||
		    b->count + PIECES_OF_FRAGMENT > PACK_PIECES ||
		    b->fragments == 2)
			pack_close(b);
		piece = b->limit - b->len - header_len;
		if (piece > len - offset)
			piece = len - offset;
		header = b->fragment_header[b->fragments++];
		wire_pack_fragment(header, id, (uint16_t)offset,
				   offset + piece == len, (uint16_t)piece);
		add_piece(b, header, header_len);
		add_range(b, r, offset, piece);
		offset += piece;
	}
}

void pack_add_two(struct packer *b, const uint8_t *head, size_t head_len,
		  const uint8_t *body, size_t body_len)
{
	const struct parts r = { head, body, head_len, body_len };
	const size_t len = head_len + body_len, pieces = body_len ? 2 : 1;

	if (len > b->limit) {
		add_fragments(b, &r, len);
		return;
	}
	if (len > b->limit - b->len || b->count + pieces > PACK_PIECES)
		pack_close(b);
	add_range(b, &r, 0, len);
}

void pack_add(struct packer *b, const uint8_t *record, size_t len)
{
	pack_add_two(b, record, len, NULL, 0);
}

size_t pack_record_max(const struct packer *b)
{
	return b->limit;
}

void pack_message(struct packer *b, const struct way *to,
		  const uint8_t *message, size_t len)
{
	struct datagram_run *run = take_run(b, to);

	memcpy(put_header(to, run->data), message, len);
	run->len = run->segment_len = header_len(to) + len;
}

static bool goes_by(const struct datagram_run *run, const struct way *way)
{
	return addr_equal(&run->remote, &way->remote) &&
	       addr_equal(&run->local, &way->local);
}

void pack_forward(struct packer *b, const struct way *to, uint32_t leg,
		  const uint8_t *inner, size_t len)
{
	struct pack_open *open = &b->carried;
	const size_t whole = WIRE_RELAYED_LEN + len;
	struct way by = *to;
	uint8_t *place;

	/* It came in a datagram, behind such a header. */
	assert(!b->session && leg && whole <= PACK_RUN_SIZE);
	by.remote.leg = 0;
	if (open->run && !goes_by(open->run, &by))
		open->run = NULL;
	by.remote.leg = leg;
	place = place_in_run(b, open, &by, whole);
	memcpy(put_header(&by, place), inner, len);
	open->run->carried = true;
	add_to_run(open, whole);
}
