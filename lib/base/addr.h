/* An IPv4 or IPv6 address with a port, and a prefix, as plain values. */
#ifndef TAPD_BASE_ADDR_H
#define TAPD_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "[ffff:…:ffff%4294967295]:65535" and its NUL. */
#define ADDR_STRLEN   72
#define PREFIX_STRLEN 72

/*
 * IPv4 is kept v4-mapped (RFC 4291, section 2.5.5.2), so that one socket
 * address has one value whatever family the socket has. scope is the interface
 * index of a link-local IPv6 address, otherwise 0. leg names one of a relay's
 * forwardings, behind which another host is than the one at ip and port; 0: that
 * host itself. So whoever goes by addresses tells all that are behind one relay
 * apart. The struct has no padding that matters: compare with addr_equal, hash with
 * addr_key.
 */
struct addr {
	uint8_t ip[16];
	uint32_t scope;
	uint32_t leg;
	uint16_t port;
};

/* addr_key writes this many bytes. */
#define ADDR_KEY_LEN 26

struct addr addr_v4(uint32_t ip, uint16_t port);
bool addr_is_v4(const struct addr *a);
/* IPv6's fe80::/10. */
bool addr_is_link_local(const struct addr *a);
/* 127.0.0.0/8 and ::1. */
bool addr_is_loopback(const struct addr *a);
bool addr_equal(const struct addr *a, const struct addr *b);
/* False if no peer can be there: multicast, unspecified, IPv4 broadcast.
 * Loopback is usable. */
bool addr_is_unicast(const struct addr *a);
/* No address: 0.0.0.0 is one, as "any" of IPv4, and [::] and all zero are. */
bool addr_is_any(const struct addr *a);
/* A canonical byte string for tables and MACs: equal addresses, equal bytes. */
void addr_key(const struct addr *a, uint8_t key[ADDR_KEY_LEN]);

/*
 * Parses "10.9.0.2", "10.9.0.2:8273", "fd00::2", "[fd00::2]:8273",
 * "[fe80::1%3]:8273": numeric only, numeric scope only. Without a port,
 * default_port; 0 there makes the port mandatory. "::ffff:10.9.0.2" is IPv4.
 * Returns false, and leaves *out zeroed, if the text is anything else or the
 * port is 0.
 */
bool addr_parse(struct addr *out, const char *text, uint16_t default_port);
/* "10.9.0.2:8273" or "[fd00::2]:8273" (RFC 5952); as below if the port is 0. Returns
 * buf. */
const char *addr_print(const struct addr *a, char buf[ADDR_STRLEN]);
/* The same without port and brackets. */
const char *addr_print_host(const struct addr *a, char buf[ADDR_STRLEN]);

/* An address with a prefix length: 0..32 for IPv4, 0..128 for IPv6. */
struct prefix {
	struct addr addr; /* port 0; host bits kept */
	uint8_t len;
};

/* "10.77.0.1/24", "fd77::1/64". A length is required; a scope is not allowed.
 * False, and *out zeroed, for anything else. */
bool prefix_parse(struct prefix *out, const char *text);
const char *prefix_print(const struct prefix *p, char buf[PREFIX_STRLEN]);
/* True if a is in p's network, whatever its scope and port; families never
 * match each other. */
bool prefix_contains(const struct prefix *p, const struct addr *a);
bool prefix_equal(const struct prefix *a, const struct prefix *b);

#endif
