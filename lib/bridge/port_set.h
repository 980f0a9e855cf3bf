/* A set of ports: who should have a frame. */
#ifndef TAPD_BRIDGE_PORT_SET_H
#define TAPD_BRIDGE_PORT_SET_H

#include <stdbool.h>
#include <stdint.h>

/* The TAP's port and 512 peers' fit. Ports are numbered as in the FDB. */
#define PORT_SET_WORDS 9
#define PORT_SET_PORTS (PORT_SET_WORDS * 64)

/* All zero: empty. Ports must be below PORT_SET_PORTS. Inline, since a set is made
 * for every frame to a group. */
struct port_set {
	uint64_t words[PORT_SET_WORDS];
};

static inline void port_set_add(struct port_set *s, uint16_t port)
{
	s->words[port / 64] |= UINT64_C(1) << port % 64;
}

static inline void port_set_remove(struct port_set *s, uint16_t port)
{
	s->words[port / 64] &= ~(UINT64_C(1) << port % 64);
}

static inline void port_set_put(struct port_set *s, uint16_t port, bool in)
{
	if (in)
		port_set_add(s, port);
	else
		port_set_remove(s, port);
}

static inline bool port_set_has(const struct port_set *s, uint16_t port)
{
	return (s->words[port / 64] >> port % 64 & 1) != 0;
}

static inline void port_set_add_all(struct port_set *s,
				    const struct port_set *more)
{
	for (int i = 0; i < PORT_SET_WORDS; i++)
		s->words[i] |= more->words[i];
}

/* Removes from *s what is not in *others. */
static inline void port_set_keep(struct port_set *s,
				 const struct port_set *others)
{
	for (int i = 0; i < PORT_SET_WORDS; i++)
		s->words[i] &= others->words[i];
}

static inline bool port_set_is_empty(const struct port_set *s)
{
	uint64_t any = 0;

	for (int i = 0; i < PORT_SET_WORDS; i++)
		any |= s->words[i];
	return any == 0;
}

/* The smallest port of the set above `port`, or -1: start with -1. */
static inline int port_set_next(const struct port_set *s, int port)
{
	uint64_t word;
	int at = port + 1;

	if (at >= PORT_SET_PORTS)
		return -1;
	word = s->words[at / 64] >> at % 64;
	if (word)
		return at + __builtin_ctzll(word);
	for (int i = at / 64 + 1; i < PORT_SET_WORDS; i++)
		if (s->words[i])
			return i * 64 + __builtin_ctzll(s->words[i]);
	return -1;
}

#endif
