#include "tapd/ctl/doctor/collect.h"

#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

#include "tapd/ctl/doctor/host.h"
#include "tapd/ctl/doctor/nic.h"
#include "tapd/ctl/doctor/program.h"
#include "tapd/ctl/doctor/way.h"

#define PATIENCE_MS 2000

static void take_sample(struct facts *f, struct sample *s)
{
	s->stat = host_text(f->root, "/proc/stat");
	s->snmp = host_text(f->root, "/proc/net/snmp");
	s->snmp6 = host_text(f->root, "/proc/net/snmp6");
	for (size_t i = 0; i < f->net.links_count; i++)
		if (f->net.links[i].up)
			nic_counters(f->net.links[i].name, nic_is_judged, s);
}

static bool clock_is_unsynchronised(void)
{
	struct timex t = { .modes = 0 }; /* only reads */

	return adjtimex(&t) == TIME_ERROR || (t.status & STA_UNSYNC);
}

/* Static: what program_output returns has to stay. */
static const char *ask_network_manager(const struct facts *f)
{
	static char state[128];
	const char *words[] = { "nmcli",  "-g",	  "GENERAL.STATE",
				"device", "show", f->interface,
				NULL };

	if (!f->tap || !host_runs(f->root, "NetworkManager"))
		return "";
	program_output(words, PATIENCE_MS, state, sizeof(state));
	state[strcspn(state, "\n")] = '\0';
	return state;
}

void collect_facts(struct facts *f)
{
	const struct addr group = addr_v4(0xef010203, 0); /* 239.1.2.3 */
	const struct timespec second = { .tv_sec = 1 };

	f->net_known = hostnet_take(&f->net);
	f->tap = hostnet_link_named(&f->net, f->interface);
	take_sample(f, &f->samples[FACTS_BEFORE]);
	f->multicast_index = way_out_to(&group, 0, 0).index;
	f->clock_unsynchronised = clock_is_unsynchronised();
	f->manager = ask_network_manager(f);
	nanosleep(&second, NULL);
	take_sample(f, &f->samples[FACTS_AFTER]);
}

void facts_free(struct facts *f)
{
	for (int i = 0; i < FACTS_SAMPLES; i++) {
		free(f->samples[i].stat);
		free(f->samples[i].snmp);
		free(f->samples[i].snmp6);
	}
	hostnet_free(&f->net);
}
