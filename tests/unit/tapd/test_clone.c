/*
 * A process that is copied while it has sessions. Nodes are processes here, so that
 * fork(2) can copy one as a whole; this process is the network between them and
 * their clock. What it says to one is done before it says anything to another, so
 * the nodes and their time are as much in the test's hands as elsewhere.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "node/node.h"
#include "support/alloc.h"
#include "support/main.h"
#include "support/rng.h"
#include "tapd/common/random.h"

#define PROCS	  3 /* a, its copy, and a peer */
#define START_US  (1000 * CLOCK_S)
#define WALL_US	  (UINT64_C(1750000000) * CLOCK_S)
#define STEP_US	  (5 * CLOCK_MS)
#define BYTES_MAX 2048
#define FRAME_LEN 1300
#define BATCH	  64
#define HEADER	  16 /* of a data message: all that tells nonces apart */

/* ---- what is said between the test and a node's process ---- */

enum kind { TICK, DELIVER, SPEAK, COPY, RESEED, SENT, DONE };

struct report {
	uint64_t heard; /* frames written to the TAP */
	uint32_t up;	/* peers */
	uint32_t events[NODE_EVENT_COUNT];
	uint64_t copied_sender;
};

struct message {
	enum kind kind;
	uint64_t now_us;  /* as that host's clock has it */
	uint32_t count;	  /* SPEAK: frames; COPY: the copy's place */
	struct addr addr; /* from, or to */
	struct report report;
	uint32_t len;
	uint8_t bytes[BYTES_MAX];
};

static int ends[PROCS][2]; /* ours, and the process's */

