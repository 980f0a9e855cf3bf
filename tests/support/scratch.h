/* A directory of its own for each test that writes files. */
#ifndef TEST_SCRATCH_H
#define TEST_SCRATCH_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char scratch_dir[] = "/tmp/tapd-test.XXXXXX";

/* A checked fixture: tests run inside the directory. */
static void scratch_enter(void)
{
	ck_assert_ptr_nonnull(mkdtemp(scratch_dir));
	ck_assert_int_eq(chdir(scratch_dir), 0);
}

static void scratch_leave(void)
{
	char command[64];

	ck_assert_int_eq(chdir("/"), 0);
	snprintf(command, sizeof(command), "rm -rf %s", scratch_dir);
	ck_assert_int_eq(system(command), 0);
}

static inline void scratch_put_bytes(const char *path, const void *bytes,
				     size_t len)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
}

static inline void scratch_put(const char *path, const char *text)
{
	scratch_put_bytes(path, text, strlen(text));
}

#endif
