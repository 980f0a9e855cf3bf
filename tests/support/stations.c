/* For tests of nodes: what is behind the TAPs of hosts.h. */
#include "support/stations.h"
#include "bridge/querier.h"
#include "ether/snoop.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/alloc.h"
#include "support/frames.h"
#include "support/group_equal.h"

/* Groups in one report: within the MTU in either family. */
#define REPORT_GROUPS 64
/* Peers and lone endpoints of one host. */
#define PEERS_SHOWN 64

static struct station {
	struct group *groups;
	size_t count, size;
	size_t looked; /* frames of host->written */
	bool silent;
} stations[HOSTS_MAX];

static struct station *station_of(const struct host *host)
{
	return &stations[host - host->hosts->host];
}

/* ---- reports ---- */

static void report(struct host *host, enum report_type type,
		   const struct group *groups, size_t count)
{
	struct host_report r = { .mac = { 2, 0, 0, 0, 1,
					  (uint8_t)host->config.name[0] },
				 .says = type,
				 .count = count };
	uint8_t frame[REPORT_MAX];

	memcpy(r.groups, groups, count * sizeof(*groups));
	host_tap(host, frame, report_build(frame, &r));
}

/* What it joined that the query asks about; or, if it joined nothing, that it is
 * there: mDNS's group, as every host has some such. */
static void answer(struct host *host, const struct report *query)
{
	const struct group all = { .vlan = query->vlan };
	const struct group mdns =
		query->v6 ? group_parse(query->vlan, "ff02::fb")
			  : group_parse(query->vlan, "224.0.0.251");
	const bool general = group_equal(&query->group, &all);
	struct station *s = station_of(host);
	struct group batch[REPORT_GROUPS];
	size_t n = 0;

	if (general)
		batch[n++] = mdns;
	for (size_t i = 0; i < s->count; i++) {
		const struct group *g = &s->groups[i];

		if (g->vlan != query->vlan || group_is_v4(g) == query->v6 ||
		    (!general && !group_equal(g, &query->group)))
			continue;
		batch[n++] = *g;
		if (n == REPORT_GROUPS) {
			report(host, REPORT_ANSWER, batch, n);
			n = 0;
		}
	}
	if (n)
		report(host, REPORT_ANSWER, batch, n);
}

static void look_at(struct host *host, const struct written *w)
{
	struct report m;
	struct eth_view v;

	ck_assert_int_eq(eth_parse(&v, w->bytes, w->len), DROP_NONE);
	if (memcmp(v.src, querier_mac, ETH_ADDR_LEN) != 0)
		return;
	ck_assert_int_eq(snoop_parse(&m, &v, w->bytes, w->len), REPORT_QUERY);
	answer(host, &m);
}

static void answer_queries(struct hosts *h)
{
	for (size_t i = 0; i < h->count; i++) {
		struct host *host = &h->host[i];
		struct station *s = station_of(host);

		if (s->looked > host->written_count)
			s->looked = 0;
		for (; s->looked < host->written_count; s->looked++)
			if (host->node && !s->silent)
				look_at(host, &host->written[s->looked]);
	}
}

/* ---- life ---- */

void stations_init(struct hosts *h)
{
	memset(stations, 0, sizeof(stations));
	h->tap_sides = answer_queries;
	for (size_t i = 0; i < h->count; i++) {
		h->host[i].config.snooping = true;
		h->host[i].config.querier = true;
	}
}

void stations_free(struct hosts *h)
{
	for (size_t i = 0; i < h->count; i++)
		free(stations[i].groups);
	memset(stations, 0, sizeof(stations));
}

void station_start(struct host *host)
{
	host_start(host);
	node_tap_up(host->node, hosts_clock(host));
}

void stations_mesh(struct hosts *h, size_t count)
{
	hosts_mesh(h, count);
	for (size_t i = 0; i < count; i++)
		node_tap_up(h->host[i].node, hosts_clock(&h->host[i]));
	hosts_run(h, 3 * CLOCK_S);
}

/* ---- what they do ---- */

