/* What all the commands share: namespaces, sockets, time. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S     1000000000u
#define BUFFER_BYTES (64 << 20)

void die(const char *format, ...)
{
	int error = errno;
	va_list args;

	va_start(args, format);
	fputs("load: ", stderr);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(error));
	exit(1);
}

void net_enter(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		die("%s", path);
	close(fd);
}

void net_option(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)) < 0)
		die("socket option %d/%d", level, name);
}

int net_socket(int type)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	net_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	/* TCP sizes its own. */
	if (type == SOCK_DGRAM) {
		net_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES);
		net_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_BYTES);
	}
	return fd;
}

int net_raw_socket(int protocol)
{
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		die("raw socket");
	return fd;
}

struct sockaddr_in net_address(const char *ip, uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(port) };

	errno = EINVAL;
	if (inet_pton(AF_INET, ip, &address.sin_addr) != 1)
		die("%s", ip);
	return address;
}

bool net_is_group(const struct sockaddr_in *address)
{
	return IN_MULTICAST(ntohl(address->sin_addr.s_addr));
}

void net_bind_device(int fd, const char *interface)
{
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface,
		       (socklen_t)strlen(interface) + 1) < 0)
		die("%s", interface);
}

void net_join(int fd, const struct sockaddr_in *group, const char *interface)
{
	struct ip_mreqn membership = {
		.imr_multiaddr = group->sin_addr,
		.imr_ifindex = (int)if_nametoindex(interface),
	};

	if (setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership,
		       sizeof(membership)) < 0)
		die("IP_ADD_MEMBERSHIP");
}

void net_send_groups(int fd, const char *interface, int ttl)
{
	struct ip_mreqn from = { .imr_ifindex =
					 (int)if_nametoindex(interface) };

	if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &from, sizeof(from)) <
	    0)
		die("IP_MULTICAST_IF %s", interface);
	net_option(fd, IPPROTO_IP, IP_MULTICAST_TTL, ttl);
	net_option(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0);
}

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

void sleep_ns(uint64_t ns)
{
	struct timespec t = { .tv_sec = (time_t)(ns / NS_PER_S),
			      .tv_nsec = (long)(ns % NS_PER_S) };

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

uint64_t number_of(const char *text, uint64_t least, uint64_t most)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || value < least || value > most) {
		errno = EINVAL;
		die("%s", text);
	}
	return value;
}

uint64_t seconds_of(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value > 0 && value <= 600)) {
		errno = EINVAL;
		die("%s", text);
	}
	return (uint64_t)(value * NS_PER_S);
}
