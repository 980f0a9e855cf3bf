/* Explicit congestion notification: RFC 3168. */
#ifndef TAPD_ETHER_ECN_H
#define TAPD_ETHER_ECN_H

#include <stdbool.h>

#include "ether/eth.h"

/* Marks an IP packet as one that met congestion, if its transport said that it
 * understands: true, also where somebody marked it before. Otherwise nothing
 * changes. */
bool ecn_mark(const struct eth_view *v, uint8_t *frame);

#endif
