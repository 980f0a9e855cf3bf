#include "tapd/common/private_file.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include "support/main.h"
#include "support/scratch.h"

/*
 * In each test the folder `a` belongs to root and holds `b`, which holds the file
 * `key`; numbers are users and groups without a name here.
 */
#define STRANGER 4711
#define TAPD	 4712

static bool is_root(void)
{
	if (geteuid() == 0)
		return true;
	puts("skipped: needs root, to give files away");
	return false;
}

static void setup(void)
{
	scratch_enter();
	umask(0);
	ck_assert_int_eq(mkdir("a", 0755), 0);
	ck_assert_int_eq(mkdir("a/b", 0755), 0);
	scratch_put("a/b/key", "text");
	ck_assert_int_eq(chmod("a/b/key", 0600), 0);
	/* It is mkdtemp's own, of mode 0700: the user of a test goes through. */
	ck_assert_int_eq(chmod(".", 0755), 0);
}

/* Reads a/b/key by a rule: "" or the error. */
static char said[1024], warned[1024];

static const char *read_as(const struct private_rule *like, const char *path)
{
	char text[PRIVATE_FILE_MAX + 1], *error = NULL, *warning = NULL;
	struct private_rule rule = *like;
	bool missing;
	ssize_t len;

	rule.warning = &warning;
	len = private_file_read(path, &rule, text, &missing, &error);
	ck_assert((len < 0) == (error != NULL));
	ck_assert(len < 0 || strcmp(text, "text") == 0);
	snprintf(said, sizeof(said), "%s", error ? error : "");
	snprintf(warned, sizeof(warned), "%s", warning ? warning : "");
	free(error);
	free(warning);
	return said;
}

static const struct private_rule strict, shared = { .group_may_read = true };

/* The message names the file, what is wrong, and the command. */
static void refused(const char *path, const char *what, const char *command)
{
	read_as(&shared, path);
	ck_assert_msg(strncmp(said, path, strlen(path)) == 0, "%s", said);
	ck_assert_msg(strstr(said, what) != NULL, "%s", said);
	ck_assert_msg(strstr(said, command) != NULL, "%s", said);
}

static void taken(const char *path)
{
	ck_assert_str_eq(read_as(&shared, path), "");
	ck_assert_str_eq(warned, "");
}

