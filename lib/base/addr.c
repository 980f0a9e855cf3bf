#include "base/addr.h"

#include <arpa/inet.h> /* inet_pton: a conversion, no I/O */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

static const uint8_t v4_mapped[12] = { [10] = 0xff, [11] = 0xff };

struct addr addr_v4(uint32_t ip, uint16_t port)
{
	struct addr a = { .port = port };

	memcpy(a.ip, v4_mapped, sizeof(v4_mapped));
	store_be32(a.ip + 12, ip);
	return a;
}

bool addr_is_v4(const struct addr *a)
{
	return memcmp(a->ip, v4_mapped, sizeof(v4_mapped)) == 0;
}

bool addr_is_loopback(const struct addr *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	if (addr_is_v4(a))
		return a->ip[12] == 127;
	return memcmp(a->ip, one, sizeof(one)) == 0;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return memcmp(a->ip, b->ip, sizeof(a->ip)) == 0 &&
	       a->scope == b->scope && a->port == b->port && a->leg == b->leg;
}

bool addr_is_any(const struct addr *a)
{
	static const uint8_t any[16];

	return memcmp(a->ip, any, sizeof(any)) == 0 ||
	       (addr_is_v4(a) && load_be32(a->ip + 12) == 0);
}

bool addr_is_unicast(const struct addr *a)
{
	if (addr_is_any(a))
		return false;
	if (addr_is_v4(a)) {
		uint32_t ip = load_be32(a->ip + 12);

		return ip != UINT32_MAX && ip >> 28 != 0xe;
	}
	return a->ip[0] != 0xff;
}

void addr_key(const struct addr *a, uint8_t key[ADDR_KEY_LEN])
{
	memcpy(key, a->ip, 16);
	store_be32(key + 16, a->scope);
	store_be16(key + 20, a->port);
	store_be32(key + 22, a->leg);
}

/* A span of text: from `at`, `len` characters, no NUL. */
struct span {
	const char *at;
	size_t len;
};

/* Decimal, without sign, space or leading zeros, at most max. */
static bool parse_number(struct span s, uint32_t max, uint32_t *out)
{
	uint64_t v = 0;

	if (s.len == 0 || s.len > 10 || (s.at[0] == '0' && s.len > 1))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(s.at[i] - '0');
	}
	*out = (uint32_t)v;
	return v <= max;
}

static bool parse_port(struct span s, uint16_t *port)
{
	uint32_t v;

	if (!parse_number(s, UINT16_MAX, &v) || v == 0)
		return false;
	*port = (uint16_t)v;
	return true;
}

/* An address without its scope; port and scope stay as they are. */
static bool parse_ip(struct addr *a, int family, struct span s)
{
	char text[INET6_ADDRSTRLEN];

	if (s.len >= sizeof(text))
		return false;
	memcpy(text, s.at, s.len);
	text[s.len] = '\0';
	if (family == AF_INET6)
		return inet_pton(AF_INET6, text, a->ip) == 1;
	memcpy(a->ip, v4_mapped, sizeof(v4_mapped));
	return inet_pton(AF_INET, text, a->ip + 12) == 1;
}

