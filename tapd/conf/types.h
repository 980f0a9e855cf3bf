/* The kinds of single values: how each is read, checked and printed. */
#ifndef TAPD_CONF_TYPES_H
#define TAPD_CONF_TYPES_H

#include "tapd/conf/reader.h"

extern const struct conf_type conf_type_bool;
extern const struct conf_type conf_type_whole;	/* u16 or unsigned, by size */
extern const struct conf_type conf_type_number; /* double */
extern const struct conf_type conf_type_text;
extern const struct conf_type conf_type_word; /* bool or int, by size */
extern const struct conf_type conf_type_mac;

/* Sets the field to what it is without the key. */
void conf_preset(struct conf *c, const struct conf_key *key);

#endif
