#include "support/apart.h"

bool apart;

static bool is_hidden(const struct addr *at)
{
	return addr_equal(at, &a->addrs[0]) || addr_equal(at, &b->addrs[0]);
}

enum fate keep_apart(struct hosts *hosts, struct flight *f)
{
	(void)hosts;
	return apart && is_hidden(&f->from) && is_hidden(&f->to) ? LOSE : PASS;
}

bool are_relayed(const struct hosts *hosts)
{
	return hosts_pair_up(hosts) && host_info(a, b).relayed &&
	       host_info(b, a).relayed;
}

void apart_init(size_t count)
{
	hosts_init(&h, count);
	apart = true;
	h.judge = keep_apart;
	for (size_t i = 0; i < count; i++)
		h.host[i].config.peer_exchange = true;
}
