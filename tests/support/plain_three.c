/* For tests of plain nodes: the three hosts of three.h speak VXLAN, or GRE. */
#include "support/plain_three.h"

#include <check.h>
#include <string.h>

#include "plain/gre.h"
#include "plain/vxlan.h"
#include "support/stations.h"

static void make_plain(enum node_encapsulation encapsulation)
{
	three_setup_stations();
	for (size_t i = 0; i < h.count; i++) {
		struct node_config *config = &h.host[i].config;

		h.host[i].addrs[0].port = NODE_VXLAN_PORT;
		config->encapsulation = encapsulation;
		config->network_id = PLAIN_VNI;
		config->network_id_set = true;
		config->secrets_count = 0;
		memset(config->private_key, 0, sizeof(config->private_key));
		config->tap_mtu = 1450;
		config->tap_mac[0] = 2;
		config->tap_mac[5] = (uint8_t)(0x10 + i);
	}
}

void plain_setup(void)
{
	make_plain(NODE_VXLAN);
}

void plain_setup_gre(void)
{
	make_plain(NODE_GRE);
}

void plain_mesh(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct addr others[HOSTS_MAX];
		size_t n = 0;

		for (size_t j = 0; j < count; j++)
			if (j != i)
				others[n++] = h.host[j].addrs[0];
		station_start(&h.host[i]);
		host_want(&h.host[i], others, n);
	}
}

void plain_mesh_asked(size_t count)
{
	plain_mesh(count);
	hosts_run(&h, 3 * CLOCK_S);
}

size_t plain_wrap(const struct host *as, uint8_t *out, size_t size,
		  const uint8_t *frame, size_t len)
{
	const struct node_config *config = &as->config;
	size_t header = VXLAN_LEN;

	ck_assert_uint_le(len + GRE_LEN_MAX, size);
	if (config->encapsulation == NODE_GRE)
		header = gre_put(out, config->network_id_set,
				 config->network_id);
	else
		vxlan_put(out, config->network_id);
	memcpy(out + header, frame, len);
	return header + len;
}

void plain_send_from(struct host *to, const struct addr *from,
		     const uint8_t *frame, size_t len)
{
	const struct way way = { .remote = *from, .local = to->addrs[0] };
	static uint8_t bytes[70000];

	host_receive_way(to, &way, bytes,
			 plain_wrap(to, bytes, sizeof(bytes), frame, len));
}

struct node_peer_info plain_info(const struct host *host, const struct host *of)
{
	return host_shows(host, &of->addrs[0]);
}

size_t plain_peers_count(const struct host *host)
{
	struct node_peer_info info;
	struct node_iter at = { 0 };
	size_t count = 0;

	while (node_next_peer(host->node, &at, &info))
		count++;
	return count;
}
