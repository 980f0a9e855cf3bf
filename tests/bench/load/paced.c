/*
 * Latency at a fixed rate: one sender that keeps to the clock whatever becomes of what
 * it sent. A ping-pong waits for each answer, so it asks little while answers are
 * slow and counts the good moments most; this counts all moments alike.
 *
 *   requests  UDP to a responder, and back. The delay is from the request's time of
 *             sending to its answer.
 *   stream    UDP, one way. Both hosts are on this machine, so one clock does.
 *   adverts   the same with VRRP: IP protocol 112 to 224.0.0.18 (RFC 3768).
 *
 * It writes "ready" when its sockets are open, and begins when standard input ends: by
 * then its joins have been heard, and other load is on its way.
 */
#include "load.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S      1000000000u
#define NUMBERS_MAX   (4u << 20)
#define LATE_NS	      1000000u
#define LOST_AFTER_NS NS_PER_S
#define PACKET_MAX    2000

#define VRRP_PROTOCOL  112
#define VRRP_HEADER    8
#define VRRP_ADDRESSES (sizeof(struct probe) / 4)
#define VRRP_TRAILER   8 /* for a password */
#define IPV4_HEADER    20

/* Host order: both ends are this machine. `run` tells them from an earlier run's. */
struct probe {
	uint32_t run;
	uint32_t zero;
	uint64_t number;
	uint64_t sent_ns;
};

enum kind { REQUESTS, STREAM, ADVERTS };
static const char *const kinds[] = { "requests", "stream", "adverts" };

struct paced {
	enum kind kind;
	int sender, receiver;
	struct sockaddr_in target;
	size_t size, offset; /* of a packet; where its probe begins */
	uint64_t gap_ns, number_count;
	uint64_t sent, late; /* the sender's */
	uint64_t *delays;    /* by number, 0: not arrived; the receiver's */
	atomic_uint_fast64_t arrived;
};

static atomic_bool over;

/* ---- the packets ---- */

