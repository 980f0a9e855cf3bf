/* The three sources in a loop, with files, commands and names of this host; when they
 * are asked in the long run is test_source's. */
#include "support/main.h"
#include "support/scratch.h"
#include "tapd/discover/sources.h"

#include <check.h>
#include <event2/event.h>
#include <time.h>

#include "base/clock.h"

static struct event_base *base;
static struct helper *helper;
static struct sources *sources;
static struct conf conf;
static struct conf_peer names[2];
static uint32_t up;
static bool this_host;
static unsigned changes[NODE_SOURCE_COUNT];
/* As it was when it changed last. */
static bool was_configured[NODE_SOURCE_COUNT];

static void note_changed(void *user, enum node_source which)
{
	struct sources_info info;

	(void)user;
	changes[which]++;
	was_configured[which] = sources_info(sources, which, &info);
}

static uint64_t now_us(void *user)
{
	struct timespec t;

	(void)user;
	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * CLOCK_S + (uint64_t)t.tv_nsec / 1000;
}

static uint32_t peers_up(void *user)
{
	(void)user;
	return up;
}

static bool is_this_host(void *user, const struct addr *list, size_t count)
{
	(void)user;
	ck_assert(count > 0 && list[0].port != 0);
	return this_host;
}

static void fill(void *user, void *buf, size_t len)
{
	(void)user;
	memset(buf, 0, len);
}

static void nothing(void *argument)
{
	(void)argument;
}

static void setup(void)
{
	static const struct discover_ops ops = { note_changed, now_us, peers_up,
						 is_this_host, fill };

	scratch_enter();
	memset(&conf, 0, sizeof(conf));
	conf.discover.interval = 30;
	this_host = true;
	base = event_base_new();
	helper = helper_fork(nothing, NULL);
	ck_assert_ptr_nonnull(helper);
	ck_assert(helper_watch(helper, base));
	sources = sources_new(base, helper, &ops, NULL);
	ck_assert_ptr_nonnull(sources);
}

static void teardown(void)
{
	sources_free(sources);
	helper_free(helper);
	event_base_free(base);
	scratch_leave();
}

static void apply(void)
{
	ck_assert(sources_reserve(sources, &conf));
	sources_set(sources, &conf);
}

/* "10.0.0.1:8273/0 …": each address with the number of its host. */
static const char *listed(enum node_source which)
{
	static char text[1024];
	struct addr addrs[16];
	uint16_t hosts[16];
	size_t n = sources_addresses(sources, which, addrs, hosts, 16), len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		char one[ADDR_STRLEN];

		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"%s%s/%u", i ? " " : "",
					addr_print(&addrs[i], one), hosts[i]);
	}
	return text;
}

static const char *error_of(enum node_source which)
{
	struct sources_info info;

	ck_assert(sources_info(sources, which, &info));
	return info.error;
}

static void wait_listed(enum node_source which, const char *expected)
{
	while (strcmp(listed(which), expected) != 0)
		event_base_loop(base, EVLOOP_ONCE);
}

static void wait_error(enum node_source which, const char *expected)
{
	while (!strstr(error_of(which), expected) ||
	       (!*expected && *error_of(which)))
		event_base_loop(base, EVLOOP_ONCE);
}

static void run_for(long ms)
{
	const struct timeval wait = { .tv_sec = ms / 1000,
				      .tv_usec = ms % 1000 * 1000 };

	event_base_loopexit(base, &wait);
	event_base_dispatch(base);
}

static void use_file(const char *name)
{
	snprintf(conf.discover.file, sizeof(conf.discover.file), "%s/%s",
		 scratch_dir, name);
}

/* It notes each run in the file "runs". */
static void use_command(const char *what)
{
	snprintf(conf.discover.command, sizeof(conf.discover.command),
		 "echo x >>%s/runs; %s", scratch_dir, what);
}

static unsigned runs(void)
{
	FILE *f = fopen("runs", "r");
	unsigned count = 0;

	while (f && fgetc(f) != EOF)
		count++;
	if (f)
		fclose(f);
	return count / 2;
}

START_TEST(without_sources_there_are_none)
{
	struct sources_info info;

	apply();
	for (int i = 0; i < NODE_SOURCE_COUNT; i++) {
		ck_assert(!sources_info(sources, (enum node_source)i, &info));
		ck_assert_str_eq(listed((enum node_source)i), "");
	}
}
END_TEST

