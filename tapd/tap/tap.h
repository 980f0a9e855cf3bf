/* The TAP's file descriptor: made or attached, read in batches, written. */
#ifndef TAPD_TAP_TAP_H
#define TAPD_TAP_TAP_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/frame.h"

/*
 * tuntap frames carry a virtio_net_hdr (IFF_VNET_HDR), which says what the
 * kernel left to us (checksums, segmentation) and what we leave to it. Until
 * tap_set_offload nothing is left to us.
 *
 * An interface made here vanishes with its descriptor until tap_set_persist.
 * Addresses, MTU and the like are link's business.
 */
struct tap;

/* The largest IP packet, an Ethernet header and a VLAN tag. */
#define TAP_FRAME_MAX (18 + 65535)

/*
 * Attaches to the TAP of that name, or makes it. NULL with *error (what is
 * wrong and how to put it right; to be freed): no tun driver, no right, in use
 * by another program, not a TAP, a name Linux does not allow.
 */
struct tap *tap_open(const char *name, char **error);
/*
 * Goes on with a descriptor of that TAP which was kept for us (fdstore.h), and
 * owns it from then on. NULL if it is none: closed, deleted, or another name's.
 */
struct tap *tap_adopt(int fd, const char *name);
/* The name that a descriptor's TAP has now, wherever it is. 0, or -errno if it is
 * none, or deleted. */
int tap_read_name(int fd, char name[IFNAMSIZ]);
/* Closes the descriptor; a TAP that is not persistent goes with it. */
void tap_close(struct tap *t);

/*
 * What the kernel may leave to us in the frames it gives; each level has what is
 * below it. Kernels before 6.2 do not know the last.
 */
enum tap_offload {
	TAP_OFFLOAD_NONE,     /* frames are complete */
	TAP_OFFLOAD_CHECKSUM, /* … but for TCP and UDP checksums */
	TAP_OFFLOAD_TSO,      /* TCP GSO frames */
	TAP_OFFLOAD_ALL,      /* and UDP GSO frames */
};
/* Their names, in order; NULL at the end. */
extern const char *const tap_offload_words[];
/* Asks for as much of this as the kernel has; returns what it is now. */
enum tap_offload tap_set_offload(struct tap *t, enum tap_offload most);

/* Readable (epoll) when frames wait or the interface is gone. */
int tap_fd(const struct tap *t);
/* tap_open made the interface; otherwise it was there before. */
bool tap_was_made(const struct tap *t);
/* False once the interface was deleted under us: close and open again. */
bool tap_is_alive(const struct tap *t);
/* The network namespace that a descriptor's TAP is in now: a descriptor to be closed,
 * or -errno (-EPERM without CAP_NET_ADMIN there; kernels before 5.2 cannot tell). */
int tap_open_netns(int fd);
/* Stamps it (stamp.h): 0 or -errno, -EINVAL if this user namespace has no such
 * number. */
int tap_set_group(struct tap *t, uint32_t group);
/* Whether the interface outlives its descriptor. 0 or -errno. */
int tap_set_persist(struct tap *t, bool persist);
/* What `ip link` shows as NO-CARRIER. 0, or -errno (kernels before 5.0). */
int tap_set_carrier(struct tap *t, bool carrier);

/*
 * Reads a frame to a place that has FRAME_HEADROOM writable bytes before it and room
 * for TAP_FRAME_MAX. Returns its length; 0 for one whose vnet header makes no sense;
 * -EAGAIN if none waits; -EIO if the interface is down; after any other, tap_is_alive
 * tells.
 */
ssize_t tap_read(struct tap *t, uint8_t *frame, struct offload *offload);

/* Writes the frames in order. Returns how many the kernel refused: it is down,
 * or out of memory. */
size_t tap_write(struct tap *t, const struct frame *frames, size_t count);
/* True if a GSO frame, of TCP or of UDP, was refused as invalid: some kernels
 * do not take what they should (6.6.44, and some of 5.15 and 6.1). */
bool tap_refuses_tcp(const struct tap *t);
bool tap_refuses_udp(const struct tap *t);

#endif
