/* What changes in the tables is told as it happens. */
#ifndef TAPD_NODE_WATCH_H
#define TAPD_NODE_WATCH_H

#include "node/core.h"

/* From now on the node learns of MACs that move. */
void watch_moves(struct node *n);

#endif
