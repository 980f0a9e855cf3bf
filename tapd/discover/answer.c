#include "tapd/discover/answer.h"

#include <assert.h>
#include <ctype.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tapd/conf/peer.h"

/* As much of a word is repeated. */
#define SHOWN_MAX 64

/* A power of two, more than twice as many as there can be. */
#define SLOTS 4096
static_assert(SLOTS > 2 * ANSWER_PEERS_MAX, "a search ends soon");

struct parser {
	struct answer *answer;
	const char *text, *end;
	const char *first;     /* that is no white space; end: there is none */
	uint16_t port;	       /* of those without one */
	size_t size;	       /* of answer->peers */
	uint16_t slots[SLOTS]; /* by its hash: a peer's number, from 1 */
};

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* ---- words ---- */

static unsigned line_at(const struct parser *p, const char *at)
{
	unsigned line = 1;

	for (const char *c = p->text; c < at; c++)
		line += *c == '\n';
	return line;
}

/* Where it is in quotes; the beginning, if it is written otherwise. */
static const char *find_quoted(const struct parser *p, const char *word)
{
	char quoted[CONF_TEXT_MAX + 3];
	size_t len = (size_t)snprintf(quoted, sizeof(quoted), "\"%.*s\"",
				      CONF_TEXT_MAX, word);
	const char *at =
		memmem(p->text, (size_t)(p->end - p->text), quoted, len);

	return at ? at : p->text;
}

/* What is quoted may be anything. */
static void clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || (unsigned char)*text >= 0x7f)
			*text = '?';
}

/* The first is named, with its line. at: where it is; NULL: to be found. */
static void leave_out(struct parser *p, const char *at, const char *word,
		      const char *why)
{
	struct answer *a = p->answer;

	if (a->left_out_count++ > 0)
		return;
	snprintf(a->left_out, sizeof(a->left_out), "%u: \"%.*s\" %s",
		 line_at(p, at ? at : find_quoted(p, word)), SHOWN_MAX, word,
		 why);
	clean(a->left_out);
}

static const char *why_not(struct conf_peer *peer, const char *word,
			   uint16_t port)
{
	const bool parsed = conf_peer_parse(peer, word, port);

	if (!parsed && port == 0 && conf_peer_parse(peer, word, 1))
		return "has a port, and GRE has none";
	if (!parsed)
		return "is neither a host's address nor its name";
	if (conf_peer_lacks_link(peer))
		return "is an address of a link, and does not name the"
		       " link's interface";
	return NULL;
}

/* FNV-1a. The case of a name does not count. */
static uint32_t hash(const struct conf_peer *peer)
{
	uint32_t h = 2166136261U ^ peer->port;

	for (const char *c = peer->host; *c; c++)
		h = (h ^ (unsigned char)tolower((unsigned char)*c)) * 16777619U;
	return h;
}

/* Its slot: its own, or the empty one where it belongs. */
static uint16_t *find_slot(struct parser *p, const struct conf_peer *peer)
{
	uint32_t at = hash(peer) % SLOTS;

	while (p->slots[at] &&
	       !conf_peer_same(&p->answer->peers[p->slots[at] - 1], peer))
		at = (at + 1) % SLOTS;
	return &p->slots[at];
}

/* False if memory is short. */
static bool make_room(struct parser *p)
{
	size_t size = p->size ? 2 * p->size : 16;
	struct conf_peer *more;

	if (p->answer->count < p->size)
		return true;
	more = reallocarray(p->answer->peers, size, sizeof(*more));
	if (!more)
		return false;
	p->answer->peers = more;
	p->size = size;
	return true;
}

static void take_word(struct parser *p, const char *at, const char *word)
{
	struct answer *a = p->answer;
	struct conf_peer peer;
	const char *why = why_not(&peer, word, p->port);
	uint16_t *slot = find_slot(p, &peer);

	if (why)
		leave_out(p, at, word, why);
	else if (*slot)
		return;
	else if (a->count == ANSWER_PEERS_MAX)
		leave_out(p, at, word, "is one more than there is room for");
	else if (!make_room(p))
		leave_out(p, at, word, "does not fit into memory");
	else {
		a->peers[a->count++] = peer;
		*slot = (uint16_t)a->count;
	}
}

/* ---- text ---- */

