#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/ctl/doctor/checks.h"
#include "tapd/ctl/doctor/host.h"

/* Whether a word is in the text, with nothing of a name before or after it. */
static bool has_word(const char *text, const char *word)
{
	const size_t len = strlen(word);

	for (const char *at = text; at && (at = strstr(at, word)); at += len) {
		bool begins = at == text || strchr(" \t\n\"'_", at[-1]);

		if (begins && strchr(" \t\r\n\"'_", at[len]))
			return true;
	}
	return false;
}

/* ufw's own form of a rule is "### tuple ### allow any any … in_tap0". */
static void ufw(const struct facts *f, struct diagnosis *d)
{
	char *conf = host_text(f->root, "/etc/ufw/ufw.conf");
	char *on = host_setting(conf, "ENABLED");
	char *rules;

	free(conf);
	if (on && strcmp(on, "yes") == 0) {
		rules = host_text(f->root, "/etc/ufw/user.rules");
		if (!rules && (errno == EACCES || errno == EPERM))
			diagnosis_add(d, KIND_FIREWALL_UNKNOWN,
				      "ufw is active, and its rules are root's"
				      " to read");
		else if (!has_word(rules, f->interface))
			diagnosis_add(d, KIND_UFW,
				      "ufw is active and has no rule for %s",
				      f->interface);
		free(rules);
	}
	free(on);
}

/* Zones are files, <interface name="tap0"/> in one of them. Returns 1 if one has
 * it, 0 if none has, -1 if they cannot be read. */
static int in_a_zone(const struct facts *f)
{
	char path[PATH_MAX];
	const struct dirent *entry;
	int found = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/etc/firewalld/zones", f->root);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : -1;
	while (found == 0 && (entry = readdir(dir)) != NULL) {
		char *zone;

		if (!strstr(entry->d_name, ".xml"))
			continue;
		zone = host_text(f->root, "/etc/firewalld/zones/%s",
				 entry->d_name);
		if (zone)
			found = has_word(zone, f->interface);
		else if (errno == EACCES || errno == EPERM)
			found = -1;
		free(zone);
	}
	closedir(dir);
	return found;
}

static void firewalld(const struct facts *f, struct diagnosis *d)
{
	int zone;

	if (!host_runs(f->root, "firewalld"))
		return;
	zone = in_a_zone(f);
	if (zone < 0)
		diagnosis_add(d, KIND_FIREWALL_UNKNOWN,
			      "firewalld is active, and its zones are root's to"
			      " read");
	else if (zone == 0)
		diagnosis_add(d, KIND_FIREWALLD,
			      "firewalld is active and no zone has %s",
			      f->interface);
}

void check_firewall(const struct facts *f, struct diagnosis *d)
{
	ufw(f, d);
	firewalld(f, d);
}
