/* Boxes that translate addresses, and the hosts behind them. */
#ifndef TAPD_SIM_NAT_H
#define TAPD_SIM_NAT_H

#include "sim.h"

/*
 * Of IPv4. Each box has one public address and the same 192.168.1.0/24 behind it, so that
 * a private address may be another host's elsewhere. A mapping is made by what leaves. It
 * dies when nothing left or came for 30 s, or for 120 s once an answer came. What comes
 * and has no mapping is dropped without a word.
 */
enum nat_kind {
	/* A host's port has one public port whatever it sends to, the same if that is
	 * free; who was sent nothing is kept out, by address and port; no hairpin. */
	NAT_PRESERVING,
	/* A new public port for each destination, which alone may answer; no hairpin. */
	NAT_SYMMETRIC,
	/* One public port, by which anybody gets in, hosts behind the same box too. */
	NAT_FULL_CONE,
	NAT_KINDS
};

#define NATS_MAX 32

struct nat;

/* A new box; its number. */
unsigned nat_add(struct sim *s, enum nat_kind kind);
void nats_free(struct sim *s);
enum nat_kind nat_kind(const struct sim *s, unsigned nat);
const char *nat_kind_name(enum nat_kind kind);
const struct addr *nat_public(const struct sim *s, unsigned nat);
/* A host that is not running goes behind it, at an address of its own there. */
void nat_put(struct sim *s, unsigned host, unsigned nat);
/* The number of the box that it is behind; NATS_MAX: none. */
unsigned nat_of(const struct sim *s, unsigned host);
/* Every mapping is lost. */
void nat_reboot(struct sim *s, unsigned nat);
/* The same, and it is of another kind. */
void nat_change(struct sim *s, unsigned nat, enum nat_kind kind);
/* From now on it keeps ports; mappings that there are stay as they are. */
void nat_soften(struct sim *s, unsigned nat);
/* It is at that address: the host's own, the box's, or one that leads there. */
bool nat_host_is_at(const struct host *h, const struct addr *a);

/* ---- network.c ---- */

/*
 * What a host sends: *from becomes the address by which the others see it. Returns the
 * host that it is going to, or which one is behind the box that it is going to; NULL: it
 * ends here.
 */
struct host *nat_leave(struct host *h, const struct addr *to,
		       struct addr *from);
/* What arrives: *to becomes the address that the host knows as its own. NULL: dropped.
 * guess: whom nat_leave found. */
struct host *nat_enter(struct sim *s, unsigned guess, const struct addr *from,
		       struct addr *to);
/* A box's public address, or a private one. */
bool nat_owns(const struct sim *s, const struct addr *a);

#endif