START_TEST(a_file_is_listed_and_stays_so_without_it)
{
	struct sources_info info;

	scratch_put("peers", "10.0.0.1 10.0.0.2:9 # two\n");
	use_file("peers");
	apply();
	ck_assert_str_eq(listed(NODE_SOURCE_FILE),
			 "10.0.0.1:8273/0 10.0.0.2:9/1");
	ck_assert_uint_eq(changes[NODE_SOURCE_FILE], 2); /* begun, listed */
	ck_assert(sources_info(sources, NODE_SOURCE_FILE, &info));
	ck_assert_uint_gt(info.good_us, 0);
	ck_assert_str_eq(info.error, "");
	unlink("peers");
	wait_error(NODE_SOURCE_FILE, "No such file or directory");
	scratch_put("peers", "<html>");
	wait_error(NODE_SOURCE_FILE, "/peers: is an HTML page");
	scratch_put("peers", "# nobody\n");
	wait_error(NODE_SOURCE_FILE, "/peers: is empty");
	ck_assert_str_eq(listed(NODE_SOURCE_FILE),
			 "10.0.0.1:8273/0 10.0.0.2:9/1");
	ck_assert_uint_eq(changes[NODE_SOURCE_FILE], 2);
	scratch_put("peers", "[{\"targets\":[\"10.0.0.3\"]}]");
	wait_listed(NODE_SOURCE_FILE, "10.0.0.3:8273/0");
	ck_assert_str_eq(error_of(NODE_SOURCE_FILE), "");
}
END_TEST

START_TEST(names_in_it_are_looked_up)
{
	scratch_put("peers", "10.0.0.1 localhost:7 10.0.0.2 no-such.invalid");
	use_file("peers");
	apply();
	ck_assert_str_eq(listed(NODE_SOURCE_FILE),
			 "10.0.0.1:8273/0 10.0.0.2:8273/1");
	while (!strstr(listed(NODE_SOURCE_FILE), " 127.0.0.1:7/2"))
		event_base_loop(base, EVLOOP_ONCE);
	while (changes[NODE_SOURCE_FILE] < 3)
		event_base_loop(base, EVLOOP_ONCE);
	/* One that is not found is no fault of the file. */
	ck_assert_str_eq(error_of(NODE_SOURCE_FILE), "");
}
END_TEST

START_TEST(a_list_of_names_that_are_not_found_is_an_error)
{
	scratch_put("peers", "no-such.invalid");
	use_file("peers");
	apply();
	wait_error(NODE_SOURCE_FILE, "no-such.invalid: ");
}
END_TEST

START_TEST(a_command_is_listed_and_its_failure_changes_nothing)
{
	use_command("echo 10.0.0.1; test ! -e fail || { echo no right >&2;"
		    " exit 1; }");
	conf.discover.interval = 1;
	apply();
	wait_listed(NODE_SOURCE_COMMAND, "10.0.0.1:8273/0");
	ck_assert_str_eq(error_of(NODE_SOURCE_COMMAND), "");
	scratch_put("fail", "");
	wait_error(NODE_SOURCE_COMMAND, "exit code 1: no right");
	ck_assert_str_eq(listed(NODE_SOURCE_COMMAND), "10.0.0.1:8273/0");
	unlink("fail");
	wait_error(NODE_SOURCE_COMMAND, "");
}
END_TEST

START_TEST(an_answer_without_this_host_is_asked_for_again_soon)
{
	struct sources_info info;

	this_host = false;
	use_command("echo 10.0.0.1");
	apply();
	wait_listed(NODE_SOURCE_COMMAND, "10.0.0.1:8273/0");
	ck_assert(sources_info(sources, NODE_SOURCE_COMMAND, &info));
	ck_assert(info.early);
	while (runs() < 2)
		event_base_loop(base, EVLOOP_ONCE);
	this_host = true;
	while (info.early) {
		event_base_loop(base, EVLOOP_ONCE);
		sources_info(sources, NODE_SOURCE_COMMAND, &info);
	}
	ck_assert_uint_le(runs(), 3);
}
END_TEST

START_TEST(what_did_not_change_is_not_asked_again)
{
	scratch_put("peers", "10.0.0.1");
	use_file("peers");
	use_command("echo 10.0.0.2");
	apply();
	wait_listed(NODE_SOURCE_COMMAND, "10.0.0.2:8273/0");
	for (int i = 0; i < 10; i++)
		apply();
	run_for(300);
	ck_assert_uint_eq(runs(), 1);
	ck_assert_str_eq(listed(NODE_SOURCE_COMMAND), "10.0.0.2:8273/0");
	/* One that did is, and forgets what the other listed. */
	use_command("echo 10.0.0.3");
	apply();
	ck_assert_str_eq(listed(NODE_SOURCE_COMMAND), "");
	ck_assert_str_eq(listed(NODE_SOURCE_FILE), "10.0.0.1:8273/0");
	wait_listed(NODE_SOURCE_COMMAND, "10.0.0.3:8273/0");
	ck_assert_uint_eq(runs(), 2);
	/* An interval that is shorter counts from now on. */
	conf.discover.interval = 1;
	apply();
	while (runs() < 3)
		event_base_loop(base, EVLOOP_ONCE);
	conf.discover.command[0] = '\0';
	apply();
	ck_assert_str_eq(listed(NODE_SOURCE_COMMAND), "");
	ck_assert_str_eq(listed(NODE_SOURCE_FILE), "10.0.0.1:8273/0");
}
END_TEST

