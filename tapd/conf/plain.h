/* What the configuration may say of a network that is not sealed: VXLAN, GRE. */
#ifndef TAPD_CONF_PLAIN_H
#define TAPD_CONF_PLAIN_H

#include "tapd/conf/reader.h"

/* What must fit together. False after conf_fail. */
bool conf_check_plain(struct conf_reader *r);

#endif
