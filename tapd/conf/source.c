#include "tapd/conf/source.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tapd/common/error.h"

#define SOURCE_MAX  ((size_t)1 << 20) /* bytes, all files together */
#define FILES_MAX   64
#define INCLUDE_MAX 8 /* deep */

/* Where libconfig's scanner would be: @include counts only between settings. */
enum scan { SCAN_OUTSIDE, SCAN_STRING, SCAN_COMMENT };

struct origin {
	unsigned file, line;
};

struct conf_source {
	char *text;
	size_t text_len;
	FILE *out; /* fills both while reading */
	size_t len;
	enum scan scan;
	struct origin *lines;
	size_t lines_count, lines_size;
	char *files[FILES_MAX];
	unsigned files_count;
};

/* The byte order mark that some editors put at the beginning. */
static void remove_mark(char *text)
{
	static const char mark[] = "\xef\xbb\xbf";
	size_t len = strlen(mark);

	if (strncmp(text, mark, len) == 0)
		memmove(text, text + len, strlen(text + len) + 1);
}

static bool is_utf16(const char *text, size_t len)
{
	return len >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 ||
			    memcmp(text, "\xfe\xff", 2) == 0);
}

/* The bytes of a file and a NUL, or NULL with the reason in *why. */
static char *load(const char *path, const char **why)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	struct stat st;
	size_t len;

	*why = NULL;
	if (!f) {
		*why = strerror(errno);
		return NULL;
	}
	if (fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode))
		*why = "is a directory";
	else if (!(text = malloc(SOURCE_MAX + 1)))
		*why = "out of memory";
	if (*why)
		goto out;
	len = fread(text, 1, SOURCE_MAX + 1, f);
	if (ferror(f))
		*why = strerror(errno);
	else if (len > SOURCE_MAX)
		*why = "larger than 1 MiB";
	else if (memchr(text, '\0', len))
		*why = is_utf16(text, len) ? "UTF-16; save it as UTF-8"
					   : "not text: it contains a NUL byte";
	else
		text[len] = '\0';
	if (*why) {
		free(text);
		text = NULL;
	} else {
		remove_mark(text);
	}
out:
	fclose(f);
	return text;
}

/* Follows strings and comments through one line. */
static enum scan scan_line(enum scan scan, const char *at, const char *end)
{
	for (; at < end; at++) {
		switch (scan) {
		case SCAN_OUTSIDE:
			if (*at == '#' || strncmp(at, "//", 2) == 0)
				return scan;
			if (*at == '"') {
				scan = SCAN_STRING;
			} else if (strncmp(at, "/*", 2) == 0) {
				scan = SCAN_COMMENT;
				at++;
			}
			break;
		case SCAN_STRING:
			if (*at == '\\')
				at++;
			else if (*at == '"')
				scan = SCAN_OUTSIDE;
			break;
		case SCAN_COMMENT:
			if (strncmp(at, "*/", 2) == 0) {
				scan = SCAN_OUTSIDE;
				at++;
			}
			break;
		}
	}
	return scan;
}

static bool add_line(struct conf_source *s, unsigned file, unsigned line,
		     const char *at, size_t len)
{
	if (s->len + len >= SOURCE_MAX)
		return false;
	if (s->lines_count == s->lines_size) {
		size_t size = s->lines_size ? 2 * s->lines_size : 64;
		struct origin *lines =
			reallocarray(s->lines, size, sizeof(*lines));

		if (!lines)
			return false;
		s->lines = lines;
		s->lines_size = size;
	}
	s->lines[s->lines_count++] =
		(struct origin){ .file = file, .line = line };
	s->len += len + 1;
	s->scan = scan_line(s->scan, at, at + len);
	return fwrite(at, 1, len, s->out) == len && fputc('\n', s->out) != EOF;
}

static bool is_include(const char *line)
{
	return strncmp(line + strspn(line, " \t"), "@include", 8) == 0;
}

/* `@include "PATH"` and perhaps a comment: the path, relative to the file that
 * names it (to be freed). NULL if the line is not of that form. */
static char *include_path(const char *line, const char *end, const char *from)
{
	const char *start, *slash = strrchr(from, '/');
	size_t dir_len = slash ? (size_t)(slash + 1 - from) : 0;
	char *path;

	line += strspn(line, " \t") + 8;
	line += strspn(line, " \t");
	if (*line++ != '"')
		return NULL;
	start = line;
	line += strcspn(line, "\"\n");
	if (*line != '"' || line == start)
		return NULL;
	if (*start == '/')
		dir_len = 0;
	if (asprintf(&path, "%.*s%.*s", (int)dir_len, from, (int)(line - start),
		     start) < 0)
		return NULL;
	line++;
	line += strspn(line, " \t\r");
	if (line < end && *line != '#' && strncmp(line, "//", 2) != 0) {
		free(path);
		return NULL;
	}
	return path;
}

