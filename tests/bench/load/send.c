/*
 * Sends numbered datagrams to a group or a host: as fast as the system takes them,
 * or at a rate, in bursts or one by one evenly spaced.
 */
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#define SIZE_MAX_BYTES 65000

struct sender {
	int fd;
	unsigned burst;
	uint64_t gap_ns; /* between bursts; 0: none */
	struct stamp stamps[BURST];
	struct iovec parts[BURST][2];
	struct mmsghdr messages[BURST];
	uint64_t sent, refused, late;
};

static uint8_t filling[SIZE_MAX_BYTES];

static void sender_open(struct sender *s, const char *interface,
			struct sockaddr_in *target)
{
	s->fd = net_socket(SOCK_DGRAM);
	if (net_is_group(target))
		net_send_groups(s->fd, interface, 8);
	if (connect(s->fd, (struct sockaddr *)target, sizeof(*target)) < 0)
		die("connect");
}

static void sender_prepare(struct sender *s, uint32_t run, size_t size)
{
	for (unsigned i = 0; i < BURST; i++) {
		s->stamps[i].run = run;
		s->parts[i][0].iov_base = &s->stamps[i];
		s->parts[i][0].iov_len = sizeof(s->stamps[i]);
		s->parts[i][1].iov_base = filling;
		s->parts[i][1].iov_len = size - sizeof(s->stamps[i]);
		s->messages[i].msg_hdr.msg_iov = s->parts[i];
		s->messages[i].msg_hdr.msg_iovlen = 2;
	}
}

/* One burst. What the system refuses is given up: this is a live source. */
static void sender_burst(struct sender *s)
{
	int done;

	for (unsigned i = 0; i < s->burst; i++)
		s->stamps[i].number = s->sent + i;
	done = sendmmsg(s->fd, s->messages, s->burst, 0);
	if (done < 0 && errno != ENOBUFS && errno != EAGAIN &&
	    errno != ECONNREFUSED && errno != EINTR)
		die("sendmmsg");
	if (done < 0)
		done = 0;
	s->sent += (uint64_t)done;
	s->refused += s->burst - (unsigned)done;
}

/*
 * Keeps to the clock, not to the last burst: what a late wake-up missed is made up
 * for at once, so that the rate holds.
 */
static void sender_run(struct sender *s, uint64_t length_ns)
{
	uint64_t begin = now_ns(), due = begin, now = begin;

	while (now - begin < length_ns) {
		if (s->gap_ns && now < due) {
			struct timespec at = {
				.tv_sec = (time_t)(due / 1000000000u),
				.tv_nsec = (long)(due % 1000000000u)
			};
			clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at,
					NULL);
		}
		sender_burst(s);
		due += s->gap_ns;
		now = now_ns();
		if (s->gap_ns && now > due + s->gap_ns)
			s->late++;
	}
}

int send_main(int argc, char **argv)
{
	static struct sender s;
	struct sockaddr_in target;
	uint64_t rate, begin;

	if (argc != 9) {
		fprintf(stderr,
			"usage: load send NETNS INTERFACE ADDRESS PORT RUN "
			"SIZE RATE BURST SECONDS\n");
		return 2;
	}
	net_enter(argv[0]);
	target = net_address(argv[2], (uint16_t)number_of(argv[3], 1, 65535));
	sender_open(&s, argv[1], &target);
	sender_prepare(
		&s, (uint32_t)number_of(argv[4], 1, UINT32_MAX),
		number_of(argv[5], sizeof(struct stamp), SIZE_MAX_BYTES));
	rate = number_of(argv[6], 0, 100000000);
	s.burst = (unsigned)number_of(argv[7], 1, BURST);
	if (rate)
		s.gap_ns = 1000000000u * (uint64_t)s.burst / rate;
	prctl(PR_SET_TIMERSLACK, 1);
	begin = now_ns();
	sender_run(&s, seconds_of(argv[8]));
	printf("sent=%llu refused=%llu late=%llu begin_ns=%llu end_ns=%llu\n",
	       (unsigned long long)s.sent, (unsigned long long)s.refused,
	       (unsigned long long)s.late, (unsigned long long)begin,
	       (unsigned long long)now_ns());
	return 0;
}
