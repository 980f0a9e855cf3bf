/*
 * Counts what send.c sends, at many hosts at once. It takes many datagrams a call
 * and only the first bytes of each. Two ways of waiting:
 *
 *   woken   a thread for each host sleeps in recvmmsg, as applications do. What an
 *           overlay spends on waking them, a frame or a batch at a time, is part
 *           of what it costs.
 *   polled  one thread looks at all sockets every 2 ms; their buffers hold far more
 *           than that brings. The least that receiving can cost, and the same for
 *           every overlay.
 *
 * Standard input says "start RUN" (numbers from zero, datagrams of other runs are
 * not counted) and "stop" (goes on until nothing has come for a while, then writes
 * a line for each host, in the order of the command line, and "end"). It ends when
 * its standard input does.
 */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH	     64
#define LOOK_NS	     2000000u
#define QUIET_NS     250000000u
#define QUIET_MAX_NS 5000000000u
#define NUMBERS	     (1u << 26) /* more than any run sends */

struct host {
	const char *name;
	int fd;
	struct stamp stamps[BATCH]; /* its reader's alone, as the next two */
	struct iovec parts[BATCH];
	struct mmsghdr messages[BATCH];

	pthread_mutex_t lock; /* of what follows */
	uint32_t run;	      /* 0: between runs */
	uint8_t *seen;	      /* a bit for each number */
	uint64_t newest;      /* highest number so far, plus one */
	uint64_t count, duplicates, reordered;
	uint64_t last_ns;
	uint32_t overflow; /* the socket's count of drops at the start */
};

struct sink {
	struct host *hosts;
	size_t host_count;
	bool woken, running;
};

static void host_open(struct host *h, const char *interface,
		      const struct sockaddr_in *address)
{
	struct sockaddr_in any = { .sin_family = AF_INET,
				   .sin_port = address->sin_port };

	net_enter(h->name);
	h->fd = net_socket(SOCK_DGRAM);
	net_bind_device(h->fd, interface);
	if (bind(h->fd, (struct sockaddr *)&any, sizeof(any)) < 0)
		die("bind");
	if (net_is_group(address))
		net_join(h->fd, address, interface);
}

static uint32_t host_overflow(const struct host *h)
{
	uint32_t info[SK_MEMINFO_VARS];
	socklen_t len = sizeof(info);

	if (getsockopt(h->fd, SOL_SOCKET, SO_MEMINFO, info, &len) < 0)
		die("SO_MEMINFO");
	return info[SK_MEMINFO_DROPS];
}

static void host_start(struct host *h, uint32_t run)
{
	pthread_mutex_lock(&h->lock);
	/* Pages never written cost nothing. */
	free(h->seen);
	h->seen = calloc(NUMBERS / 8, 1);
	if (!h->seen)
		die("memory");
	h->newest = h->count = h->duplicates = h->reordered = h->last_ns = 0;
	h->overflow = host_overflow(h);
	h->run = run;
	pthread_mutex_unlock(&h->lock);
}

static void host_count(struct host *h, uint64_t number)
{
	uint8_t *byte = &h->seen[number / 8];
	uint8_t bit = (uint8_t)(1u << number % 8);

	if (*byte & bit) {
		h->duplicates++;
		return;
	}
	*byte |= bit;
	h->count++;
	if (number < h->newest)
		h->reordered++;
	else
		h->newest = number + 1;
}

static void host_prepare(struct host *h)
{
	pthread_mutex_init(&h->lock, NULL);
	for (unsigned i = 0; i < BATCH; i++) {
		h->parts[i].iov_base = &h->stamps[i];
		h->parts[i].iov_len = sizeof(h->stamps[i]);
		h->messages[i].msg_hdr.msg_iov = &h->parts[i];
		h->messages[i].msg_hdr.msg_iovlen = 1;
	}
}

/* Takes a batch: what is there or, with MSG_WAITFORONE, what comes. */
static int host_take(struct host *h, int flags)
{
	bool any = false;
	int got = recvmmsg(h->fd, h->messages, BATCH, flags, NULL);

	pthread_mutex_lock(&h->lock);
	for (int i = 0; i < got; i++)
		if (h->run && h->stamps[i].run == h->run &&
		    h->stamps[i].number < NUMBERS) {
			host_count(h, h->stamps[i].number);
			any = true;
		}
	if (any)
		h->last_ns = now_ns();
	pthread_mutex_unlock(&h->lock);
	return got;
}

