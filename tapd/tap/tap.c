#include "tapd/tap/tap.h"
#include "ether/vnet.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tapd/common/error.h"
#include "tapd/rights/privileges.h"

#define TUN_DEVICE "/dev/net/tun"

/* A GSO frame of 64 segments, each in up to three pieces. */
#define WRITE_PIECES_MAX 256

struct tap {
	int fd;
	bool made;
	bool refuses_tcp, refuses_udp;
};

static_assert(VNET_HDR_LEN <= FRAME_HEADROOM,
	      "the vnet header is read into the headroom");

static int open_device(const char *name, char **error)
{
	int fd = open(TUN_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		return fd;

	switch (errno) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		error_set(error,
			  "no " TUN_DEVICE ": load the driver (modprobe tun),"
			  " or give the container the device"
			  " (--device " TUN_DEVICE ")");
		break;
	case EACCES:
	case EPERM:
		error_set(error,
			  "may not open " TUN_DEVICE ": run tapd as root; or"
			  " `chmod 0666 " TUN_DEVICE "` and make the TAP with"
			  " `ip tuntap add dev %s mode tap user USER`; in a"
			  " container allow the device (--device " TUN_DEVICE
			  ")",
			  name);
		break;
	default:
		error_set(error, "cannot open " TUN_DEVICE ": %s",
			  strerror(errno));
	}
	return -1;
}

static void explain_refusal(char **error, const char *name, bool existed,
			    int err)
{
	switch (err) {
	case EPERM:
		if (existed)
			error_set(error,
				  "%s: the TAP belongs to another user: make"
				  " it over with `ip tuntap del dev %s mode"
				  " tap; ip tuntap add dev %s mode tap user"
				  " USER`, or give tapd CAP_NET_ADMIN",
				  name, name, name);
		else
			error_set(error,
				  "%s: may not make a TAP: run tapd as root"
				  " or with CAP_NET_ADMIN, or make it first"
				  " with `ip tuntap add dev %s mode tap user"
				  " USER`",
				  name, name);
		break;
	case EBUSY:
		error_set(error,
			  "%s: the TAP is in use by another program (another"
			  " tapd?): stop it, or set another interface.name",
			  name);
		break;
	case EINVAL:
		if (existed)
			error_set(error,
				  "%s: there is an interface of that name,"
				  " but it is no TAP: set another"
				  " interface.name",
				  name);
		else
			error_set(error,
				  "%s: Linux does not allow this name for an"
				  " interface",
				  name);
		break;
	default:
		error_set(error, "%s: cannot make the TAP: %s", name,
			  strerror(err));
	}
}

/*
 * Flags of a TAP made before are updated by this call, so that one made
 * without vnet_hdr can be attached too; only multi_queue must match.
 */
static int attach(int fd, const char *name, bool existed)
{
	struct ifreq request = {
		.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR,
	};

	memcpy(request.ifr_name, name, strlen(name) + 1);
	if (ioctl(fd, TUNSETIFF, &request) == 0)
		return 0;
	if (errno != EINVAL || !existed)
		return -errno;

	request.ifr_flags |= IFF_MULTI_QUEUE;
	return ioctl(fd, TUNSETIFF, &request) == 0 ? 0 : -EINVAL;
}

/* linux/if_tun.h since 6.2. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#define TSO (TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6)

const char *const tap_offload_words[] = {
	[TAP_OFFLOAD_NONE] = "none",
	[TAP_OFFLOAD_CHECKSUM] = "checksum",
	[TAP_OFFLOAD_TSO] = "tso",
	[TAP_OFFLOAD_ALL] = "all",
	NULL,
};

enum tap_offload tap_set_offload(struct tap *t, enum tap_offload most)
{
	/* The first that the kernel takes. */
	static const struct {
		enum tap_offload offload;
		unsigned long flags;
	} levels[] = {
		{ TAP_OFFLOAD_ALL,
		  TSO | TUN_F_TSO_ECN | TUN_F_USO4 | TUN_F_USO6 },
		{ TAP_OFFLOAD_TSO, TSO | TUN_F_TSO_ECN },
		{ TAP_OFFLOAD_TSO, TSO },
		{ TAP_OFFLOAD_CHECKSUM, TUN_F_CSUM },
	};

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (levels[i].offload <= most &&
		    ioctl(t->fd, TUNSETOFFLOAD, levels[i].flags) == 0)
			return levels[i].offload;
	(void)ioctl(t->fd, TUNSETOFFLOAD, 0UL);
	return TAP_OFFLOAD_NONE;
}

/* A TAP made before may have been left otherwise by its last user. */
static int set_header(int fd)
{
	int len = VNET_HDR_LEN, little_endian = 1;

	if (ioctl(fd, TUNSETVNETHDRSZ, &len) < 0)
		return -errno;
	/* Absent from kernels whose only byte order this already is. */
	(void)ioctl(fd, TUNSETVNETLE, &little_endian);
	return ioctl(fd, TUNSETOFFLOAD, 0UL) == 0 ? 0 : -errno;
}

/* Between asking for the name and attaching, somebody else (systemd-networkd at
 * boot) may have made it; one of ours is not persistent yet. */
static bool is_persistent(int fd)
{
	struct ifreq request = { .ifr_flags = 0 };

	return ioctl(fd, TUNGETIFF, &request) == 0 &&
	       (request.ifr_flags & IFF_PERSIST);
}

