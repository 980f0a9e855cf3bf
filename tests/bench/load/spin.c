/*
 * Busy loops: what else wants the CPUs. Each is a process of a session of its own, as a
 * service or a log-in has, because the scheduler may share the CPUs out by sessions.
 */
#include "load.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOPS_MAX 1024

static void loop(pid_t parent, uint64_t length_ns)
{
	uint64_t end = now_ns() + length_ns;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	setsid();
	while (now_ns() < end)
		;
	_exit(0);
}

int spin_main(int argc, char **argv)
{
	uint64_t count, length_ns;
	pid_t parent = getpid();

	if (argc != 2) {
		fprintf(stderr, "usage: load spin LOOPS SECONDS\n");
		return 2;
	}
	count = number_of(argv[0], 1, LOOPS_MAX);
	length_ns = seconds_of(argv[1]);
	for (uint64_t i = 0; i < count; i++) {
		pid_t child = fork();

		if (child < 0)
			die("fork");
		if (!child)
			loop(parent, length_ns);
	}
	while (wait(NULL) > 0 || errno == EINTR)
		;
	printf("loops=%llu\n", (unsigned long long)count);
	return 0;
}