static bool put(int fd, const struct message *m)
{
	size_t len = offsetof(struct message, bytes) + m->len;

	return send(fd, m, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* ---- a node's process ---- */

static struct {
	int fd;
	struct node *node;
	struct report report;
	bool same_random; /* a machine whose whole randomness is copied */
	struct rng rng;
} self;

static void on_random(void *user, void *buf, size_t len)
{
	(void)user;
	if (self.same_random)
		rng_bytes(&self.rng, buf, len);
	else if (!random_fill(buf, len))
		_exit(2);
}

static void on_send(void *user, const struct datagram_run *runs, size_t n)
{
	struct message m = { .kind = SENT };

	(void)user;
	for (size_t i = 0; i < n; i++) {
		m.addr = runs[i].remote;
		for (size_t at = 0; at < runs[i].len; at += m.len) {
			size_t left = runs[i].len - at;

			m.len = (uint32_t)(left < runs[i].segment_len
						   ? left
						   : runs[i].segment_len);
			memcpy(m.bytes, runs[i].data + at, m.len);
			if (!put(self.fd, &m))
				_exit(0);
		}
	}
}

static void on_write(void *user, const struct frame *frames, size_t n)
{
	(void)user;
	(void)frames;
	self.report.heard += n;
}

static void on_event(void *user, const struct node_event *event)
{
	(void)user;
	self.report.events[event->type]++;
}

static void speak(uint32_t count, uint8_t mac, struct clock now)
{
	static uint8_t buf[FRAME_HEADROOM + FRAME_LEN];

	for (uint32_t i = 0; i < count; i++) {
		struct iovec iov = { buf + FRAME_HEADROOM, FRAME_LEN };
		const struct frame frame = { &iov, 1, { 0 } };
		uint8_t *at = iov.iov_base;

		memset(at, 0xff, 6);
		memset(at + 6, 0, FRAME_LEN - 6);
		at[6] = 2;
		at[11] = mac;
		store_be16(at + 12, 0x88b5); /* for experiments: IEEE 802 */
		store_be32(at + 14, i);
		node_from_tap(self.node, &frame, 1, now);
	}
}

static void copy(uint32_t place)
{
	pid_t pid = fork();

	if (pid == 0) {
		self.fd = ends[place][1];
		memset(&self.report, 0, sizeof(self.report));
	}
}

/* False: it ends. True: the original answers; a copy waits to be asked. */
static bool do_one(struct message *m, uint8_t mac)
{
	const struct clock now = { m->now_us, m->now_us + WALL_US };
	struct datagram_run run = { .remote = m->addr,
				    .data = m->bytes,
				    .len = m->len };
	struct node_status status;
	struct message done = { .kind = DONE };
	int fd = self.fd;

	switch (m->kind) {
	case TICK:
		if (node_deadline(self.node) <= m->now_us)
			node_tick(self.node, now);
		break;
	case DELIVER:
		node_from_udp(self.node, &run, 1, now);
		break;
	case SPEAK:
		speak(m->count, mac, now);
		break;
	case COPY:
		copy(m->count);
		if (self.fd != fd)
			return true;
		break;
	case RESEED:
		self.rng = rng_init(m->now_us);
		break;
	case SENT:
	case DONE:
		return false;
	}
	node_status(self.node, &status);
	self.report.up = status.peers_up;
	self.report.copied_sender = node_drops(self.node)[DROP_copied_sender];
	done.report = self.report;
	return put(self.fd, &done);
}

static void live(unsigned place, const struct addr *peer, bool same_random)
{
	static const struct node_ops ops = { .random = on_random,
					     .udp_send = on_send,
					     .tap_write = on_write,
					     .event = on_event };
	struct node_config config = { .name = "a",
				      .secrets_count = 1,
				      .tap_mtu = 1500,
				      .underlay_mtu = 1500,
				      .interval_us = CLOCK_S,
				      .down_after = 3,
				      .expire_us = 180 * CLOCK_S };
	const struct clock now = { START_US, START_US + WALL_US };
	static struct message m;
	const char *error;

	for (int i = 0; i < PROCS; i++)
		close(ends[i][0]); /* or none would see the test end */
	config.name[0] = (char)('a' + place);
	memset(config.private_key, (int)(0x40 + place), KEY_LEN);
	memset(config.secrets[0], 0x5e, KEY_LEN);
	self.fd = ends[place][1];
	self.same_random = same_random;
	self.rng = rng_init(place);
	self.node = node_new(&config, &ops, NULL, now, &error);
	if (!self.node)
		_exit(3);
	node_want(self.node, NODE_SOURCE_PEERS, peer, 1, now);
	while (recv(self.fd, &m, sizeof(m), 0) > 0 &&
	       do_one(&m, (uint8_t)(place + 1)))
		;
	_exit(0);
}

/* ---- the world ---- */

struct datagram {
	uint64_t at_us;
	struct addr from, to;
	uint32_t len;
	uint8_t bytes[BYTES_MAX];
};

static struct {
	uint64_t now_us;
	struct {
		bool on;
		struct addr at;
		uint64_t behind_us; /* its clock */
		struct report report;
	} procs[PROCS];
	struct datagram *wire;
	size_t wire_count, wire_size;
	bool cut; /* nothing arrives */
	uint8_t *headers;
	size_t headers_count, headers_size; /* of data sent by a and its copy */
} world;

enum { A, COPY_OF_A, PEER };

static struct addr address(unsigned host)
{
	return addr_v4(0x0a090001 + host, NODE_PORT);
}

static void note_header(const uint8_t *bytes)
{
	if (world.headers_count == world.headers_size) {
		world.headers_size += 1024;
		world.headers = test_realloc(world.headers,
					     world.headers_size * HEADER);
	}
	memcpy(world.headers + HEADER * world.headers_count++, bytes, HEADER);
}

static void note_sent(unsigned place, const struct message *m)
{
	struct datagram *d;

	if (place != PEER && m->bytes[0] == 4)
		note_header(m->bytes);
	if (world.cut)
		return;
	if (world.wire_count == world.wire_size) {
		world.wire_size += 256;
		world.wire =
			test_realloc(world.wire, world.wire_size * sizeof(*d));
	}
	d = &world.wire[world.wire_count++];
	*d = (struct datagram){ world.now_us + STEP_US,
				world.procs[place].at,
				m->addr,
				m->len,
				{ 0 } };
	memcpy(d->bytes, m->bytes, m->len);
}

static void ask(unsigned place, struct message *m)
{
	static struct message answer;

	if (!world.procs[place].on)
		return;
	m->now_us = world.now_us - world.procs[place].behind_us;
	ck_assert(put(ends[place][0], m));
	do {
		ck_assert_int_gt(
			recv(ends[place][0], &answer, sizeof(answer), 0), 0);
		if (answer.kind == SENT)
			note_sent(place, &answer);
	} while (answer.kind != DONE);
	world.procs[place].report = answer.report;
}

static void say(unsigned place, uint32_t frames)
{
	struct message m = { .kind = SPEAK, .count = frames };

	ask(place, &m);
}

/* Of two processes at one address either gets what is sent there. */
static void arrive(const struct datagram *d)
{
	unsigned takers[PROCS], count = 0;
	struct message m = { .kind = DELIVER, .addr = d->from, .len = d->len };

	for (unsigned i = 0; i < PROCS; i++)
		if (world.procs[i].on && addr_equal(&world.procs[i].at, &d->to))
			takers[count++] = i;
	if (count == 0)
		return;
	memcpy(m.bytes, d->bytes, d->len);
	ask(takers[count > 1 ? d->bytes[15] & 1 : 0], &m);
}

static void run(uint64_t us)
{
	struct message tick = { .kind = TICK };

	for (uint64_t end = world.now_us + us; world.now_us < end;) {
		struct datagram *wire = world.wire;
		size_t count = world.wire_count;

		world.now_us += STEP_US;
		world.wire = NULL;
		world.wire_count = world.wire_size = 0;
		for (size_t i = 0; i < count; i++)
			arrive(&wire[i]);
		free(wire);
		for (unsigned i = 0; i < PROCS; i++)
			ask(i, &tick);
	}
}

static void start(bool same_random)
{
	const struct addr at_a = address(A), at_peer = address(PEER);
	const struct timeval patience = { .tv_sec = 20 };

	memset(&world, 0, sizeof(world));
	world.now_us = START_US;
	for (int i = 0; i < PROCS; i++) {
		ck_assert_int_eq(socketpair(AF_UNIX,
					    SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
					    ends[i]),
				 0);
		/* A process that ends must not leave the test waiting. */
		ck_assert_int_eq(setsockopt(ends[i][0], SOL_SOCKET, SO_RCVTIMEO,
					    &patience, sizeof(patience)),
				 0);
	}
	if (fork() == 0)
		live(A, &at_peer, same_random);
	if (fork() == 0)
		live(PEER, &at_a, false);
	for (int i = 0; i < PROCS; i++)
		close(ends[i][1]);
	world.procs[A].on = world.procs[PEER].on = true;
	world.procs[A].at = at_a;
	world.procs[PEER].at = at_peer;
	for (int i = 0; i < 100 && world.procs[A].report.up < 1; i++)
		run(20 * CLOCK_MS);
	/* Until each knows how much the other has heard. */
	run(8 * CLOCK_S);
	ck_assert_uint_eq(world.procs[A].report.up, 1);
	ck_assert_uint_eq(world.procs[PEER].report.up, 1);
}

static void copy_to(const struct addr *at)
{
	struct message m = { .kind = COPY, .count = COPY_OF_A };

	ask(A, &m);
	world.procs[COPY_OF_A].on = true;
	world.procs[COPY_OF_A].at = *at;
}

static void stop(unsigned place)
{
	close(ends[place][0]); /* its process ends */
	world.procs[place].on = false;
}

static void end(void)
{
	for (unsigned i = 0; i < PROCS; i++)
		stop(i);
	free(world.wire);
	free(world.headers);
}

/* ---- what must hold ---- */

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, HEADER);
}

