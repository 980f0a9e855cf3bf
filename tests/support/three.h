/* For tests of nodes: what most of them begin with. */
#ifndef TAPD_TESTS_THREE_H
#define TAPD_TESTS_THREE_H

#include "ether/group.h"
#include "support/hosts.h"

/* Three hosts, all off, and the network between them. */
extern struct hosts h;
extern struct host *const a, *const b, *const c;

/* Of no host: the attacker's. 198.51.100.1 is from without, 10.9.0.99 from within
 * their network. */
extern const struct addr stranger, elsewhere;

/* [fd00::n]:8273 */
struct addr v6_of(uint8_t n);

/* 239.1.1.1, .2 and .3. */
extern const struct group g1, g2, g3;

/* Checked fixture; with a station behind each TAP; and with two or all three up. */
void three_setup(void);
void three_setup_stations(void);
void three_setup_pair(void);
void three_setup_mesh(void);
void three_teardown(void);

/* a and b dial each other, as two hosts with one list of peers do. */
void start_pair(void);
/* Until what was said has arrived. */
void arrive(void);

#endif
