/* The TAP as an interface: its state, addresses and routes, by rtnetlink. */
#ifndef TAPD_TAP_LINK_H
#define TAPD_TAP_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "tapd/tap/link_address.h"

/*
 * One interface, found by name and from then on known by its index, so that a
 * new name changes nothing. What the kernel says about it is kept current:
 * link_read takes in what others did with ip(8).
 *
 * What is set here is first compared with what is: an interface that somebody
 * else made ready needs no right at all.
 */
struct link;

#define LINK_ALIAS_LEN 64

struct link_state {
	bool present; /* false: deleted, or moved to another namespace */
	unsigned index;
	char name[IFNAMSIZ];
	char alias[LINK_ALIAS_LEN]; /* "": none (or longer than any of ours) */
	bool up;		    /* IFF_UP: the administrative state */
	bool carrier;
	bool running;  /* up, with its queue at work: what is sent passes */
	bool enslaved; /* to a bridge or the like; a VRF does not count */
	bool allmulti; /* it takes every group, whatever is joined */
	uint64_t tx_dropped; /* frames that a full queue kept from us */
	uint32_t mtu;
	uint32_t queue_len;
	uint8_t mac[6];
	struct link_addresses addresses; /* link-local ones too */
};

/* NULL with *error (to be freed): no such interface, no netlink. */
struct link *link_open(const char *name, char **error);
void link_close(struct link *l);

/* It was moved away: another may get its index, which is none of ours. */
void link_forget(struct link *l);

/* Readable when the kernel has something to tell. */
int link_fd(const struct link *l);
/* Takes in what it tells, and reads everything anew when some of it was lost.
 * Returns true if the state may have changed. */
bool link_read(struct link *l);
/* Whether it was set down since this was last asked, or may have been: down and up may be
 * told in one go. */
bool link_was_down(struct link *l);
/* Asks what it is now, also for what the kernel does not tell unasked: tx_dropped,
 * and allmulti where a program made it so. 0, or -errno: -ENODEV if it is gone. */
int link_ask(struct link *l);
/* Asks which addresses it has now: removing one may have taken others, which is told
 * later. 0 or -errno. */
int link_ask_addresses(struct link *l);
/* Whether another interface came, went or changed since this was last asked. */
bool link_others_changed(struct link *l);
/* Another number whenever link_read heard something: that an interface, this or
 * another, came, went or changed, or its addresses did. */
unsigned link_generation(const struct link *l);
const struct link_state *link_state(const struct link *l);
bool link_has_address(const struct link *l, const struct prefix *address);

/*
 * Each sets one thing if it is not so already: 0 or -errno. The multicast
 * routes are 224.0.0.0/4 and ff00::/8, preferred to those that other
 * interfaces have; the broadcast route is 255.255.255.255's.
 */
int link_set_up(struct link *l);
int link_set_mtu(struct link *l, uint32_t mtu);
int link_set_mac(struct link *l, const uint8_t mac[6]);
int link_set_alias(struct link *l, const char *alias);
/* Never shortens the queue. */
int link_raise_queue_len(struct link *l, uint32_t len);
/* The host obeys no redirects that come in by it, where nobody may let them in. */
int link_refuse_redirects(struct link *l);
/* Whether others of its subnet stay when the address that was there first goes. Returns
 * what it was before, 0 or 1, or -errno. */
int link_keep_secondaries(struct link *l, bool keep);
int link_add_address(struct link *l, const struct prefix *address);
int link_remove_address(struct link *l, const struct prefix *address);
int link_add_multicast_route(struct link *l, bool ipv6);
int link_remove_multicast_route(struct link *l, bool ipv6);
int link_add_broadcast_route(struct link *l);
int link_remove_broadcast_route(struct link *l);

#endif