/* The header has the index, which names the key, and all of the nonce. */
static size_t repeated_nonces(void)
{
	size_t count = 0;

	qsort(world.headers, world.headers_count, HEADER, compare);
	for (size_t i = HEADER; i < HEADER * world.headers_count; i += HEADER)
		count += !memcmp(world.headers + i, world.headers + i - HEADER,
				 HEADER);
	return count;
}

static bool hears(unsigned from, unsigned to)
{
	uint64_t before = world.procs[to].report.heard;

	if (!world.procs[from].on || !world.procs[to].on)
		return false;
	say(from, 1);
	run(4 * STEP_US);
	return world.procs[to].report.heard > before;
}

static bool talks(unsigned place)
{
	return hears(place, PEER) && hears(PEER, place);
}

static uint32_t events(unsigned place, enum node_event_type type)
{
	return world.procs[place].report.events[type];
}

/* For ten seconds on, the same one of the two talks: they do not take turns. */
static void keeps_its_place(void)
{
	unsigned one = talks(A) ? A : COPY_OF_A;

	for (int i = 0; i < 20; i++) {
		run(500 * CLOCK_MS);
		ck_assert(talks(one));
		ck_assert(!hears(one == A ? COPY_OF_A : A, PEER));
	}
}

#define SEALED 10000

