/* A relay that passes probes and loses the rest is left. */
#ifndef TAPD_NODE_PATH_LOSS_H
#define TAPD_NODE_PATH_LOSS_H

#include "node/peer.h"

extern const struct control path_loss_control;

#endif
