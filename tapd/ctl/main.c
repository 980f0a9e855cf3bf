/* tapctl: asks a running tapd, and makes and shows keys. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/common/error.h"
#include "tapd/common/private_memory.h"
#include "tapd/ctl/answer.h"
#include "tapd/ctl/ask_commands.h"
#include "tapd/ctl/client.h"
#include "tapd/ctl/color.h"
#include "tapd/ctl/doctor/doctor.h"
#include "tapd/ctl/key_commands.h"
#include "tapd/ctl/options.h"
#include "tapd/ctl/render.h"
#include "tapd/ctl/streams.h"
#include "tapd/ctl/top.h"

#define SOCKET_DIR "/run/tapd"

struct command {
	const char *name;
	const char *words; /* that may follow it, for the usage; or NULL */
	const char *help;
	/* Answers the words, and is the exit status. */
	int (*run)(const struct command *c, char **words, int count,
		   const struct options *o);
	/* Of a question to the daemon: how the answer is shown; and what else is
	 * asked to show it as text, or NULL. */
	void (*render)(json_t *answer, const json_t *more,
		       const struct options *o);
	const char *more;
	const char *
		options; /* letters of those it has besides -i -s -j; or NULL */
	const char *argument; /* of a question: the word's name, or NULL */
	int words_max;
	bool named; /* its rows are shown in the order of their names */
};

static int usage_error(const char *what, const char *name)
{
	fprintf(stderr, "tapctl: %s%s; see tapctl --help\n", what, name);
	return CLIENT_USAGE;
}

/* ---- commands to the daemon ---- */

static void show_status(json_t *answer, const json_t *more,
			const struct options *o)
{
	(void)more;
	(void)o;
	render_status(stdout, answer);
}

static void show_peers(json_t *answer, const json_t *more,
		       const struct options *o)
{
	(void)more;
	if (o->word)
		render_peer_details(stdout, answer);
	else
		render_peers(stdout, answer);
}

static void show_fdb(json_t *answer, const json_t *more,
		     const struct options *o)
{
	(void)more;
	(void)o;
	render_fdb(stdout, answer);
}

static void show_groups(json_t *answer, const json_t *more,
			const struct options *o)
{
	(void)o;
	for (size_t i = 0; i < json_array_size(answer); i++)
		answer_sort(
			json_object_get(json_array_get(answer, i), "members"),
			NULL, NULL);
	render_groups(stdout, answer, more);
}

static void show_drops(json_t *answer, const json_t *more,
		       const struct options *o)
{
	(void)more;
	render_drops(stdout, answer, o->all);
}

static void show_metrics(json_t *answer, const json_t *more,
			 const struct options *o)
{
	(void)more;
	(void)o;
	render_lines(stdout, answer);
}

static void show_reload(json_t *answer, const json_t *more,
			const struct options *o)
{
	(void)more;
	(void)o;
	render_reload(stdout, answer);
}

static void show_rekey(json_t *answer, const json_t *more,
		       const struct options *o)
{
	(void)more;
	(void)o;
	render_rekey(stdout, answer);
}

static void render(const struct command *c, json_t *answer, const json_t *more,
		   const struct options *o)
{
	if (!o->json) {
		c->render(answer, more, o);
		return;
	}
	answer_print(stdout, answer, JSON_INDENT(2));
}

static int ask(const struct command *c, char **words, int count,
	       const struct options *o)
{
	const char *second = o->json ? NULL : c->more;
	char *socket, *error = NULL;
	json_t *arguments, *answer = NULL, *more = NULL;
	enum client_result result;

	(void)words;
	(void)count;
	result = options_socket(o, &socket, &error);
	if (result != CLIENT_OK)
		return options_fail((int)result, error);
	arguments = o->word ? json_pack("{s:s}", c->argument, o->word) : NULL;
	if (o->word && !arguments)
		error_set(&error, "%s is no UTF-8", c->argument);
	result =
		error ? CLIENT_USAGE
		      : client_ask(socket, c->name, arguments, &answer, &error);
	json_decref(arguments);
	if (result == CLIENT_OK && second)
		result = client_ask(socket, second, NULL, &more, &error);
	free(socket);
	if (result == CLIENT_OK && c->named)
		answer_sort(answer, "name", "endpoint");
	if (result == CLIENT_OK)
		render(c, answer, more, o);
	json_decref(answer);
	json_decref(more);
	return result == CLIENT_OK ? CLIENT_OK
				   : options_fail((int)result, error);
}

static int genpsk(const struct command *c, char **words, int count,
		  const struct options *o)
{
	(void)c;
	(void)words;
	(void)count;
	(void)o;
	return key_genpsk();
}

static int pubkey(const struct command *c, char **words, int count,
		  const struct options *o)
{
	(void)c;
	(void)o;
	return key_pubkey(count > 1 ? words[1] : NULL);
}

static int run_top(const struct command *c, char **words, int count,
		   const struct options *o)
{
	(void)c;
	(void)words;
	(void)count;
	return top(o);
}

