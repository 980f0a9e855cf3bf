/* Facts that are made up, files that are planted, and what the checks find in them. */
#ifndef TEST_DOCTOR_HELP_H
#define TEST_DOCTOR_HELP_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/scratch.h"
#include "tapd/ctl/doctor/checks.h"

#define TAP_INDEX 7
#define ETH_INDEX 2

static struct facts facts;
static struct hostnet_link links[8];
static struct hostnet_address addresses[16];
static struct hostnet_route routes[8];

/* A file below the folder of the test, which is the root of its host. */
static inline void plant(const char *path, const char *text)
{
	char folder[512];

	ck_assert(path[0] == '/');
	for (const char *slash = strchr(path + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		snprintf(folder, sizeof(folder), ".%.*s", (int)(slash - path),
			 path);
		(void)mkdir(folder, 0755);
	}
	snprintf(folder, sizeof(folder), ".%s", path);
	scratch_put(folder, text);
}

static inline struct hostnet_link *add_link(unsigned index, const char *name)
{
	struct hostnet_link *link = &links[facts.net.links_count++];

	*link = (struct hostnet_link){ .index = index,
				       .mtu = 1500,
				       .up = true };
	snprintf(link->name, sizeof(link->name), "%s", name);
	return link;
}

static inline struct hostnet_address *add_address(unsigned index,
						  const char *text)
{
	struct hostnet_address *a = &addresses[facts.net.addresses_count++];

	*a = (struct hostnet_address){ .index = index };
	ck_assert(prefix_parse(&a->prefix, text));
	return a;
}

static inline struct hostnet_route *add_route(unsigned index, const char *text)
{
	struct hostnet_route *r = &routes[facts.net.routes_count++];

	*r = (struct hostnet_route){ .index = index };
	ck_assert(prefix_parse(&r->to, text));
	return r;
}

/* A host with eth0 and tap0, with which nothing is wrong. */
static inline void doctor_setup(void)
{
	scratch_enter();
	facts = (struct facts){ .root = ".",
				.interface = "tap0",
				.net = { .links = links,
					 .addresses = addresses,
					 .routes = routes },
				.net_known = true,
				.multicast_index = TAP_INDEX,
				.manager = "" };
	add_link(ETH_INDEX, "eth0");
	facts.tap = add_link(TAP_INDEX, "tap0");
	add_address(ETH_INDEX, "10.9.0.2/24");
	add_address(TAP_INDEX, "10.77.0.2/24");
	add_address(TAP_INDEX, "fd77::2/64");
	add_address(TAP_INDEX, "fe80::2/64");
	plant("/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
}

/* What the daemon said: lives as long as the test. */
static json_t *said;

static inline json_t *keep(json_t *value)
{
	ck_assert_ptr_nonnull(value);
	if (!said)
		said = json_array();
	ck_assert_int_eq(json_array_append_new(said, value), 0);
	return value;
}

static inline json_t *json_of(const char *text)
{
	return keep(json_loads(text, 0, NULL));
}

static inline void doctor_teardown(void)
{
	json_decref(said);
	said = NULL;
	scratch_leave();
}

/* One line for each finding, "id: what", worst first. */
static inline void assert_finds(void (*check)(const struct facts *f,
					      struct diagnosis *d),
				const char *expected)
{
	struct diagnosis *d = diagnosis_new();
	char text[4096] = "";
	json_t *all;

	check(&facts, d);
	diagnosis_sort(d);
	all = diagnosis_json(d);
	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *one = json_array_get(all, i);
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "%s: %s\n",
			 json_string_value(json_object_get(one, "id")),
			 json_string_value(json_object_get(one, "what")));
	}
	ck_assert_str_eq(text, expected);
	json_decref(all);
	diagnosis_free(d);
}

#endif
