/* The multicast MACs an interface listens to: /proc/net/dev_mcast. */
#ifndef TAPD_TAP_LISTENERS_H
#define TAPD_TAP_LISTENERS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * The kernel's own list, of the host's joins and those of what sits on the
 * interface (VLANs, macvlans): who joined shows here even if a firewall
 * swallows the report.
 */
struct listeners;

/* NULL if memory is short. */
struct listeners *listeners_new(void);
void listeners_free(struct listeners *l);

/* Reads what the interface with this index listens to. 0 or -errno: then there
 * are none. */
int listeners_read(struct listeners *l, unsigned index);
/* The same from an open file. */
int listeners_parse(struct listeners *l, FILE *f, unsigned index);
/* The MACs, 6 bytes each, one after the other, as last read. */
const uint8_t *listeners_macs(const struct listeners *l, size_t *count);

#endif
