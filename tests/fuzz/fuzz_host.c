/*
 * What the daemon is told by its host, and by its own helper process: files of keys,
 * lists of /proc, answers of rtnetlink, messages. The first byte chooses which.
 */
#include <libmnl/libmnl.h>
#include <string.h>

#include "fuzz.h"
#include "memory_file.h"
#include "netlink_answers.h"
#include "tapd/common/keyfile.h"
#include "tapd/generation.h"
#include "tapd/helper/helper_message.h"
#include "tapd/tap/captures.h"
#include "tapd/tap/default_route.h"
#include "tapd/tap/link.h"
#include "tapd/tap/link_dump.h"
#include "tapd/tap/listeners.h"
#include "tapd/underlay/neighbours.h"
#include "tapd/underlay/routes.h"

/* ---- files ---- */

static void secrets(const uint8_t *data, size_t size)
{
	static const uint8_t zero[KEY_LEN];
	uint8_t keys[2][KEY_LEN];
	char *warning = NULL, *error = NULL;
	size_t count;

	memory_file_set(MEMORY_FILE, data, size);
	count = secret_file_read(MEMORY_FILE, NULL, keys, &warning, &error);
	HOLDS(count <= 2 && !count == (error != NULL));
	HOLDS(!error || !strchr(error, '\n'));
	for (size_t i = 0; i < 2; i++)
		HOLDS((i < count) == (memcmp(keys[i], zero, KEY_LEN) != 0));
	free(warning);
	free(error);
}

static void key_file(const uint8_t *data, size_t size)
{
	struct public_key key;
	char *error = NULL;

	memory_file_set(MEMORY_FILE, data, size);
	HOLDS(key_file_public(MEMORY_FILE, &key, &error) == (error == NULL));
	HOLDS(!error || !strchr(error, '\n'));
	free(error);
}

static bool counts(void *user, unsigned index)
{
	(void)user;
	return index % 4 == 3;
}

static void captures(const uint8_t *data, size_t size)
{
	int fd = memory_file_set(MEMORY_FILE, data, size);
	struct capture found;

	HOLDS(captures_find(fd, counts, NULL, &found) == 0);
	HOLDS(!found.protocol || counts(NULL, found.index));
}

static void listeners(const uint8_t *data, size_t size)
{
	struct listeners *l = listeners_new();
	const uint8_t *macs;
	size_t count;
	FILE *f;

	memory_file_set(MEMORY_FILE, data, size);
	f = fopen(MEMORY_FILE, "re");
	HOLDS(l && f && listeners_parse(l, f, 7) == 0);
	macs = listeners_macs(l, &count);
	HOLDS(count <= size / 13); /* an address and a blank */
	touch(macs, 6 * count);
	fclose(f);
	listeners_free(l);
}

/* The first line: the limit. */
static void table_size(const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, '\n', size);
	size_t len = end ? (size_t)(end - data) : size;

	memory_file_set(MEMORY_FILE, data, len);
	memory_file_set(MEMORY_FILE_TWO, data + len, size - len);
	neighbours_full(MEMORY_FILE_TWO, MEMORY_FILE);
}

/* ---- messages ---- */

static void helper(const uint8_t *data, size_t size)
{
	static uint8_t again[HELPER_MESSAGE_MAX];
	struct helper_message m, back;
	size_t len;

	if (size > sizeof(again) || !helper_message_unpack(&m, data, size))
		return;
	touch((const uint8_t *)m.texts, m.texts_len);
	len = helper_message_pack(&m, again);
	HOLDS(len == size && helper_message_unpack(&back, again, len));
	HOLDS(back.type == m.type && back.job == m.job);
	HOLDS(back.kind == m.kind && back.limit_s == m.limit_s);
	HOLDS(back.status == m.status && back.timed_out == m.timed_out);
	HOLDS(back.texts_len == m.texts_len);
}

static void generation(const uint8_t *data, size_t size)
{
	generation_is_new((const char *)data, size);
}

/* ---- rtnetlink ---- */

static void neighbours(const uint8_t *data, size_t size)
{
	struct neighbours *n = neighbours_new(&(struct routing){ .mark = 0 });
	struct addr to = addr_v4(0x0a090002, 8273);
	char text[96];

	HOLDS(n);
	if (size && data[0] & 1)
		memset(to.ip, 0xfd, sizeof(to.ip));
	netlink_answers_set(data, size);
	HOLDS(neighbours_why(n, &to, text, sizeof(text)) == (*text != '\0'));
	HOLDS(memchr(text, '\0', sizeof(text)));
	neighbours_free(n);
}

static void default_route(const uint8_t *data, size_t size)
{
	char name[IF_NAMESIZE];

	netlink_answers_set(data, size);
	if (default_route_find(size % 2, "tap0", name))
		HOLDS(memchr(name, '\0', sizeof(name)));
}

static void routes(const uint8_t *data, size_t size)
{
	const struct addr to = addr_v4(0x0a090002, 8273);
	struct routes *r = routes_open(&(struct routing){ .mark = 0 });

	HOLDS(r);
	netlink_answers_set(data, size);
	routes_interface(r, &to);
	routes_read(r);
	routes_close(r);
}

static int take_link(const struct nlmsghdr *nlh, void *user)
{
	(void)user;
	touch(mnl_nlmsg_get_payload(nlh), mnl_nlmsg_get_payload_len(nlh));
	return MNL_CB_OK;
}

static void links(const uint8_t *data, size_t size)
{
	struct link_dump *d = link_dump_open();

	netlink_answers_set(data, size);
	if (d)
		link_dump_run(d, take_link, NULL);
	link_dump_close(d);
}

static void interface(const uint8_t *data, size_t size)
{
	const struct link_state *s;
	struct link *l;
	char *error = NULL;

	netlink_answers_set(data, size);
	/* Each network namespace has one. */
	l = link_open("lo", &error);
	HOLDS((l != NULL) == (error == NULL));
	free(error);
	if (!l)
		return;
	link_read(l);
	s = link_state(l);
	HOLDS(memchr(s->name, '\0', sizeof(s->name)));
	HOLDS(memchr(s->alias, '\0', sizeof(s->alias)));
	HOLDS(!s->running || s->carrier);
	for (size_t i = 0; i < s->addresses.count; i++)
		HOLDS(link_has_address(l, &s->addresses.list[i].prefix));
	link_close(l);
}

/* ---- */

static void (*const kinds[])(const uint8_t *data, size_t size) = {
	secrets,    key_file,	captures,      listeners, table_size, helper,
	generation, neighbours, default_route, links,	  interface,  routes,
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	memory_files_init();
	netlink_answers_init();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size)
		kinds[data[0] % (sizeof(kinds) / sizeof(kinds[0]))](data + 1,
								    size - 1);
	return 0;
}