static int monitor(const struct command *c, char **words, int count,
		   const struct options *o)
{
	(void)c;
	(void)words;
	(void)count;
	return stream_monitor(o);
}

static int capture(const struct command *c, char **words, int count,
		   const struct options *o)
{
	(void)c;
	(void)words;
	(void)count;
	return stream_capture(o);
}

/* Where no daemon runs, its socket is where the default one would be. */
static int doctor(const struct command *c, char **words, int count,
		  const struct options *o)
{
	char *socket, *error = NULL;
	enum client_result found = options_socket(o, &socket, &error);
	int status;

	(void)c;
	(void)words;
	(void)count;
	if (found == CLIENT_USAGE)
		return options_fail(DOCTOR_USAGE, error);
	free(error);
	status = doctor_run(socket ? socket : SOCKET_DIR "/tap0.sock", o->json,
			    stdout);
	free(socket);
	return status;
}

static int ping(const struct command *c, char **words, int count,
		const struct options *o)
{
	(void)c;
	(void)words;
	(void)count;
	if (!o->word)
		return usage_error("ping whom? give a peer's name", "");
	return ask_ping(o);
}

static int test(const struct command *c, char **words, int count,
		const struct options *o)
{
	(void)c;
	(void)words;
	(void)count;
	if (!o->word)
		return usage_error("test which group? give its address", "");
	if (o->count > ASK_TESTS_MAX)
		return usage_error("test sends 100 frames at most", "");
	return ask_test(o);
}

static int mesh(const struct command *c, char **words, int count,
		const struct options *o)
{
	(void)c;
	(void)words;
	(void)count;
	if (o->json + o->dot + o->svg > 1)
		return usage_error("one of -j, --dot and --svg", "");
	return ask_mesh(o);
}

/* ---- the command line ---- */

