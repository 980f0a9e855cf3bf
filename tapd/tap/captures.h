/* Who captures IP on an interface: the packet sockets of /proc/net/packet. */
#ifndef TAPD_TAP_CAPTURES_H
#define TAPD_TAP_CAPTURES_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The kernel lists each packet socket of a network namespace with the ethertype it
 * takes (3: every one), the index of its interface (0: every one) and whether it is
 * bound. Of those that are, one that takes IP, or every frame, or frames with a VLAN
 * tag is a capture: tcpdump, or a switch in user space. Keepalived's own, for ARP
 * (8035), LLDP agents' (88cc) and the like see no IP.
 */
struct capture {
	uint16_t protocol; /* the ethertype; 0: nobody captures */
	unsigned index;	   /* the interface's; 0: every one */
};

/* The list of the namespace that the calling thread is in: a descriptor that goes on
 * being that namespace's. -errno where /proc hides it (ProcSubset=pid). */
int captures_open(void);

/* Whether a capture on the interface with this index is one that counts. */
typedef bool captures_counts(void *user, unsigned index);

/* Reads the list anew, up to the first capture that counts: in *found, or nobody.
 * 0 or -errno: then nobody is found. */
int captures_find(int fd, captures_counts *counts, void *user,
		  struct capture *found);

#endif
