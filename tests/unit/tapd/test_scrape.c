/* What a client gets of the metrics of the largest mesh, turn by turn of the loop.
 * node_drops stands in for the library's. */
#include "support/main.h"
#include "tapd/control/metrics.h"
#include "tapd/control/scrape.h"

#include <check.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PART_BYTES 16384
#define PART_LINES 256
/* A part, whose last line may exceed it, and its frame. */
#define PART_MAX (PART_BYTES + 1024 + 64)

static struct snapshot_peer peers[NODE_PEERS_MAX];
static struct snapshot source;
static uint64_t drops[DROP_REASON_COUNT];
static struct event_base *base;
static struct scrape scrape;
static int client;
static char got[4 << 20];
static size_t got_len;

const uint64_t *node_drops(const struct node *n)
{
	(void)n;
	return drops;
}

static struct metrics *ask(void *user)
{
	return user ? metrics_new(user) : NULL;
}

static void open_scrape(void *user)
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_eq(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	client = ends[1];
	got_len = 0;
	ck_assert(scrape_open(&scrape, base, ends[0], ask, user));
}

static void setup(void)
{
	source = (struct snapshot){ .peers = peers,
				    .status = { .aead = "openssl" },
				    .peers_count = NODE_PEERS_MAX,
				    .receive_buffer = 8 << 20,
				    .interface = { .name = "tap0" } };
	for (unsigned i = 0; i < NODE_PEERS_MAX; i++) {
		struct node_peer_info *p = &peers[i].info;

		*p = (struct node_peer_info){ .has_key = true };
		snprintf(p->name, sizeof(p->name), "%063u", i);
	}
	signal(SIGPIPE, SIG_IGN); /* as the daemon has it */
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
}

static void teardown(void)
{
	if (scrape.bev)
		scrape_close(&scrape);
	close(client);
	event_base_free(base);
}

static void say(const char *text)
{
	ck_assert_int_eq(send(client, text, strlen(text), 0),
			 (ssize_t)strlen(text));
}

static void turn(void)
{
	event_base_loop(base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
}

/* What is there; false at the end. */
static bool take(void)
{
	for (;;) {
		ssize_t n = recv(client, got + got_len,
				 sizeof(got) - got_len - 1, 0);

		if (n < 0)
			ck_assert_int_eq(errno, EAGAIN);
		if (n <= 0) {
			got[got_len] = '\0';
			return n < 0;
		}
		got_len += (size_t)n;
	}
}

START_TEST(each_turn_sends_a_part)
{
	unsigned turns = 0;
	size_t before;

	open_scrape(&source);
	say("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
	do {
		before = got_len;
		turn();
		turns++;
		ck_assert_uint_lt(turns, 1000);
		if (!take())
			break;
		ck_assert_uint_le(got_len - before, PART_MAX);
	} while (true);
	ck_assert_uint_gt(got_len, 500000);
	ck_assert_uint_ge(turns, got_len / PART_MAX);
	ck_assert_str_eq(got + got_len - 5, "0\r\n\r\n");
	ck_assert_ptr_null(scrape.bev);
}
END_TEST

START_TEST(whoever_does_not_read_costs_one_part)
{
	size_t size;

	open_scrape(&source);
	say("GET /metrics HTTP/1.0\r\n\r\n");
	for (int i = 0; i < 1000; i++)
		turn();
	ck_assert_ptr_nonnull(scrape.bev);
	/* The rest is in the socket, or not made yet. */
	size = evbuffer_get_length(bufferevent_get_output(scrape.bev));
	ck_assert_uint_le(size, PART_MAX);
	take();
	ck_assert_ptr_null(strstr(got, "tapd_peer_down_total"));
	for (int i = 0; i < 1000; i++) {
		turn();
		take();
	}
	ck_assert_ptr_nonnull(strstr(got, "tapd_peer_down_total"));
	ck_assert_ptr_null(scrape.bev);
}
END_TEST

START_TEST(whoever_goes_in_the_middle_is_forgotten)
{
	open_scrape(&source);
	say("GET /metrics HTTP/1.1\r\n\r\n");
	turn();
	turn();
	ck_assert(take());
	close(client);
	for (int i = 0; i < 100; i++)
		turn();
	ck_assert_ptr_null(scrape.bev);
	client = -1;
}
END_TEST

START_TEST(end_of_the_request_is_not_that_of_the_answer)
{
	open_scrape(&source);
	say("GET /metrics HTTP/1.0\r\n\r\n");
	ck_assert_int_eq(shutdown(client, SHUT_WR), 0);
	for (int i = 0; i < 1000; i++) {
		turn();
		take();
	}
	ck_assert_ptr_nonnull(strstr(got, "tapd_peer_down_total"));
}
END_TEST

/* Whether the last line is the last that goes into its part. */
static bool fills_its_parts(void)
{
	struct metrics *m = metrics_new(&source);
	unsigned lines = 0;
	size_t bytes = 0;
	const char *line;

	while ((line = metrics_next(m))) {
		if (bytes >= PART_BYTES || lines == PART_LINES)
			bytes = lines = 0;
		bytes += strlen(line) + 1;
		lines++;
	}
	metrics_free(m);
	return bytes >= PART_BYTES || lines == PART_LINES;
}

START_TEST(answer_that_fills_its_parts_ends_as_any_other)
{
	static const char name[] = "tap100000000000";
	size_t cut = 0;

	source.peers_count = 0;
	do {
		source.interface.name = name + cut;
		cut = (cut + 1) % (sizeof(name) - 1);
		if (cut == 1)
			ck_assert_uint_lt(source.peers_count++, NODE_PEERS_MAX);
	} while (!fills_its_parts());
	for (int minor = 0; minor <= 1; minor++) {
		char request[64];

		sprintf(request, "GET /metrics HTTP/1.%d\r\n\r\n", minor);
		open_scrape(&source);
		say(request);
		for (int i = 0; i < 200; i++) {
			turn();
			take();
		}
		ck_assert_ptr_nonnull(strstr(got, "tapd_peer_down_total"));
		ck_assert_ptr_null(scrape.bev);
		if (minor == 0)
			close(client);
	}
}
END_TEST

START_TEST(without_metrics_it_says_so)
{
	open_scrape(NULL);
	say("GET /metrics HTTP/1.1\r\n\r\n");
	for (int i = 0; i < 10; i++)
		turn();
	ck_assert(!take());
	ck_assert_ptr_eq(strstr(got, "HTTP/1.1 503 "), got);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("scrape", .setup = setup, .teardown = teardown),
	UNIT_TEST(each_turn_sends_a_part),
	UNIT_TEST(whoever_does_not_read_costs_one_part),
	UNIT_TEST(whoever_goes_in_the_middle_is_forgotten),
	UNIT_TEST(end_of_the_request_is_not_that_of_the_answer),
	UNIT_TEST(answer_that_fills_its_parts_ends_as_any_other),
	UNIT_TEST(without_metrics_it_says_so),
};

UNIT_MAIN("scrape", tests)
