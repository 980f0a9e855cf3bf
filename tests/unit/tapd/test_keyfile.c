#include "tapd/common/keyfile.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "support/main.h"
#include "support/scratch.h"

#define SECRET_1 "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
#define SECRET_2 "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="
#define SECRET_3 "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM="
#define ZERO	 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void put_private(const char *path, const char *text)
{
	scratch_put(path, text);
	ck_assert_int_eq(chmod(path, 0600), 0);
}

static bool has_machine_id(void)
{
	struct stat st;

	return stat("/etc/machine-id", &st) == 0 && st.st_size >= 32;
}

/* ---- the network secret ---- */

static size_t read_secrets(const char *text, uint8_t secrets[2][KEY_LEN])
{
	char *error;
	size_t count;

	put_private("secret", text);
	count = secret_file_read("secret", NULL, secrets, NULL, &error);
	ck_assert_msg(count > 0, "%s", error);
	ck_assert_ptr_null(error);
	return count;
}

START_TEST(one_secret_or_two)
{
	uint8_t secrets[2][KEY_LEN];

	ck_assert_uint_eq(read_secrets(SECRET_1 "\n", secrets), 1);
	ck_assert_uint_eq(secrets[0][31], 1);
	ck_assert_uint_eq(secrets[1][31], 0);
	ck_assert_uint_eq(read_secrets(SECRET_1, secrets), 1);
	ck_assert_uint_eq(read_secrets("# new, old\r\n\n  " SECRET_2 " \r\n\n"
				       "#\n" SECRET_1 "\n",
				       secrets),
			  2);
	ck_assert_uint_eq(secrets[0][0], 2);
	ck_assert_uint_eq(secrets[1][0], 1);
}
END_TEST

static const struct {
	const char *text, *error;
} bad_secrets[] = {
	{ "", "secret: holds no secret; make one with: tapctl genpsk" },
	{ "# none\n\n", "secret: holds no secret; " },
	{ "hunter2\n", "secret:1: no secret: 7 characters that are not" },
	{ SECRET_1 "=\n", "secret:1: no secret: 45 characters" },
	{ SECRET_1 " " SECRET_2, "secret:1: no secret: 89 characters" },
	{ "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQF=", "secret:1: no sec" },
	{ "\n" SECRET_1 "\n" SECRET_1, "secret:3: the same secret again; " },
	{ SECRET_1 "\n" SECRET_2 "\n" SECRET_3, "secret:3: a third secret; " },
	{ ZERO, "secret:1: the secret is all zeros; " },
};

START_TEST(bad_secret_is_refused_and_never_quoted)
{
	static const uint8_t zero[2][KEY_LEN];
	uint8_t secrets[2][KEY_LEN];
	char *error;

	put_private("secret", bad_secrets[_i].text);
	ck_assert_uint_eq(
		secret_file_read("secret", NULL, secrets, NULL, &error), 0);
	ck_assert_msg(strncmp(error, bad_secrets[_i].error,
			      strlen(bad_secrets[_i].error)) == 0,
		      "%s", error);
	ck_assert_ptr_null(strstr(error, "hunter"));
	ck_assert_ptr_null(strstr(error, "AQEB"));
	ck_assert_mem_eq(secrets, zero, sizeof(zero));
	free(error);
}
END_TEST

static void secret_fails(const char *path, const char *what)
{
	uint8_t secrets[2][KEY_LEN];
	char *error;

	ck_assert_uint_eq(secret_file_read(path, NULL, secrets, NULL, &error),
			  0);
	ck_assert_ptr_nonnull(error);
	ck_assert_msg(strncmp(error, path, strlen(path)) == 0, "%s", error);
	ck_assert_msg(strstr(error, what) != NULL, "%s", error);
	free(error);
}

