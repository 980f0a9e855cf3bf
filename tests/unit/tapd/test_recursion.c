/* In which order, and how often, the routes are asked for. All that is around it
 * stands in below. */
#include "support/main.h"
#include "tapd/recursion.h"

#include <check.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tapd/conf/conf.h"
#include "tapd/daemon_state.h"
#include "tapd/entry.h"
#include "tapd/log/log.h"
#include "tapd/tap/interface.h"
#include "tapd/underlay/routes.h"
#include "tapd/unwatch.h"

#define WANTED 300

static struct conf conf;
static struct daemon tapd;
static struct link_state state;
/* Whoever writes to one end has routes change. */
static int changing[2];
static bool always_changing;
/* How often each was asked for, by its port. */
static unsigned asked[WANTED];

void daemon_enter(struct daemon *d)
{
	(void)d;
}

void daemon_leave(struct daemon *d)
{
	(void)d;
}

void daemon_free_event(struct event **e)
{
	event_free(*e);
	*e = NULL;
}

void log_warning(const char *format, ...)
{
	(void)format;
}

struct link *interface_link(const struct interface *i)
{
	(void)i;
	return NULL;
}

const struct link_state *link_state(const struct link *l)
{
	(void)l;
	return &state;
}

size_t uppers_find(const char *name, unsigned indexes[UPPERS_MAX])
{
	(void)name;
	(void)indexes;
	return 0;
}

void udp_set_inside(struct udp *u, const unsigned *interfaces, size_t count)
{
	(void)u;
	(void)interfaces;
	(void)count;
}

struct routes *routes_open(const struct routing *routing)
{
	(void)routing;
	return (struct routes *)&tapd;
}

void routes_close(struct routes *r)
{
	(void)r;
}

int routes_fd(const struct routes *r)
{
	(void)r;
	return changing[0];
}

static void change(void)
{
	ck_assert_int_eq(write(changing[1], "", 1), 1);
}

void routes_read(struct routes *r)
{
	char byte;

	(void)r;
	ck_assert_int_eq(read(changing[0], &byte, 1), 1);
	if (always_changing)
		change();
}

unsigned routes_interface(struct routes *r, const struct addr *to)
{
	(void)r;
	ck_assert_uint_lt(to->port, WANTED);
	asked[to->port]++;
	return 0;
}

void node_set_recursive(struct node *n, const struct addr *endpoint,
			bool recursive, struct clock now)
{
	(void)n;
	(void)endpoint;
	(void)now;
	ck_assert(!recursive);
}

static void setup(void)
{
	struct wanted_list *w;

	tapd = (struct daemon){ .base = event_base_new(), .conf = &conf };
	tapd.wanted = calloc(NODE_SOURCE_COUNT + 1, sizeof(*tapd.wanted));
	ck_assert_ptr_nonnull(tapd.wanted);
	for (uint16_t i = 0; i < WANTED; i++) {
		w = &tapd.wanted[i < 100 ? NODE_SOURCE_PEERS : NODE_SOURCE_DNS];
		w->addrs[w->count++].port = i;
	}
	memset(asked, 0, sizeof(asked));
	always_changing = false;
	ck_assert_int_eq(pipe(changing), 0);
	ck_assert(daemon_watch_routes(&tapd));
}

static void teardown(void)
{
	daemon_unwatch_routes(&tapd);
	event_base_free(tapd.base);
	free(tapd.wanted);
	close(changing[0]);
	close(changing[1]);
}

/* Runs the loop until the last was asked for so often. */
static void wait_for_last(unsigned times)
{
	while (asked[WANTED - 1] < times)
		ck_assert_int_eq(event_base_loop(tapd.base, EVLOOP_ONCE), 0);
}

static void run_for(long ms)
{
	const struct timeval wait = { .tv_usec = ms * 1000 };

	event_base_loopexit(tapd.base, &wait);
	event_base_dispatch(tapd.base);
}

static void asked_each(unsigned times)
{
	for (size_t i = 0; i < WANTED; i++)
		ck_assert_uint_eq(asked[i], times);
}

START_TEST(each_that_is_wanted_is_asked_for_once)
{
	daemon_check_routes(&tapd);
	wait_for_last(1);
	run_for(300);
	asked_each(1);
}
END_TEST

START_TEST(changes_before_a_round_begins_are_one_round)
{
	change();
	event_base_loop(tapd.base, EVLOOP_ONCE);
	change();
	event_base_loop(tapd.base, EVLOOP_ONCE);
	daemon_check_routes(&tapd);
	wait_for_last(1);
	run_for(300);
	asked_each(1);
}
END_TEST

START_TEST(a_change_within_a_round_is_another_round)
{
	daemon_check_routes(&tapd);
	while (asked[0] < 1)
		event_base_loop(tapd.base, EVLOOP_ONCE);
	ck_assert_uint_eq(asked[WANTED - 1], 0);
	change();
	daemon_check_routes(&tapd);
	wait_for_last(2);
	run_for(300);
	asked_each(2);
}
END_TEST

START_TEST(routes_that_change_all_the_time_keep_it_from_none)
{
	always_changing = true;
	change();
	daemon_check_routes(&tapd);
	wait_for_last(3);
	/* Not the first ones more often. */
	ck_assert_uint_le(asked[0], 4);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("recursion", .setup = setup, .teardown = teardown,
		  .timeout_s = 10),
	UNIT_TEST(each_that_is_wanted_is_asked_for_once),
	UNIT_TEST(changes_before_a_round_begins_are_one_round),
	UNIT_TEST(a_change_within_a_round_is_another_round),
	UNIT_TEST(routes_that_change_all_the_time_keep_it_from_none),
};

UNIT_MAIN("recursion", tests)
