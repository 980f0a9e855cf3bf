/* What grew while doctor looked, and what a card counted before. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/ctl/doctor/checks.h"

/* Part of the CPU time that the hypervisor gave to others. */
#define STEAL_WARNING 0.05

/* ---- CPU time ---- */

/* The first line of /proc/stat: "cpu user nice system idle iowait irq softirq
 * steal …", in ticks, the last that counts being steal: guest time is in user
 * already. */
#define TICKS 8

static bool ticks(const char *stat, double *steal, double *all)
{
	const char *end = stat ? strchr(stat, '\n') : NULL;
	const char *at;

	if (!end || strncmp(stat, "cpu ", 4) != 0)
		return false;
	at = stat + strlen("cpu");
	*all = 0;
	for (int i = 0; i < TICKS; i++) {
		char *next;

		*steal = strtod(at, &next);
		if (next == at || next > end)
			return false;
		*all += *steal;
		at = next;
	}
	return true;
}

static void steal(const struct facts *f, struct diagnosis *d)
{
	double stolen[FACTS_SAMPLES], all[FACTS_SAMPLES], part;

	for (int i = 0; i < FACTS_SAMPLES; i++)
		if (!ticks(f->samples[i].stat, &stolen[i], &all[i]))
			return;
	if (all[FACTS_AFTER] <= all[FACTS_BEFORE])
		return;
	part = (stolen[FACTS_AFTER] - stolen[FACTS_BEFORE]) /
	       (all[FACTS_AFTER] - all[FACTS_BEFORE]);
	if (part > STEAL_WARNING)
		diagnosis_add(d, KIND_CPU_STEAL,
			      "the hypervisor gives %.0f %% of this host's CPU"
			      " time to others",
			      100 * part);
}

/* ---- UDP ---- */

/* /proc/net/snmp has two lines for each protocol, of titles and of numbers. */
static uint64_t snmp_number(const char *text, const char *protocol,
			    const char *title)
{
	const char *titles = text ? strstr(text, protocol) : NULL;
	const char *numbers = titles ? strchr(titles, '\n') : NULL;
	const size_t len = strlen(title);

	while (titles && numbers && (titles = strchr(titles, ' ')) != NULL &&
	       (numbers = strchr(numbers, ' ')) != NULL) {
		titles++;
		numbers++;
		if (strncmp(titles, title, len) == 0 &&
		    strchr(" \n", titles[len]))
			return strtoull(numbers, NULL, 10);
	}
	return 0;
}

/* /proc/net/snmp6 has a name and a number on each line. */
static uint64_t snmp6_number(const char *text, const char *name)
{
	const char *at = text ? strstr(text, name) : NULL;

	return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

static uint64_t overflows(const struct sample *s)
{
	return snmp_number(s->snmp, "Udp:", "RcvbufErrors") +
	       snmp6_number(s->snmp6, "Udp6RcvbufErrors");
}

static void udp(const struct facts *f, struct diagnosis *d)
{
	uint64_t before = overflows(&f->samples[FACTS_BEFORE]);
	uint64_t after = overflows(&f->samples[FACTS_AFTER]);

	if (after > before)
		diagnosis_add(d, KIND_UDP_OVERFLOW,
			      "%" PRIu64 " datagrams overflowed UDP receive"
			      " buffers within a second (RcvbufErrors)",
			      after - before);
}

/* ---- what the cloud allows a card ---- */

static bool is_allowance(const char *name)
{
	return strstr(name, "_allowance_exceeded") != NULL;
}

static void allowances(const struct facts *f, struct diagnosis *d)
{
	const struct sample *before = &f->samples[FACTS_BEFORE];
	const struct sample *after = &f->samples[FACTS_AFTER];

	for (size_t i = 0; i < after->nic_count; i++) {
		const struct nic_counter *now = &after->nic[i];
		const struct nic_counter *then = &before->nic[i];

		if (!is_allowance(now->name) || now->value == 0)
			continue;
		if (i < before->nic_count &&
		    strcmp(then->card, now->card) == 0 &&
		    strcmp(then->name, now->name) == 0 &&
		    now->value > then->value)
			diagnosis_add(d, KIND_ALLOWANCE_EXCEEDED,
				      "%s: %s grew by %" PRIu64
				      " within a second: packets are dropped or"
				      " delayed",
				      now->card, now->name,
				      now->value - then->value);
		else
			diagnosis_add(d, KIND_ALLOWANCE_WAS_EXCEEDED,
				      "%s: %s is %" PRIu64
				      " since the card was started",
				      now->card, now->name, now->value);
	}
}

void check_growth(const struct facts *f, struct diagnosis *d)
{
	steal(f, d);
	udp(f, d);
	allowances(f, d);
}
