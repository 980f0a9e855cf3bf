#include "tapd/common/random.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/main.h"

/* ---- the kernel that this test is ---- */

static enum { HONEST, CLONED, INTERRUPTED, EMPTY } kernel;
static unsigned calls;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
	va_list args;
	void *buf;
	size_t len;

	va_start(args, number);
	buf = va_arg(args, void *);
	len = va_arg(args, size_t);
	va_end(args);
	ck_assert_int_eq(number, SYS_getrandom);
	calls++;
	if (kernel == EMPTY || (kernel == INTERRUPTED && calls == 1)) {
		errno = kernel == EMPTY ? ENOSYS : EINTR;
		return -1;
	}
	if (kernel == CLONED) {
		memset(buf, 0x5a, len);
		return (long)len;
	}
	return __real_syscall(number, buf, len, 0);
}

static void setup(void)
{
	kernel = HONEST;
	calls = 0;
}

/* ---- what it gives ---- */

static const size_t lengths[] = { 1, 6, 8, 31, 32, 33, 64, 65, 1000 };

/* No byte stays as it was in all of 64 draws, and none is written past the end. */
START_TEST(every_byte_is_drawn)
{
	const size_t len = lengths[_i];
	uint8_t moved[1001] = { 0 }, first[1001], buf[1001] = { 0 };

	ck_assert(random_fill(first, len));
	for (int i = 0; i < 64; i++) {
		ck_assert(random_fill(buf, len));
		for (size_t j = 0; j < len; j++)
			moved[j] |= buf[j] ^ first[j];
	}
	for (size_t j = 0; j < len; j++)
		ck_assert_uint_ne(moved[j], 0);
	ck_assert_uint_eq(buf[len], 0);
}
END_TEST

START_TEST(no_block_of_a_long_draw_repeats)
{
	uint8_t buf[1024];

	ck_assert(random_fill(buf, sizeof(buf)));
	for (size_t i = 0; i < sizeof(buf); i += 32)
		for (size_t j = 0; j < i; j += 32)
			ck_assert_mem_ne(buf + i, buf + j, 32);
}
END_TEST

/* Both copies of a machine get the same bytes of their kernels; of one that has
 * never been copied each call gets others. */
START_TEST(kernels_that_say_the_same_are_parted)
{
	uint8_t drawn[200][6];

	kernel = CLONED;
	for (size_t i = 0; i < 200; i++) {
		ck_assert(random_fill(drawn[i], sizeof(drawn[i])));
		for (size_t j = 0; j < i; j++)
			ck_assert_mem_ne(drawn[i], drawn[j], sizeof(drawn[i]));
	}
}
END_TEST

START_TEST(forked_processes_are_parted)
{
	uint8_t ours[256], theirs[256];
	int to_us[2], status;
	pid_t pid;

	ck_assert(random_fill(ours, 6));
	ck_assert_int_eq(pipe(to_us), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		_exit(random_fill(theirs, sizeof(theirs)) &&
				      write(to_us[1], theirs, sizeof(theirs)) ==
					      (ssize_t)sizeof(theirs)
			      ? 0
			      : 1);
	}
	ck_assert(random_fill(ours, sizeof(ours)));
	ck_assert_int_eq(read(to_us[0], theirs, sizeof(theirs)),
			 sizeof(theirs));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	for (size_t i = 0; i < sizeof(ours); i += 32)
		ck_assert_mem_ne(ours + i, theirs + i, 32);
	close(to_us[0]);
	close(to_us[1]);
}
END_TEST

/* Not from a pool of this process's: the kernel is asked once for each. */
START_TEST(the_kernel_is_asked_each_time)
{
	uint8_t buf[64];

	for (unsigned i = 1; i <= 3; i++) {
		ck_assert(random_fill(buf, sizeof(buf)));
		ck_assert_uint_eq(calls, i);
	}
}
END_TEST

START_TEST(an_interrupted_call_is_made_again)
{
	uint8_t buf[6];

	kernel = INTERRUPTED;
	ck_assert(random_fill(buf, sizeof(buf)));
	ck_assert_uint_eq(calls, 2);
}
END_TEST

START_TEST(nothing_is_made_up_without_the_kernel)
{
	uint8_t buf[6];

	kernel = EMPTY;
	ck_assert(!random_fill(buf, sizeof(buf)));
	ck_assert_int_eq(errno, ENOSYS);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("random", .setup = setup),
	UNIT_EACH(every_byte_is_drawn, lengths),
	UNIT_TEST(no_block_of_a_long_draw_repeats),
	UNIT_TEST(kernels_that_say_the_same_are_parted),
	UNIT_TEST(forked_processes_are_parted),
	UNIT_TEST(the_kernel_is_asked_each_time),
	UNIT_TEST(an_interrupted_call_is_made_again),
	UNIT_TEST(nothing_is_made_up_without_the_kernel),
};

UNIT_MAIN("random", tests)
