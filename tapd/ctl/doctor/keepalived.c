/* Keepalived's configuration: what it still has from before it was on tapd's
 * interface. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/ctl/doctor/checks.h"
#include "tapd/ctl/doctor/host.h"

#define WORD_MAX 64

struct instance {
	char name[WORD_MAX];
	char interface[WORD_MAX];
	bool unicast;
};

/* The next word; braces are words, and a comment ends with its line. False at the
 * end. */
static bool next_word(const char **at, char word[WORD_MAX])
{
	const char *p = *at;
	size_t len;

	for (;;) {
		p += strspn(p, " \t\r\n");
		if (*p != '#' && *p != '!')
			break;
		p += strcspn(p, "\n");
	}
	len = *p == '{' || *p == '}' ? 1 : strcspn(p, " \t\r\n{}#!");
	snprintf(word, WORD_MAX, "%.*s", (int)(len < WORD_MAX ? len : 0), p);
	*at = p + len;
	return len > 0;
}

/* Reads on until the block that begins is closed. */
static const char *read_instance(const char *at, struct instance *out)
{
	char word[WORD_MAX];
	int depth = 0;

	while (next_word(&at, word)) {
		if (strcmp(word, "{") == 0)
			depth++;
		else if (strcmp(word, "}") == 0 && --depth <= 0)
			break;
		else if (depth == 1 && strcmp(word, "unicast_peer") == 0)
			out->unicast = true;
		else if (depth == 1 && strcmp(word, "interface") == 0)
			next_word(&at, out->interface);
	}
	return at;
}

/* A VLAN or a bridge of the interface's, too. */
static bool is_on_ours(const struct facts *f, const struct instance *i)
{
	const struct hostnet_link *link =
		hostnet_link_named(&f->net, i->interface);

	return strcmp(i->interface, f->interface) == 0 ||
	       (f->tap && link &&
		hostnet_is_above(&f->net, link->index, f->tap->index));
}

static void judge(const struct facts *f, const char *text, struct diagnosis *d)
{
	struct instance first = { .name = "" };
	bool ours = false;
	char word[WORD_MAX];

	while (next_word(&text, word)) {
		struct instance i = { .unicast = false };

		if (strcmp(word, "vrrp_instance") != 0 ||
		    !next_word(&text, i.name))
			continue;
		text = read_instance(text, &i);
		if (is_on_ours(f, &i)) {
			ours = true;
			if (i.unicast)
				diagnosis_add(d, KIND_KEEPALIVED_UNICAST,
					      "Keepalived's vrrp_instance %s is"
					      " on %s and has unicast_peer",
					      i.name, i.interface);
		} else if (!*first.name) {
			first = i;
		}
	}
	if (!ours && *first.name)
		diagnosis_add(d, KIND_KEEPALIVED_ELSEWHERE,
			      "no vrrp_instance of Keepalived's is on %s: %s is"
			      " on %s%s",
			      f->interface, first.name,
			      *first.interface ? first.interface : "none",
			      first.unicast ? ", with unicast_peer" : "");
}

void check_keepalived(const struct facts *f, struct diagnosis *d)
{
	char *text = host_text(f->root, "/etc/keepalived/keepalived.conf");

	if (text)
		judge(f, text, d);
	free(text);
}
