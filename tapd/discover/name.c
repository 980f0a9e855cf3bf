#include "tapd/discover/name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/conf/peer.h"
#include "tapd/log/log.h"

void name_begin(struct name *n)
{
	n->heard.count = 0;
	n->answered = false;
}

static bool has_addr(const struct name_answer *answer, const struct addr *a)
{
	for (size_t i = 0; i < answer->count; i++)
		if (addr_equal(&answer->addrs[i], a))
			return true;
	return false;
}

/* False if memory is short. */
static bool add_addr(struct name_answer *answer, const struct addr *a)
{
	if (answer->count == answer->size) {
		size_t size = answer->size ? 2 * answer->size : 4;
		struct addr *more =
			reallocarray(answer->addrs, size, sizeof(*more));

		if (!more)
			return false;
		answer->addrs = more;
		answer->size = size;
	}
	answer->addrs[answer->count++] = *a;
	return true;
}

/* Name servers rotate their answers: order means nothing. */
static bool same_answer(const struct name *n)
{
	if (n->known.count != n->heard.count)
		return false;
	for (size_t i = 0; i < n->heard.count; i++)
		if (!has_addr(&n->known, &n->heard.addrs[i]))
			return false;
	return true;
}

void name_fail(struct name *n, const char *why, const char *what)
{
	char text[sizeof(n->failure)];

	n->answered = true;
	snprintf(text, sizeof(text), "%s: %s", n->peer.host, why);
	if (strcmp(n->failure, text) == 0)
		return; /* said before */
	memcpy(n->failure, text, sizeof(text));
	log_warning("%s %s%s", what, text,
		    n->known.count ? ": keeping its last known addresses" : "");
}

/* True if it is another one. */
static bool take_answer(struct name *n, const char *what)
{
	struct name_answer before = n->known;
	bool same = same_answer(n);

	n->silent = n->unreached = false;
	if (n->heard.count == 0) {
		name_fail(n, "no addresses", what);
		return false;
	}
	if (n->failure[0])
		log_info("%s %s is resolved again", what, n->peer.host);
	n->answered = true;
	n->failure[0] = '\0';
	if (!same) {
		n->known = n->heard;
		n->heard = before;
	}
	n->heard.count = 0;
	return !same;
}

bool name_hear(struct name *n, const char *text, const char *what)
{
	struct addr a;

	if (*text == '.')
		return take_answer(n, what);
	if (*text == '!') {
		n->silent = n->unreached = false;
		name_fail(n, text + 1, what);
	} else if (n->heard.count < NAME_ADDRS_MAX &&
		   conf_addr_parse(&a, text, n->peer.port) &&
		   !has_addr(&n->heard, &a) && !add_addr(&n->heard, &a)) {
		log_warning("%s %s: out of memory: %s is left out", what,
			    n->peer.host, text);
	}
	return false;
}

int name_rank(const struct name *n)
{
	if (n->unreached)
		return 0;
	if (n->silent)
		return 3;
	return n->failure[0] ? 2 : 1;
}

void name_free(struct name *n)
{
	free(n->known.addrs);
	free(n->heard.addrs);
	n->known = n->heard = (struct name_answer){ 0 };
}