/* The same as another user, in a child. */
static void as_user(uid_t uid, gid_t gid, void (*body)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (setgid(gid) != 0 || setuid(uid) != 0)
			_exit(1);
		body();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

START_TEST(a_file_of_another_user_is_refused)
{
	char text[PRIVATE_FILE_MAX + 1], *error = NULL;
	bool missing;

	if (!is_root())
		return;
	taken("a/b/key");
	ck_assert_int_eq(chown("a/b/key", STRANGER, 0), 0);
	refused("a/b/key", "belongs to the user 4711", "; chown root a/b/key");
	/* Who reads no more than a public key from it need not care. */
	ck_assert_int_eq(
		private_file_read("a/b/key", NULL, text, &missing, &error), 4);
}
END_TEST

static void own_file_is_taken(void)
{
	taken("a/b/key");
}

static void stranger_is_refused(void)
{
	/* It can be read, by its mode; it is just not the right one's. */
	refused("a/b/key", "belongs to the user 4711", "; chown 4712 a/b/key");
}

START_TEST(a_file_may_be_the_users_own)
{
	if (!is_root())
		return;
	ck_assert_int_eq(chown("a/b/key", TAPD, TAPD), 0);
	as_user(TAPD, TAPD, own_file_is_taken);
	ck_assert_int_eq(chown("a/b", TAPD, TAPD), 0);
	as_user(TAPD, TAPD, own_file_is_taken);
	ck_assert_int_eq(chown("a/b/key", STRANGER, TAPD), 0);
	ck_assert_int_eq(chmod("a/b/key", 0640), 0);
	as_user(TAPD, TAPD, stranger_is_refused);
}
END_TEST

START_TEST(the_user_may_be_one_that_is_still_to_be)
{
	const struct private_rule nobody = { .user = "nobody" };
	struct stat st;

	if (!is_root() || system("chown nobody a/b/key a/b") != 0)
		return;
	ck_assert_int_eq(stat("a/b", &st), 0);
	ck_assert_uint_ne(st.st_uid, 0);
	ck_assert_str_eq(read_as(&nobody, "a/b/key"), "");
	refused("a/b/key", "belongs to the user nobody",
		"; chown root a/b/key");
	ck_assert_int_eq(chown("a/b/key", 0, 0), 0);
	refused("a/b/key", "belongs to the user nobody", "chown root /");
}
END_TEST

static void group_file_is_taken(void)
{
	taken("a/b/key");
	/* A node's own key is nobody's to share. */
	ck_assert_ptr_nonnull(
		strstr(read_as(&strict, "a/b/key"), "; chmod 600 a/b/key"));
}

START_TEST(a_file_may_be_shared_with_the_users_own_group)
{
	if (!is_root())
		return;
	ck_assert_int_eq(chown("a/b/key", 0, TAPD), 0);
	ck_assert_int_eq(chmod("a/b/key", 0640), 0);
	as_user(TAPD, TAPD, group_file_is_taken);
	/* Root's group is no way to give root a file. */
	refused("a/b/key", "(mode 0640)", "; chmod 600 a/b/key");
	ck_assert_int_eq(chown("a/b/key", 0, 0), 0);
	refused("a/b/key", "(mode 0640)", "; chmod 600 a/b/key");
}
END_TEST

START_TEST(another_group_is_told_from_the_users_own)
{
	const struct private_rule nobody = { .user = "nobody",
					     .group_may_read = true };

	if (!is_root())
		return;
	ck_assert_int_eq(chmod("a/b/key", 0640), 0);
	ck_assert_int_eq(chown("a/b/key", 0, STRANGER), 0);
	ck_assert_msg(strstr(read_as(&nobody, "a/b/key"),
			     "can be read by the group 4711; chgrp "),
		      "%s", said);
	if (system("chgrp $(id -g nobody) a/b/key") == 0)
		ck_assert_str_eq(read_as(&nobody, "a/b/key"), "");
}
END_TEST

static const mode_t too_much[] = { 0660, 0620, 0644, 0604, 0602, 0777 };

START_TEST(no_more_than_that_is_shared)
{
	const struct private_rule nobody = { .user = "nobody",
					     .group_may_read = true };

	if (!is_root() || system("chgrp $(id -g nobody) a/b/key") != 0)
		return;
	ck_assert_int_eq(chmod("a/b/key", too_much[_i]), 0);
	ck_assert_ptr_nonnull(
		strstr(read_as(&nobody, "a/b/key"), "; chmod 600 a/b/key"));
}
END_TEST

START_TEST(a_folder_that_others_can_write_to_is_refused)
{
	ck_assert_int_eq(chmod("a", 0777), 0);
	refused("a/b/key", "/a (mode 0777)", "; chmod o-w /");
	ck_assert_int_eq(chmod("a", 0757), 0);
	refused("a/b/key", "others can replace it", "; chmod o-w /");
	/* The sticky bit keeps them from replacing what is not theirs. */
	ck_assert_int_eq(chmod("a", 01777), 0);
	taken("a/b/key");
	ck_assert_int_eq(chmod("a/b", 0777), 0);
	refused("a/b/key", "/a/b (mode 0777)", "; chmod o-w /");
}
END_TEST

START_TEST(a_folder_that_a_group_can_write_to_is_warned_of)
{
	ck_assert_int_eq(chmod("a", 0775), 0);
	ck_assert_str_eq(read_as(&shared, "a/b/key"), "");
	ck_assert_msg(strstr(warned, "a/b/key: the group ") == warned, "%s",
		      warned);
	ck_assert_msg(strstr(warned, "; chmod g-w /") != NULL, "%s", warned);
	ck_assert_int_eq(chmod("a", 01775), 0);
	taken("a/b/key");
}
END_TEST

START_TEST(a_folder_of_another_user_is_refused)
{
	if (!is_root())
		return;
	ck_assert_int_eq(chown("a", STRANGER, 0), 0);
	refused("a/b/key", "/a belongs to the user 4711", "chown root /");
	/* Not even with the sticky bit: its owner may remove all in it. */
	ck_assert_int_eq(chmod("a", 01777), 0);
	refused("a/b/key", "/a belongs to the user 4711", "chown root /");
}
END_TEST

START_TEST(a_link_is_looked_at_at_both_ends)
{
	ck_assert_int_eq(mkdir("c", 0755), 0);
	ck_assert_int_eq(symlink("../a/b/key", "c/link"), 0);
	ck_assert_int_eq(symlink("a", "d"), 0);
	taken("c/link");
	taken("d/b/key");
	ck_assert_int_eq(chmod("c", 0777), 0);
	refused("c/link", "/c (mode 0777)", "; chmod o-w /");
	ck_assert_int_eq(chmod("c", 0755), 0);
	ck_assert_int_eq(chmod("a", 0777), 0);
	refused("c/link", "/a (mode 0777)", "; chmod o-w /");
	refused("d/b/key", "(mode 0777)", "; chmod o-w /");
}
END_TEST

START_TEST(a_link_of_another_user_is_refused)
{
	if (!is_root())
		return;
	ck_assert_int_eq(mkdir("c", 01777), 0);
	ck_assert_int_eq(symlink("../a/b/key", "c/link"), 0);
	ck_assert_int_eq(symlink("../a", "c/folder"), 0);
	taken("c/folder/b/key");
	ck_assert_int_eq(lchown("c/link", STRANGER, 0), 0);
	ck_assert_int_eq(lchown("c/folder", STRANGER, 0), 0);
	refused("c/folder/b/key", "symbolic link of the user 4711", "; rm /");
	/* The kernel may refuse to follow it, too: protected_symlinks. */
	read_as(&shared, "c/link");
	ck_assert_str_ne(said, "");
}
END_TEST

START_TEST(a_file_is_not_made_where_it_could_be_replaced)
{
	char *error = NULL;

	ck_assert(private_folders_check("a/b/none", &strict, &error));
	ck_assert_int_eq(chmod("a/b", 0777), 0);
	ck_assert(!private_folders_check("a/b/none", &strict, &error));
	ck_assert_ptr_nonnull(strstr(error, "; chmod o-w /"));
	free(error);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("file", .setup = setup, .teardown = scratch_leave),
	UNIT_TEST(a_file_of_another_user_is_refused),
	UNIT_TEST(a_file_may_be_the_users_own),
	UNIT_TEST(the_user_may_be_one_that_is_still_to_be),
	UNIT_TEST(a_file_may_be_shared_with_the_users_own_group),
	UNIT_TEST(another_group_is_told_from_the_users_own),
	UNIT_EACH(no_more_than_that_is_shared, too_much),
	UNIT_CASE("folders", .setup = setup, .teardown = scratch_leave),
	UNIT_TEST(a_folder_that_others_can_write_to_is_refused),
	UNIT_TEST(a_folder_that_a_group_can_write_to_is_warned_of),
	UNIT_TEST(a_folder_of_another_user_is_refused),
	UNIT_TEST(a_link_is_looked_at_at_both_ends),
	UNIT_TEST(a_link_of_another_user_is_refused),
	UNIT_TEST(a_file_is_not_made_where_it_could_be_replaced),
};

UNIT_MAIN("private_file", tests)
