/* tapctl: asks a running tapd, and makes and shows keys. */
#include <dirent.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "tapd/common/error.h"
#include "tapd/common/keyfile.h"
#include "tapd/common/private_memory.h"
#include "tapd/ctl/client.h"
#include "tapd/ctl/color.h"
#include "tapd/ctl/render.h"

#define SOCKET_DIR "/run/tapd"
#define KEY_DIR	   "/var/lib/tapd"

struct options {
	const char *word;   /* after the command's, or NULL */
	const char *socket; /* NULL: the only one, */
	const char *name;   /* or that of this name */
	bool json;
	bool all;
};

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
	int words_max;
	bool takes_all;	      /* has --all */
	const char *argument; /* of a question: the word's name, or NULL */
};

static int usage_error(const char *what, const char *name)
{
	fprintf(stderr, "tapctl: %s%s; see tapctl --help\n", what, name);
	return CLIENT_USAGE;
}

/* Prints the error and frees it. */
static int fail(int status, char *error)
{
	fprintf(stderr, "tapctl: %s\n", error ? error : "out of memory");
	free(error);
	return status;
}

/* ---- commands that need no daemon ---- */

static int genpsk(const struct command *c, char **words, int count,
		  const struct options *o)
{
	uint8_t secret[KEY_LEN];
	char text[KEY_STRLEN];

	(void)c;
	(void)words;
	(void)count;
	(void)o;
	if (!key_random(secret))
		return fail(CLIENT_REFUSED,
			    strdup("the kernel gives no random bytes"));
	puts(key_print(secret, text));
	bytes_wipe(secret, sizeof(secret));
	bytes_wipe(text, sizeof(text));
	return CLIENT_OK;
}

/* The only key file in the usual place: "tap0.key". To be freed; NULL with
 * *error. */
static char *find_key_file(char **error)
{
	DIR *d = opendir(KEY_DIR);
	const struct dirent *entry;
	char *path = NULL;
	size_t count = 0;

	while (d && (entry = readdir(d)) != NULL) {
		size_t len = strlen(entry->d_name);

		if (len <= 4 || strcmp(entry->d_name + len - 4, ".key") != 0)
			continue;
		free(path);
		if (asprintf(&path, "%s/%s", KEY_DIR, entry->d_name) < 0)
			path = NULL;
		count++;
	}
	if (d)
		closedir(d);
	if (count == 1 && path)
		return path;
	free(path);
	error_set(error,
		  count ? "%s has several key files; name one"
			: "%s has no key file; name one, or start tapd, "
			  "which makes it",
		  KEY_DIR);
	return NULL;
}

static int pubkey(const struct command *c, char **words, int count,
		  const struct options *o)
{
	const char *file = count > 1 ? words[1] : NULL;
	char *found = NULL, *error = NULL, text[KEY_STRLEN];
	struct public_key key;
	bool ok;

	(void)c;
	(void)o;
	if (!file && !(file = found = find_key_file(&error)))
		return fail(CLIENT_REFUSED, error);
	ok = key_file_public(file, &key, &error);
	free(found);
	if (!ok)
		return fail(CLIENT_REFUSED, error);
	puts(key_print(key.bytes, text));
	return CLIENT_OK;
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
	render_groups(stdout, answer, more);
}

static void show_drops(json_t *answer, const json_t *more,
		       const struct options *o)
{
	(void)more;
	render_drops(stdout, answer, o->all);
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

static void show_event(json_t *answer, const json_t *more,
		       const struct options *o)
{
	(void)more;
	(void)o;
	render_event(stdout, answer);
}

static void render_line(FILE *out, const json_t *answer)
{
	json_dumpf(answer, out,
		   JSON_COMPACT | JSON_REAL_PRECISION(9) | JSON_ENCODE_ANY);
	fputc('\n', out);
}

static void render(const struct command *c, json_t *answer, const json_t *more,
		   const struct options *o)
{
	if (!o->json) {
		c->render(answer, more, o);
		return;
	}
	json_dumpf(answer, stdout,
		   JSON_INDENT(2) | JSON_REAL_PRECISION(9) | JSON_ENCODE_ANY);
	putchar('\n');
}

/* The socket of the daemon that is meant; to be freed. */
static enum client_result find_socket(const struct options *o, char **path,
				      char **error)
{
	*error = NULL;
	if (o->name) {
		if (asprintf(path, SOCKET_DIR "/%s.sock", o->name) < 0)
			*path = NULL;
	} else if (o->socket) {
		*path = strdup(o->socket);
	} else {
		return client_find(SOCKET_DIR, path, error);
	}
	return *path ? CLIENT_OK : CLIENT_REFUSED;
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
	result = find_socket(o, &socket, &error);
	if (result != CLIENT_OK)
		return fail((int)result, error);
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
	if (result == CLIENT_OK)
		render(c, answer, more, o);
	json_decref(answer);
	json_decref(more);
	return result == CLIENT_OK ? CLIENT_OK : fail((int)result, error);
}

/* Shows each answer as it comes, until the daemon ends or somebody ends this. */
static int follow(const struct command *c, char **words, int count,
		  const struct options *o)
{
	struct client *client = NULL;
	json_t *answer = NULL;
	char *socket, *error = NULL;
	enum client_result result;

	(void)words;
	(void)count;
	result = find_socket(o, &socket, &error);
	if (result != CLIENT_OK)
		return fail((int)result, error);
	result = client_open(socket, c->name, NULL, &client, &error);
	free(socket);
	if (result == CLIENT_OK)
		client_wait_forever(client);
	while (result == CLIENT_OK && !ferror(stdout)) {
		result = client_next(client, &answer, &error);
		if (result == CLIENT_OK && o->json)
			render_line(stdout, answer);
		else if (result == CLIENT_OK)
			c->render(answer, NULL, o);
		json_decref(answer);
		fflush(stdout);
	}
	client_close(client);
	return result == CLIENT_OK ? CLIENT_OK : fail((int)result, error);
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
	  .argument = "peer" },
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
	  .takes_all = true },
	{ .name = "monitor",
	  .help = "what happens, as it happens, a line each",
	  .run = follow,
	  .render = show_event },
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
	if (o->all && !c->takes_all)
		return usage_error("--all is an option of drops, not of ",
				   c->name);
	o->word = c->argument && count > 1 ? words[1] : NULL;
	return c->run(c, words, count, o);
}

/* Reads the options. -1: go on; otherwise what to exit with. */
static int parse(int argc, char **argv, struct options *o)
{
	static const struct option long_options[] = {
		{ "instance", required_argument, NULL, 'i' },
		{ "socket", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "all", no_argument, NULL, 'a' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "i:s:jahV", long_options, NULL)) !=
	       -1) {
		switch (c) {
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
			o->all = true;
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
	return -1;
}

int main(int argc, char **argv)
{
	static char alone[] = "status";
	char *alone_words[] = { alone, NULL };
	struct options o = { 0 };
	int status;

	private_memory_hide(); /* genpsk and pubkey hold keys */
	color_use(color_wanted(stdout));
	status = parse(argc, argv, &o);
	if (status < 0 && optind == argc)
		status = run(alone_words, 1, &o);
	else if (status < 0)
		status = run(argv + optind, argc - optind, &o);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("tapctl: output");
		return CLIENT_REFUSED;
	}
	return status;
}
