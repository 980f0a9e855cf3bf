/* Keys that nobody knows, and which one was meant. */
#ifndef TAPD_CONF_UNKNOWN_H
#define TAPD_CONF_UNKNOWN_H

#include <stdbool.h>

#include "tapd/conf/reader.h"

/* False after conf_fail. */
bool conf_check_known(struct conf_reader *r);

#endif
