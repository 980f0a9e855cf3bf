/* One request at a time over UDP, and how long each response took. */
#include "load.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

#define SAMPLES_MAX   (8u << 20)
#define SIZE_MAX_RTT  2000
#define LOST_AFTER_MS 500

static atomic_bool over;

static void time_limit(int fd, int ms)
{
	struct timeval limit = { .tv_usec = ms * 1000 };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		die("SO_RCVTIMEO");
}

static void *responder(void *argument)
{
	int fd = *(int *)argument;
	uint8_t buffer[SIZE_MAX_RTT];
	struct sockaddr_in from;

	while (!atomic_load(&over)) {
		socklen_t len = sizeof(from);
		ssize_t got = recvfrom(fd, buffer, sizeof(buffer), 0,
				       (struct sockaddr *)&from, &len);

		if (got > 0)
			sendto(fd, buffer, (size_t)got, 0,
			       (struct sockaddr *)&from, len);
	}
	return NULL;
}

/* Returns the response's delay, or 0 if none came in time. */
static uint64_t ask(int fd, uint8_t *request, size_t size, uint64_t number)
{
	struct stamp *stamp = (struct stamp *)(void *)request;
	_Alignas(struct stamp) uint8_t response[SIZE_MAX_RTT];
	uint64_t begin = now_ns();

	stamp->number = number;
	if (send(fd, request, size, 0) < 0 && errno != ENOBUFS &&
	    errno != ECONNREFUSED)
		die("send");
	while (recv(fd, response, sizeof(response), 0) > 0) {
		struct stamp *back = (struct stamp *)(void *)response;

		if (back->number == number)
			return now_ns() - begin;
	}
	return 0;
}

static int by_size(const void *left, const void *right)
{
	uint32_t l = *(const uint32_t *)left, r = *(const uint32_t *)right;

	return (l > r) - (l < r);
}

static void measure(int fd, size_t size, uint64_t length_ns)
{
	_Alignas(struct stamp) static uint8_t request[SIZE_MAX_RTT];
	uint32_t *samples = calloc(SAMPLES_MAX, sizeof(*samples));
	uint64_t begin = now_ns(), number = 0, lost = 0;
	size_t count = 0;

	if (!samples)
		die("memory");
	while (now_ns() - begin < length_ns && count < SAMPLES_MAX) {
		uint64_t took = ask(fd, request, size, ++number);

		if (took)
			samples[count++] = (uint32_t)took;
		else
			lost++;
	}
	qsort(samples, count, sizeof(*samples), by_size);
	printf("count=%zu lost=%llu p50_ns=%u p99_ns=%u max_ns=%u\n", count,
	       (unsigned long long)lost, count ? samples[count / 2] : 0,
	       count ? samples[count * 99 / 100] : 0,
	       count ? samples[count - 1] : 0);
	free(samples);
}

int rtt_main(int argc, char **argv)
{
	struct sockaddr_in address;
	pthread_t thread;
	int server, client;

	if (argc != 6) {
		fprintf(stderr, "usage: load rtt CLIENT-NETNS SERVER-NETNS "
				"ADDRESS PORT SIZE SECONDS\n");
		return 2;
	}
	address = net_address(argv[2], (uint16_t)number_of(argv[3], 1, 65535));
	net_enter(argv[1]);
	server = net_socket(SOCK_DGRAM);
	time_limit(server, 100);
	if (bind(server, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("bind");
	net_enter(argv[0]);
	client = net_socket(SOCK_DGRAM);
	time_limit(client, LOST_AFTER_MS);
	if (connect(client, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("connect");
	errno = pthread_create(&thread, NULL, responder, &server);
	if (errno)
		die("thread");
	measure(client, number_of(argv[4], sizeof(struct stamp), SIZE_MAX_RTT),
		seconds_of(argv[5]));
	atomic_store(&over, true);
	pthread_join(thread, NULL);
	return 0;
}
