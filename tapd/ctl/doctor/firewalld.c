/* firewalld's zones: files, with <interface name="tap0"/> or
 * <source address="10.77.0.0/24"/> in them. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/ctl/doctor/admits.h"
#include "tapd/ctl/doctor/checks.h"
#include "tapd/ctl/doctor/host.h"

#define FOLDER "/etc/firewalld"

static bool is_denied(void)
{
	return errno == EACCES || errno == EPERM;
}

/* The source of the zone that comes next; those of rules are not the zone's. NULL:
 * there is none. */
static const char *next_source(const char *zone)
{
	for (; zone && *zone; zone = strchr(zone + 1, '<')) {
		if (strncmp(zone, "<source ", 8) == 0)
			return zone;
		if (strncmp(zone, "<rule", 5) == 0)
			zone = strstr(zone, "</rule>");
		if (!zone)
			break;
	}
	return NULL;
}

/* A set of addresses, or a MAC, may be anybody's on the interface. */
static enum admits judge(const void *zone, const struct prefix *network)
{
	enum admits best = ADMITS_NONE;

	for (const char *at = zone; (at = next_source(at)) != NULL; at++) {
		enum admits one = ADMITS_SOME;
		char address[64];

		if (sscanf(at, "<source address=%*[\"']%63[^\"']", address) ==
		    1)
			one = admits_source(address, network);
		best = one > best ? one : best;
	}
	return best;
}

static bool is_zone(const char *name)
{
	const size_t len = strlen(name);

	return len > 4 && strcmp(name + len - 4, ".xml") == 0;
}

static enum admits zone_admits(const struct facts *f, const char *name)
{
	char *zone = host_text(f->root, FOLDER "/zones/%s", name);
	enum admits much;

	if (!zone)
		return is_denied() ? ADMITS_UNREADABLE : ADMITS_NONE;
	if (admits_word(zone, f->interface))
		much = ADMITS_ALL;
	else
		much = admits_networks(f, judge, zone);
	free(zone);
	return much;
}

static enum admits zones(const struct facts *f)
{
	char path[PATH_MAX];
	const struct dirent *entry;
	enum admits best = ADMITS_NONE;
	DIR *dir;

	snprintf(path, sizeof(path), "%s" FOLDER "/zones", f->root);
	dir = opendir(path);
	if (!dir)
		return is_denied() ? ADMITS_UNREADABLE : ADMITS_NONE;
	while ((entry = readdir(dir)) != NULL) {
		enum admits one = ADMITS_NONE;

		if (is_zone(entry->d_name))
			one = zone_admits(f, entry->d_name);
		best = one > best ? one : best;
	}
	closedir(dir);
	return best;
}

/* The zone of what is in none. As it comes, none but "trusted" accepts all, and none
 * has a protocol or a rule. */
static enum admits default_zone(const struct facts *f)
{
	char *conf = host_text(f->root, FOLDER "/firewalld.conf");
	char *name = host_setting(conf, "DefaultZone");
	enum admits much = ADMITS_NONE;
	char *zone = NULL;

	if (!conf && is_denied())
		much = ADMITS_UNREADABLE;
	zone = host_text(f->root, FOLDER "/zones/%s.xml",
			 name ? name : "public");
	if (zone && strstr(zone, "target=\"ACCEPT\""))
		much = ADMITS_ALL;
	else if (zone && (strstr(zone, "<protocol") || strstr(zone, "<rule")))
		much = ADMITS_SOME;
	else if (!zone && name && strcmp(name, "trusted") == 0)
		much = ADMITS_ALL;
	free(zone);
	free(name);
	free(conf);
	return much;
}

static enum admits admitted(const struct facts *f)
{
	enum admits zone, otherwise;

	if (!host_runs(f->root, "firewalld"))
		return ADMITS_ALL;
	zone = zones(f);
	otherwise = default_zone(f);
	return otherwise > zone ? otherwise : zone;
}

void check_firewalld(const struct facts *f, struct diagnosis *d)
{
	switch (admitted(f)) {
	case ADMITS_NONE:
		diagnosis_add(d, KIND_FIREWALLD,
			      "firewalld is active and no zone has %s",
			      f->interface);
		break;
	case ADMITS_SOME:
		diagnosis_add(d, KIND_FIREWALL_PARTIAL,
			      "firewalld's zones let in some of what comes by"
			      " %s",
			      f->interface);
		break;
	case ADMITS_UNREADABLE:
		diagnosis_add(d, KIND_FIREWALL_UNKNOWN,
			      "firewalld is active, and its zones are root's to"
			      " read");
		break;
	default:
		break;
	}
}
