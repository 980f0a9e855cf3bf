#include "tapd/ctl/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "tapd/ctl/color.h"

/* ECMA-48, and xterm's second screen. */
#define ENTER	   "\033[?1049h\033[?25l"
#define LEAVE	   "\033[?25h\033[?1049l"
#define HOME	   "\033[H"
#define CLEAR_LINE "\033[K"
#define CLEAR_REST "\033[J"

static struct termios before, raw;

/* ---- taken, and given back: also by signals, at any moment ---- */

static void put(const char *text)
{
	/* What cannot be written to is no terminal any more. */
	if (write(STDOUT_FILENO, text, strlen(text)) < 0)
		return;
}

static void take(void)
{
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	put(ENTER);
}

static void give_back(void)
{
	put(LEAVE);
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

/* Whatever the program waits for. */
static void on_end(int number)
{
	(void)number;
	give_back();
	_exit(0);
}

static void catch_stop(void);

/* ^Z: it is stopped here, unless nobody could let it go on. */
static void on_stop(int number)
{
	const int saved = errno;

	give_back();
	signal(number, SIG_DFL);
	raise(number);
	catch_stop();
	take();
	errno = saved;
}

static void catch_stop(void)
{
	const struct sigaction action = { .sa_handler = on_stop,
					  .sa_flags = SA_RESTART | SA_NODEFER };

	sigaction(SIGTSTP, &action, NULL);
}

bool terminal_is_there(void)
{
	return isatty(STDIN_FILENO) && color_is_possible(stdout);
}

bool terminal_enter(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction action = { .sa_handler = on_end };

	if (tcgetattr(STDIN_FILENO, &before) != 0)
		return false;
	raw = before;
	raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
	catch_stop();
	take();
	return true;
}

void terminal_leave(void)
{
	fflush(stdout);
	give_back();
}

size_t terminal_lines(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0)
		return 24;
	return size.ws_row;
}

void terminal_show(const char *text)
{
	fputs(HOME, stdout);
	for (; *text; text++) {
		if (*text == '\n')
			fputs(CLEAR_LINE, stdout);
		fputc(*text, stdout);
	}
	fputs(CLEAR_REST, stdout);
	fflush(stdout);
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A key, or nothing; false at the end of the input, or if the key is q. */
static bool read_key(void)
{
	char key;
	ssize_t n = read(STDIN_FILENO, &key, 1);

	return n < 0 ? errno == EINTR : n == 1 && key != 'q' && key != 'Q';
}

bool terminal_wait(int ms)
{
	const long end = now_ms() + ms;
	struct pollfd keys = { .fd = STDIN_FILENO, .events = POLLIN };

	for (long left = ms; left > 0; left = end - now_ms())
		if (poll(&keys, 1, (int)left) > 0 && !read_key())
			return false;
	return true;
}