static uint16_t internet_sum(const uint8_t *bytes, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* A VRRP version 2 advert (RFC 3768), as keepalived sends; its addresses are the probe. */
static void advert_write(uint8_t *packet, size_t len)
{
	uint16_t sum;

	packet[0] = 2 << 4 | 1;	    /* version, type */
	packet[1] = 51;		    /* virtual router */
	packet[2] = 100;	    /* priority */
	packet[3] = VRRP_ADDRESSES; /* how many */
	packet[4] = 0;		    /* no authentication */
	packet[5] = 1;		    /* the interval, in seconds */
	packet[6] = packet[7] = 0;
	sum = internet_sum(packet, len);
	packet[6] = (uint8_t)(sum >> 8);
	packet[7] = (uint8_t)sum;
}

static void paced_send(struct paced *p)
{
	_Alignas(struct probe) uint8_t packet[PACKET_MAX] = { 0 };
	struct probe probe = { .run = (uint32_t)getpid(),
			       .number = p->sent,
			       .sent_ns = now_ns() };
	ssize_t done;

	memcpy(packet + p->offset, &probe, sizeof(probe));
	if (p->kind == ADVERTS)
		advert_write(packet, p->size);
	done = sendto(p->sender, packet, p->size, 0,
		      (struct sockaddr *)&p->target, sizeof(p->target));
	if (done < 0 && errno != ENOBUFS && errno != EAGAIN &&
	    errno != ECONNREFUSED)
		die("sendto");
	p->sent++;
}

/* Keeps to the clock: what a late wake-up missed is sent at once. */
static void paced_send_all(struct paced *p)
{
	uint64_t due = now_ns();

	while (p->sent < p->number_count) {
		struct timespec at = { .tv_sec = (time_t)(due / NS_PER_S),
				       .tv_nsec = (long)(due % NS_PER_S) };

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		if (now_ns() > due + LATE_NS)
			p->late++;
		paced_send(p);
		due += p->gap_ns;
	}
}

/* ---- who receives ---- */

static void *responder(void *argument)
{
	int fd = *(int *)argument;
	uint8_t buffer[PACKET_MAX];
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

static void paced_take(struct paced *p, const uint8_t *packet, size_t len)
{
	size_t offset = p->offset + (p->kind == ADVERTS ? IPV4_HEADER : 0);
	struct probe probe;

	if (len < offset + sizeof(probe))
		return;
	memcpy(&probe, packet + offset, sizeof(probe));
	if (probe.run != (uint32_t)getpid() ||
	    probe.number >= p->number_count || p->delays[probe.number])
		return;
	p->delays[probe.number] = now_ns() - probe.sent_ns;
	atomic_fetch_add(&p->arrived, 1);
}

static void *receiver(void *argument)
{
	struct paced *p = argument;
	int fd = p->kind == REQUESTS ? p->sender : p->receiver;
	uint8_t packet[PACKET_MAX];

	while (!atomic_load(&over)) {
		ssize_t got = recv(fd, packet, sizeof(packet), 0);

		if (got > 0)
			paced_take(p, packet, (size_t)got);
	}
	return NULL;
}

/* ---- setting up ---- */

static int paced_socket(const struct paced *p)
{
	struct timeval limit = { .tv_usec = 100000 };
	int fd = p->kind == ADVERTS ? net_raw_socket(VRRP_PROTOCOL)
				    : net_socket(SOCK_DGRAM);

	/* It must see that all is over. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		die("SO_RCVTIMEO");
	return fd;
}

static void receiver_open(struct paced *p, const char *netns,
			  const char *interface)
{
	struct sockaddr_in any = { .sin_family = AF_INET,
				   .sin_port = p->target.sin_port };

	net_enter(netns);
	p->receiver = paced_socket(p);
	net_bind_device(p->receiver, interface);
	if (p->kind != ADVERTS &&
	    bind(p->receiver, (struct sockaddr *)&any, sizeof(any)) < 0)
		die("bind");
	if (net_is_group(&p->target))
		net_join(p->receiver, &p->target, interface);
}

static void sender_open(struct paced *p, const char *netns,
			const char *interface)
{
	net_enter(netns);
	p->sender = paced_socket(p);
	if (net_is_group(&p->target))
		net_send_groups(p->sender, interface,
				p->kind == ADVERTS ? 255 : 8);
}

static void paced_open(struct paced *p, char **argv)
{
	uint64_t rate = number_of(argv[7], 1, 1000000);

	while (strcmp(argv[0], kinds[p->kind]) != 0)
		if (++p->kind > ADVERTS) {
			errno = EINVAL;
			die("%s", argv[0]);
		}
	p->target =
		net_address(argv[4], (uint16_t)number_of(argv[5], 0, 65535));
	p->size = number_of(argv[6], 0, PACKET_MAX);
	if (p->kind == ADVERTS) {
		p->offset = VRRP_HEADER;
		p->size = VRRP_HEADER + sizeof(struct probe) + VRRP_TRAILER;
	} else if (p->size < sizeof(struct probe)) {
		errno = EINVAL;
		die("size %s", argv[6]);
	}
	p->gap_ns = NS_PER_S / rate;
	p->number_count = seconds_of(argv[8]) / p->gap_ns;
	if (!p->number_count || p->number_count > NUMBERS_MAX) {
		errno = EINVAL;
		die("%s for %s s", argv[7], argv[8]);
	}
	p->delays = calloc(p->number_count, sizeof(*p->delays));
	if (!p->delays)
		die("memory");
	receiver_open(p, argv[2], argv[3]);
	sender_open(p, argv[1], argv[3]);
}

static void wait_for_end_of_input(void)
{
	char buffer[64];

	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, buffer, sizeof(buffer)) > 0)
		;
}

/* ---- what it came to ---- */

static int by_size(const void *left, const void *right)
{
	uint64_t l = *(const uint64_t *)left, r = *(const uint64_t *)right;

	return (l > r) - (l < r);
}

static void paced_report(struct paced *p)
{
	uint64_t *arrived = p->delays;
	size_t lost, count;

	qsort(p->delays, p->number_count, sizeof(*p->delays), by_size);
	for (lost = 0; lost < p->number_count && !*arrived; lost++)
		arrived++;
	count = p->number_count - lost;
	printf("sent=%llu count=%zu lost=%zu late=%llu p50_ns=%llu p99_ns=%llu "
	       "max_ns=%llu\n",
	       (unsigned long long)p->sent, count, lost,
	       (unsigned long long)p->late,
	       count ? (unsigned long long)arrived[count / 2] : 0,
	       count ? (unsigned long long)arrived[count * 99 / 100] : 0,
	       count ? (unsigned long long)arrived[count - 1] : 0);
}

static void paced_run(struct paced *p)
{
	uint64_t end;

	paced_send_all(p);
	end = now_ns() + LOST_AFTER_NS;
	while (now_ns() < end && atomic_load(&p->arrived) < p->number_count)
		sleep_ns(1000000);
	atomic_store(&over, true);
}

int paced_main(int argc, char **argv)
{
	static struct paced p;
	pthread_t takes = 0, answers = 0;

	if (argc != 9) {
		fprintf(stderr,
			"usage: load paced requests|stream|adverts "
			"SENDER-NETNS RECEIVER-NETNS INTERFACE ADDRESS PORT "
			"SIZE RATE SECONDS\n");
		return 2;
	}
	paced_open(&p, argv);
	wait_for_end_of_input();
	prctl(PR_SET_TIMERSLACK, 1);
	errno = pthread_create(&takes, NULL, receiver, &p);
	if (!errno && p.kind == REQUESTS)
		errno = pthread_create(&answers, NULL, responder, &p.receiver);
	if (errno)
		die("thread");
	paced_run(&p);
	pthread_join(takes, NULL);
	if (p.kind == REQUESTS)
		pthread_join(answers, NULL);
	paced_report(&p);
	return 0;
}
