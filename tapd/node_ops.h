/* What the node asks of its owner, done by this daemon. */
#ifndef TAPD_NODE_OPS_H
#define TAPD_NODE_OPS_H

#include "node/node.h"

/* With a struct daemon as user. */
extern const struct node_ops daemon_node_ops;

#endif
