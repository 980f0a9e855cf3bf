/* What a TAP of ours is known by, wherever it was moved and however renamed. */
#ifndef TAPD_TAP_STAMP_H
#define TAPD_TAP_STAMP_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/key.h"

/*
 * Name, alias, MAC, addresses and namespace of an interface are its administrator's
 * to change. The group of a TAP, to whose members alone the kernel gives it
 * (TUNSETGROUP), is set through its descriptor and by no command, and stays with it.
 * So it is a stamp: a number in a range that no system gives out (0x70000000 and up:
 * systemd's UIDS-GIDS), made of the key of the node, the name that is configured, and
 * the namespace that tapd runs in. As no user is in that group, nobody without
 * CAP_NET_ADMIN attaches to a TAP that a crash left.
 *
 * Where the kernel lets no such number be set, in a user namespace that does not map
 * it, there is no stamp.
 */
uint32_t stamp_make(const struct public_key *key, const char *name);
/* Whether a group is the stamp of a tapd, this or another. */
bool stamp_is_one(uint32_t group);

/* The group of the TAP with this index; 0 if it has none, or is not there. */
uint32_t stamp_read(unsigned index);
/* The TAP with this stamp in the namespace that the thread is in: true, and its
 * name. */
bool stamp_find(uint32_t stamp, char name[IFNAMSIZ]);

#endif
