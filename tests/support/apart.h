/* For tests of legs: a and b do not reach each other, and a third host carries. */
#ifndef TAPD_TESTS_APART_H
#define TAPD_TESTS_APART_H

#include "support/three.h"

/* What passes between a and b is lost while this is true; then hosts.judge is
 * keep_apart. */
extern bool apart;
enum fate keep_apart(struct hosts *hosts, struct flight *f);

/* So many hosts that exchange peers, a and b of them kept apart; none is started. */
void apart_init(size_t count);

/* For hosts_until: a and b are up for each other, each by a leg. */
bool are_relayed(const struct hosts *hosts);

#endif