static void *host_reader(void *argument)
{
	for (;;)
		host_take(argument, MSG_WAITFORONE);
	return NULL;
}

static uint64_t host_last(struct host *h)
{
	uint64_t last;

	pthread_mutex_lock(&h->lock);
	last = h->last_ns;
	pthread_mutex_unlock(&h->lock);
	return last;
}

static void host_report(struct host *h)
{
	pthread_mutex_lock(&h->lock);
	printf("host=%s count=%llu duplicates=%llu reordered=%llu overflow=%u "
	       "last_ns=%llu\n",
	       h->name, (unsigned long long)h->count,
	       (unsigned long long)h->duplicates,
	       (unsigned long long)h->reordered, host_overflow(h) - h->overflow,
	       (unsigned long long)h->last_ns);
	h->run = 0;
	pthread_mutex_unlock(&h->lock);
}

/* A look at all sockets, where that is how it is done; then 2 ms of sleep. */
static void sink_look(struct sink *s)
{
	for (size_t i = 0; !s->woken && i < s->host_count; i++)
		while (host_take(&s->hosts[i], MSG_DONTWAIT) == BATCH)
			;
	sleep_ns(LOOK_NS);
}

static void sink_start(struct sink *s, const char *number)
{
	uint32_t run = (uint32_t)number_of(number, 1, UINT32_MAX);

	sink_look(s);
	for (size_t i = 0; i < s->host_count; i++)
		host_start(&s->hosts[i], run);
	s->running = true;
	puts("started");
}

static void sink_stop(struct sink *s)
{
	uint64_t begin = now_ns(), last = begin;

	while (now_ns() - last < QUIET_NS && now_ns() - begin < QUIET_MAX_NS) {
		sink_look(s);
		for (size_t i = 0; i < s->host_count; i++)
			if (host_last(&s->hosts[i]) > last)
				last = host_last(&s->hosts[i]);
	}
	for (size_t i = 0; i < s->host_count; i++)
		host_report(&s->hosts[i]);
	puts("end");
	s->running = false;
}

/* Returns false at the end of standard input. */
static bool sink_obey(struct sink *s)
{
	char line[64];
	ssize_t got = read(STDIN_FILENO, line, sizeof(line) - 1);

	if (got <= 0)
		return false;
	line[got] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (!strncmp(line, "start ", 6))
		sink_start(s, line + 6);
	else if (!strcmp(line, "stop"))
		sink_stop(s);
	fflush(stdout);
	return true;
}

static void sink_open(struct sink *s, const char *interface,
		      const struct sockaddr_in *address, char **names)
{
	s->hosts = calloc(s->host_count, sizeof(*s->hosts));
	if (!s->hosts)
		die("memory");
	for (size_t i = 0; i < s->host_count; i++) {
		pthread_t thread;

		s->hosts[i].name = names[i];
		host_prepare(&s->hosts[i]);
		host_open(&s->hosts[i], interface, address);
		if (!s->woken)
			continue;
		errno = pthread_create(&thread, NULL, host_reader,
				       &s->hosts[i]);
		if (errno)
			die("thread");
		pthread_detach(thread);
	}
}

int sink_main(int argc, char **argv)
{
	struct sink s = { 0 };
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	struct sockaddr_in address;

	if (argc < 5) {
		fprintf(stderr, "usage: load sink woken|polled INTERFACE "
				"ADDRESS PORT NETNS...\n");
		return 2;
	}
	s.woken = !strcmp(argv[0], "woken");
	s.host_count = (size_t)argc - 4;
	address = net_address(argv[2], (uint16_t)number_of(argv[3], 1, 65535));
	sink_open(&s, argv[1], &address, argv + 4);
	puts("ready");
	fflush(stdout);
	for (;;) {
		bool look = s.running && !s.woken;

		if (poll(&input, 1, look ? 0 : -1) > 0 && !sink_obey(&s))
			return 0;
		if (look)
			sink_look(&s);
	}
}
