#include "support/main.h"
#include "support/scratch.h"
#include "tapd/discover/list_file.h"

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "tapd/log/log.h"

#define MAX 1000

static struct event_base *base;
static struct list_file *file;
static char path[256];
static unsigned changes;

static void note_changed(void *user)
{
	(void)user;
	changes++;
	event_base_loopbreak(base);
}

/* What inotify fails with; 0: it does not. */
static int no_instance, no_watch;

int __real_inotify_init1(int flags);
int __wrap_inotify_init1(int flags);
int __real_inotify_add_watch(int fd, const char *folder, uint32_t events);
int __wrap_inotify_add_watch(int fd, const char *folder, uint32_t events);

int __wrap_inotify_init1(int flags)
{
	errno = no_instance;
	return no_instance ? -1 : __real_inotify_init1(flags);
}

int __wrap_inotify_add_watch(int fd, const char *folder, uint32_t events)
{
	errno = no_watch;
	return no_watch ? -1 : __real_inotify_add_watch(fd, folder, events);
}

static void follow(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", scratch_dir, name);
	list_file_set(file, path);
}

static void setup(void)
{
	scratch_enter();
	base = event_base_new();
	file = list_file_new(base, note_changed, NULL);
	ck_assert_ptr_nonnull(file);
	follow("peers");
}

static void teardown(void)
{
	list_file_free(file);
	event_base_free(base);
	scratch_leave();
}

static void reads(const char *text)
{
	const char *why = NULL;
	size_t len = 0;
	char *all = list_file_read(file, MAX, &len, &why);

	ck_assert_msg(all != NULL, "%s", why);
	ck_assert_uint_eq(len, strlen(text));
	ck_assert_mem_eq(all, text, len);
	free(all);
}

static void fails(const char *reason)
{
	const char *why = NULL;
	size_t len;

	ck_assert_ptr_null(list_file_read(file, MAX, &len, &why));
	ck_assert_str_eq(why, reason);
}

/* The loop tells of a change. */
static void changes_to(const char *text)
{
	const unsigned before = changes;

	while (changes == before)
		event_base_dispatch(base);
	reads(text);
}

/* What happened till now is no change: the loop is run for longer than it waits. */
static void does_not_change(void)
{
	const struct timeval wait = { .tv_usec = 400000 };
	const unsigned before = changes;

	event_base_loopexit(base, &wait);
	event_base_dispatch(base);
	ck_assert_uint_eq(changes, before);
}

START_TEST(a_file_that_comes_is_read)
{
	fails("No such file or directory");
	scratch_put("peers", "one");
	changes_to("one");
	does_not_change();
}
END_TEST

START_TEST(one_that_is_renamed_to_it_is_read)
{
	scratch_put("peers", "one");
	reads("one");
	scratch_put("peers.new", "two");
	ck_assert_int_eq(rename("peers.new", "peers"), 0);
	changes_to("two");
}
END_TEST

START_TEST(one_that_is_written_in_place_is_read_when_it_is_closed)
{
	FILE *f;

	scratch_put("peers", "one");
	reads("one");
	f = fopen("peers", "w");
	ck_assert_ptr_nonnull(f);
	fputs("two ", f);
	fflush(f);
	fputs("three", f);
	fclose(f);
	changes_to("two three");
}
END_TEST

START_TEST(one_that_goes_is_told)
{
	scratch_put("peers", "one");
	reads("one");
	ck_assert_int_eq(unlink("peers"), 0);
	while (changes == 0)
		event_base_dispatch(base);
	fails("No such file or directory");
}
END_TEST

/* As Kubernetes mounts a ConfigMap. */
START_TEST(a_link_that_is_turned_is_followed)
{
	ck_assert_int_eq(mkdir("1", 0755), 0);
	ck_assert_int_eq(mkdir("2", 0755), 0);
	scratch_put("1/peers", "one");
	scratch_put("2/peers", "two");
	ck_assert_int_eq(symlink("1", "data"), 0);
	ck_assert_int_eq(symlink("data/peers", "peers"), 0);
	reads("one");
	ck_assert_int_eq(symlink("2", "data.new"), 0);
	ck_assert_int_eq(rename("data.new", "data"), 0);
	changes_to("two");
}
END_TEST

