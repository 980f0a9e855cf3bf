#include "tapd/conf/syntax.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEPTH_MAX 16

enum kind {
	END,
	WORD,
	NUMBER,
	TEXT,
	OPEN_TEXT,    /* without its second quote */
	OPEN_COMMENT, /* without its end */
	SIGN,	      /* any other character: the first byte says which */
};

struct token {
	enum kind kind;
	const char *at;
	size_t len;
	unsigned line; /* where it begins */
};

/* What may come next. */
enum state { WANT_KEY, WANT_EQUAL, WANT_VALUE, AFTER_VALUE };

struct bracket {
	char sign;
	unsigned line;
};

struct parser {
	const char *at;
	unsigned line;
	enum state state;
	struct bracket open[DEPTH_MAX];
	unsigned depth;
	struct token last;  /* the one before */
	unsigned long_text; /* where a text of several lines begins; 0: none */
	struct syntax_mistake *mistake;
};

/* ---- tokens ---- */

/* Past white space and comments; false if a comment has no end. */
static bool skip_space(struct parser *p)
{
	for (;;) {
		if (*p->at == '\n') {
			p->line++;
			p->at++;
		} else if (*p->at && strchr(" \t\r\f\v", *p->at)) {
			p->at++;
		} else if (*p->at == '#' || strncmp(p->at, "//", 2) == 0) {
			p->at += strcspn(p->at, "\n");
		} else if (strncmp(p->at, "/*", 2) == 0) {
			const char *end = strstr(p->at + 2, "*/");

			if (!end)
				return false;
			for (; p->at < end; p->at++)
				p->line += *p->at == '\n';
			p->at += 2;
		} else {
			return true;
		}
	}
}

static void take_text(struct parser *p, struct token *t)
{
	for (p->at++; *p->at && *p->at != '"'; p->at++) {
		p->line += *p->at == '\n';
		if (*p->at == '\\' && p->at[1])
			p->at++;
	}
	t->kind = *p->at ? TEXT : OPEN_TEXT;
	p->at += *p->at != '\0';
	if (p->line > t->line && !p->long_text)
		p->long_text = t->line;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("*-_.+", c));
}

static struct token next_token(struct parser *p)
{
	struct token t = { .line = p->line };

	if (!skip_space(p)) {
		t.kind = OPEN_COMMENT;
		t.line = p->line;
		return t;
	}
	t.at = p->at;
	t.line = p->line;
	if (!*p->at) {
		t.kind = END;
	} else if (*p->at == '"') {
		take_text(p, &t);
	} else if (is_word(*p->at)) {
		t.kind = isalpha((unsigned char)*p->at) ? WORD : NUMBER;
		while (is_word(*p->at))
			p->at++;
	} else {
		t.kind = SIGN;
		p->at++;
	}
	t.len = (size_t)(p->at - t.at);
	return t;
}

/* ---- mistakes ---- */

/* Notes the mistake at this token. Returns false. */
static bool __attribute__((format(printf, 3, 4)))
wrong(struct parser *p, const struct token *t, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (vasprintf(&p->mistake->advice, format, args) < 0)
		p->mistake->advice = NULL;
	va_end(args);
	p->mistake->line = t->line;
	return false;
}

static bool is_sign(const struct token *t, const char *signs)
{
	return t->kind == SIGN && strchr(signs, *t->at);
}

static bool is_one_of(const struct token *t, const char *const *words)
{
	for (; *words; words++)
		if (strlen(*words) == t->len &&
		    strncasecmp(*words, t->at, t->len) == 0)
			return true;
	return false;
}

/* What stands nowhere in a configuration. */
static bool is_foreign(struct parser *p, const struct token *t)
{
	static const char quotes[] = "\xe2\x80", space[] = "\xc2\xa0";

	if (t->kind != SIGN || strchr("=:;,{}[]()", *t->at))
		return false;
	if (*t->at == '\'' || strncmp(t->at, quotes, strlen(quotes)) == 0)
		wrong(p, t, "put texts in plain double quotes, \"…\"");
	else if (strncmp(t->at, space, strlen(space)) == 0)
		wrong(p, t, "replace the no-break space by a space");
	else if (isprint((unsigned char)*t->at))
		wrong(p, t, "remove the '%c', or put the text in quotes",
		      *t->at);
	else
		wrong(p, t, "remove what is not ASCII, or put it in quotes");
	return true;
}

static bool not_closed(struct parser *p, const struct token *t)
{
	const struct bracket *last;

	if (p->depth == 0)
		return wrong(p, t, "remove the '%c', which closes nothing",
			     *t->at);
	last = &p->open[p->depth - 1];
	p->mistake->opened = last->line;
	return wrong(p, t, "first close the '%c'", last->sign);
}

static bool close_bracket(struct parser *p, const struct token *t)
{
	const char *pairs = "{}[]()";
	char last = p->depth ? p->open[p->depth - 1].sign : '\0';
	const char *at = last ? strchr(pairs, last) : NULL;

	if (!at || at[1] != *t->at)
		return not_closed(p, t);
	p->depth--;
	p->state = AFTER_VALUE;
	return true;
}

static bool in_list(const struct parser *p)
{
	return p->depth > 0 && p->open[p->depth - 1].sign != '{';
}

/* ---- one token in each state ---- */

