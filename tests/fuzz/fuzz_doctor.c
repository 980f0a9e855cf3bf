/*
 * What tapctl doctor is told by the host it examines: files of /proc and of programs,
 * answers of rtnetlink, a card's counters; and by the daemon. Whatever they are, what
 * is found can be shown, and is one text and one JSON. The first byte chooses which.
 */
#include <jansson.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "fuzz.h"
#include "memory_file.h"
#include "netlink_answers.h"
#include "tapd/ctl/doctor/checks.h"
#include "tapd/ctl/doctor/host.h"
#include "tapd/ctl/doctor/nic.h"

#define TAP 7

typedef void check(const struct facts *f, struct diagnosis *d);

/* ---- the host's files ---- */

static char root[] = "/tmp/fuzz_doctor.XXXXXX";

/* What each kind sets are ONE and TWO; the rest is as it has to be for those to be
 * read. */
#define ONE NULL
static const char two[] = "";
static const struct {
	const char *path, *text;
} files[] = {
	{ "/etc/ufw/ufw.conf", "ENABLED=yes\n" },
	{ "/etc/ufw/user.rules", ONE },
	{ "/etc/ufw/before.rules", two },
	{ "/proc/8/comm", "firewalld\n" },
	{ "/etc/firewalld/zones/public.xml", ONE },
	{ "/etc/firewalld/firewalld.conf", two },
	{ "/proc/9/comm", "systemd-network\n" },
	{ "/run/systemd/netif/links/7", ONE },
	{ "/etc/keepalived/keepalived.conf", ONE },
	{ "/etc/resolv.conf", ONE },
	{ "/proc/net/igmp", ONE },
	{ "/proc/sys/net/ipv4/igmp_max_memberships", two },
	{ "/proc/sys/net/ipv4/conf/tap0/rp_filter", two },
	{ "/proc/net/stat/arp_cache", ONE },
	{ "/proc/net/stat/ndisc_cache", two },
	{ "/proc/sys/net/ipv4/neigh/default/gc_thresh3", "1024\n" },
	{ "/proc/sys/net/ipv6/neigh/default/gc_thresh3", ONE },
	{ "/proc/sys/net/netfilter/nf_conntrack_count", ONE },
	{ "/proc/sys/net/netfilter/nf_conntrack_max", two },
	{ "/proc/sys/kernel/osrelease", ONE },
	{ "/etc/machine-id", two },
	{ "/run/systemd/system/keepalived.service", "[Unit]\n" },
	{ "/proc/42/cgroup", ONE },
	{ "/usr/lib/systemd/system/tapd@.service", two },
};
#define FILES (sizeof(files) / sizeof(files[0]))

static void path_of(char path[128], const char *name, size_t len)
{
	HOLDS(snprintf(path, 128, "%s%.*s", root, (int)len, name) < 128);
}

