#include "tapd/ctl/doctor/nic.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* No card has so many; it bounds what a driver's word is trusted for. */
#define COUNTERS_MAX 65536

bool nic_is_judged(const char *name)
{
	return strstr(name, "_allowance_exceeded") != NULL;
}

/* command: begins with its number, and has room for the answer. */
static bool ask(int fd, const char *card, void *command)
{
	struct ifreq request = { .ifr_data = command };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", card);
	return ioctl(fd, SIOCETHTOOL, &request) == 0;
}

/* How many counters it has: the answer is a length for each set asked for. */
static uint32_t count_of(int fd, const char *card)
{
	struct ethtool_sset_info *info =
		calloc(1, sizeof(*info) + sizeof(uint32_t));
	uint32_t count = 0;

	if (!info)
		return 0;
	info->cmd = ETHTOOL_GSSET_INFO;
	info->sset_mask = 1u << ETH_SS_STATS;
	if (ask(fd, card, info) && info->sset_mask)
		count = info->data[0];
	free(info);
	return count <= COUNTERS_MAX ? count : 0;
}

static void take(const char *card, const struct ethtool_gstrings *names,
		 const struct ethtool_stats *values, nic_wanted *wanted,
		 struct sample *s)
{
	for (uint32_t i = 0; i < names->len && i < values->n_stats; i++) {
		struct nic_counter c = { .value = values->data[i] };

		memcpy(c.name, names->data + (size_t)i * ETH_GSTRING_LEN,
		       ETH_GSTRING_LEN);
		snprintf(c.card, sizeof(c.card), "%s", card);
		if (wanted(c.name) && s->nic_count < NIC_COUNTERS_MAX)
			s->nic[s->nic_count++] = c;
	}
}

static void read_counters(int fd, const char *card, uint32_t count,
			  nic_wanted *wanted, struct sample *s)
{
	struct ethtool_gstrings *names =
		calloc(1, sizeof(*names) + (size_t)count * ETH_GSTRING_LEN);
	struct ethtool_stats *values =
		calloc(1, sizeof(*values) + (size_t)count * sizeof(uint64_t));

	if (names && values) {
		names->cmd = ETHTOOL_GSTRINGS;
		names->string_set = ETH_SS_STATS;
		names->len = count;
		values->cmd = ETHTOOL_GSTATS;
		values->n_stats = count;
		if (ask(fd, card, names) && ask(fd, card, values) &&
		    names->len <= count && values->n_stats <= count)
			take(card, names, values, wanted, s);
	}
	free(names);
	free(values);
}

void nic_counters(const char *card, nic_wanted *wanted, struct sample *s)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint32_t count = fd >= 0 ? count_of(fd, card) : 0;

	if (count > 0)
		read_counters(fd, card, count, wanted, s);
	if (fd >= 0)
		close(fd);
}