bool addr_is_link_local(const struct addr *a)
{
	return a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

/* "fd00::2" or "fe80::1%3". */
static bool parse_v6(struct addr *a, struct span s)
{
	const char *percent = memchr(s.at, '%', s.len);
	struct span scope;

	if (!percent)
		return parse_ip(a, AF_INET6, s);
	scope.at = percent + 1;
	scope.len = s.len - (size_t)(scope.at - s.at);
	s.len = (size_t)(percent - s.at);
	return parse_ip(a, AF_INET6, s) && addr_is_link_local(a) &&
	       parse_number(scope, UINT32_MAX, &a->scope) && a->scope != 0;
}

/* "[fd00::2]" or "[fd00::2]:8273", from after the bracket. */
static bool parse_bracketed(struct addr *a, struct span s)
{
	const char *end = memchr(s.at, ']', s.len);
	struct span rest;

	if (!end)
		return false;
	rest.at = end + 1;
	rest.len = s.len - (size_t)(rest.at - s.at);
	s.len = (size_t)(end - s.at);
	if (!parse_v6(a, s))
		return false;
	if (rest.len == 0)
		return true;
	rest.len--;
	return *rest.at++ == ':' && parse_port(rest, &a->port);
}

static bool parse(struct addr *a, struct span s)
{
	const char *colon = memchr(s.at, ':', s.len);
	struct span port;

	if (s.len > 0 && s.at[0] == '[')
		return parse_bracketed(a, (struct span){ s.at + 1, s.len - 1 });
	if (!colon)
		return parse_ip(a, AF_INET, s);
	port.at = colon + 1;
	port.len = s.len - (size_t)(port.at - s.at);
	if (memchr(port.at, ':', port.len))
		return parse_v6(a, s); /* two colons: no IPv4 has them */
	s.len = (size_t)(colon - s.at);
	return parse_ip(a, AF_INET, s) && parse_port(port, &a->port);
}

bool addr_parse(struct addr *out, const char *text, uint16_t default_port)
{
	struct span s = { text, strnlen(text, ADDR_STRLEN) };
	struct addr a = { .port = default_port };

	*out = (struct addr){ 0 };
	if (!parse(&a, s) || a.port == 0)
		return false;
	*out = a;
	return true;
}

/* The longest run of two or more zero groups, the first of equals. */
static void find_zeros(const uint8_t ip[16], size_t *start, size_t *len)
{
	*start = *len = 0;
	for (size_t i = 0; i < 8; i++) {
		size_t n = 0;

		while (i + n < 8 && load_be16(ip + 2 * (i + n)) == 0)
			n++;
		if (n >= 2 && n > *len) {
			*start = i;
			*len = n;
		}
	}
}

/* RFC 5952, section 4. Not inet_ntop: glibc's prints ::1:2 as ::0.1.0.2. */
static size_t print_v6(const struct addr *a, char *buf, size_t size)
{
	size_t zeros, zeros_len, n = 0;

	find_zeros(a->ip, &zeros, &zeros_len);
	for (size_t i = 0; i < 8; i++) {
		if (zeros_len && i == zeros) {
			n += (size_t)snprintf(buf + n, size - n, "::");
			i += zeros_len - 1;
			continue;
		}
		if (i > 0 && buf[n - 1] != ':')
			buf[n++] = ':';
		n += (size_t)snprintf(buf + n, size - n, "%x",
				      load_be16(a->ip + 2 * i));
	}
	if (a->scope)
		n += (size_t)snprintf(buf + n, size - n, "%%%u", a->scope);
	return n;
}

static size_t print_host(const struct addr *a, char *buf, size_t size)
{
	const uint8_t *b = a->ip + 12;

	if (!addr_is_v4(a))
		return print_v6(a, buf, size);
	return (size_t)snprintf(buf, size, "%u.%u.%u.%u", b[0], b[1], b[2],
				b[3]);
}

const char *addr_print_host(const struct addr *a, char buf[ADDR_STRLEN])
{
	print_host(a, buf, ADDR_STRLEN);
	return buf;
}

const char *addr_print(const struct addr *a, char buf[ADDR_STRLEN])
{
	bool v4 = addr_is_v4(a);
	size_t n = 0;

	if (a->port == 0)
		return addr_print_host(a, buf);
	if (!v4)
		buf[n++] = '[';
	n += print_host(a, buf + n, ADDR_STRLEN - n);
	snprintf(buf + n, ADDR_STRLEN - n, "%s:%u", v4 ? "" : "]", a->port);
	return buf;
}

static bool parse_prefix(struct prefix *p, const char *text)
{
	struct span host = { text, strnlen(text, PREFIX_STRLEN) };
	const char *slash = memchr(text, '/', host.len);
	struct span bits;
	int family = AF_INET;
	uint32_t len;

	if (!slash)
		return false;
	bits.at = slash + 1;
	bits.len = host.len - (size_t)(bits.at - host.at);
	host.len = (size_t)(slash - host.at);
	if (memchr(host.at, ':', host.len))
		family = AF_INET6;
	if (!parse_ip(&p->addr, family, host) ||
	    !parse_number(bits, addr_is_v4(&p->addr) ? 32 : 128, &len))
		return false;
	p->len = (uint8_t)len;
	return true;
}

bool prefix_parse(struct prefix *out, const char *text)
{
	struct prefix p = { 0 };
	bool ok = parse_prefix(&p, text);

	*out = ok ? p : (struct prefix){ 0 };
	return ok;
}

const char *prefix_print(const struct prefix *p, char buf[PREFIX_STRLEN])
{
	size_t n = print_host(&p->addr, buf, PREFIX_STRLEN);

	snprintf(buf + n, PREFIX_STRLEN - n, "/%u", p->len);
	return buf;
}

bool prefix_contains(const struct prefix *p, const struct addr *a)
{
	size_t bits = p->len;

	if (addr_is_v4(&p->addr) != addr_is_v4(a))
		return false;
	if (addr_is_v4(a))
		bits += 96;
	if (memcmp(p->addr.ip, a->ip, bits / 8) != 0)
		return false;
	return bits % 8 == 0 ||
	       (p->addr.ip[bits / 8] ^ a->ip[bits / 8]) >> (8 - bits % 8) == 0;
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return addr_equal(&a->addr, &b->addr) && a->len == b->len;
}
