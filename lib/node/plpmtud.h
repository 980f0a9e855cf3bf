/* The search for the largest datagram that a peer's path takes: RFC 8899. */
#ifndef TAPD_NODE_PLPMTUD_H
#define TAPD_NODE_PLPMTUD_H

#include "node/control.h"

extern const struct control plpmtud_control;

#endif
