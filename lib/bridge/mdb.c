#include "bridge/mdb.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/holders.h"

struct registrations {
	struct holding held; /* the member that is charged for the entry */
	struct port_set ports;
};

struct mdb {
	struct mdb_config config;
	struct table *table; /* struct group → struct registrations */
	struct holders *holders;
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
			     sizeof(struct registrations), seed);
	m->registered = calloc(config->ports, sizeof(*m->registered));
	if (m->table)
		m->holders = holders_new(m->table, config->ports);
	if (!m->holders || !m->registered) {
		mdb_free(m);
		return NULL;
	}
	return m;
}

void mdb_free(struct mdb *m)
{
	if (!m)
		return;
	holders_free(m->holders);
	table_free(m->table);
	free(m->registered);
	free(m);
}

/* The port is a member no more; another is charged for the entry, if it was. */
static void forget(struct mdb *m, struct registrations *r, uint16_t port)
{
	if (!port_set_has(&r->ports, port))
		return;
	m->registered[port]--;
	port_set_remove(&r->ports, port);
	if (r->held.port != port)
		return;
	holders_release(m->holders, &r->held);
	if (port_set_is_empty(&r->ports))
		table_remove(m->table, table_key(m->table, r));
	else
		holders_take(m->holders, &r->held,
			     (uint16_t)port_set_next(&r->ports, -1));
}

/* All that the port is charged for. Of entries that others are charged for it
 * stays a member. */
static void give_up(struct mdb *m, uint16_t port)
{
	struct holding *e;

	while ((e = holders_at_hand(m->holders, port)))
		forget(m, (struct registrations *)e, port);
}

/*
 * In a full table: the port that holds most overflows, if it holds more than this
 * one, and this one less than its share. What others are members of stays, so that
 * may not be enough; but each member that is removed had to join before.
 */
static bool make_room(struct mdb *m, uint16_t port)
{
	while (table_count(m->table) == m->config.capacity) {
		const uint32_t count = holders_count(m->holders, port);
		const uint16_t most = holders_most(m->holders);

		if (most == HOLDERS_NONE ||
		    count >= holders_share(m->holders) ||
		    count >= holders_count(m->holders, most))
			return false;
		port_set_add(&m->overflowing, most);
		give_up(m, most);
	}
	return true;
}

/* A place for a group that nobody registered; NULL if there is no room. */
static struct registrations *add(struct mdb *m, const struct group *group,
				 uint16_t port)
{
	struct registrations *r;

	if (!make_room(m, port))
		return NULL;
	r = table_insert(m->table, group);
	holders_take(m->holders, &r->held, port);
	return r;
}

bool mdb_join(struct mdb *m, const struct group *group, uint16_t port)
{
	struct registrations *r = table_find(m->table, group);

	assert(port < m->config.ports);
	if (r && port_set_has(&r->ports, port))
		return true;
	/* It gets every group: more of them would say nothing. */
	if (port_set_has(&m->overflowing, port))
		return false;
	if (m->registered[port] >= m->config.per_port)
		r = NULL;
	else if (!r)
		r = add(m, group, port);
	if (!r) {
		port_set_add(&m->overflowing, port);
		return false;
	}
	port_set_add(&r->ports, port);
	m->registered[port]++;
	return true;
}

void mdb_leave(struct mdb *m, const struct group *group, uint16_t port)
{
	struct registrations *r = table_find(m->table, group);

	assert(port < m->config.ports);
	if (r)
		forget(m, r, port);
}

void mdb_flush_port(struct mdb *m, uint16_t port)
{
	assert(port < m->config.ports);
	give_up(m, port);
	for (uint32_t at = table_next(m->table, TABLE_NONE);
	     m->registered[port] > 0 && at != TABLE_NONE;
	     at = table_next(m->table, at))
		forget(m, table_at(m->table, at), port);
	port_set_remove(&m->overflowing, port);
}

void mdb_registered(const struct mdb *m, const struct group *group,
		    struct port_set *members)
{
	const struct registrations *r = table_find(m->table, group);

	if (r)
		port_set_add_all(members, &r->ports);
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
	const struct registrations *r;

	*at = table_next(m->table, *at);
	r = table_at(m->table, *at);
	if (!r)
		return false;
	out->ports = r->ports;
	memcpy(&out->group, table_key(m->table, r), GROUP_LEN);
	return true;
}
