/* The kinds of lists: addresses, listeners, keys, peers, names. */
#ifndef TAPD_CONF_LISTS_H
#define TAPD_CONF_LISTS_H

#include "tapd/conf/reader.h"

extern const struct conf_type conf_type_prefixes;
extern const struct conf_type conf_type_listens;
extern const struct conf_type conf_type_keys;
extern const struct conf_type conf_type_peers;
extern const struct conf_type conf_type_names;

#endif
