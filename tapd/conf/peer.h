/* A peer as text: an address or a host's name, and a port. */
#ifndef TAPD_CONF_PEER_H
#define TAPD_CONF_PEER_H

#include "tapd/conf/conf.h"

/* addr_parse with that default port; 0: there may be none, and it becomes 0. */
bool conf_addr_parse(struct addr *out, const char *text, uint16_t port);
/*
 * "10.9.0.2", "10.9.0.2:8273", "[fd00::2]:8273", "fd00::2", "node4.internal",
 * "node4.internal:8273", "fe80::1%eth0", "[fe80::1%eth0]:8273"; without a port,
 * that one. 0: it has none, and may name none. False if the text is anything else, or
 * no peer can be there.
 */
bool conf_peer_parse(struct conf_peer *peer, const char *text, uint16_t port);
/* The same host at the same port; texts may differ. */
bool conf_peer_same(const struct conf_peer *a, const struct conf_peer *b);
/* A link-local address that does not say of which link. */
bool conf_peer_lacks_link(const struct conf_peer *peer);
bool conf_is_host_name(const char *name);

#endif
