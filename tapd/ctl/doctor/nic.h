/* Counters of a network card by name, as ethtool -S shows them. */
#ifndef TAPD_CTL_DOCTOR_NIC_H
#define TAPD_CTL_DOCTOR_NIC_H

#include "tapd/ctl/doctor/facts.h"

/* Whether a counter of this name is of use. */
typedef bool nic_wanted(const char *name);

/* The cloud's limits: "pps_allowance_exceeded" (ENA). */
bool nic_is_judged(const char *name);

/* Adds those that are wanted to the sample, as far as it has room. A card without
 * any, or one that is no card, adds none. Needs no rights. */
void nic_counters(const char *card, nic_wanted *wanted, struct sample *s);

#endif