START_TEST(secret_that_is_no_file_is_named)
{
	char *big = malloc(5000);

	secret_fails("none", "none: there is no secret; create it with: ");
	secret_fails(scratch_dir, ": is a directory; ");
	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	secret_fails("fifo", "fifo: is not a regular file; ");
	memset(big, '\n', 5000);
	scratch_put_bytes("big", big, 5000);
	chmod("big", 0600);
	secret_fails("big", "big: too large");
	big[10] = '\0';
	scratch_put_bytes("nul", big, 20);
	chmod("nul", 0600);
	secret_fails("nul", "nul: is not text");
	free(big);
}
END_TEST

START_TEST(secret_others_can_read_is_refused_with_the_cure)
{
	static const mode_t modes[] = { 0640, 0604, 0620, 0602, 0644, 0777 };

	put_private("secret", SECRET_1);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		ck_assert_int_eq(chmod("secret", modes[i]), 0);
		secret_fails("secret", "; chmod 600 secret");
	}
}
END_TEST

/* Orchestrators mount secrets read-only, with modes of their own. */
START_TEST(secret_on_a_read_only_mount_may_be_readable)
{
	uint8_t secrets[2][KEY_LEN];
	char *error;

	if (unshare(CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
		puts("skipped: no right to mount");
		return;
	}
	ck_assert_int_eq(mkdir("m", 0755), 0);
	ck_assert_int_eq(mount("tmpfs", "m", "tmpfs", 0, NULL), 0);
	scratch_put("m/secret", SECRET_1);
	ck_assert_int_eq(chmod("m/secret", 0644), 0);
	secret_fails("m/secret", "chmod 600");
	ck_assert_int_eq(mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL),
			 0);
	ck_assert_uint_eq(
		secret_file_read("m/secret", NULL, secrets, NULL, &error), 1);
	ck_assert_int_eq(umount("m"), 0);
}
END_TEST

/* ---- this node's key ---- */

static void load(const char *path, uint8_t key[KEY_LEN], bool remade_expected)
{
	char *remade, *error;
	bool ok = key_file_load(path, NULL, key, &remade, &error);

	ck_assert_msg(ok, "%s", error);
	ck_assert_ptr_null(error);
	ck_assert((remade != NULL) == remade_expected);
	free(remade);
}