static void parse_text(struct parser *p)
{
	const char *at = p->text, *end = p->end;
	char word[CONF_TEXT_MAX + 1];

	while (at < end) {
		const char *start = at;
		size_t len;

		while (at < end && !is_space(*at) && *at != '#')
			at++;
		len = (size_t)(at - start);
		if (len > 0) {
			/* One that is cut is too long for any host. */
			snprintf(word, sizeof(word), "%.*s",
				 (int)(len < sizeof(word) ? len : sizeof(word)),
				 start);
			take_word(p, start, word);
		} else if (*at == '#') {
			while (at < end && *at != '\n')
				at++;
		} else {
			at++;
		}
	}
}

/* ---- JSON ---- */

static bool no_list(struct parser *p, size_t entry, const char *what)
{
	snprintf(p->answer->error, sizeof(p->answer->error),
		 "is JSON, and no list of targets: entry %zu %s", entry + 1,
		 what);
	return false;
}

static bool take_entry(struct parser *p, const json_t *entry, size_t number)
{
	const json_t *targets = json_object_get(entry, "targets");

	if (!json_is_object(entry))
		return no_list(p, number, "is no object");
	if (!json_is_array(targets))
		return no_list(p, number, "has no \"targets\"");
	for (size_t i = 0; i < json_array_size(targets); i++) {
		const char *word =
			json_string_value(json_array_get(targets, i));

		if (!word)
			return no_list(p, number,
				       "has a target that is no text");
		take_word(p, NULL, word);
	}
	return true;
}

static void parse_json(struct parser *p)
{
	json_error_t error;
	json_t *all =
		json_loadb(p->text, (size_t)(p->end - p->text), 0, &error);
	bool ok = all != NULL;

	if (!ok)
		snprintf(p->answer->error, sizeof(p->answer->error),
			 "is no whole JSON: line %d: %s", error.line,
			 error.text);
	for (size_t i = 0; ok && i < json_array_size(all); i++)
		ok = take_entry(p, json_array_get(all, i), i);
	json_decref(all);
}

/* ---- which of them ---- */

/* The text begins so, in whatever case. */
static bool begins(const struct parser *p, const char *with)
{
	size_t len = strlen(with);

	return (size_t)(p->end - p->first) >= len &&
	       strncasecmp(p->first, with, len) == 0;
}

/* "[fd00::2]:8273" is none. */
static bool is_json_list(const struct parser *p)
{
	const char *at = p->first + 1;

	if (!begins(p, "["))
		return false;
	while (at < p->end && is_space(*at))
		at++;
	return at == p->end || strchr("{]\"[", *at);
}

static const char *why_none(const struct parser *p)
{
	const size_t len = (size_t)(p->end - p->text);

	if (len > ANSWER_BYTES_MAX)
		return "is longer than 256 KiB";
	if (memchr(p->text, '\0', len))
		return "is no text: it has a byte 0";
	if (begins(p, "<!doctype html") || begins(p, "<html") ||
	    begins(p, "<head"))
		return "is an HTML page, and no list of hosts: did a proxy or "
		       "a log-in page answer?";
	if (begins(p, "<"))
		return "is HTML or XML, and no list of hosts";
	if (begins(p, "{"))
		return "is JSON, and no list of targets: it begins with {";
	return NULL;
}

static void sum_up(struct answer *a)
{
	size_t len = strlen(a->left_out);

	if (a->left_out_count > 1)
		snprintf(a->left_out + len, sizeof(a->left_out) - len,
			 ", and %zu more", a->left_out_count - 1);
	if (a->error[0])
		answer_free(a);
	else if (a->count == 0 && a->left_out_count > 0)
		snprintf(a->error, sizeof(a->error), "names no host: line %s",
			 a->left_out);
	clean(a->error);
}

void answer_parse(struct answer *a, const char *text, size_t len, uint16_t port)
{
	static const char mark[] = "\xef\xbb\xbf"; /* UTF-8's byte order */
	const size_t skipped =
		len >= 3 && memcmp(text, mark, 3) == 0 ? (size_t)3 : 0;
	struct parser p = { .answer = a,
			    .text = text + skipped,
			    .first = text + skipped,
			    .end = text + len,
			    .port = port };
	const char *why;

	*a = (struct answer){ .peers = NULL };
	while (p.first < p.end && is_space(*p.first))
		p.first++;
	why = why_none(&p);
	if (why)
		snprintf(a->error, sizeof(a->error), "%s", why);
	else if (is_json_list(&p))
		parse_json(&p);
	else
		parse_text(&p);
	sum_up(a);
}

void answer_free(struct answer *a)
{
	free(a->peers);
	a->peers = NULL;
	a->count = 0;
}
