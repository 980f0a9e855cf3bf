#include "tapd/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A line, with its end. */
#define LINE_SIZE 4096

/* sd-daemon(3): SD_ERR, SD_WARNING, SD_INFO. */
static const char *const level_prefixes[] = {
	[LOG_LEVEL_ERROR] = "<3>",
	[LOG_LEVEL_WARNING] = "<4>",
	[LOG_LEVEL_INFO] = "<6>",
};

static struct {
	enum log_level level;
	bool journal;
	char prefix[32];
} state = { .level = LOG_LEVEL_INFO, .prefix = "tapd" };

/* A child inherits JOURNAL_STREAM even when its stderr was redirected, so the
 * variable counts only if it names the file that stderr is: systemd.exec(5). */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char ours[48];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) != 0)
		return false;
	snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)st.st_dev,
		 (uintmax_t)st.st_ino);
	return strcmp(stream, ours) == 0;
}

void log_open(const char *interface, enum log_level level)
{
	state.level = level;
	state.journal = stderr_is_journal();
	if (interface && *interface)
		snprintf(state.prefix, sizeof(state.prefix), "tapd[%s]",
			 interface);
	else
		snprintf(state.prefix, sizeof(state.prefix), "tapd");
}

void log_set_level(enum log_level level)
{
	state.level = level;
}

/* What of a message does not fit is counted at its end. Returns its length, below
 * room; the text was n bytes long. */
static size_t mark_cut(char *text, size_t room, size_t n)
{
	char mark[48];
	size_t len;

	if (n < room)
		return n;
	len = (size_t)snprintf(mark, sizeof(mark), " ... (%zu bytes in all)",
			       n);
	memcpy(text + room - 1 - len, mark, len);
	return room - 1;
}

/* One write a line, so that lines of several daemons on one terminal do not
 * mix. Control bytes would forge lines or move the cursor: they become '?'. */
__attribute__((format(printf, 2, 0))) static void write_line(
	enum log_level level, const char *format, va_list args)
{
	char line[LINE_SIZE];
	const size_t room = sizeof(line) - 1; /* the newline */
	size_t start, len;
	ssize_t written;
	int saved = errno, n;

	if (level > state.level)
		return;
	if (state.journal)
		n = snprintf(line, room, "%s", level_prefixes[level]);
	else
		n = snprintf(line, room, "%s: ", state.prefix);
	start = (size_t)n;
	n = vsnprintf(line + start, room - start, format, args);
	if (n < 0)
		return;
	len = start + mark_cut(line + start, room - start, (size_t)n);
	for (size_t i = start; i < len; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	line[len++] = '\n';
	do {
		written = write(STDERR_FILENO, line, len);
	} while (written < 0 && errno == EINTR);
	errno = saved;
}

#define LOG_FUNCTION(name, level)                  \
	void name(const char *format, ...)         \
	{                                          \
		va_list args;                      \
                                                   \
		va_start(args, format);            \
		write_line((level), format, args); \
		va_end(args);                      \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
