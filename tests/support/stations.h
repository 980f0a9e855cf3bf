/*
 * For tests of nodes: what is behind the TAPs of hosts.h. One station on each,
 * which joins groups, answers queries at once, and sends to groups.
 */
#ifndef TAPD_TESTS_STATIONS_H
#define TAPD_TESTS_STATIONS_H

#include "support/hosts.h"
#include "support/reports.h"

/* After hosts_init: none has joined anything; they answer while hosts_run and
 * hosts_until let time pass. Nodes will snoop and query. */
void stations_init(struct hosts *h);
void stations_free(struct hosts *h);
/* hosts_mesh with the TAPs up, until every first set is complete and known to
 * all. */
void stations_mesh(struct hosts *h, size_t count);
/* One host: its TAP is up. */
void station_start(struct host *host);

/* It joins, with a report; it leaves; both at once, as what it sends is read by
 * its node before these return. */
void station_join(struct host *host, const struct group *group);
void station_leave(struct host *host, const struct group *group);
/* 239.2.x.x from..from+count-1, in as few reports as can be. */
struct group station_group(uint32_t i);
void station_join_many(struct host *host, uint32_t from, uint32_t count);
/* As behind a firewall that drops queries. */
void station_silence(struct host *host, bool silent);

/* Sends a UDP packet to the group; the names of the peers it was sent to, in
 * order: "bc". No time passes. */
const char *station_sends(struct host *host, const struct group *group);
/* The same of any frame. */
const char *station_sends_frame(struct host *host, const uint8_t *frame,
				size_t len);
/* Packets to the group that were written to the host's TAP. */
size_t station_received(const struct host *host, const struct group *group);

/* The host's own node knows that its side joined the group. */
bool station_is_heard(const struct host *host, const struct group *group);
/* On that host, the other is listed as one of its members. */
bool station_is_member(const struct host *host, const struct group *group,
		       const struct host *of);

#endif
