#include "tapd/conf/unknown.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/common/error.h"
#include "tapd/conf/keys.h"

#define PATH_MAX_LEN 64

/* Levenshtein's distance: insertions, deletions and replacements. */
static size_t distance(const char *a, const char *b)
{
	size_t row[PATH_MAX_LEN + 1], len = strlen(b);

	assert(len <= PATH_MAX_LEN);
	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0]++;

		for (size_t j = 0; j < len; j++) {
			size_t best = diagonal + (a[i] != b[j]);

			diagonal = row[j + 1];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (diagonal + 1 < best)
				best = diagonal + 1;
			row[j + 1] = best;
		}
	}
	return row[len];
}

static const char *leaf(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot ? dot + 1 : path;
}

/* The length of the group's name in a path, 0 without one. */
static size_t group_len(const char *path)
{
	const char *dot = strchr(path, '.');

	return dot ? (size_t)(dot - path) : 0;
}

/* How far a path is from a known one, in half steps: a key that is right but
 * in the wrong group is nearer than any other mistake. */
static size_t score(const char *path, const char *known)
{
	size_t whole = 2 * distance(path, known);
	size_t last = 2 * distance(leaf(path), leaf(known)) + 1;

	return whole < last ? whole : last;
}

/* The key or group nearest to one that is not known; "" if none is near. */
static void nearest(char found[PATH_MAX_LEN + 1], const char *path)
{
	size_t least = strlen(leaf(path)) + 1; /* half of the letters wrong */

	found[0] = '\0';
	if (strlen(path) > PATH_MAX_LEN)
		return;
	for (size_t i = 0; i < conf_keys_count; i++) {
		const char *known = conf_keys[i].path;
		char group[PATH_MAX_LEN + 1];

		if (score(path, known) < least) {
			least = score(path, known);
			snprintf(found, PATH_MAX_LEN + 1, "%s", known);
		}
		snprintf(group, sizeof(group), "%.*s", (int)group_len(known),
			 known);
		if (!strchr(path, '.') && *group &&
		    2 * distance(path, group) < least) {
			least = 2 * distance(path, group);
			snprintf(found, PATH_MAX_LEN + 1, "%s", group);
		}
	}
}

static bool is_group(const char *name)
{
	for (size_t i = 0; i < conf_keys_count; i++) {
		const char *known = conf_keys[i].path;

		if (group_len(known) == strlen(name) && *name &&
		    strncmp(known, name, strlen(name)) == 0)
			return true;
	}
	return false;
}

static bool check_group(struct conf_reader *r, const config_setting_t *group,
			const char *prefix);

static bool check_setting(struct conf_reader *r, const config_setting_t *at,
			  const char *path)
{
	const struct conf_key unknown = { .path = path };
	char found[PATH_MAX_LEN + 1], prefix[PATH_MAX_LEN + 2];

	if (conf_key_find(path))
		return true;
	if (!is_group(path)) {
		nearest(found, path);
		if (*found)
			return conf_fail(r, &unknown, at,
					 "unknown key; did you mean %s?",
					 found);
		return conf_fail(r, &unknown, at,
				 "unknown key; remove it, or see "
				 "tapd.conf(5)");
	}
	if (!config_setting_is_group(at))
		return conf_fail(r, &unknown, at,
				 "is a group; write it as %s = { … };", path);
	/* It is the name of a group that there is, and so is short. */
	snprintf(prefix, sizeof(prefix), "%s.", path);
	return check_group(r, at, prefix);
}

/* prefix: the groups above, each with its dot. */
static bool check_group(struct conf_reader *r, const config_setting_t *group,
			const char *prefix)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *at =
			config_setting_get_elem(group, (unsigned)i);
		char *path;
		bool ok;

		if (asprintf(&path, "%s%s", prefix, config_setting_name(at)) <
		    0) {
			error_set(r->error, "out of memory");
			return false;
		}
		ok = check_setting(r, at, path);
		free(path);
		if (!ok)
			return false;
	}
	return true;
}

bool conf_check_known(struct conf_reader *r)
{
	return check_group(r, config_root_setting(r->config), "");
}