static void add(struct host *host, const struct group *group)
{
	struct station *s = station_of(host);

	if (s->count == s->size) {
		s->size = 2 * s->size + 16;
		s->groups =
			test_realloc(s->groups, s->size * sizeof(*s->groups));
	}
	s->groups[s->count++] = *group;
}

void station_join(struct host *host, const struct group *group)
{
	add(host, group);
	report(host, REPORT_JOIN, group, 1);
}

void station_leave(struct host *host, const struct group *group)
{
	struct station *s = station_of(host);

	for (size_t i = 0; i < s->count; i++)
		if (group_equal(&s->groups[i], group))
			s->groups[i--] = s->groups[--s->count];
	report(host, REPORT_LEAVE, group, 1);
}

struct group station_group(uint32_t i)
{
	return group_v4(0, 0xef020000 + i);
}

void station_join_many(struct host *host, uint32_t from, uint32_t count)
{
	struct group batch[REPORT_GROUPS];
	size_t n = 0;

	for (uint32_t i = from; i < from + count; i++) {
		batch[n] = station_group(i);
		add(host, &batch[n++]);
		if (n == REPORT_GROUPS || i + 1 == from + count) {
			report(host, REPORT_JOIN, batch, n);
			n = 0;
		}
	}
}

void station_silence(struct host *host, bool silent)
{
	station_of(host)->silent = silent;
}

/* ---- packets to groups ---- */

static size_t packet_to(uint8_t frame[128], const struct group *group)
{
	static const uint8_t mac[ETH_ADDR_LEN] = { 2, 0, 0, 0, 0, 0xc0 };
	struct writer w = writer_init(frame, 128);

	put_group_udp(&w, group, mac, 5000, 0);
	ck_assert(writer_ok(&w));
	return w.len;
}

/* How many frames were sent to each peer, by its place in the walk. */
static size_t count_frames(const struct host *host, uint64_t *frames,
			   char *names)
{
	struct node_iter at = { 0 };
	struct node_peer_info info;
	size_t n = 0;

	while (node_next_peer(host->node, &at, &info)) {
		ck_assert_uint_lt(n, PEERS_SHOWN);
		frames[n] = info.tx.frames;
		names[n++] = info.name[0];
	}
	return n;
}

static int by_name(const void *x, const void *y)
{
	return *(const char *)x - *(const char *)y;
}

const char *station_sends_frame(struct host *host, const uint8_t *frame,
				size_t len)
{
	static char names[PEERS_SHOWN + 1];
	uint64_t before[PEERS_SHOWN], after[PEERS_SHOWN];
	size_t count = count_frames(host, before, names), n = 0;

	host_tap(host, frame, len);
	ck_assert_uint_eq(count_frames(host, after, names), count);
	for (size_t i = 0; i < count; i++)
		if (after[i] != before[i])
			names[n++] = names[i];
	names[n] = '\0';
	qsort(names, n, 1, by_name);
	return names;
}

const char *station_sends(struct host *host, const struct group *group)
{
	uint8_t frame[128];
	size_t len = packet_to(frame, group);

	return station_sends_frame(host, frame, len);
}

size_t station_received(const struct host *host, const struct group *group)
{
	uint8_t frame[128];
	size_t len = packet_to(frame, group), n = 0;

	for (size_t i = 0; i < host->written_count; i++)
		n += host->written[i].len == len &&
		     memcmp(host->written[i].bytes, frame, len) == 0;
	return n;
}

static bool finds_group(const struct host *host, const struct group *group,
			struct node_group_info *out)
{
	struct node_iter at = { 0 };

	while (node_next_group(host->node, &at, out))
		if (out->vlan == group->vlan &&
		    memcmp(out->ip, group->ip, sizeof(group->ip)) == 0)
			return true;
	return false;
}

bool station_is_heard(const struct host *host, const struct group *group)
{
	struct node_group_info info;

	return finds_group(host, group, &info) && info.local;
}

bool station_is_member(const struct host *host, const struct group *group,
		       const struct host *of)
{
	struct node_group_info info;
	struct node_iter at = { 0 };
	const char *name;

	if (!finds_group(host, group, &info))
		return false;
	while ((name = node_next_member(host->node, &info, &at)))
		if (strcmp(name, of->config.name) == 0)
			return true;
	return false;
}
