/*
 * The benchmark's load: datagrams to a group and who counts them, TCP streams,
 * requests and responses, packets by the clock. One program whose threads open their sockets inside the
 * hosts' network namespaces, so that one clock and few processes do for all.
 *
 * Each command is given an end in time and writes one line of key=value pairs on
 * standard output; what goes wrong goes to standard error and ends it with 1.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BURST 16

/*
 * How each datagram of the load begins; host order, as both ends are this machine.
 * `run` tells those of this measurement from stragglers of the one before.
 */
struct stamp {
	uint32_t run;
	uint32_t zero;
	uint64_t number;
};

/* Each runs to its end and returns the exit code. argv begins behind the name. */
int sink_main(int argc, char **argv);
int send_main(int argc, char **argv);
int tcp_main(int argc, char **argv);
int rtt_main(int argc, char **argv);
int paced_main(int argc, char **argv);
int batches_main(int argc, char **argv);
int spin_main(int argc, char **argv);

/* ---- net.c: all of these end the program where they fail ---- */

_Noreturn void die(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* Puts the calling thread into the network namespace of that name. */
void net_enter(const char *name);

/* A socket with buffers as large as they need be; `type` as for socket(2). */
int net_socket(int type);

int net_raw_socket(int protocol);

/* It receives what comes by that interface, and is a member of groups there. */
void net_bind_device(int fd, const char *interface);
void net_join(int fd, const struct sockaddr_in *group, const char *interface);

/* Datagrams to groups leave by that interface. */
void net_send_groups(int fd, const char *interface, int ttl);

struct sockaddr_in net_address(const char *ip, uint16_t port);
bool net_is_group(const struct sockaddr_in *address);

/* Calls setsockopt with an int. */
void net_option(int fd, int level, int name, int value);

/* CLOCK_MONOTONIC. */
uint64_t now_ns(void);
void sleep_ns(uint64_t ns);

/* A whole number (or, in seconds, a decimal one) of the command line. */
uint64_t number_of(const char *text, uint64_t least, uint64_t most);
uint64_t seconds_of(const char *text);

#endif
