#include "bridge/mdb.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct mdb {
	struct mdb_config config;
	struct table *table;  /* struct group → struct port_set */
	uint32_t *registered; /* groups of each port */
	struct port_set overflowing;
};

struct mdb *mdb_new(const struct mdb_config *config,
		    const uint8_t seed[TABLE_SEED_LEN])
{
	struct mdb *m = calloc(1, sizeof(*m));

	assert(config->ports >= 1 && config->ports <= PORT_SET_PORTS);
	if (!m)
		return NULL;
	m->config = *config;
	m->table = table_new(config->capacity, GROUP_LEN,
			     sizeof(struct port_set), seed);
	m->registered = calloc(config->ports, sizeof(*m->registered));
	if (!m->table || !m->registered) {
		mdb_free(m);
		return NULL;
	}
	return m;
}

void mdb_free(struct mdb *m)
{
	if (!m)
		return;
	table_free(m->table);
	free(m->registered);
	free(m);
}

bool mdb_join(struct mdb *m, const struct group *group, uint16_t port)
{
	struct port_set *ports = table_find(m->table, group);

	assert(port < m->config.ports);
	if (ports && port_set_has(ports, port))
		return true;
	if (!ports && m->registered[port] < m->config.per_port)
		ports = table_insert(m->table, group);
	if (!ports || m->registered[port] >= m->config.per_port) {
		port_set_add(&m->overflowing, port);
		return false;
	}
	port_set_add(ports, port);
	m->registered[port]++;
	return true;
}

static void forget(struct mdb *m, struct port_set *ports, uint16_t port)
{
	if (!port_set_has(ports, port))
		return;
	m->registered[port]--;
	port_set_remove(ports, port);
	if (port_set_is_empty(ports))
		table_remove(m->table, table_key(m->table, ports));
}

void mdb_leave(struct mdb *m, const struct group *group, uint16_t port)
{
	struct port_set *ports = table_find(m->table, group);

	assert(port < m->config.ports);
	if (ports)
		forget(m, ports, port);
}

void mdb_flush_port(struct mdb *m, uint16_t port)
{
	assert(port < m->config.ports);
	for (uint32_t at = table_next(m->table, TABLE_NONE);
	     m->registered[port] > 0 && at != TABLE_NONE;
	     at = table_next(m->table, at))
		forget(m, table_at(m->table, at), port);
	port_set_remove(&m->overflowing, port);
}

void mdb_registered(const struct mdb *m, const struct group *group,
		    struct port_set *members)
{
	const struct port_set *ports = table_find(m->table, group);

	if (ports)
		port_set_add_all(members, ports);
}

void mdb_find(const struct mdb *m, const struct group *group,
	      struct port_set *members)
{
	mdb_registered(m, group, members);
	port_set_add_all(members, &m->overflowing);
}

const struct port_set *mdb_overflowing(const struct mdb *m)
{
	return &m->overflowing;
}

uint32_t mdb_count(const struct mdb *m)
{
	return table_count(m->table);
}

uint32_t mdb_port_count(const struct mdb *m, uint16_t port)
{
	assert(port < m->config.ports);
	return m->registered[port];
}

bool mdb_next(const struct mdb *m, uint32_t *at, struct mdb_entry *out)
{
	const struct port_set *ports;

	*at = table_next(m->table, *at);
	ports = table_at(m->table, *at);
	if (!ports)
		return false;
	out->ports = *ports;
	memcpy(&out->group, table_key(m->table, ports), GROUP_LEN);
	return true;
}
