#include "tapd/common/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "node/identity.h"
#include "tapd/common/error.h"
#include "tapd/common/private_file.h"
#include "tapd/common/random.h"

#define SECRETS_LEN	sizeof(uint8_t[2][KEY_LEN])
#define MACHINE_ID_LEN	32 /* machine-id(5): hexadecimal digits */
#define MACHINE_ID_FILE "/etc/machine-id"

bool key_random(uint8_t key[KEY_LEN])
{
	return random_fill(key, KEY_LEN);
}

/* ---- lines ---- */

/* Cuts the next line off *rest and trims it; NULL at the end. */
static char *next_line(char **rest)
{
	char *line = *rest, *end;

	if (!*line)
		return NULL;
	end = strchrnul(line, '\n');
	*rest = *end ? end + 1 : end;
	while (end > line && strchr(" \t\r\n", end[-1]))
		end--;
	*end = '\0';
	return line + strspn(line, " \t");
}

/* ---- the network secret ---- */

static bool parse_secret(const char *path, unsigned number, const char *line,
			 uint8_t secrets[2][KEY_LEN], size_t count,
			 char **error)
{
	static const uint8_t zero[KEY_LEN];

	if (count == 2)
		error_set(error, "%s:%u: a third secret; keep two at most",
			  path, number);
	else if (!key_parse(secrets[count], line))
		error_set(error,
			  "%s:%u: no secret: %zu characters that are not "
			  "base64 of 32 bytes; make one with: tapctl genpsk",
			  path, number, strlen(line));
	else if (bytes_equal(secrets[count], zero, KEY_LEN))
		error_set(error,
			  "%s:%u: the secret is all zeros; make one with: "
			  "tapctl genpsk",
			  path, number);
	else if (count == 1 && bytes_equal(secrets[0], secrets[1], KEY_LEN))
		error_set(error,
			  "%s:%u: the same secret again; remove the line", path,
			  number);
	else
		return true;
	return false;
}

/* How many secrets the text holds; 0 with *error. */
static size_t parse_secrets(const char *path, char *text,
			    uint8_t secrets[2][KEY_LEN], char **error)
{
	unsigned number = 0;
	size_t count = 0;
	char *line;

	while ((line = next_line(&text)) != NULL) {
		number++;
		if (*line == '\0' || *line == '#')
			continue;
		if (!parse_secret(path, number, line, secrets, count, error))
			return 0;
		count++;
	}
	if (count == 0)
		error_set(error,
			  "%s: holds no secret; make one with: tapctl genpsk",
			  path);
	return count;
}

size_t secret_file_read(const char *path, const char *user,
			uint8_t secrets[2][KEY_LEN], char **warning,
			char **error)
{
	const struct private_rule rule = { .user = user,
					   .group_may_read = true,
					   .warning = warning };
	char text[PRIVATE_FILE_MAX + 1];
	size_t count = 0;
	bool missing;

	*error = NULL;
	if (warning)
		*warning = NULL;
	memset(secrets, 0, SECRETS_LEN);
	if (private_file_read(path, &rule, text, &missing, error) >= 0)
		count = parse_secrets(path, text, secrets, error);
	if (missing) {
		free(*error);
		*error = NULL;
		error_set(
			error,
			"%s: there is no secret; create it with: tapctl genpsk,"
			" or hand it over as systemd's credential \"secret\"",
			path);
	}
	if (count == 0)
		bytes_wipe(secrets, SECRETS_LEN);
	bytes_wipe(text, sizeof(text));
	return count;
}

/* ---- this node's key ---- */

struct key_file {
	uint8_t private_key[KEY_LEN];
	char machine_id[MACHINE_ID_LEN + 1]; /* "": not known */
};

/* "" in a container or an image that has none yet ("uninitialized"). */
static void read_machine_id(char id[MACHINE_ID_LEN + 1])
{
	FILE *f = fopen(MACHINE_ID_FILE, "re");

	memset(id, 0, MACHINE_ID_LEN + 1);
	if (!f)
		return;
	if (!fgets(id, MACHINE_ID_LEN + 1, f) ||
	    strspn(id, "0123456789abcdef") != MACHINE_ID_LEN)
		memset(id, 0, MACHINE_ID_LEN + 1);
	fclose(f);
}

/* The value of "NAME = VALUE", or NULL. */
static char *value_of(char *line, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(line, name, len) != 0)
		return NULL;
	line += len;
	line += strspn(line, " \t");
	if (*line++ != '=')
		return NULL;
	return line + strspn(line, " \t");
}

static bool parse_key_line(struct key_file *k, bool *has_key, char *line)
{
	char *value;

	if (*line == '\0' || *line == '#')
		return true;
	value = value_of(line, "private_key");
	if (value) {
		if (*has_key)
			return false;
		*has_key = true;
		return key_parse(k->private_key, value);
	}
	value = value_of(line, "machine_id");
	if (!value || strlen(value) > MACHINE_ID_LEN)
		return false;
	snprintf(k->machine_id, sizeof(k->machine_id), "%s", value);
	return true;
}

static bool parse_key_file(const char *path, struct key_file *k, char *text,
			   char **error)
{
	unsigned number = 0;
	bool has_key = false;
	char *line;

	while ((line = next_line(&text)) != NULL) {
		number++;
		if (parse_key_line(k, &has_key, line))
			continue;
		error_set(error,
			  "%s:%u: not a line of a key file; restore the "
			  "file, or remove it for a new identity",
			  path, number);
		return false;
	}
	if (!has_key)
		error_set(error,
			  "%s: holds no private_key; restore the file, or "
			  "remove it for a new identity",
			  path);
	return has_key;
}

