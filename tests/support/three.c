/* For tests of nodes: what most of them begin with. */
#include "support/three.h"

#include "support/stations.h"

struct hosts h;
struct host *const a = &h.host[0], *const b = &h.host[1], *const c = &h.host[2];

const struct addr stranger = { .ip = { [10] = 0xff, 0xff, 198, 51, 100, 1 },
			       .port = 1234 };
const struct addr elsewhere = { .ip = { [10] = 0xff, 0xff, 10, 9, 0, 99 },
				.port = 4444 };

const struct group g1 = { .ip = { [10] = 0xff, 0xff, 239, 1, 1, 1 } },
		   g2 = { .ip = { [10] = 0xff, 0xff, 239, 1, 1, 2 } },
		   g3 = { .ip = { [10] = 0xff, 0xff, 239, 1, 1, 3 } };

struct addr v6_of(uint8_t n)
{
	return (struct addr){ .ip = { 0xfd, [15] = n }, .port = NODE_PORT };
}

void three_setup(void)
{
	hosts_init(&h, 3);
}

void three_setup_stations(void)
{
	hosts_init(&h, 3);
	stations_init(&h);
}

void three_setup_pair(void)
{
	three_setup_stations();
	stations_mesh(&h, 2);
}

void three_setup_mesh(void)
{
	three_setup_stations();
	stations_mesh(&h, 3);
}

void three_teardown(void)
{
	stations_free(&h);
	hosts_free(&h);
}

void start_pair(void)
{
	host_start(a);
	host_start(b);
	host_dial(a, b);
	host_dial(b, a);
}

void arrive(void)
{
	hosts_run(&h, 2 * h.latency_us);
}