/* Whoever took the list of the last keeps it until there is another. */
START_TEST(one_that_is_replaced_is_configured_all_the_time)
{
	static const char *const names_of_files[] = { "a", "b" };

	conf.discover.dns = names;
	conf.discover.dns_count = 1;
	for (int i = 0; i < 2; i++) {
		names[0] = (struct conf_peer){ .port = (uint16_t)(i + 1),
					       .host = "localhost" };
		use_file(names_of_files[i]); /* which is not there */
		use_command(i ? "true" : "false");
		memset(was_configured, 0, sizeof(was_configured));
		apply();
		for (int j = NODE_SOURCE_FILE; j <= NODE_SOURCE_DNS; j++)
			ck_assert(was_configured[j]);
	}
	memset(&conf, 0, sizeof(conf));
	apply();
	for (int j = NODE_SOURCE_FILE; j <= NODE_SOURCE_DNS; j++)
		ck_assert(!was_configured[j]);
}
END_TEST

START_TEST(names_that_stay_keep_their_answers)
{
	conf.discover.dns = names;
	conf.discover.dns_count = 1;
	names[0] = (struct conf_peer){ .host = "localhost", .port = 9 };
	names[1] = (struct conf_peer){ .host = "no-such.invalid", .port = 9 };
	apply();
	while (!strstr(listed(NODE_SOURCE_DNS), "127.0.0.1:9/0"))
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_str_eq(error_of(NODE_SOURCE_DNS), "");
	conf.discover.dns_count = 2;
	apply();
	ck_assert_ptr_nonnull(strstr(listed(NODE_SOURCE_DNS), "127.0.0.1:9/0"));
	wait_error(NODE_SOURCE_DNS, "no-such.invalid: ");
	conf.discover.dns_count = 0;
	apply();
	ck_assert_str_eq(listed(NODE_SOURCE_DNS), "");
}
END_TEST

/* Asked every 30 s, and just now; then all peers are down. */
START_TEST(a_source_waits_no_longer_once_nobody_is_up)
{
	this_host = false;
	up = 5;
	use_command("echo 10.0.0.1; exit 1");
	apply();
	wait_error(NODE_SOURCE_COMMAND, "exit code 1");
	sources_peers_changed(sources);
	run_for(2500);
	ck_assert_uint_eq(runs(), 1);
	up = 0;
	sources_peers_changed(sources);
	while (runs() < 2)
		event_base_loop(base, EVLOOP_ONCE);
}
END_TEST

START_TEST(without_the_helper_it_says_so_and_goes_on)
{
	scratch_put("peers", "localhost 10.0.0.1");
	use_command("kill -9 $PPID");
	apply();
	wait_error(NODE_SOURCE_COMMAND, "signal 9");
	use_file("peers");
	conf.discover.dns = names;
	conf.discover.dns_count = 1;
	names[0] = (struct conf_peer){ .host = "localhost", .port = 9 };
	apply();
	ck_assert_str_eq(listed(NODE_SOURCE_FILE), "10.0.0.1:8273/0");
	ck_assert_ptr_nonnull(
		strstr(error_of(NODE_SOURCE_DNS), "helper process has ended"));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("sources", .setup = setup, .teardown = teardown,
		  .timeout_s = 60),
	UNIT_TEST(without_sources_there_are_none),
	UNIT_TEST(a_file_is_listed_and_stays_so_without_it),
	UNIT_TEST(names_in_it_are_looked_up),
	UNIT_TEST(a_list_of_names_that_are_not_found_is_an_error),
	UNIT_TEST(a_command_is_listed_and_its_failure_changes_nothing),
	UNIT_TEST(an_answer_without_this_host_is_asked_for_again_soon),
	UNIT_TEST(what_did_not_change_is_not_asked_again),
	UNIT_TEST(one_that_is_replaced_is_configured_all_the_time),
	UNIT_TEST(names_that_stay_keep_their_answers),
	UNIT_TEST(a_source_waits_no_longer_once_nobody_is_up),
	UNIT_TEST(without_the_helper_it_says_so_and_goes_on),
};

UNIT_MAIN("sources", tests)
