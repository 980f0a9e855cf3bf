/* What peers answer to whoever of ours asked. */
#ifndef TAPD_NODE_ASKING_H
#define TAPD_NODE_ASKING_H

#include "node/control.h"

extern const struct control asking_control;

#endif
