/* ufw's files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/ctl/doctor/admits.h"
#include "tapd/ctl/doctor/checks.h"
#include "tapd/ctl/doctor/host.h"

/* One line of user.rules or user6.rules, in ufw's own form:
 * "### tuple ### allow any any 0.0.0.0/0 any 10.77.0.0/24 in". */
struct rule {
	char action[16], proto[16], dport[64], dst[64], sport[64], src[64];
	char way[32];
};

static bool rule_parse(struct rule *r, const char *line)
{
	return sscanf(line, "### tuple ### %15s %15s %63s %63s %63s %63s %31s",
		      r->action, r->proto, r->dport, r->dst, r->sport, r->src,
		      r->way) == 7;
}

static bool is_anywhere(const char *network)
{
	return strcmp(network, "0.0.0.0/0") == 0 ||
	       strcmp(network, "::/0") == 0;
}

/* One for TCP or UDP lets in no VRRP and no IGMP, however wide its source. */
static enum admits rule_admits(const struct rule *r,
			       const struct prefix *network)
{
	enum admits source = admits_source(r->src, network);

	if (strncmp(r->action, "allow", 5) != 0 || strcmp(r->way, "in") != 0 ||
	    strcmp(r->proto, "tcp") == 0 || strcmp(r->proto, "udp") == 0 ||
	    strcmp(r->dport, "any") != 0 || source == ADMITS_NONE)
		return ADMITS_NONE;
	if (strcmp(r->proto, "any") != 0 || strcmp(r->sport, "any") != 0 ||
	    !is_anywhere(r->dst))
		return ADMITS_SOME;
	return source;
}

static enum admits judge(const void *rules, const struct prefix *network)
{
	enum admits best = ADMITS_NONE, one;
	const char *next = rules;
	char line[512];
	struct rule r;

	while (host_line(&next, line, sizeof(line))) {
		if (!rule_parse(&r, line))
			continue;
		one = rule_admits(&r, network);
		best = one > best ? one : best;
	}
	return best;
}

static bool accepts_by_default(const struct facts *f)
{
	char *text = host_text(f->root, "/etc/default/ufw");
	char *policy = host_setting(text, "DEFAULT_INPUT_POLICY");
	bool accepts = policy && strcmp(policy, "ACCEPT") == 0;

	free(policy);
	free(text);
	return accepts;
}

static bool is_active(const struct facts *f)
{
	char *conf = host_text(f->root, "/etc/ufw/ufw.conf");
	char *on = host_setting(conf, "ENABLED");
	bool active = on && strcmp(on, "yes") == 0;

	free(on);
	free(conf);
	return active;
}

/* All rules, those for IPv4 and IPv6 in one text; to be freed. */
static char *rules_of(const struct facts *f, bool *denied)
{
	/* What does not go by its commands is written into before.rules. */
	static const char *const names[] = { "user", "user6", "before" };
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	*denied = false;
	for (size_t i = 0; out && i < sizeof(names) / sizeof(char *); i++) {
		char *part = host_text(f->root, "/etc/ufw/%s.rules", names[i]);

		if (part)
			fprintf(out, "%s\n", part);
		else if (errno == EACCES || errno == EPERM)
			*denied = true;
		free(part);
	}
	if (out && fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static enum admits admitted(const struct facts *f)
{
	enum admits much;
	bool denied;
	char *rules;

	if (!is_active(f) || accepts_by_default(f))
		return ADMITS_ALL;
	rules = rules_of(f, &denied);
	if (denied)
		much = ADMITS_UNREADABLE;
	else if (admits_word(rules, f->interface))
		much = ADMITS_ALL;
	else
		much = admits_networks(f, judge, rules);
	free(rules);
	return much;
}

void check_ufw(const struct facts *f, struct diagnosis *d)
{
	switch (admitted(f)) {
	case ADMITS_NONE:
		diagnosis_add(d, KIND_UFW,
			      "ufw is active and has no rule for %s",
			      f->interface);
		break;
	case ADMITS_SOME:
		diagnosis_add(d, KIND_FIREWALL_PARTIAL,
			      "ufw has rules for some of what comes by %s",
			      f->interface);
		break;
	case ADMITS_UNREADABLE:
		diagnosis_add(d, KIND_FIREWALL_UNKNOWN,
			      "ufw is active, and its rules are root's to"
			      " read");
		break;
	default:
		break;
	}
}
