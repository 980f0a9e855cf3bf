#include "tapd/tap/uppers.h"

#include <dirent.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* True if it is new. */
static bool add(const char *name, unsigned indexes[UPPERS_MAX], size_t *count)
{
	unsigned index = if_nametoindex(name);

	if (index == 0 || *count == UPPERS_MAX)
		return false;
	for (size_t i = 0; i < *count; i++)
		if (indexes[i] == index)
			return false;
	indexes[(*count)++] = index;
	return true;
}

/* A VRF is above its interfaces, but they are not joined by it. */
static bool is_vrf(const char *name)
{
	char path[sizeof("/sys/class/net//uevent") + IF_NAMESIZE], line[64];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/net/%s/uevent", name);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = strcmp(line, "DEVTYPE=vrf\n") == 0;
	if (f)
		fclose(f);
	return found;
}

/* The kernel has a link "upper_NAME" for each that is directly above. */
static void add_uppers(const char *name, unsigned indexes[UPPERS_MAX],
		       size_t *count)
{
	static const char prefix[] = "upper_";
	char path[sizeof("/sys/class/net/") + IF_NAMESIZE];
	const struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/class/net/%s", name);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 &&
		    !is_vrf(entry->d_name + strlen(prefix)))
			add(entry->d_name + strlen(prefix), indexes, count);
	if (dir)
		closedir(dir);
}

size_t uppers_find(const char *name, unsigned indexes[UPPERS_MAX])
{
	char above[IF_NAMESIZE];
	size_t count = 0;

	if (!add(name, indexes, &count))
		return 0;
	for (size_t i = 0; i < count; i++)
		if (if_indextoname(indexes[i], above))
			add_uppers(above, indexes, &count);
	return count;
}
