/* The unit that started the daemon, as far as its files say. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tapd/ctl/doctor/checks.h"
#include "tapd/ctl/doctor/host.h"

/* Where units lie, the first that has one counts (systemd.unit). */
static const char *const folders[] = {
	"/etc/systemd/system",		 "/run/systemd/system",
	"/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
	"/lib/systemd/system",
};
#define FOLDERS (sizeof(folders) / sizeof(folders[0]))

/* Everything that is read of a unit, one text after another. */
struct unit {
	FILE *out;
	char *text;
	size_t len;
};

static void append(struct unit *u, char *text)
{
	if (text)
		fprintf(u->out, "%s\n", text);
	free(text);
}

static bool append_unit(struct unit *u, const char *root, const char *name)
{
	for (size_t i = 0; i < FOLDERS; i++) {
		char *text = host_text(root, "%s/%s", folders[i], name);

		if (text) {
			append(u, text);
			return true;
		}
	}
	return false;
}

static void append_drop_ins(struct unit *u, const char *root, const char *name)
{
	for (size_t i = 0; i < FOLDERS; i++) {
		char path[PATH_MAX];
		const struct dirent *entry;
		DIR *d;

		snprintf(path, sizeof(path), "%s%s/%s.d", root, folders[i],
			 name);
		d = opendir(path);
		while (d && (entry = readdir(d)) != NULL)
			if (strstr(entry->d_name, ".conf"))
				append(u,
				       host_text(root, "%s/%s.d/%s", folders[i],
						 name, entry->d_name));
		if (d)
			closedir(d);
	}
}

/* "tapd@tap0.service" is made of "tapd@.service", unless it has a file. */
static void template_of(const char *name, char template[NAME_MAX + 1])
{
	const char *at = strchr(name, '@');
	const char *end = strrchr(name, '.');

	if (at && end > at)
		snprintf(template, NAME_MAX + 1, "%.*s%s", (int)(at - name + 1),
			 name, end);
	else
		snprintf(template, NAME_MAX + 1, "%s", name);
}

/* All that is written of a unit; to be freed. NULL: there is none. */
static char *unit_text(const char *root, const char *name)
{
	char template[NAME_MAX + 1];
	struct unit u = { .out = NULL };
	bool there;

	template_of(name, template);
	u.out = open_memstream(&u.text, &u.len);
	if (!u.out)
		return NULL;
	there = append_unit(&u, root, name) || append_unit(&u, root, template);
	append_drop_ins(&u, root, template);
	if (strcmp(name, template) != 0)
		append_drop_ins(&u, root, name);
	if (fclose(u.out) == 0 && there)
		return u.text;
	free(u.text);
	return NULL;
}

/* The last part of "/system.slice/system-tapd.slice/tapd@tap0.service", if it is a
 * service; to be freed. */
static char *service_in(const char *path)
{
	static const char end[] = ".service";
	const char *last = strrchr(path, '/');
	size_t n = last ? strlen(last + 1) : 0;

	if (n < sizeof(end) || strcmp(last + 1 + n - strlen(end), end) != 0)
		return NULL;
	return strdup(last + 1);
}

/* By "0::PATH", or where there are only the first control groups, or both, by
 * "1:name=systemd:PATH"; to be freed. */
static char *service_of(const char *root, long pid)
{
	char *text = host_text(root, "/proc/%ld/cgroup", pid);
	char line[PATH_MAX], *name = NULL;
	const char *next = text;

	while (!name && host_line(&next, line, sizeof(line))) {
		int at = 0;

		(void)sscanf(line, "0::%n", &at);
		if (at == 0)
			(void)sscanf(line, "%*u:name=systemd:%n", &at);
		if (at > 0)
			name = service_in(line + at);
	}
	free(text);
	return name;
}

/* As sd_booted(3) has it. In a pod, and under another init, nothing is said of
 * units. */
static bool has_systemd(const char *root)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/run/systemd/system", root);
	return access(path, F_OK) == 0;
}

/* Whether a line "key=…" has the word. */
static bool lists(const char *text, const char *key, const char *word)
{
	const size_t len = strlen(key);
	char line[LINE_MAX];

	while (host_line(&text, line, sizeof(line)))
		if (strncmp(line, key, len) == 0 && line[len] == '=' &&
		    strstr(line, word))
			return true;
	return false;
}

/* Of several lines the last counts. */
static long last_number(const char *text, const char *key)
{
	const size_t len = strlen(key);
	char line[LINE_MAX];
	long number = 0;

	while (host_line(&text, line, sizeof(line)))
		if (strncmp(line, key, len) == 0 && line[len] == '=')
			number = strtol(line + len + 1, NULL, 10);
	return number;
}

static void order(const struct facts *f, const char *name, const char *unit,
		  struct diagnosis *d)
{
	static const char keepalived[] = "keepalived.service";
	char *other = unit_text(f->root, keepalived);
	char template[NAME_MAX + 1];

	template_of(name, template);
	if (other && !lists(unit, "Before", keepalived) &&
	    !lists(other, "After", name) && !lists(other, "After", template))
		diagnosis_add(d, KIND_NOT_BEFORE_KEEPALIVED,
			      "%s is not ordered before %s", name, keepalived);
	free(other);
}

void check_service(const struct facts *f, struct diagnosis *d)
{
	const json_t *pid = json_object_get(f->settings, "pid");
	char *name = NULL, *unit = NULL;

	if (!json_is_integer(pid) || !has_systemd(f->root))
		return;
	name = service_of(f->root, (long)json_integer_value(pid));
	if (name)
		unit = unit_text(f->root, name);
	/* It may be inside of another service, as that which runs a test. */
	if (!unit || !strstr(unit, "tapd")) {
		diagnosis_add(d, KIND_NOT_A_SERVICE,
			      "tapd is no service of systemd's: nothing starts"
			      " it at boot");
	} else {
		if (last_number(unit, "FileDescriptorStoreMax") < 1)
			diagnosis_add(d, KIND_NO_FD_STORE,
				      "%s has no FileDescriptorStoreMax: the"
				      " carrier of %s drops when tapd restarts",
				      name, f->interface);
		order(f, name, unit, d);
	}
	free(unit);
	free(name);
}
