#include "bridge/tap_macs.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The ports that name a MAC. */
struct named {
	uint16_t count;
	uint16_t sum; /* of their numbers: with one, which it is */
};

struct tap_macs {
	struct table *table;	       /* MAC → struct named */
	uint8_t (*macs)[ETH_ADDR_LEN]; /* of each port; zero: none */
};

static const uint8_t none[ETH_ADDR_LEN];

static bool is_none(const uint8_t mac[ETH_ADDR_LEN])
{
	return memcmp(mac, none, ETH_ADDR_LEN) == 0;
}

struct tap_macs *tap_macs_new(uint16_t ports,
			      const uint8_t seed[TABLE_SEED_LEN])
{
	struct tap_macs *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->macs = calloc(ports, sizeof(*m->macs));
	m->table = table_new(ports, ETH_ADDR_LEN, sizeof(struct named), seed);
	if (m->macs && m->table)
		return m;
	tap_macs_free(m);
	return NULL;
}

void tap_macs_free(struct tap_macs *m)
{
	if (!m)
		return;
	table_free(m->table);
	free(m->macs);
	free(m);
}

static void forget(struct tap_macs *m, uint16_t port)
{
	const uint8_t *mac = m->macs[port];
	struct named *named;

	if (is_none(mac))
		return;
	named = table_find(m->table, mac);
	named->count--;
	named->sum = (uint16_t)(named->sum - port);
	if (named->count == 0)
		table_remove(m->table, mac);
}

void tap_macs_set(struct tap_macs *m, uint16_t port,
		  const uint8_t mac[ETH_ADDR_LEN])
{
	struct named *named;

	if (eth_is_group(mac))
		mac = none;
	if (memcmp(m->macs[port], mac, ETH_ADDR_LEN) == 0)
		return;
	forget(m, port);
	memcpy(m->macs[port], mac, ETH_ADDR_LEN);
	if (is_none(mac))
		return;
	/* There is room: each port has one. */
	named = table_insert(m->table, mac);
	named->count++;
	named->sum = (uint16_t)(named->sum + port);
}

const uint8_t *tap_macs_of(const struct tap_macs *m, uint16_t port)
{
	return is_none(m->macs[port]) ? NULL : m->macs[port];
}

int tap_macs_find(const struct tap_macs *m, const uint8_t mac[ETH_ADDR_LEN])
{
	const struct named *named = table_find(m->table, mac);

	return named && named->count == 1 ? named->sum : -1;
}
