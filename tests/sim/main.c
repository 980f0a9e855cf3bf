/* sim: runs scenarios over seeds. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

/* Of what the tables say; a sanitizer makes every run several times longer. */
#if defined(__SANITIZE_ADDRESS__)
#define SEEDS_PERCENT 10
#else
#define SEEDS_PERCENT 100
#endif

struct options {
	unsigned long seeds;   /* of each scenario; 0: what its table says */
	unsigned long percent; /* … of that */
	unsigned long from;
	const char *scenario; /* a name or a group; NULL: all */
	bool verbose;
	bool digests; /* print what each run comes to: to compare two builds */
};

struct tally {
	unsigned long passed, failed;
};

static const struct scenario *const tables[] = {
	scenarios_mesh,	    scenarios_faults,  scenarios_change,
	scenarios_identity, scenarios_secret,  scenarios_attack,
	scenarios_time,	    scenarios_large,   scenarios_groups,
	scenarios_clock,    scenarios_insider, scenarios_abuse,
	scenarios_copies,   scenarios_queue,   scenarios_exchange,
	scenarios_hints,    scenarios_ask,     scenarios_nat,
	scenarios_relay,    scenarios_legs,
};

static bool chosen(const struct options *o, const struct scenario *c)
{
	size_t len = o->scenario ? strlen(o->scenario) : 0;

	return !o->scenario || strcmp(c->name, o->scenario) == 0 ||
	       (strncmp(c->name, o->scenario, len) == 0 && c->name[len] == '/');
}

/* One run; the digest of everything that was on the wire. */
static bool run(const struct scenario *c, unsigned long seed,
		const struct options *o, uint64_t *digest)
{
	struct sim *s = sim_new(seed, o->verbose);
	bool ok;

	c->run(s);
	ok = !s->failed;
	*digest = digest_u64(s->digest, s->net.now_us);
	if (o->digests)
		printf("digest %s %lu %016" PRIx64 "\n", c->name, seed,
		       *digest);
	if (!ok) {
		printf("FAILED  %s, seed %lu: %s\n", c->name, seed, s->failure);
		if (!o->verbose)
			sim_print_trace(s);
		printf("    again: %s --scenario %s --from %lu --seeds 1"
		       " --verbose\n",
		       program_invocation_name, c->name, seed);
	}
	sim_free(s);
	return ok;
}

/* The first seed runs twice: a run that does not repeat cannot be debugged, and
 * a node that does not repeat draws on more than its arguments. */
static bool repeats(const struct scenario *c, const struct options *o,
		    uint64_t digest)
{
	uint64_t again;

	if (!run(c, o->from, o, &again))
		return false;
	if (again == digest)
		return true;
	printf("FAILED  %s, seed %lu: a second run differs from the first\n",
	       c->name, o->from);
	return false;
}

static void run_scenario(const struct scenario *c, const struct options *o,
			 struct tally *tally)
{
	unsigned long seeds = o->seeds;

	if (seeds == 0)
		seeds = (c->seeds * o->percent + 99) / 100;
	for (unsigned long i = 0; i < seeds; i++) {
		uint64_t digest;
		bool ok = run(c, o->from + i, o, &digest);

		if (ok && i == 0 && !o->verbose)
			ok = repeats(c, o, digest);
		if (ok)
			tally->passed++;
		else
			tally->failed++;
	}
}

static unsigned long number(const char *text, const char *what)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || end == text || *end || text[0] == '-') {
		fprintf(stderr, "sim: %s must be a number, not \"%s\"\n", what,
			text);
		exit(2);
	}
	return n;
}

static void usage(FILE *to)
{
	fputs("usage: sim [--seeds N] [--from SEED] [--scenario NAME] "
	      "[--verbose] [--digests]\n"
	      "NAME is a scenario or a group of them; --list lists them.\n"
	      "SIM_SEEDS=N in the environment: N seeds of chaos/all, and of "
	      "the "
	      "others in\nproportion to what --list says.\n",
	      to);
}

static void list(void)
{
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const struct scenario *c = tables[t]; c->name; c++)
			printf("%-32s %u seeds\n", c->name, c->seeds);
}

static struct options options(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "seeds", required_argument, NULL, 's' },
		{ "from", required_argument, NULL, 'f' },
		{ "scenario", required_argument, NULL, 'c' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "digests", no_argument, NULL, 'd' },
		{ "list", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct options o = { .from = 1, .percent = SEEDS_PERCENT };
	const char *env = getenv("SIM_SEEDS");
	int c;

	if (env && *env)
		o.percent = number(env, "SIM_SEEDS");
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 's':
			o.seeds = number(optarg, "--seeds");
			break;
		case 'f':
			o.from = number(optarg, "--from");
			break;
		case 'c':
			o.scenario = optarg;
			break;
		case 'v':
			o.verbose = true;
			break;
		case 'd':
			o.digests = true;
			break;
		case 'l':
			list();
			exit(0);
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			exit(2);
		}
	}
	if (optind < argc) {
		usage(stderr);
		exit(2);
	}
	return o;
}

int main(int argc, char **argv)
{
	struct options o = options(argc, argv);
	struct tally tally = { 0 };

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const struct scenario *c = tables[t]; c->name; c++)
			if (chosen(&o, c))
				run_scenario(c, &o, &tally);
	printf("%lu passed, %lu failed\n", tally.passed, tally.failed);
	if (tally.passed + tally.failed == 0)
		fputs("sim: no scenario of this name; --list lists them\n",
		      stderr);
	return tally.failed > 0 || tally.passed == 0;
}
