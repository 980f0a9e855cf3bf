/* What the checks are given to judge, all of it taken before the first of them. */
#ifndef TAPD_CTL_DOCTOR_FACTS_H
#define TAPD_CTL_DOCTOR_FACTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "tapd/ctl/doctor/hostnet.h"

/* What grows is looked at twice. */
enum { FACTS_BEFORE, FACTS_AFTER, FACTS_SAMPLES };

/* A counter of a network card (ethtool -S). */
struct nic_counter {
	char card[IF_NAMESIZE];
	char name[33];
	uint64_t value;
};
#define NIC_COUNTERS_MAX 64

struct sample {
	char *stat;	    /* /proc/stat */
	char *snmp, *snmp6; /* /proc/net/… */
	/* Those that somebody judges; the same ones, in the same order, in each
	 * sample of a host whose cards stay. */
	struct nic_counter nic[NIC_COUNTERS_MAX];
	size_t nic_count;
};

struct facts {
	const char *root;      /* "", or where a test planted files */
	const char *interface; /* its name, by the daemon's word or a guess */
	struct hostnet net;
	bool net_known;
	const struct hostnet_link *tap; /* in net; NULL: it is not there */
	unsigned multicast_index; /* by which interface 239.0.0.0/8 leaves */
	bool clock_unsynchronised;
	const char *manager; /* what NetworkManager says of it; "" */

	/* What the daemon says; NULL without it, and of what it refused. */
	const json_t *settings, *status, *peers;
	/* Why there is none of it, if there is none. */
	bool daemon_down, daemon_denied;

	struct sample samples[FACTS_SAMPLES];
};

#endif
