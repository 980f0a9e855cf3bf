#include "tapd/manager/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#define WAIT_MAX_US 50000
#define STATUS_MAX  128

bool notify_is_wanted(void)
{
	const char *socket = getenv("NOTIFY_SOCKET");

	return socket && *socket;
}

static void on_alarm(int number)
{
	(void)number;
}

/*
 * sd_notify waits while the manager's queue is full, for ever if it hangs, and has no
 * other way. A signal ends that. It comes again until it is called off: the first may
 * come before the wait begins.
 */
static void limit_wait(long us)
{
	const struct itimerval limit = { .it_value.tv_usec = us,
					 .it_interval.tv_usec = us };
	const struct sigaction action = { .sa_handler = on_alarm };

	if (us > 0)
		(void)sigaction(SIGALRM, &action, NULL);
	(void)setitimer(ITIMER_REAL, &limit, NULL);
}

int notify_send(const char *text, int fd)
{
	int sent;

	if (!notify_is_wanted())
		return -ENOENT;
	limit_wait(WAIT_MAX_US);
	sent = sd_pid_notify_with_fds(0, 0, text, &fd, fd >= 0);
	limit_wait(0);
	if (sent == 0)
		return -ENOENT;
	return sent > 0 ? 0 : sent;
}

void notify_ready(const char *status)
{
	char text[STATUS_MAX];

	snprintf(text, sizeof(text), "READY=1\nSTATUS=%s", status);
	(void)notify_send(text, -1);
}

void notify_status(const char *status)
{
	char text[STATUS_MAX];

	snprintf(text, sizeof(text), "STATUS=%s", status);
	(void)notify_send(text, -1);
}

void notify_reloading(void)
{
	struct timespec now;
	char text[64];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		 (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
	(void)notify_send(text, -1);
}

void notify_reloaded(void)
{
	(void)notify_send("READY=1", -1);
}

void notify_stopping(void)
{
	(void)notify_send("STOPPING=1", -1);
}

uint64_t notify_watchdog_us(void)
{
	uint64_t us;

	return sd_watchdog_enabled(0, &us) > 0 ? us : 0;
}

void notify_alive(void)
{
	(void)notify_send("WATCHDOG=1", -1);
}
