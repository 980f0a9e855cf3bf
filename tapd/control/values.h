/* Values as tapctl shows them, in JSON. */
#ifndef TAPD_CONTROL_VALUES_H
#define TAPD_CONTROL_VALUES_H

#include <jansson.h>
#include <stdint.h>

#include "base/counters.h"
#include "base/key.h"
#include "node/node.h"
#include "tapd/control/rates.h"

/* "peers", "file", …: where hosts are listed, in the order of enum node_source, the
 * exchange of peers last. */
#define VALUE_SOURCES (NODE_SOURCE_COUNT + 1)
extern const char *const value_source_names[VALUE_SOURCES];

/* A new value each; NULL if memory is short. Text that is empty, or is no UTF-8, is
 * null, and so is a number or a time that is 0. */
json_t *value_text(const char *text);
json_t *value_number(uint64_t n);
json_t *value_mac(const uint8_t mac[6]);
json_t *value_key(const struct public_key *key);
json_t *value_counters(const struct counters *c);
json_t *value_rates(const struct traffic_rates *r);
/* Whole seconds between two readings of the clock. */
json_int_t value_seconds(uint64_t now_us, uint64_t then_us);
json_t *value_seconds_or_null(uint64_t now_us, uint64_t then_us);
/* Takes the value; without memory for it the key is missing. */
void value_set(json_t *object, const char *key, json_t *value);

#endif