static struct tap *tap_new(int fd, bool made)
{
	struct tap *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->fd = fd;
	t->made = made;
	return t;
}

struct tap *tap_open(const char *name, char **error)
{
	struct tap *t;
	bool existed;
	int fd, err;

	/* A '%' would be a template to the kernel. */
	if (!*name || strlen(name) >= IFNAMSIZ || strchr(name, '%')) {
		error_set(error,
			  "\"%s\": an interface's name has 1 to %d characters"
			  " and no '%%'",
			  name, IFNAMSIZ - 1);
		return NULL;
	}
	fd = open_device(name, error);
	if (fd < 0)
		return NULL;
	existed = if_nametoindex(name) != 0;
	privileges_raise();
	err = attach(fd, name, existed);
	privileges_lower();
	if (err < 0) {
		explain_refusal(error, name, existed, -err);
		close(fd);
		return NULL;
	}
	err = set_header(fd);
	t = err < 0 ? NULL : tap_new(fd, !existed && !is_persistent(fd));
	if (!t) {
		error_set(error, "%s: cannot set up the TAP: %s", name,
			  strerror(err < 0 ? -err : ENOMEM));
		close(fd);
	}
	return t;
}

int tap_read_name(int fd, char name[IFNAMSIZ])
{
	struct ifreq request = { .ifr_flags = 0 };

	if (ioctl(fd, TUNGETIFF, &request) < 0)
		return -errno;
	memcpy(name, request.ifr_name, IFNAMSIZ);
	name[IFNAMSIZ - 1] = '\0';
	return 0;
}

struct tap *tap_adopt(int fd, const char *name)
{
	struct ifreq request = { .ifr_flags = 0 };
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
	    ioctl(fd, TUNGETIFF, &request) < 0 ||
	    strncmp(request.ifr_name, name, IFNAMSIZ) != 0 ||
	    set_header(fd) < 0)
		return NULL;
	return tap_new(fd, false);
}

void tap_close(struct tap *t)
{
	if (!t)
		return;
	close(t->fd);
	free(t);
}

int tap_fd(const struct tap *t)
{
	return t->fd;
}

bool tap_was_made(const struct tap *t)
{
	return t->made;
}

bool tap_is_alive(const struct tap *t)
{
	struct ifreq request;

	return ioctl(t->fd, TUNGETIFF, &request) == 0;
}

/* linux/if_tun.h since 5.2. */
#ifndef TUNGETDEVNETNS
#define TUNGETDEVNETNS _IO('T', 227)
#endif

int tap_open_netns(int fd)
{
	int netns;

	privileges_raise();
	netns = ioctl(fd, TUNGETDEVNETNS);
	if (netns < 0)
		netns = -errno;
	privileges_lower();
	return netns;
}

int tap_set_group(struct tap *t, uint32_t group)
{
	return ioctl(t->fd, TUNSETGROUP, (unsigned long)group) == 0 ? 0
								    : -errno;
}

int tap_set_persist(struct tap *t, bool persist)
{
	return ioctl(t->fd, TUNSETPERSIST, persist ? 1UL : 0UL) == 0 ? 0
								     : -errno;
}

int tap_set_carrier(struct tap *t, bool carrier)
{
#ifdef TUNSETCARRIER
	int on = carrier;

	return ioctl(t->fd, TUNSETCARRIER, &on) == 0 ? 0 : -errno;
#else
	(void)t;
	(void)carrier;
	return -ENOTTY;
#endif
}

ssize_t tap_read(struct tap *t, uint8_t *frame, struct offload *offload)
{
	uint8_t *hdr = frame - VNET_HDR_LEN;
	ssize_t n;

	do {
		n = read(t->fd, hdr, VNET_HDR_LEN + TAP_FRAME_MAX);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n > VNET_HDR_LEN && vnet_unpack(offload, hdr) ? n - VNET_HDR_LEN
							     : 0;
}

static bool write_frame(struct tap *t, const struct frame *f)
{
	uint8_t hdr[VNET_HDR_LEN];
	struct iovec pieces[1 + WRITE_PIECES_MAX];
	ssize_t n;

	assert(f->iovcnt <= WRITE_PIECES_MAX);
	vnet_pack(&f->offload, hdr);
	pieces[0] = (struct iovec){ hdr, sizeof(hdr) };
	memcpy(pieces + 1, f->iov, f->iovcnt * sizeof(*f->iov));
	do {
		n = writev(t->fd, pieces, (int)f->iovcnt + 1);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EINVAL && f->offload.gso != OFFLOAD_GSO_NONE) {
		bool udp = f->offload.gso == OFFLOAD_GSO_UDP_L4;

		*(udp ? &t->refuses_udp : &t->refuses_tcp) = true;
	}
	return n >= 0;
}

bool tap_refuses_tcp(const struct tap *t)
{
	return t->refuses_tcp;
}

bool tap_refuses_udp(const struct tap *t)
{
	return t->refuses_udp;
}

size_t tap_write(struct tap *t, const struct frame *frames, size_t count)
{
	size_t refused = 0;

	for (size_t i = 0; i < count; i++)
		refused += !write_frame(t, &frames[i]);
	return refused;
}
