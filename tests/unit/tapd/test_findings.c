/* What doctor may find, by itself and by the daemon's word, is in tapctl(8), and
 * nothing else is there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/main.h"
#include "tapd/control/checks.h"
#include "tapd/ctl/doctor/kinds.h"

#define IDS_MAX 256

static const char *ids[IDS_MAX], *severities[IDS_MAX];
static size_t ids_count;

static void add(const char *id, const char *severity)
{
	ck_assert_uint_lt(ids_count, IDS_MAX);
	ids[ids_count] = id;
	severities[ids_count++] = severity;
}

static void setup(void)
{
	ids_count = 0;
	for (int i = 0; i < KIND_COUNT; i++)
		add(kinds[i].id, severity_names[kinds[i].severity]);
	for (size_t i = 0; i < checks_count; i++)
		add(checks[i].id, check_severity_name(checks[i].severity));
}

START_TEST(no_id_is_used_twice)
{
	for (size_t i = 0; i < ids_count; i++)
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(ids[i], ids[j]);
}
END_TEST

/* ".It Li link-down Pq error" */
static void read_manual(const char *line, unsigned found[IDS_MAX])
{
	char id[64], severity[16];
	size_t i = 0;

	if (sscanf(line, ".It Li %63s Pq %15s", id, severity) != 2)
		return;
	while (i < ids_count && strcmp(ids[i], id) != 0)
		i++;
	ck_assert_msg(i < ids_count, "nothing finds %s", id);
	ck_assert_msg(strcmp(severities[i], severity) == 0, "%s is no %s", id,
		      severity);
	found[i]++;
}

START_TEST(each_is_in_the_manual_once)
{
	FILE *f = fopen(TEST_SOURCE_DIR "/docs/tapctl.8", "r");
	unsigned found[IDS_MAX] = { 0 };
	char line[512];
	bool inside = false;

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, ".Sh ", 4) == 0)
			inside = strncmp(line, ".Sh FINDINGS", 12) == 0;
		if (inside)
			read_manual(line, found);
	}
	fclose(f);
	for (size_t i = 0; i < ids_count; i++)
		ck_assert_msg(found[i] == 1, "%s is in the manual %u times",
			      ids[i], found[i]);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("findings", .setup = setup),
	UNIT_TEST(no_id_is_used_twice),
	UNIT_TEST(each_is_in_the_manual_once),
};

UNIT_MAIN("findings", tests)
