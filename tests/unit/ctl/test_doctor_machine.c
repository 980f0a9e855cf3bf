/* What is found about the machine: its CPUs, kernel, clock, files and counters. */
#include "support/main.h"
#include "unit/ctl/doctor_help.h"

static char texts[2][512];

/* The two samples of /proc/stat, of a host with so many CPUs. */
static void stats(const char *before, const char *after, unsigned cpus)
{
	const char *const lines[] = { before, after };

	for (int i = 0; i < FACTS_SAMPLES; i++) {
		size_t len = (size_t)snprintf(texts[i], sizeof(texts[i]),
					      "%s\n", lines[i]);

		for (unsigned cpu = 0; cpu < cpus; cpu++)
			len += (size_t)snprintf(texts[i] + len,
						sizeof(texts[i]) - len,
						"cpu%u 1 2 3\n", cpu);
		facts.samples[i].stat = texts[i];
	}
}

START_TEST(a_sound_machine)
{
	stats("cpu  100 0 50 1000 0 0 0 10 0 0",
	      "cpu  150 0 70 1100 0 0 0 15 0 0", 2);
	plant("/proc/sys/kernel/osrelease", "6.2.0-1-amd64\n");
	plant("/etc/tapd/secret", "x\n");
	ck_assert_int_eq(chmod("./etc/tapd/secret", 0640), 0);
	facts.status = json_of("{\"aead\": \"ipsec-mb\", \"offload\":"
			       " {\"tap\": \"all\", \"merge\": \"none\","
			       " \"send\": \"all\", \"receive\": \"all\"}}");
	assert_finds(check_machine, "");
	assert_finds(check_growth, "");
}
END_TEST

START_TEST(a_host_of_one_cpu)
{
	stats("cpu 1 2 3", "cpu 1 2 3", 1);
	assert_finds(check_machine, "one-cpu: this host has one CPU\n");
	stats("cpu 1 2 3", "cpu 1 2 3", 12);
	assert_finds(check_machine, "");
}
END_TEST