START_TEST(key_is_made_once_and_private)
{
	uint8_t first[KEY_LEN], second[KEY_LEN];
	struct stat st;

	umask(0);
	load("var/lib/tap0.key", first, false);
	ck_assert_int_eq(stat("var/lib/tap0.key", &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(stat("var/lib", &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
	ck_assert_int_eq(stat("var", &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0755);
	load("var/lib/tap0.key", second, false);
	ck_assert_mem_eq(first, second, KEY_LEN);
	load("other.key", second, false);
	ck_assert_mem_ne(first, second, KEY_LEN);
	/* No temporary file is left behind. */
	ck_assert_int_eq(system("test $(ls var/lib | wc -l) = 1"), 0);
}
END_TEST

START_TEST(key_of_another_machine_is_replaced_and_said)
{
	uint8_t key[KEY_LEN], again[KEY_LEN];
	char *remade, *error;

	if (!has_machine_id()) {
		puts("skipped: this machine has no id");
		return;
	}
	put_private("k", "private_key = " SECRET_1 "\n"
			 "machine_id = 0123456789abcdef0123456789abcdef\n");
	ck_assert(key_file_load("k", NULL, key, &remade, &error));
	ck_assert_ptr_nonnull(strstr(remade, "k: its key was made on another"));
	ck_assert(key[0] != 1 || key[1] != 1);
	free(remade);
	load("k", again, false);
	ck_assert_mem_eq(key, again, KEY_LEN);
}
END_TEST

START_TEST(key_without_a_machine_id_is_kept)
{
	uint8_t key[KEY_LEN];

	put_private("k", "# mine\nprivate_key=" SECRET_1);
	load("k", key, false);
	ck_assert_uint_eq(key[0], 1);
}
END_TEST

static const char *const bad_keys[] = {
	"",
	"\n\n",
	SECRET_1 "\n",
	"private_key = \n",
	"private_key = AQEB\n",
	"private_key = " SECRET_1 "\nprivate_key = " SECRET_2 "\n",
	"private_key = " SECRET_1 "\ncolour = red\n",
	"private_key = " SECRET_1
	"\nmachine_id = 0123456789abcdef0123456789abcdef0\n",
	"machine_id = 0123456789abcdef0123456789abcdef\n",
};

START_TEST(damaged_key_file_is_refused_not_replaced)
{
	static const uint8_t zero[KEY_LEN];
	char *remade, *error, now[256] = "";
	uint8_t key[KEY_LEN];
	FILE *f;

	put_private("k", bad_keys[_i]);
	ck_assert(!key_file_load("k", NULL, key, &remade, &error));
	ck_assert_ptr_null(remade);
	ck_assert_ptr_nonnull(strstr(error, "remove it for a new identity"));
	ck_assert_ptr_null(strstr(error, "AQEB"));
	ck_assert_mem_eq(key, zero, KEY_LEN);
	free(error);
	f = fopen("k", "r");
	ck_assert_uint_eq(fread(now, 1, sizeof(now) - 1, f),
			  strlen(bad_keys[_i]));
	ck_assert_str_eq(now, bad_keys[_i]);
	fclose(f);
}
END_TEST

START_TEST(key_that_cannot_be_kept_is_an_error)
{
	char *remade, *error;
	uint8_t key[KEY_LEN];

	scratch_put("file", "");
	ck_assert(!key_file_load("file/tap0.key", NULL, key, &remade, &error));
	ck_assert_ptr_nonnull(strstr(error, "file"));
	free(error);
	ck_assert(!key_file_load("/proc/tapd/tap0.key", NULL, key, &remade,
				 &error));
	ck_assert_ptr_nonnull(strstr(error, "set key_file"));
	free(error);
	put_private("k", "private_key = " SECRET_1);
	chmod("k", 0644);
	ck_assert(!key_file_load("k", NULL, key, &remade, &error));
	ck_assert_ptr_nonnull(strstr(error, "chmod 600 k"));
	free(error);
}
END_TEST

/* RFC 7748, section 6.1: Alice. */
START_TEST(public_key_is_that_of_the_private_one)
{
	struct public_key key;
	char *error, text[KEY_STRLEN];

	put_private("k", "private_key = "
			 "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=\n");
	ck_assert(key_file_public("k", &key, &error));
	ck_assert_str_eq(key_print(key.bytes, text),
			 "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=");
	ck_assert(!key_file_public("none", &key, &error));
	ck_assert_ptr_nonnull(strstr(error, "none: no such file; "));
	free(error);
}
END_TEST

START_TEST(random_keys_differ)
{
	uint8_t a[KEY_LEN], b[KEY_LEN];

	ck_assert(key_random(a) && key_random(b));
	ck_assert_mem_ne(a, b, KEY_LEN);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("keyfile", .setup = scratch_enter, .teardown = scratch_leave),
	UNIT_TEST(one_secret_or_two),
	UNIT_EACH(bad_secret_is_refused_and_never_quoted, bad_secrets),
	UNIT_TEST(secret_that_is_no_file_is_named),
	UNIT_TEST(secret_others_can_read_is_refused_with_the_cure),
	UNIT_TEST(secret_on_a_read_only_mount_may_be_readable),
	UNIT_TEST(key_is_made_once_and_private),
	UNIT_TEST(key_of_another_machine_is_replaced_and_said),
	UNIT_TEST(key_without_a_machine_id_is_kept),
	UNIT_EACH(damaged_key_file_is_refused_not_replaced, bad_keys),
	UNIT_TEST(key_that_cannot_be_kept_is_an_error),
	UNIT_TEST(public_key_is_that_of_the_private_one),
	UNIT_TEST(random_keys_differ),
};

UNIT_MAIN("keyfile", tests)
