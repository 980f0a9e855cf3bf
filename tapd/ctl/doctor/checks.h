/* What is judged, by subject: each takes facts and adds what it finds. */
#ifndef TAPD_CTL_DOCTOR_CHECKS_H
#define TAPD_CTL_DOCTOR_CHECKS_H

#include "tapd/ctl/doctor/diagnosis.h"
#include "tapd/ctl/doctor/facts.h"

/* interface.c: is it there, who else has a hand on it */
void check_interface(const struct facts *f, struct diagnosis *d);
/* overlap.c: networks that are in two places */
void check_overlap(const struct facts *f, struct diagnosis *d);
/* multicast.c: rp_filter, the multicast route, memberships */
void check_multicast(const struct facts *f, struct diagnosis *d);
/* kernel_tables.c: neighbours, connection tracking */
void check_kernel_tables(const struct facts *f, struct diagnosis *d);
/* ufw.c, firewalld.c: whether they let in what comes by the interface */
void check_ufw(const struct facts *f, struct diagnosis *d);
void check_firewalld(const struct facts *f, struct diagnosis *d);
/* machine.c: CPUs, kernel, clock, files */
void check_machine(const struct facts *f, struct diagnosis *d);
/* growth.c: what grew between the two samples */
void check_growth(const struct facts *f, struct diagnosis *d);
/* service.c: tapd's unit */
void check_service(const struct facts *f, struct diagnosis *d);
/* keepalived.c: its configuration */
void check_keepalived(const struct facts *f, struct diagnosis *d);
/* peers.c: why they are not up */
void check_peers(const struct facts *f, struct diagnosis *d);
/* datagrams.c: how large they may be */
void check_datagrams(const struct facts *f, struct diagnosis *d);

#endif
