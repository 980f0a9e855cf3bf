#include "tapd/discover/hosts.h"

size_t hosts_addresses(const struct conf_peer *peers, size_t count,
		       const struct resolve *resolve, struct addr *out,
		       uint16_t *hosts, size_t max)
{
	size_t n = 0, first;

	for (size_t i = 0; i < count && n < max; i++)
		if (peers[i].is_addr)
			out[n++] = peers[i].addr;
	for (size_t i = 0; i < n; i++)
		hosts[i] = (uint16_t)i;
	first = n;
	n += resolve_addresses(resolve, out + n, hosts + n, max - n);
	for (size_t i = first; i < n; i++)
		hosts[i] = (uint16_t)(hosts[i] + first);
	return n;
}
