#include "tapd/conf/peer.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* RFC 1123, section 2.1, and the underscores people use. A last label of
 * digits would be an address, mistyped. */
bool conf_is_host_name(const char *name)
{
	const char *label = name;
	size_t len = 0;
	bool digits = false;

	if (strlen(name) > 253)
		return false;
	while (*label) {
		len = strspn(label, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789-_");
		if (len == 0 || len > 63 || *label == '-' ||
		    label[len - 1] == '-')
			return false;
		digits = strspn(label, "0123456789") == len;
		label += len;
		if (*label == '.')
			label++;
		else if (*label)
			return false;
	}
	return len > 0 && !digits;
}

bool conf_addr_parse(struct addr *out, const char *text, uint16_t port)
{
	struct addr again;
	bool ok;

	if (port)
		return addr_parse(out, text, port);
	/* One without a port has whichever is taken for it. */
	ok = addr_parse(out, text, 1) && addr_parse(&again, text, 2) &&
	     out->port != again.port;
	if (!ok)
		*out = (struct addr){ 0 };
	out->port = 0;
	return ok;
}

static bool parse_port(uint16_t *port, const char *text)
{
	size_t len = strlen(text);
	unsigned long value;

	if (len == 0 || len > 5 || strspn(text, "0123456789") != len)
		return false;
	value = strtoul(text, NULL, 10);
	*port = (uint16_t)value;
	return value >= 1 && value <= UINT16_MAX;
}

/* What follows a host: nothing, or, where it has one, a port. */
static bool parse_rest(struct conf_peer *peer, const char *rest)
{
	return !*rest || (*rest == ':' && peer->port != 0 &&
			  parse_port(&peer->port, rest + 1));
}

/*
 * "fe80::1%eth0" or "[fe80::1%eth0]:8273": a link-local address by an interface's
 * name, which getaddrinfo(3) knows as it knows hosts' names. Its number may be
 * another after the interface was made again.
 */
static bool parse_scoped(struct conf_peer *peer, const char *text)
{
	bool brackets = *text == '[';
	const char *start = text + brackets;
	const char *percent = strchr(start, '%');
	size_t len = strcspn(start, brackets ? "]" : "");
	const char *rest = start + len + brackets;
	char host[INET6_ADDRSTRLEN];
	const char *interface;
	struct addr a;

	if (!percent || percent >= start + len || (brackets && !start[len]) ||
	    (size_t)(percent - start) >= sizeof(host))
		return false;
	snprintf(host, sizeof(host), "%.*s", (int)(percent - start), start);
	snprintf(peer->host, sizeof(peer->host), "%.*s", (int)len, start);
	interface = strchr(peer->host, '%') + 1;
	if (!addr_parse(&a, host, 1) || !addr_is_link_local(&a) ||
	    !*interface || strlen(interface) >= CONF_IFNAME_LEN ||
	    strpbrk(interface, "/:%[] "))
		return false;
	return parse_rest(peer, rest);
}

bool conf_peer_parse(struct conf_peer *peer, const char *text, uint16_t port)
{
	char rest[CONF_TEXT_MAX], *colon;

	*peer = (struct conf_peer){ .port = port };
	if (strlen(text) >= CONF_TEXT_MAX)
		return false;
	memcpy(peer->text, text, strlen(text));
	if (conf_addr_parse(&peer->addr, text, port)) {
		char host[ADDR_STRLEN];

		peer->is_addr = true;
		peer->port = peer->addr.port;
		snprintf(peer->host, sizeof(peer->host), "%s",
			 addr_print_host(&peer->addr, host));
		return addr_is_unicast(&peer->addr);
	}
	peer->is_scoped = parse_scoped(peer, text);
	if (peer->is_scoped)
		return true;
	memset(peer->host, 0, sizeof(peer->host));
	memcpy(peer->host, text, strlen(text));
	colon = strchrnul(peer->host, ':');
	memcpy(rest, colon, strlen(colon) + 1);
	*colon = '\0';
	return parse_rest(peer, rest) && conf_is_host_name(peer->host);
}

bool conf_peer_same(const struct conf_peer *a, const struct conf_peer *b)
{
	if (a->is_addr || b->is_addr)
		return a->is_addr && b->is_addr &&
		       addr_equal(&a->addr, &b->addr);
	/* The case of an interface's name counts. */
	if (a->is_scoped || b->is_scoped)
		return a->port == b->port && strcmp(a->host, b->host) == 0;
	return a->port == b->port && strcasecmp(a->host, b->host) == 0;
}

bool conf_peer_lacks_link(const struct conf_peer *peer)
{
	return peer->is_addr && addr_is_link_local(&peer->addr) &&
	       peer->addr.scope == 0;
}
