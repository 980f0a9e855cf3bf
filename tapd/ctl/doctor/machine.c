#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <limits.h>

#include "tapd/ctl/doctor/checks.h"
#include "tapd/ctl/doctor/host.h"

#define SECRET "/etc/tapd/secret"

static void cpus(const struct facts *f, struct diagnosis *d)
{
	const char *stat = f->samples[FACTS_BEFORE].stat;
	unsigned count = 0;

	for (const char *line = stat; line && *line;) {
		count += strncmp(line, "cpu", 3) == 0 && line[3] >= '0' &&
			 line[3] <= '9';
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	if (count == 1)
		diagnosis_add(d, KIND_ONE_CPU, "this host has one CPU");
}

static void kernel(const struct facts *f, struct diagnosis *d)
{
	char *release = host_text(f->root, "/proc/sys/kernel/osrelease");
	char *end = release;
	unsigned long major = release ? strtoul(release, &end, 10) : 0;
	unsigned long minor =
		end && *end == '.' ? strtoul(end + 1, NULL, 10) : 0;

	if (major > 0 && (major < 6 || (major == 6 && minor < 2)))
		diagnosis_add(d, KIND_KERNEL_OLD, "this kernel is %lu.%lu",
			      major, minor);
	free(release);
}

static void clocks(const struct facts *f, struct diagnosis *d)
{
	if (f->clock_unsynchronised)
		diagnosis_add(d, KIND_CLOCK_UNSYNCHRONISED,
			      "nothing keeps this host's clock right");
}

static void machine_id(const struct facts *f, struct diagnosis *d)
{
	char *id = host_text(f->root, "/etc/machine-id");

	/* All zeros is none either: sd-id128(3). */
	if (!id || strspn(id, "0123456789abcdef") != 32 ||
	    strspn(id, "0") == 32)
		diagnosis_add(d, KIND_MACHINE_ID_MISSING,
			      "/etc/machine-id has no ID");
	free(id);
}

static void secret(const struct facts *f, struct diagnosis *d)
{
	const char *named =
		json_string_value(json_object_get(f->settings, "secret_file"));
	char path[PATH_MAX];
	struct stat st;

	named = named ? named : SECRET;
	snprintf(path, sizeof(path), "%s%s", f->root, named);
	if (stat(path, &st) == 0 && (st.st_mode & (S_IROTH | S_IWOTH)))
		diagnosis_add(d, KIND_SECRET_READABLE,
			      "%s is open to every user of this host (%04o)",
			      named, (unsigned)st.st_mode & 07777);
}

/* What depends on the CPU's kind: others have no such library. */
static void sealing(const struct facts *f, struct diagnosis *d)
{
#ifdef __x86_64__
	const char *aead =
		json_string_value(json_object_get(f->status, "aead"));

	if (aead && strcmp(aead, "ipsec-mb") != 0)
		diagnosis_add(d, KIND_SEALING_SLOW, "frames are sealed by %s",
			      aead);
#else
	(void)f;
	(void)d;
#endif
}

static void offload(const struct facts *f, struct diagnosis *d)
{
	static const char *const ways[] = { "tap", "send", "receive" };
	const json_t *levels = json_object_get(f->status, "offload");
	const char *kind =
		json_string_value(json_object_get(f->status, "encapsulation"));
	/* The kernel takes no runs of what is no UDP. */
	const size_t count = kind && strcmp(kind, "gre") == 0 ? 1 : 3;
	char text[128] = "";
	size_t len = 0;

	for (size_t i = 0; i < count; i++) {
		const char *level =
			json_string_value(json_object_get(levels, ways[i]));

		if (level && strcmp(level, "all") != 0 && len < sizeof(text))
			len += (size_t)snprintf(text + len, sizeof(text) - len,
						"%s%s %s", len ? ", " : "",
						ways[i], level);
	}
	if (len > 0)
		diagnosis_add(d, KIND_OFFLOAD_LOW,
			      "less than all is left to the kernel: %s", text);
}

void check_machine(const struct facts *f, struct diagnosis *d)
{
	cpus(f, d);
	kernel(f, d);
	clocks(f, d);
	machine_id(f, d);
	secret(f, d);
	sealing(f, d);
	offload(f, d);
}