START_TEST(what_else_happens_in_the_folder_is_no_change)
{
	scratch_put("peers", "one");
	reads("one");
	for (int i = 0; i < 50; i++) {
		scratch_put("other", "x");
		unlink("other");
	}
	does_not_change();
}
END_TEST

/* It is watched once it was read there. */
START_TEST(a_folder_that_comes_later_is_watched)
{
	follow("later/peers");
	fails("No such file or directory");
	ck_assert_int_eq(mkdir("later", 0755), 0);
	fails("No such file or directory");
	scratch_put("later/peers", "one");
	changes_to("one");
	/* And made again. */
	unlink("later/peers");
	ck_assert_int_eq(rmdir("later"), 0);
	while (changes < 2)
		event_base_dispatch(base);
	fails("No such file or directory");
	ck_assert_int_eq(mkdir("later", 0755), 0);
	fails("No such file or directory");
	scratch_put("later/peers", "two");
	changes_to("two");
}
END_TEST

START_TEST(what_is_no_file_or_too_long_is_not_read)
{
	char text[MAX + 2];

	ck_assert_int_eq(mkdir("peers", 0755), 0);
	fails("is no file");
	ck_assert_int_eq(rmdir("peers"), 0);
	ck_assert_int_eq(mkfifo("peers", 0644), 0);
	fails("is no file");
	unlink("peers");
	memset(text, 'x', sizeof(text));
	text[MAX] = '\0';
	scratch_put("peers", text);
	reads(text);
	text[MAX] = 'x';
	text[MAX + 1] = '\0';
	scratch_put("peers", text);
	fails("is longer than 256 KiB");
	scratch_put("peers", "");
	reads("");
}
END_TEST

START_TEST(a_file_in_place_of_another_has_a_folder_of_its_own)
{
	scratch_put("peers", "one");
	reads("one");
	ck_assert_int_eq(mkdir("else", 0755), 0);
	follow("else/peers");
	fails("No such file or directory");
	scratch_put("peers", "two");
	does_not_change();
	scratch_put("else/peers", "three");
	changes_to("three");
	list_file_set(file, "");
	scratch_put("else/peers", "four");
	does_not_change();
}
END_TEST

/* What is logged while it is read for the first time. */
static const char *logged(void)
{
	static char text[1000];
	int old = dup(STDERR_FILENO), fds[2];
	ssize_t n;

	ck_assert_int_eq(pipe2(fds, O_NONBLOCK), 0);
	ck_assert_int_eq(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	log_open("tap0", LOG_LEVEL_INFO);
	list_file_free(file);
	file = list_file_new(base, note_changed, NULL);
	ck_assert_ptr_nonnull(file);
	follow("peers");
	reads("one");
	ck_assert_int_eq(dup2(old, STDERR_FILENO), STDERR_FILENO);
	close(old);
	close(fds[1]);
	n = read(fds[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	close(fds[0]);
	return text;
}

START_TEST(which_limit_keeps_it_from_being_watched_is_said)
{
	scratch_put("peers", "one");
	ck_assert_str_eq(logged(), "");
	no_watch = ENOSPC;
	ck_assert_ptr_nonnull(strstr(logged(), "max_user_watches"));
	no_watch = EACCES;
	ck_assert_ptr_nonnull(strstr(logged(), "Permission denied: "));
	no_watch = 0;
	no_instance = EMFILE;
	ck_assert_ptr_nonnull(strstr(logged(), "max_user_instances"));
	no_instance = 0;
	ck_assert_str_eq(logged(), "");
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("list_file", .setup = setup, .teardown = teardown,
		  .timeout_s = 30),
	UNIT_TEST(which_limit_keeps_it_from_being_watched_is_said),
	UNIT_TEST(a_file_that_comes_is_read),
	UNIT_TEST(one_that_is_renamed_to_it_is_read),
	UNIT_TEST(one_that_is_written_in_place_is_read_when_it_is_closed),
	UNIT_TEST(one_that_goes_is_told),
	UNIT_TEST(a_link_that_is_turned_is_followed),
	UNIT_TEST(what_else_happens_in_the_folder_is_no_change),
	UNIT_TEST(a_folder_that_comes_later_is_watched),
	UNIT_TEST(what_is_no_file_or_too_long_is_not_read),
	UNIT_TEST(a_file_in_place_of_another_has_a_folder_of_its_own),
};

UNIT_MAIN("list_file", tests)
