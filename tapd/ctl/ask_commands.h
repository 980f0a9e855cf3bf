/* tapctl's commands that ask other hosts: ping, test, mesh. */
#ifndef TAPD_CTL_ASK_COMMANDS_H
#define TAPD_CTL_ASK_COMMANDS_H

#include "tapd/ctl/options.h"

#define ASK_PINGS_MAX 100000
#define ASK_TESTS_MAX 100

/* Each returns tapctl's exit status. */
int ask_ping(const struct options *o);
int ask_test(const struct options *o);
int ask_mesh(const struct options *o);

#endif