static void plant(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	for (const char *slash = strchr(name + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		path_of(path, name, (size_t)(slash - name));
		(void)mkdir(path, 0700);
	}
	path_of(path, name, strlen(name));
	if (text == ONE || text == two) {
		HOLDS(symlink(text ? MEMORY_FILE_TWO : MEMORY_FILE, path) == 0);
		return;
	}
	f = fopen(path, "we");
	HOLDS(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

/* And the folders that are empty then. */
static void remove_files(void)
{
	for (size_t i = 0; i < FILES; i++) {
		char path[128], *slash;

		path_of(path, files[i].path, strlen(files[i].path));
		unlink(path);
		while ((slash = strrchr(path, '/')) > path + 5) {
			*slash = '\0';
			rmdir(path);
		}
	}
}

/* ---- a card: stands in for the system's ---- */

static struct cursor card;

static void answer_names(struct ethtool_gstrings *names)
{
	for (uint32_t i = 0; i < names->len; i++) {
		uint8_t *name = names->data + (size_t)i * ETH_GSTRING_LEN;

		if (cursor_u8(&card) & 1)
			memcpy(name, "bw_in_allowance_exceeded", 24);
		else
			cursor_copy(&card, name, ETH_GSTRING_LEN);
	}
	names->len = cursor_u16(&card);
}

static void answer_values(struct ethtool_stats *values)
{
	for (uint32_t i = 0; i < values->n_stats; i++)
		values->data[i] = cursor_u8(&card);
	values->n_stats = cursor_u16(&card);
}

int __wrap_ioctl(int fd, unsigned long request, struct ifreq *r);
int __wrap_ioctl(int fd, unsigned long request, struct ifreq *r)
{
	struct ethtool_sset_info *info = (void *)r->ifr_data;

	(void)fd;
	HOLDS(request == SIOCETHTOOL);
	switch (info->cmd) {
	case ETHTOOL_GSSET_INFO:
		info->sset_mask = cursor_u8(&card);
		info->data[0] = cursor_u16(&card) % 300;
		break;
	case ETHTOOL_GSTRINGS:
		answer_names((void *)r->ifr_data);
		break;
	default:
		answer_values((void *)r->ifr_data);
		break;
	}
	return cursor_u8(&card) % 8 == 7 ? -1 : 0;
}

/* ---- what is found ---- */

/* Each byte is for a terminal. */
static void holds_text(const struct diagnosis *d)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	HOLDS(out);
	diagnosis_print(d, out);
	HOLDS(fclose(out) == 0 && strlen(text) == len);
	for (size_t i = 0; i < len; i++)
		HOLDS(text[i] == '\n' || (unsigned char)text[i] >= ' ');
	free(text);
}

static void holds_findings(struct diagnosis *d)
{
	json_t *all;

	diagnosis_sort(d);
	all = diagnosis_json(d);
	HOLDS(diagnosis_status(d) >= 0 && diagnosis_status(d) <= 2);
	HOLDS(diagnosis_status(d) == 0 || json_array_size(all) > 0);
	holds_text(d);
	json_decref(all);
}

/* A host with eth0 and tap0. */
static struct hostnet_link links[] = {
	{ .index = 2, .name = "eth0", .mtu = 1500, .up = true },
	{ .index = TAP, .name = "tap0", .mtu = 1500, .up = true },
};
static struct hostnet_address addresses[2];

static struct facts facts_of(void)
{
	return (struct facts){ .root = root,
			       .interface = "tap0",
			       .net = { .links = links,
					.links_count = 2,
					.addresses = addresses,
					.addresses_count = 2 },
			       .net_known = true,
			       .tap = &links[1],
			       .manager = "" };
}

static void examine(check *one, const struct facts *f)
{
	struct diagnosis *d = diagnosis_new();

	diagnosis_name(d, f->interface);
	one(f, d);
	holds_findings(d);
	diagnosis_free(d);
}

/* ---- kinds ---- */

/* The length(2) of one text, and two. */
static void two_texts(const uint8_t **data, size_t *size, const uint8_t **one,
		      size_t *one_size)
{
	struct cursor c = cursor_init(*data, *size);
	size_t len = cursor_u16(&c);

	if (!cursor_ok(&c))
		c = cursor_init(*data, 0);
	*one_size = len < c.left ? len : c.left;
	*one = cursor_take(&c, *one_size);
	*size = c.left;
	*data = cursor_take(&c, *size);
}

static void files_of(check *one, const uint8_t *data, size_t size)
{
	const struct facts f = facts_of();
	const uint8_t *first;
	size_t first_size;

	two_texts(&data, &size, &first, &first_size);
	memory_file_set(MEMORY_FILE, first, first_size);
	memory_file_set(MEMORY_FILE_TWO, data, size);
	examine(one, &f);
}

static char *text_of(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	HOLDS(text);
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/* Each as any of the three files. */
static void growth(const uint8_t *data, size_t size)
{
	const uint8_t *first;
	struct facts f = facts_of();
	size_t first_size;
	char *before, *after;

	two_texts(&data, &size, &first, &first_size);
	before = text_of(first, first_size);
	after = text_of(data, size);
	f.samples[FACTS_BEFORE] = (struct sample){ .stat = before,
						   .snmp = before,
						   .snmp6 = before };
	f.samples[FACTS_AFTER] =
		(struct sample){ .stat = after, .snmp = after, .snmp6 = after };
	examine(check_growth, &f);
	examine(check_machine, &f);
	free(before);
	free(after);
}

static void settings(const uint8_t *data, size_t size)
{
	char *text = text_of(data, size);
	char *value = host_setting(text, "ADMIN_STATE");

	HOLDS(!value || (!strchr(value, '\n') && !strchr(value, '"')));
	HOLDS(!value || strstr(text, value));
	free(value);
	free(text);
}

static void manager(const uint8_t *data, size_t size)
{
	char *text = text_of(data, size);
	struct facts f = facts_of();

	f.manager = text;
	examine(check_interface, &f);
	free(text);
}

static void counters(const uint8_t *data, size_t size)
{
	struct facts f = facts_of();

	card = cursor_init(data, size);
	for (int i = 0; i < FACTS_SAMPLES; i++) {
		nic_counters("eth0", nic_is_judged, &f.samples[i]);
		HOLDS(f.samples[i].nic_count <= NIC_COUNTERS_MAX);
	}
	examine(check_growth, &f);
}

/* The kernel's word about links, addresses and routes, and the checks of it. */
static void network(const uint8_t *data, size_t size)
{
	struct facts f = facts_of();

	netlink_answers_set(data, size);
	memory_file_set(MEMORY_FILE, "nameserver 10.77.0.1\n", 21);
	memory_file_set(MEMORY_FILE_TWO, "1\n", 2);
	f.net_known = hostnet_take(&f.net);
	f.tap = hostnet_link_named(&f.net, "tap0");
	if (!f.tap && f.net.links_count > 0)
		f.tap = &f.net.links[0];
	examine(check_interface, &f);
	examine(check_overlap, &f);
	examine(check_multicast, &f);
	examine(check_ufw, &f);
	hostnet_free(&f.net);
}

/* {settings, status, peers, findings}; and ways to the peers. */
static void daemon_says(const uint8_t *data, size_t size)
{
	struct diagnosis *d = diagnosis_new();
	struct facts f = facts_of();
	const uint8_t *ways;
	const json_t *findings;
	size_t ways_size;
	json_t *answer;

	two_texts(&data, &size, &ways, &ways_size);
	netlink_answers_set(ways, ways_size);
	answer = json_loadb((const char *)data, size, 0, NULL);
	f.settings = json_object_get(answer, "settings");
	f.status = json_object_get(answer, "status");
	f.peers = json_object_get(answer, "peers");
	findings = json_object_get(answer, "findings");
	for (size_t i = 0; i < json_array_size(findings); i++)
		diagnosis_take(d, json_array_get(findings, i));
	check_kernel_tables(&f, d);
	holds_findings(d);
	diagnosis_free(d);
	examine(check_peers, &f);
	examine(check_datagrams, &f);
	examine(check_machine, &f);
	examine(check_multicast, &f);
	examine(check_service, &f);
	json_decref(answer);
}

static void service(const uint8_t *data, size_t size)
{
	json_t *pid = json_pack("{s:i}", "pid", 42);
	struct facts f = facts_of();
	const uint8_t *first;
	size_t first_size;

	two_texts(&data, &size, &first, &first_size);
	memory_file_set(MEMORY_FILE, first, first_size);
	memory_file_set(MEMORY_FILE_TWO, data, size);
	f.settings = pid;
	examine(check_service, &f);
	json_decref(pid);
}

static check *const checks[] = {
	check_ufw,	 check_firewalld,     check_keepalived, check_overlap,
	check_multicast, check_kernel_tables, check_machine,	check_interface,
};
#define CHECKS (sizeof(checks) / sizeof(checks[0]))

static void (*const others[])(const uint8_t *data, size_t size) = {
	growth, settings, manager, counters, network, daemon_says, service,
};
#define OTHERS (sizeof(others) / sizeof(others[0]))

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	memory_files_init();
	netlink_answers_init();
	HOLDS(mkdtemp(root));
	atexit(remove_files);
	for (size_t i = 0; i < FILES; i++)
		plant(files[i].path, files[i].text);
	for (size_t i = 0; i < 2; i++)
		addresses[i].index = TAP;
	HOLDS(prefix_parse(&addresses[0].prefix, "10.77.0.2/24"));
	HOLDS(prefix_parse(&addresses[1].prefix, "fd77::2/64"));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t kind;

	if (size == 0)
		return 0;
	kind = data[0] % (CHECKS + OTHERS);
	if (kind < CHECKS)
		files_of(checks[kind], data + 1, size - 1);
	else
		others[kind - CHECKS](data + 1, size - 1);
	return 0;
}