START_TEST(a_kernel_that_is_old)
{
	plant("/proc/sys/kernel/osrelease", "5.15.0-91-generic\n");
	assert_finds(check_machine, "kernel-old: this kernel is 5.15\n");
	plant("/proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
	assert_finds(check_machine, "kernel-old: this kernel is 6.1\n");
	plant("/proc/sys/kernel/osrelease", "6.12.1\n");
	assert_finds(check_machine, "");
	plant("/proc/sys/kernel/osrelease", "unknown\n");
	assert_finds(check_machine, "");
}
END_TEST

START_TEST(a_clock_that_nobody_keeps)
{
	facts.clock_unsynchronised = true;
	assert_finds(check_machine, "clock-unsynchronised: nothing keeps this"
				    " host's clock right\n");
}
END_TEST

START_TEST(an_image_without_a_machine_id)
{
	static const char found[] =
		"machine-id-missing: /etc/machine-id has no ID\n";

	plant("/etc/machine-id", "uninitialized\n");
	assert_finds(check_machine, found);
	plant("/etc/machine-id", "00000000000000000000000000000000\n");
	assert_finds(check_machine, found);
	plant("/etc/machine-id", "00000000000000000000000000000001\n");
	assert_finds(check_machine, "");
	ck_assert_int_eq(remove("./etc/machine-id"), 0);
	assert_finds(check_machine, found);
}
END_TEST

START_TEST(a_secret_that_others_may_read)
{
	plant("/etc/tapd/secret", "x\n");
	ck_assert_int_eq(chmod("./etc/tapd/secret", 0644), 0);
	assert_finds(check_machine,
		     "secret-readable: /etc/tapd/secret is open to every user"
		     " of this host (0644)\n");
	facts.settings = json_of("{\"secret_file\": \"/srv/secret\"}");
	assert_finds(check_machine, "");
	plant("/srv/secret", "x\n");
	ck_assert_int_eq(chmod("./srv/secret", 0602), 0);
	assert_finds(check_machine, "secret-readable: /srv/secret is open to"
				    " every user of this host (0602)\n");
}
END_TEST

START_TEST(what_is_slower_than_it_could_be)
{
	facts.status = json_of("{\"aead\": \"openssl\", \"offload\":"
			       " {\"tap\": \"tso\", \"merge\": \"all\","
			       " \"send\": \"batch\", \"receive\": \"all\"}}");
#ifdef __x86_64__
	assert_finds(check_machine,
		     "sealing-slow: frames are sealed by openssl\n"
		     "offload-low: less than all is left to the kernel:"
		     " tap tso, send batch\n");
#else
	assert_finds(check_machine,
		     "offload-low: less than all is left to the kernel:"
		     " tap tso, send batch\n");
#endif
}
END_TEST

START_TEST(gre_leaves_what_it_can_to_the_kernel)
{
	facts.status = json_of("{\"aead\": null, \"encapsulation\": \"gre\","
			       " \"offload\": {\"tap\": \"all\", \"merge\":"
			       " \"all\", \"send\": \"batch\", \"receive\":"
			       " \"batch\"}}");
	assert_finds(check_machine, "");
}
END_TEST

START_TEST(cpu_time_that_is_stolen)
{
	stats("cpu  100 0 50 1000 0 0 0 10 0 0",
	      "cpu  150 0 90 1090 0 0 0 30 0 0", 2);
	assert_finds(check_growth, "cpu-steal: the hypervisor gives 10 % of"
				   " this host's CPU time to others\n");
	/* Before Linux 2.6.11 there was no such column. */
	stats("cpu  100 0 50 1000", "cpu  150 0 90 1090", 2);
	assert_finds(check_growth, "");
}
END_TEST

static char snmp[] = "Ip: Forwarding DefaultTTL\nIp: 1 64\n"
		     "Udp: InDatagrams NoPorts InErrors OutDatagrams "
		     "RcvbufErrors SndbufErrors\nUdp: 10 1 5 12 5 0\n"
		     "UdpLite: InDatagrams RcvbufErrors\nUdpLite: 0 77\n";
static char snmp_grown[] = "Ip: Forwarding DefaultTTL\nIp: 1 64\n"
			   "Udp: InDatagrams NoPorts InErrors OutDatagrams "
			   "RcvbufErrors SndbufErrors\nUdp: 10 1 5 12 9 0\n";
static char snmp6[] = "Udp6InErrors  8\nUdp6RcvbufErrors   \t3\n";
static char snmp6_grown[] = "Udp6InErrors  8\nUdp6RcvbufErrors   \t10\n";

START_TEST(udp_buffers_that_overflow)
{
	facts.samples[0].snmp = facts.samples[1].snmp = snmp;
	facts.samples[0].snmp6 = facts.samples[1].snmp6 = snmp6;
	assert_finds(check_growth, "");
	facts.samples[1].snmp = snmp_grown;
	assert_finds(check_growth,
		     "udp-overflow: 4 datagrams overflowed UDP receive buffers"
		     " within a second (RcvbufErrors)\n");
	facts.samples[1].snmp6 = snmp6_grown;
	assert_finds(check_growth,
		     "udp-overflow: 11 datagrams overflowed UDP receive"
		     " buffers within a second (RcvbufErrors)\n");
}
END_TEST

static void counter(int sample, const char *name, uint64_t value)
{
	struct sample *s = &facts.samples[sample];
	struct nic_counter *c = &s->nic[s->nic_count++];

	snprintf(c->card, sizeof(c->card), "ens5");
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->value = value;
}

START_TEST(what_ec2_allows_a_card)
{
	counter(FACTS_BEFORE, "bw_in_allowance_exceeded", 0);
	counter(FACTS_BEFORE, "pps_allowance_exceeded", 17);
	counter(FACTS_BEFORE, "conntrack_allowance_exceeded", 3);
	counter(FACTS_BEFORE, "conntrack_allowance_available", 1000);
	counter(FACTS_AFTER, "bw_in_allowance_exceeded", 0);
	counter(FACTS_AFTER, "pps_allowance_exceeded", 29);
	counter(FACTS_AFTER, "conntrack_allowance_exceeded", 3);
	counter(FACTS_AFTER, "conntrack_allowance_available", 2000);
	assert_finds(check_growth,
		     "allowance-exceeded: ens5: pps_allowance_exceeded grew by"
		     " 12 within a second: packets are dropped or delayed\n"
		     "allowance-was-exceeded: ens5:"
		     " conntrack_allowance_exceeded is 3 since the card was"
		     " started\n");
}
END_TEST

START_TEST(a_card_that_came_between_the_samples)
{
	counter(FACTS_AFTER, "pps_allowance_exceeded", 29);
	assert_finds(check_growth,
		     "allowance-was-exceeded: ens5: pps_allowance_exceeded is"
		     " 29 since the card was started\n");
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("machine", .setup = doctor_setup,
		  .teardown = doctor_teardown),
	UNIT_TEST(a_sound_machine),
	UNIT_TEST(a_host_of_one_cpu),
	UNIT_TEST(a_kernel_that_is_old),
	UNIT_TEST(a_clock_that_nobody_keeps),
	UNIT_TEST(an_image_without_a_machine_id),
	UNIT_TEST(a_secret_that_others_may_read),
	UNIT_TEST(what_is_slower_than_it_could_be),
	UNIT_TEST(gre_leaves_what_it_can_to_the_kernel),
	UNIT_TEST(cpu_time_that_is_stolen),
	UNIT_TEST(udp_buffers_that_overflow),
	UNIT_TEST(what_ec2_allows_a_card),
	UNIT_TEST(a_card_that_came_between_the_samples),
};

UNIT_MAIN("doctor_machine", tests)
