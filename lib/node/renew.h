/* All keys anew: at once and for good, or one after the other. */
#ifndef TAPD_NODE_RENEW_H
#define TAPD_NODE_RENEW_H

#include "node/control.h"

/* Renewals are spread over this long, and old keys wiped this long after the new
 * ones are in use: SESSION_BRIEF_US. */
#define RENEW_SPREAD_US (10 * CLOCK_S)
/* Between two renewals of one peer's session. */
#define RENEW_PAUSE_US (60 * CLOCK_S)

extern const struct control renew_control;

#endif