static bool want_key(struct parser *p, const struct token *t)
{
	if (t->kind == WORD) {
		const char *dot = memchr(t->at, '.', t->len);

		p->state = WANT_EQUAL;
		if (!dot)
			return true;
		return wrong(p, t, "write it as %.*s = { %.*s = … };",
			     (int)(dot - t->at), t->at,
			     (int)(t->at + t->len - dot - 1), dot + 1);
	}
	if (is_sign(t, "}"))
		return close_bracket(p, t);
	if (is_sign(t, ";,"))
		return wrong(p, t, "remove the '%c', which is one too many",
			     *t->at);
	if (t->kind == NUMBER && is_sign(&p->last, ","))
		return wrong(p, t, "write a fraction with a point, as 1.5");
	if (is_sign(t, "[") && p->depth == 0)
		return wrong(p, t,
			     "there are no sections; write a group as"
			     " NAME = { … };");
	if (t->kind == TEXT && is_sign(&p->last, "{"))
		return wrong(p, t, "write a list in brackets, [ … ]");
	return wrong(p, t, "begin a setting with its key, as name = …;");
}

static bool want_equal(struct parser *p, const struct token *t)
{
	p->state = WANT_VALUE;
	if (is_sign(t, "=:"))
		return true;
	return wrong(p, t, "put a '=' after %.*s", (int)p->last.len,
		     p->last.at);
}

static bool open_bracket(struct parser *p, const struct token *t)
{
	if (p->depth == DEPTH_MAX)
		return wrong(p, t, "there are no groups so deep");
	p->open[p->depth++] =
		(struct bracket){ .sign = *t->at, .line = t->line };
	p->state = *t->at == '{' ? WANT_KEY : WANT_VALUE;
	return true;
}

/* For an int, which it is without a point, an exponent or an L. */
static bool is_too_large(const struct token *t)
{
	bool hex = t->len > 2 && (t->at[1] == 'x' || t->at[1] == 'X');

	if (t->kind != NUMBER || memchr(t->at, 'L', t->len))
		return false;
	for (size_t i = 0; !hex && i < t->len; i++)
		if (strchr(".eE", t->at[i]))
			return false;
	return fabs(strtod(t->at, NULL)) > INT32_MAX;
}

static bool want_value(struct parser *p, const struct token *t)
{
	static const char *const booleans[] = { "true", "false", NULL };
	static const char *const like[] = { "yes", "no", "on", "off", NULL };

	if (is_sign(t, "{[("))
		return open_bracket(p, t);
	if (is_sign(t, "])") && is_sign(&p->last, ","))
		return wrong(p, t, "remove the ',' after the last entry");
	if (is_sign(t, "])"))
		return close_bracket(p, t);
	if (t->kind == SIGN)
		return wrong(p, t, "a value is missing before the '%c'",
			     *t->at);
	if (is_too_large(t)) {
		p->mistake->accepted = true;
		return wrong(p, t,
			     "use a smaller number than %.*s, or write an L "
			     "after it",
			     (int)t->len, t->at);
	}
	if (t->kind == WORD && is_one_of(t, like))
		return wrong(p, t, "write true or false for %.*s", (int)t->len,
			     t->at);
	if (t->kind == WORD && !is_one_of(t, booleans))
		return wrong(p, t, "put %.*s in double quotes", (int)t->len,
			     t->at);
	p->state = AFTER_VALUE;
	return true;
}

static bool after_value(struct parser *p, const struct token *t)
{
	if (is_sign(t, "}])"))
		return close_bracket(p, t);
	if (is_sign(t, ",") || (is_sign(t, ";") && !in_list(p))) {
		p->state = in_list(p) ? WANT_VALUE : WANT_KEY;
		return true;
	}
	if (in_list(p)) {
		p->mistake->accepted = t->kind == TEXT && p->last.kind == TEXT;
		if (is_sign(t, ";") || is_sign(t, "="))
			return not_closed(p, t);
		return wrong(p, t, "put a ',' between two entries");
	}
	if (t->kind == WORD)
		return want_key(p, t);
	if (t->kind == TEXT && p->last.kind == TEXT)
		return true; /* one text in two pieces */
	return wrong(p, t, "put a ';' before it");
}

/* The text is at its end, or what began before has none. */
static bool at_end(struct parser *p, const struct token *t)
{
	if (t->kind == OPEN_COMMENT) {
		p->mistake->accepted = true;
		return wrong(p, t, "end the comment that begins here with */");
	}
	if (t->kind == OPEN_TEXT) {
		p->mistake->opened = t->line;
		return wrong(p, t, "close the quote");
	}
	if (p->depth > 0)
		return not_closed(p, t);
	if (p->state == WANT_EQUAL || p->state == WANT_VALUE)
		return wrong(p, t, "the last setting has no value");
	return true;
}

static bool take(struct parser *p, const struct token *t)
{
	if (t->kind == END || t->kind == OPEN_TEXT || t->kind == OPEN_COMMENT)
		return at_end(p, t);
	if (is_foreign(p, t))
		return false;
	switch (p->state) {
	case WANT_KEY:
		return want_key(p, t);
	case WANT_EQUAL:
		return want_equal(p, t);
	case WANT_VALUE:
		return want_value(p, t);
	case AFTER_VALUE:
		return after_value(p, t);
	}
	return true;
}

bool syntax_find_mistake(const char *text, struct syntax_mistake *m)
{
	struct parser p = { .at = text, .line = 1, .mistake = m };
	struct token t;

	*m = (struct syntax_mistake){ .line = 0 };
	do {
		t = next_token(&p);
		if (take(&p, &t)) {
			p.last = t;
			continue;
		}
		/* More likely than what it led to. */
		if (p.long_text && !m->accepted) {
			free(m->advice);
			m->opened = p.long_text;
			wrong(&p, &t, "close the quote");
		}
		return true;
	} while (t.kind != END);
	return false;
}