static const struct command commands[] = {
	{ .name = "status",
	  .help = "interface, peers up, traffic, warnings (default)",
	  .run = ask,
	  .render = show_status },
	{ .name = "peers",
	  .words = "[NAME]",
	  .help = "every peer, and why it is not up; or all about one",
	  .run = ask,
	  .render = show_peers,
	  .words_max = 1,
	  .argument = "peer",
	  .named = true },
	{ .name = "fdb",
	  .help = "MAC forwarding table",
	  .run = ask,
	  .render = show_fdb },
	{ .name = "groups",
	  .help = "who gets which multicast group",
	  .run = ask,
	  .render = show_groups,
	  .more = "status" },
	{ .name = "drops",
	  .words = "[--all]",
	  .help = "what was dropped, and why",
	  .run = ask,
	  .render = show_drops,
	  .options = "a" },
	{ .name = "doctor",
	  .help = "what is wrong with this host, and what to do",
	  .run = doctor },
	{ .name = "metrics",
	  .help = "all counters, for Prometheus",
	  .run = ask,
	  .render = show_metrics },
	{ .name = "top",
	  .help = "the busiest peers, on a terminal until q is pressed",
	  .run = run_top },
	{ .name = "monitor",
	  .help = "what happens, as it happens, a line each",
	  .run = monitor },
	{ .name = "capture",
	  .words = "[-d] [-c N] [-p P]",
	  .help = "frames, or dropped ones, as pcapng to stdout",
	  .run = capture,
	  .options = "pdc" },
	{ .name = "ping",
	  .words = "PEER [-c N]",
	  .help = "round trip, loss, and the largest datagram that arrives",
	  .run = ping,
	  .words_max = 1,
	  .argument = "peer",
	  .options = "cs" },
	{ .name = "test",
	  .words = "GROUP [-c N]",
	  .help = "send to a group, and ask every host what it heard",
	  .run = test,
	  .words_max = 1,
	  .argument = "group",
	  .options = "c" },
	{ .name = "mesh",
	  .words = "[--svg|--dot]",
	  .help = "round trips and loss between all hosts",
	  .run = mesh,
	  .options = "GD" },
	{ .name = "reload",
	  .help = "read the configuration again",
	  .run = ask,
	  .render = show_reload },
	{ .name = "rekey",
	  .help = "forget all session keys, and make new ones",
	  .run = ask,
	  .render = show_rekey },
	{ .name = "genpsk",
	  .help = "print a new network secret",
	  .run = genpsk },
	{ .name = "pubkey",
	  .words = "[KEYFILE]",
	  .help = "print this node's public key",
	  .run = pubkey,
	  .words_max = 1 },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_usage(FILE *out)
{
	fputs("usage: tapctl [-j] [-i NAME | -s SOCKET] [COMMAND]\n\n", out);
	for (size_t i = 0; i < COMMANDS; i++) {
		const struct command *c = &commands[i];

		fprintf(out, "  %s %-*s %s\n", c->name,
			16 - (int)strlen(c->name), c->words ? c->words : "",
			c->help);
	}
	fputs("\n"
	      "  -i, --instance NAME  the daemon whose socket is " SOCKET_DIR
	      "/NAME.sock\n"
	      "  -s, --socket SOCKET  of the daemon; else the only one "
	      "in " SOCKET_DIR "\n"
	      "  -j, --json           print JSON\n"
	      "  -a, --all            drops: the reasons at 0, too\n"
	      "  -d, --dropped        capture: only what is dropped, and why\n"
	      "  -c, --count N        capture, ping, test: so many frames\n"
	      "  -s, --size SIZE      ping: so many bytes of UDP payload\n"
	      "  -p, --peer P         capture: one peer's, by name, key or "
	      "endpoint\n"
	      "      --svg, --dot     mesh: a picture, or a graph for "
	      "Graphviz\n"
	      "  -h, --help           print this\n"
	      "  -V, --version        print the version\n",
	      out);
}

static int run(char **words, int count, struct options *o)
{
	const struct command *c = commands;

	while (c < commands + COMMANDS && strcmp(c->name, words[0]) != 0)
		c++;
	if (c == commands + COMMANDS)
		return usage_error("unknown command: ", words[0]);
	if (count > 1 + c->words_max)
		return usage_error("too many words: ", words[count - 1]);
	if (o->name && o->socket)
		return usage_error("-i and -s both name a daemon", "");
	if (o->name && (!*o->name || strchr(o->name, '/')))
		return usage_error("no name of a daemon: ", o->name);
	for (const char *given = o->given; *given; given++)
		if (!c->options || !strchr(c->options, *given))
			return usage_error("no option of that command: -",
					   given);
	o->word = c->argument && count > 1 ? words[1] : NULL;
	o->ran = true;
	return c->run(c, words, count, o);
}

static bool number(const char *text, long *out)
{
	char *end;

	errno = 0;
	*out = strtol(text, &end, 10);
	return !errno && end > text && !*end && *out >= 1 && *out <= INT32_MAX;
}

/* An option that only some commands have. False if it is no number. */
static bool take(struct options *o, char letter, const char *value)
{
	if (!strchr(o->given, letter))
		o->given[strlen(o->given)] = letter;
	switch (letter) {
	case 'a':
		o->all = true;
		break;
	case 'd':
		o->dropped = true;
		break;
	case 'p':
		o->peer = value;
		break;
	case 'D':
		o->dot = true;
		break;
	case 'G':
		o->svg = true;
		break;
	case 'c':
		return number(value, &o->count);
	case 's':
		return number(value, &o->size);
	}
	return true;
}

/* Reads the options; the words among them are collected in argv, from 1 on, for what
 * follows the word ping has a meaning of its own. -1: go on; otherwise what to exit
 * with. */
static int parse(int argc, char **argv, int *words, struct options *o)
{
	static const struct option long_options[] = {
		{ "instance", required_argument, NULL, 'i' },
		{ "socket", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "all", no_argument, NULL, 'a' },
		{ "dropped", no_argument, NULL, 'd' },
		{ "peer", required_argument, NULL, 'p' },
		{ "count", required_argument, NULL, 'c' },
		{ "size", required_argument, NULL, 'S' },
		{ "dot", no_argument, NULL, 'D' },
		{ "svg", no_argument, NULL, 'G' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "-i:s:jadp:c:hV", long_options,
				NULL)) != -1) {
		if (c == 's' && *words > 0 && strcmp(argv[1], "ping") == 0)
			c = 'S';
		switch (c) {
		case 1:
			argv[1 + (*words)++] = optarg;
			break;
		case 'i':
			o->name = optarg;
			break;
		case 's':
			o->socket = optarg;
			break;
		case 'j':
			o->json = true;
			break;
		case 'a':
		case 'd':
		case 'p':
		case 'c':
		case 'D':
		case 'G':
			if (!take(o, (char)c, optarg))
				return usage_error("-c wants a number, not ",
						   optarg);
			break;
		case 'S':
			if (!take(o, 's', optarg))
				return usage_error("-s wants a number, not ",
						   optarg);
			break;
		case 'h':
			print_usage(stdout);
			return CLIENT_OK;
		case 'V':
			puts("tapctl " TAPD_VERSION);
			return CLIENT_OK;
		default:
			print_usage(stderr);
			return CLIENT_USAGE;
		}
	}
	while (optind < argc)
		argv[1 + (*words)++] = argv[optind++];
	return -1;
}

/* With doctor 2 says that something is wrong with the host. */
static bool is_for_doctor(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "doctor") == 0)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	static char alone[] = "status";
	char *alone_words[] = { alone, NULL };
	struct options o = { 0 };
	int status, words = 0;

	private_memory_hide(); /* genpsk and pubkey hold keys */
	color_use(color_wanted(stdout));
	status = parse(argc, argv, &words, &o);
	if (status < 0 && words == 0)
		status = run(alone_words, 1, &o);
	else if (status < 0)
		status = run(argv + 1, words, &o);
	if (status == CLIENT_USAGE && !o.ran && is_for_doctor(argc, argv))
		status = DOCTOR_USAGE;
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("tapctl: output");
		return CLIENT_REFUSED;
	}
	return status;
}