static bool add_file(struct conf_source *s, const char *path, unsigned depth,
		     char **error);

/* An error about the included file as a whole names the including line too. */
static void include_error(const char *from, unsigned number, const char *path,
			  char *inner, char **error)
{
	size_t len = strlen(path);

	if (inner && strncmp(inner, path, len) == 0 &&
	    strncmp(inner + len, ": ", 2) == 0) {
		error_set(error, "%s:%u: @include %s", from, number, inner);
		free(inner);
	} else {
		*error = inner;
	}
}

/* Puts the file that a line names in the line's place. */
static bool include(struct conf_source *s, unsigned file, unsigned number,
		    const char *line, const char *end, unsigned depth,
		    char **error)
{
	const char *from = s->files[file];
	char *path = include_path(line, end, from), *inner = NULL;
	bool ok = false;

	if (!path) {
		error_set(error,
			  "%s:%u: not understood; write @include \"FILE\" "
			  "alone on the line",
			  from, number);
		return false;
	}
	if (depth >= INCLUDE_MAX)
		error_set(error,
			  "%s:%u: @include \"%s\": more than %d deep; if they "
			  "include one another, remove the circle",
			  from, number, path, INCLUDE_MAX);
	else if (s->files_count == FILES_MAX)
		error_set(
			error,
			"%s:%u: @include \"%s\": more than %d files; put some "
			"of them together",
			from, number, path, FILES_MAX);
	else if (add_file(s, path, depth + 1, &inner))
		ok = true;
	else
		include_error(from, number, path, inner, error);
	free(path);
	return ok;
}

static bool add_lines(struct conf_source *s, unsigned file, const char *text,
		      unsigned depth, char **error)
{
	unsigned number = 1;

	for (const char *at = text, *end; *at; at = end + (*end != '\0')) {
		end = strchrnul(at, '\n');
		if (s->scan == SCAN_OUTSIDE && is_include(at)) {
			if (!include(s, file, number, at, end, depth, error))
				return false;
		} else if (!add_line(s, file, number, at, (size_t)(end - at))) {
			error_set(error,
				  "%s: larger than 1 MiB; remove comments",
				  s->files[file]);
			return false;
		}
		number++;
	}
	return true;
}

static bool add_file(struct conf_source *s, const char *path, unsigned depth,
		     char **error)
{
	const char *why;
	char *text = load(path, &why);
	unsigned file = s->files_count;
	bool ok = false;

	if (!text) {
		error_set(error, "%s: %s; name a readable configuration file",
			  path, why);
		return false;
	}
	s->files[file] = strdup(path);
	if (s->files[file]) {
		s->files_count++;
		ok = add_lines(s, file, text, depth, error);
	} else {
		error_set(error, "%s: out of memory", path);
	}
	free(text);
	return ok;
}

struct conf_source *conf_source_read(const char *path, char **error)
{
	struct conf_source *s = calloc(1, sizeof(*s));
	bool ok = false;

	if (!s)
		goto out_of_memory;
	s->out = open_memstream(&s->text, &s->text_len);
	if (!s->out)
		goto out_of_memory;
	ok = add_file(s, path, 0, error);
	if (fclose(s->out) != 0 && ok)
		goto out_of_memory;
	if (ok)
		return s;
	conf_source_free(s);
	return NULL;
out_of_memory:
	error_set(error, "%s: out of memory", path);
	conf_source_free(s);
	return NULL;
}

void conf_source_free(struct conf_source *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->files_count; i++)
		free(s->files[i]);
	free(s->lines);
	free(s->text);
	free(s);
}

const char *conf_source_text(const struct conf_source *s)
{
	return s->text;
}

/* A syntax error at the end of the file is on the line after the last. */
static struct origin origin(const struct conf_source *s, unsigned line)
{
	if (s->lines_count == 0 || line == 0)
		return (struct origin){ .file = 0, .line = 1 };
	if (line > s->lines_count)
		line = (unsigned)s->lines_count;
	return s->lines[line - 1];
}

const char *conf_source_file(const struct conf_source *s, unsigned line)
{
	return s->files[origin(s, line).file];
}

unsigned conf_source_line(const struct conf_source *s, unsigned line)
{
	return origin(s, line).line;
}
