#include "tapd/ctl/doctor/host.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX ((size_t)1 << 20)

static bool __attribute__((format(printf, 3, 0)))
path_of(char path[PATH_MAX], const char *root, const char *format, va_list args)
{
	int at = snprintf(path, PATH_MAX, "%s", root);
	int len = -1;

	if (at >= 0 && at < PATH_MAX)
		len = vsnprintf(path + at, (size_t)(PATH_MAX - at), format,
				args);
	if (len >= 0 && at + len < PATH_MAX)
		return true;
	errno = ENAMETOOLONG;
	return false;
}

/* Files of /proc have no size: they are read to their end. */
static char *read_text(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL, *more;
	size_t len = 0, size = 0, n = 1;

	while (file && n > 0 && len < TEXT_MAX) {
		size = size ? 2 * size : 4096;
		more = realloc(text, size);
		if (!more)
			break;
		text = more;
		n = fread(text + len, 1, size - len - 1, file);
		len += n;
	}
	if (text)
		text[len] = '\0';
	if (file && ferror(file)) { /* a folder can be opened as well */
		free(text);
		text = NULL;
	}
	if (file)
		(void)fclose(file);
	return text;
}

char *host_text(const char *root, const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;
	bool ok;

	va_start(args, format);
	ok = path_of(path, root, format, args);
	va_end(args);
	return ok ? read_text(path) : NULL;
}

long host_number(const char *root, long otherwise, const char *format, ...)
{
	char path[PATH_MAX], *text = NULL, *end;
	va_list args;
	long number = otherwise;

	va_start(args, format);
	if (path_of(path, root, format, args))
		text = read_text(path);
	va_end(args);
	if (text) {
		errno = 0;
		number = strtol(text, &end, 10);
		if (errno || end == text)
			number = otherwise;
	}
	free(text);
	return number;
}

/* Where a link of /proc leads; "" if that cannot be seen. */
static void read_link(const char *root, const char *pid, char to[64])
{
	char path[PATH_MAX];
	ssize_t len;

	snprintf(path, sizeof(path), "%s/proc/%s/ns/net", root, pid);
	len = readlink(path, to, 63);
	to[len > 0 ? len : 0] = '\0';
}

static bool is_called(const char *root, const char *pid, const char *name)
{
	char *comm = host_text(root, "/proc/%s/comm", pid);
	size_t len = strlen(name);
	bool same = comm && strncmp(comm, name, len) == 0 &&
		    (comm[len] == '\n' || comm[len] == '\0');

	free(comm);
	return same;
}

static bool is_near(const char *root, const char *pid)
{
	char ours[64], theirs[64];

	read_link(root, "self", ours);
	read_link(root, pid, theirs);
	return !*ours || !*theirs || strcmp(ours, theirs) == 0;
}

bool host_runs(const char *root, const char *name)
{
	char path[PATH_MAX];
	const struct dirent *entry;
	bool found = false;
	DIR *d;

	snprintf(path, sizeof(path), "%s/proc", root);
	d = opendir(path);
	while (d && !found && (entry = readdir(d)) != NULL)
		found = isdigit((unsigned char)entry->d_name[0]) &&
			is_called(root, entry->d_name, name) &&
			is_near(root, entry->d_name);
	if (d)
		closedir(d);
	return found;
}

bool host_line(const char **at, char *line, size_t size)
{
	const char *text = *at;
	size_t len;

	if (!text || !*text)
		return false;
	len = strcspn(text, "\n");
	*at = text + len + (text[len] == '\n');
	if (len >= size)
		len = size - 1;
	memcpy(line, text, len);
	line[len] = '\0';
	return true;
}

char *host_setting(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *line = text; line && *line;) {
		const char *value = line + strspn(line, " \t");
		size_t n;

		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
		if (strncmp(value, key, len) != 0 || value[len] != '=')
			continue;
		value += len + 1;
		value += *value == '"' || *value == '\'';
		n = strcspn(value, "\"'\r\n");
		return strndup(value, n);
	}
	return NULL;
}
