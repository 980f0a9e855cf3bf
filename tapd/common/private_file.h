/* Files that hold a secret: who may own, read and replace them. */
#ifndef TAPD_COMMON_PRIVATE_FILE_H
#define TAPD_COMMON_PRIVATE_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#define PRIVATE_FILE_MAX 4096

/*
 * The rule is OpenSSH's, but that it allows the sticky bit. The file belongs to
 * root or to the user, and others can neither read nor change it. Every folder
 * and every symbolic link above it, as it is named and as it really is, belongs to
 * one of the two as well, and others can put no file there unless the sticky bit keeps
 * them from replacing one. A group that can is warned of.
 *
 * What is on a read-only mount nobody can change, and orchestrators hand out
 * secrets on such, with modes and owners of their own: not looked at. Nor are
 * the owners of folders that the process's user namespace has no name for.
 */
struct private_rule {
	/* Whom tapd will be, if it is root now; NULL or "": it stays. */
	const char *user;
	/* The file may be readable to that user's group. Never to root's. */
	bool group_may_read;
	/* One line, to be freed, or unchanged. NULL: not wanted. */
	char **warning;
};

/*
 * Reads the whole text of a file. rule NULL: it is for this process's eyes only,
 * which relies on nothing in it, and the mode alone is looked at. Returns how
 * long it is, without the NUL after it; or -1 with *error ("FILE: what is wrong;
 * what to do", to be freed), and *missing says whether that is because there is
 * no such file.
 */
ssize_t private_file_read(const char *path, const struct private_rule *rule,
			  char text[PRIVATE_FILE_MAX + 1], bool *missing,
			  char **error);

/* The rule for the folders alone, before a file is made there. */
bool private_folders_check(const char *path, const struct private_rule *rule,
			   char **error);

/* What tapd made as root becomes the user's, who reads it again. What fails shows
 * then. */
void private_file_give(int fd, const struct private_rule *rule);

#endif
