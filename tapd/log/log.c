#include "tapd/log/log.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tapd/log/log_output.h"
#include "tapd/log/log_ring.h"

/*
 * A line is written at once. If that would have to wait, it is put into the ring,
 * and so is what follows it; the loop writes them when stderr takes them again. If
 * the ring is full, lines are lost until it is empty: then their number is said.
 * So nobody who does not read the log holds up a frame.
 */

/* Lines of the ring that one turn of the loop writes. */
#define LINES_A_TURN 64
/* How long the end waits for a reader. */
#define FLUSH_MS 200

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
	struct log_output output;
	struct event *writable; /* NULL: no loop */
	struct log_ring ring;
	uint64_t lost, lost_ever; /* lost: not said yet */
} state = {
	.level = LOG_LEVEL_INFO,
	.prefix = "tapd",
	.output = { .fd = STDERR_FILENO },
};

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
	log_output_close(&state.output);
	log_output_open(&state.output);
	tzset();
	if (interface && *interface)
		snprintf(state.prefix, sizeof(state.prefix), "tapd[%s]",
			 interface);
	else
		snprintf(state.prefix, sizeof(state.prefix), "tapd");
}

void log_open_again(void)
{
	log_output_open(&state.output);
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

/* "12:34:56.789 ", on a terminal: elsewhere whoever takes the lines knows when. */
static size_t print_time(char *buf, size_t size)
{
	struct timespec now;
	struct tm local;
	size_t len;

	clock_gettime(CLOCK_REALTIME, &now);
	if (!localtime_r(&now.tv_sec, &local))
		return 0;
	len = strftime(buf, size, "%H:%M:%S", &local);
	return len + (size_t)snprintf(buf + len, size - len, ".%03ld ",
				      now.tv_nsec / 1000000);
}

/* The line and its length. Control bytes would forge lines or move the cursor:
 * they become '?'. */
__attribute__((format(printf, 3, 0))) static size_t print_line(
	char line[LOG_LINE_SIZE], enum log_level level, const char *format,
	va_list args)
{
	const size_t room = LOG_LINE_SIZE - 1; /* the newline */
	size_t start = 0, len;
	int n;

	if (state.output.terminal)
		start = print_time(line, room);
	if (state.journal)
		n = snprintf(line, room, "%s", level_prefixes[level]);
	else
		n = snprintf(line + start, room - start, "%s: ", state.prefix);
	start += (size_t)n;
	n = vsnprintf(line + start, room - start, format, args);
	if (n < 0)
		return 0;
	len = start + mark_cut(line + start, room - start, (size_t)n);
	for (size_t i = start; i < len; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	line[len++] = '\n';
	return len;
}

/* ---- where they go ---- */

static void lose(void)
{
	state.lost++;
	state.lost_ever++;
}

static void wait_for_reader(void)
{
	if (state.writable)
		event_add(state.writable, NULL);
}

/* One write a line, so that lines of several daemons on one terminal do not mix.
 * The ring is empty: what is not taken now has room there. False if the line is
 * lost. */
static bool write_now(const char *line, size_t len)
{
	ssize_t n = log_output_write(&state.output, line, len);

	if (n < 0 && n != -EAGAIN)
		return false;
	if (n < 0)
		n = 0;
	if ((size_t)n < len) {
		log_ring_put(&state.ring, line + n, len - (size_t)n);
		wait_for_reader();
	}
	return true;
}

__attribute__((format(printf, 2, 3))) static bool write_text(
	enum log_level level, const char *format, ...)
{
	char line[LOG_LINE_SIZE];
	va_list args;
	size_t len;

	va_start(args, format);
	len = print_line(line, level, format, args);
	va_end(args);
	return write_now(line, len);
}

/* Nothing waits any more. False if not even this can be said. */
static bool say_lost(void)
{
	uint64_t lost = state.lost;

	if (lost > 0 &&
	    !write_text(LOG_LEVEL_WARNING,
			"%ju lines of the log lost: nobody took them",
			(uintmax_t)lost))
		return false;
	state.lost = 0;
	return true;
}

/* Writes the ring out, at most so many lines. True if it is empty. */
static bool drain(unsigned int lines)
{
	char line[LOG_LINE_SIZE];
	size_t len;

	while ((len = log_ring_first(&state.ring, line)) > 0 && lines-- > 0) {
		ssize_t n = log_output_write(&state.output, line, len);

		if (n == -EAGAIN)
			break;
		log_ring_take(&state.ring, n < 0 ? len : (size_t)n);
		if (n < 0)
			lose();
	}
	return state.ring.used == 0;
}

static void on_writable(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	(void)user;
	if (drain(LINES_A_TURN))
		say_lost();
	else
		wait_for_reader();
}

__attribute__((format(printf, 2, 0))) static void write_line(
	enum log_level level, const char *format, va_list args)
{
	char line[LOG_LINE_SIZE];
	int saved = errno;
	size_t len;

	if (level > state.level)
		return;
	/* With a loop, that is what tries again. */
	if (state.ring.used > 0 && !state.writable)
		drain(UINT_MAX);
	if (state.ring.used == 0)
		say_lost();
	len = print_line(line, level, format, args);
	if (state.lost > 0 ||
	    !(state.ring.used > 0 ? log_ring_put(&state.ring, line, len)
				  : write_now(line, len)))
		lose();
	errno = saved;
}

/* ---- the loop ---- */

/* What the library has to say would go to stderr past all this. */
static void on_library_message(int severity, const char *text)
{
	if (severity >= EVENT_LOG_WARN)
		log_warning("%s", text);
}

bool log_watch(struct event_base *base)
{
	event_set_log_callback(on_library_message);
	state.writable =
		event_new(base, state.output.fd, EV_WRITE, on_writable, NULL);
	if (state.writable && state.ring.used > 0)
		wait_for_reader();
	return state.writable != NULL;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void flush(void)
{
	struct pollfd p = { .fd = state.output.fd, .events = POLLOUT };
	const uint64_t end = now_ms() + FLUSH_MS;
	uint64_t now;

	while (!drain(LINES_A_TURN) && (now = now_ms()) < end)
		poll(&p, 1, (int)(end - now));
	if (state.ring.used == 0)
		say_lost();
}

void log_unwatch(void)
{
	if (state.writable)
		event_free(state.writable);
	state.writable = NULL;
	flush();
}

uint64_t log_lost(void)
{
	return state.lost_ever;
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