START_TEST(no_nonce_is_used_twice)
{
	const struct addr elsewhere = address(COPY_OF_A);

	start(false);
	copy_to(&elsewhere);
	world.cut = true; /* or they would soon have other keys */
	for (int i = 0; i < SEALED; i += BATCH) {
		say(A, BATCH);
		say(COPY_OF_A, BATCH);
	}
	ck_assert_uint_ge(world.headers_count, 2 * SEALED);
	ck_assert_uint_eq(repeated_nonces(), 0);
	world.cut = false;
	for (int i = 0; i < 50; i++) {
		say(A, 1);
		say(COPY_OF_A, 1);
		run(100 * CLOCK_MS);
	}
	keeps_its_place();
	ck_assert_uint_eq(repeated_nonces(), 0);
}
END_TEST

/* Either of them sends first, after this long. */
static const struct {
	uint32_t first;
	uint64_t after_us;
	uint32_t frames_of_a; /* in each step */
} clones[] = {
	{ A, 0, 0 },
	{ COPY_OF_A, 0, 0 },
	{ A, 3 * CLOCK_S, 0 },
	{ COPY_OF_A, 3 * CLOCK_S, 0 },
	/* So busy that the copy's counters are of long ago. */
	{ A, 0, BATCH },
	/* … and its keys, too. */
	{ A, 200 * CLOCK_S, 1 },
};

START_TEST(a_clone_elsewhere_is_a_duplicate)
{
	const struct addr elsewhere = address(COPY_OF_A);

	start(false);
	copy_to(&elsewhere);
	/* The copy is a machine that is resumed then. */
	world.procs[COPY_OF_A].on = false;
	for (uint64_t us = 0; us < clones[_i].after_us; us += 100 * CLOCK_MS) {
		say(A, clones[_i].frames_of_a);
		run(100 * CLOCK_MS);
	}
	world.procs[COPY_OF_A].on = true;
	say(clones[_i].first, 1);
	for (int i = 0; i < 50; i++) {
		say(A, clones[_i].frames_of_a);
		run(100 * CLOCK_MS);
	}
	ck_assert_uint_gt(events(PEER, NODE_DUPLICATE_KEY), 0);
	ck_assert_uint_gt(
		events(A, NODE_COPIED) + events(COPY_OF_A, NODE_COPIED), 0);
	keeps_its_place();
	ck_assert_uint_eq(repeated_nonces(), 0);
}
END_TEST

