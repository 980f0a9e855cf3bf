#include "load.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	unsigned most_s; /* it is ended then, whatever it waits for */
} commands[] = {
	{ "send", send_main, 660 },   { "sink", sink_main, 7200 },
	{ "tcp", tcp_main, 660 },     { "rtt", rtt_main, 660 },
	{ "paced", paced_main, 660 }, { "batches", batches_main, 660 },
	{ "spin", spin_main, 660 },
};

int main(int argc, char **argv)
{
	/* Nothing outlives the run that started it. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (argc > 1 && !strcmp(argv[1], commands[i].name)) {
			alarm(commands[i].most_s);
			return commands[i].run(argc - 2, argv + 2);
		}
	fprintf(stderr,
		"usage: load send|sink|tcp|rtt|paced|batches|spin ...\n");
	return 2;
}
