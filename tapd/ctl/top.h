/* tapctl top: the busiest peers, on a terminal until q is pressed. */
#ifndef TAPD_CTL_TOP_H
#define TAPD_CTL_TOP_H

#include "tapd/ctl/options.h"

/* Without a terminal it prints one table, or with -j its rows. Returns tapctl's exit
 * status. */
int top(const struct options *o);

#endif