START_TEST(the_peer_names_a_sender_that_was_copied)
{
	const struct addr elsewhere = address(COPY_OF_A);

	start(false);
	copy_to(&elsewhere);
	say(A, 1);
	run(10 * CLOCK_MS);
	say(COPY_OF_A, 1);
	run(100 * CLOCK_MS);
	ck_assert_uint_eq(events(PEER, NODE_PEER_COPIED), 1);
	ck_assert_uint_ge(world.procs[PEER].report.copied_sender, 1);
	/* Both know. */
	ck_assert_uint_eq(events(A, NODE_COPIED), 1);
	ck_assert_uint_eq(events(COPY_OF_A, NODE_COPIED), 1);
	ck_assert_uint_eq(events(PEER, NODE_PEER_DOWN), 0);
}
END_TEST

/* They are one endpoint, and nobody can tell which of them a datagram reaches: but
 * they never share a key for long. */
START_TEST(clones_at_one_address_have_keys_of_their_own)
{
	const struct addr same = address(A);

	start(false);
	copy_to(&same);
	for (int i = 0; i < 100; i++) {
		say(A, 1);
		say(COPY_OF_A, 1);
		run(50 * CLOCK_MS);
	}
	ck_assert_uint_gt(events(PEER, NODE_PEER_COPIED), 0);
	ck_assert_uint_eq(repeated_nonces(), 0);
	/* One of them ends: the other has the address. */
	stop(A);
	run(5 * CLOCK_S);
	ck_assert(talks(COPY_OF_A));
}
END_TEST

static const struct {
	uint64_t ago_us;
	uint32_t frames; /* of a in each 100 ms since */
} rollbacks[] = {
	{ CLOCK_S, 0 },		 { 10 * CLOCK_S, 0 },  { 10 * CLOCK_S, 1 },
	{ 10 * CLOCK_S, BATCH }, { 200 * CLOCK_S, 1 },
};

/* A machine is put back to a snapshot, clocks and all, and the one that went on from
 * it is no more. */
START_TEST(a_machine_that_is_put_back_heals)
{
	const struct addr same = address(A);

	start(false);
	copy_to(&same);
	world.procs[COPY_OF_A].on = false;
	for (uint64_t us = 0; us < rollbacks[_i].ago_us; us += 100 * CLOCK_MS) {
		say(A, rollbacks[_i].frames);
		run(100 * CLOCK_MS);
	}
	stop(A);
	world.procs[COPY_OF_A].on = true;
	world.procs[COPY_OF_A].behind_us = rollbacks[_i].ago_us;
	run(5 * CLOCK_S);
	for (int i = 0; i < 10; i++) {
		run(300 * CLOCK_MS);
		ck_assert(talks(COPY_OF_A));
	}
	ck_assert_uint_eq(repeated_nonces(), 0);
}
END_TEST

/* Nothing parts copies that draw the same: their nonces repeat, and so does all that
 * they begin anew. Once the kernel of one is reseeded they heal as others do. */
START_TEST(clones_that_draw_the_same_heal_once_they_do_not)
{
	const struct addr elsewhere = address(COPY_OF_A);
	struct message reseed = { .kind = RESEED };

	start(true);
	copy_to(&elsewhere);
	say(A, 1);
	say(COPY_OF_A, 1);
	ck_assert_uint_eq(repeated_nonces(), 1);
	run(3 * CLOCK_S);
	ask(COPY_OF_A, &reseed);
	for (int i = 0; i < 50; i++) {
		say(A, 1);
		say(COPY_OF_A, 1);
		run(100 * CLOCK_MS);
	}
	keeps_its_place();
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("clone", .teardown = end, .timeout_s = 60),
	UNIT_TEST(no_nonce_is_used_twice),
	UNIT_EACH(a_clone_elsewhere_is_a_duplicate, clones),
	UNIT_TEST(the_peer_names_a_sender_that_was_copied),
	UNIT_TEST(clones_at_one_address_have_keys_of_their_own),
	UNIT_EACH(a_machine_that_is_put_back_heals, rollbacks),
	UNIT_TEST(clones_that_draw_the_same_heal_once_they_do_not),
};

UNIT_MAIN("clone", tests)
