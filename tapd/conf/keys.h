/* The table behind conf.h: every key there is. */
#ifndef TAPD_CONF_KEYS_H
#define TAPD_CONF_KEYS_H

#include <stddef.h>

#include "tapd/conf/reader.h"

#define CONF_KEYS_MAX 64
extern const struct conf_key conf_keys[];
extern const size_t conf_keys_count;

/* NULL if there is none of that path. */
const struct conf_key *conf_key_find(const char *path);

/* What is wrong with a name, with what to do; NULL: nothing. */
const char *conf_check_interface(const char *text);
const char *conf_check_name(const char *text);

#endif
