/*
 * TCP streams between two hosts: out, back, or both at once, as fast as they go or no
 * faster than told. Their congestion control decides what a tunnel is given to do, so it
 * is always named.
 */
#include "load.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE	    (128 * 1024)
#define STREAMS_MAX 64
#define WARM_NS	    300000000u /* slow start is not what is measured */

static atomic_bool over;
static atomic_ullong received;

/* A stream ends when the sockets are shut down under it. */
static void *reader(void *argument)
{
	int fd = *(int *)argument;
	uint8_t *buffer = malloc(PIECE);
	ssize_t got;

	if (!buffer)
		die("memory");
	while ((got = read(fd, buffer, PIECE)) > 0)
		atomic_fetch_add_explicit(&received, (unsigned long long)got,
					  memory_order_relaxed);
	if (!atomic_load(&over))
		die("a stream broke");
	free(buffer);
	return NULL;
}

static void *writer(void *argument)
{
	int fd = *(int *)argument;
	uint8_t *buffer = malloc(PIECE);

	if (!buffer)
		die("memory");
	/* Untouched memory is one page of zeros: copied too fast. */
	memset(buffer, 'x', PIECE);
	while (send(fd, buffer, PIECE, MSG_NOSIGNAL) > 0)
		;
	if (!atomic_load(&over))
		die("a stream broke");
	free(buffer);
	return NULL;
}

static void launch(void *(*body)(void *), int *fd)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, body, fd);
	if (errno)
		die("thread");
	pthread_detach(thread);
}

/* Accepted sockets take these options from the listener, so both ends have them. */
static int stream_socket(const char *congestion, uint64_t rate_mbps)
{
	int fd = net_socket(SOCK_STREAM);
	uint64_t bytes_per_s = rate_mbps * 1000000 / 8;

	if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, congestion,
		       (socklen_t)strlen(congestion)) < 0)
		die("congestion control %s", congestion);
	if (rate_mbps && setsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE,
				    &bytes_per_s, sizeof(bytes_per_s)) < 0)
		die("SO_MAX_PACING_RATE");
	return fd;
}

/* The thread ends up in the client's namespace; the sockets stay in theirs. */
static void connect_all(char **argv, int *clients, int *servers, int streams)
{
	struct sockaddr_in address =
		net_address(argv[2], (uint16_t)number_of(argv[3], 1, 65535));
	uint64_t rate_mbps = number_of(argv[8], 0, 1000000) / (unsigned)streams;
	int listener;

	net_enter(argv[1]);
	listener = stream_socket(argv[7], rate_mbps);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, STREAMS_MAX) < 0)
		die("listen on %s", argv[2]);
	net_enter(argv[0]);
	for (int i = 0; i < streams; i++) {
		clients[i] = stream_socket(argv[7], rate_mbps);
		if (connect(clients[i], (struct sockaddr *)&address,
			    sizeof(address)) < 0)
			die("connect to %s", argv[2]);
		servers[i] = accept(listener, NULL, NULL);
		if (servers[i] < 0)
			die("accept");
	}
	close(listener);
}

static void measure(uint64_t length_ns)
{
	unsigned long long before, after, start = now_ns(), begin;

	sleep_ns(WARM_NS);
	before = atomic_load(&received);
	begin = now_ns();
	sleep_ns(length_ns);
	after = atomic_load(&received);
	printf("bytes=%llu ns=%llu all_bytes=%llu all_ns=%llu\n",
	       after - before, (unsigned long long)now_ns() - begin, after,
	       (unsigned long long)now_ns() - start);
}

int tcp_main(int argc, char **argv)
{
	static int clients[STREAMS_MAX], servers[STREAMS_MAX];
	int streams;
	bool out, back;

	if (argc != 9) {
		fprintf(stderr, "usage: load tcp CLIENT-NETNS SERVER-NETNS "
				"ADDRESS PORT STREAMS out|back|both SECONDS "
				"CONGESTION MBPS (0: as fast as they go)\n");
		return 2;
	}
	streams = (int)number_of(argv[4], 1, STREAMS_MAX);
	out = strcmp(argv[5], "back") != 0;
	back = strcmp(argv[5], "out") != 0;
	connect_all(argv, clients, servers, streams);
	for (int i = 0; i < streams; i++) {
		if (out) {
			launch(reader, &servers[i]);
			launch(writer, &clients[i]);
		}
		if (back) {
			launch(reader, &clients[i]);
			launch(writer, &servers[i]);
		}
	}
	measure(seconds_of(argv[6]));
	atomic_store(&over, true);
	fflush(stdout);
	_exit(0); /* resets what is in flight: nothing trickles on */
}
