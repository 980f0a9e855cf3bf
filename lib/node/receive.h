/* What the receiving side needs of a node that is being made. */
#ifndef TAPD_NODE_RECEIVE_H
#define TAPD_NODE_RECEIVE_H

#include "ether/merge.h"

extern const struct merge_ops node_merge_ops;

#endif
