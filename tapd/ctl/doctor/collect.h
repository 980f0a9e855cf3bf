/* Gathers the facts: files, netlink, counters. Nothing is changed, and nothing that
 * needs rights is needed. */
#ifndef TAPD_CTL_DOCTOR_COLLECT_H
#define TAPD_CTL_DOCTOR_COLLECT_H

#include "tapd/ctl/doctor/facts.h"

/* Fills in what is asked of the host, root and interface being set; waits until there
 * are two samples, 1 s apart. To be freed with facts_free. */
void collect_facts(struct facts *f);
void facts_free(struct facts *f);

#endif