static bool read_key_file(const char *path, const struct private_rule *rule,
			  struct key_file *k, bool *missing, char **error)
{
	char text[PRIVATE_FILE_MAX + 1];
	bool ok;

	memset(k, 0, sizeof(*k));
	ok = private_file_read(path, rule, text, missing, error) >= 0 &&
	     parse_key_file(path, k, text, error);
	bytes_wipe(text, sizeof(text));
	return ok;
}

static void give_folder(const char *path, const struct private_rule *rule)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return;
	private_file_give(fd, rule);
	close(fd);
}

/* Makes the directories of path: the last for the user alone. */
static bool make_directories(const char *path, const struct private_rule *rule,
			     char **error)
{
	char *dir = strdup(path);
	bool ok = true;

	if (!dir) {
		error_set(error, "%s: out of memory", path);
		return false;
	}
	for (char *at = strchr(dir + 1, '/'); ok && at;
	     at = strchr(at + 1, '/')) {
		bool last = strchr(at + 1, '/') == NULL, made;

		*at = '\0';
		made = mkdir(dir, last ? 0700 : 0755) == 0;
		ok = made || errno == EEXIST;
		if (made && last)
			give_folder(dir, rule);
		if (!ok)
			error_set(error,
				  "%s: %s; make the directory, or set key_file",
				  dir, strerror(errno));
		*at = '/';
	}
	free(dir);
	return ok;
}

/* So that the rename itself survives a power cut. */
static void sync_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir;
	int fd;

	dir = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	if (!dir)
		return;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(dir);
}

/* All of it or nothing: written beside it, synced, renamed over. mkostemp
 * creates with O_EXCL and mode 0600. */
static bool replace_file(const char *path, const char *text,
			 const struct private_rule *rule, char **error)
{
	size_t len = strlen(text);
	char *temporary = NULL;
	int fd = -1;
	bool ok;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		error_set(error, "%s: out of memory", path);
		return false;
	}
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd >= 0) {
		private_file_give(fd, rule);
		errno = ENOSPC; /* which a short write means */
	}
	ok = fd >= 0 && write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
	if (ok)
		ok = rename(temporary, path) == 0;
	if (!ok) {
		error_set(error,
			  "%s: cannot be written: %s; let tapd's user write "
			  "there, or set key_file",
			  path, strerror(errno));
		if (fd >= 0)
			unlink(temporary);
	}
	if (fd >= 0)
		close(fd);
	free(temporary);
	if (ok)
		sync_directory(path);
	return ok;
}

static bool make_key_file(const char *path, const struct private_rule *rule,
			  struct key_file *k, char **error)
{
	char text[160], key[KEY_STRLEN];
	bool ok;

	if (!key_random(k->private_key)) {
		error_set(error, "%s: no random bytes for a key: %s; try again",
			  path, strerror(errno));
		return false;
	}
	snprintf(text, sizeof(text), "private_key = %s\n%s%s%s",
		 key_print(k->private_key, key),
		 *k->machine_id ? "machine_id = " : "", k->machine_id,
		 *k->machine_id ? "\n" : "");
	ok = make_directories(path, rule, error) &&
	     private_folders_check(path, rule, error) &&
	     replace_file(path, text, rule, error);
	bytes_wipe(text, sizeof(text));
	bytes_wipe(key, sizeof(key));
	return ok;
}

/* Of more weight than a warning of the folder. */
static void warn_of_copy(const char *path, char **warning)
{
	free(*warning);
	*warning = NULL;
	error_set(warning,
		  "%s: its key was made on another machine: this disk is a "
		  "copy; made a new key, so this is a new node to the others",
		  path);
}

bool key_file_load(const char *path, const char *user,
		   uint8_t private_key[KEY_LEN], char **warning, char **error)
{
	const struct private_rule rule = { .user = user, .warning = warning };
	char machine_id[MACHINE_ID_LEN + 1];
	struct key_file k;
	bool missing, ok;

	*warning = NULL;
	*error = NULL;
	memset(private_key, 0, KEY_LEN);
	read_machine_id(machine_id);
	ok = read_key_file(path, &rule, &k, &missing, error);
	if (!ok && missing) {
		free(*error);
		*error = NULL;
		snprintf(k.machine_id, sizeof(k.machine_id), "%s", machine_id);
		ok = make_key_file(path, &rule, &k, error);
	} else if (ok && *machine_id && *k.machine_id &&
		   strcmp(k.machine_id, machine_id) != 0) {
		snprintf(k.machine_id, sizeof(k.machine_id), "%s", machine_id);
		ok = make_key_file(path, &rule, &k, error);
		if (ok)
			warn_of_copy(path, warning);
	}
	if (ok)
		memcpy(private_key, k.private_key, KEY_LEN);
	bytes_wipe(&k, sizeof(k));
	return ok;
}

bool key_file_public(const char *path, struct public_key *key, char **error)
{
	struct key_file k;
	bool missing, ok;

	*error = NULL;
	memset(key, 0, sizeof(*key));
	ok = read_key_file(path, NULL, &k, &missing, error);
	if (!ok && missing) {
		free(*error);
		*error = NULL;
		error_set(error,
			  "%s: no such file; tapd makes it at first start",
			  path);
	} else if (ok && !node_public_key(key, k.private_key)) {
		error_set(error, "%s: the crypto library failed; try again",
			  path);
		ok = false;
	}
	bytes_wipe(&k, sizeof(k));
	return ok;
}
