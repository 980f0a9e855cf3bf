#include "tapd/underlay/strangers.h"

#include <errno.h>
#include <linux/filter.h>
#include <unistd.h>

#include "tapd/underlay/sockname.h"

/* Handshakes of all peers at once find room. */
#define RECEIVE_BUFFER (1024 * 1024)

/* Older libc headers lack it. */
#ifndef SO_ATTACH_REUSEPORT_CBPF
#define SO_ATTACH_REUSEPORT_CBPF 51
#endif

/* docs/PROTOCOL 3: the type is a message's first byte; 5 is a relay's, before the
 * message that it passes on. */
#define TYPE_DATA      4
#define TYPE_RELAYED   5
#define RELAYED_HEADER 8

enum {
	GROUP_DATA,
	GROUP_STRANGERS
}; /* in the order in which they were bound */

/* The kernel runs it on the UDP payload, and takes 0 where a load is out of bounds. */
static int attach(int fd)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TYPE_DATA, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TYPE_RELAYED, 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, RELAYED_HEADER),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TYPE_DATA, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, GROUP_DATA),
		BPF_STMT(BPF_RET | BPF_K, GROUP_STRANGERS),
	};
	const struct sock_fprog program = {
		.len = sizeof(code) / sizeof(code[0]),
		.filter = code,
	};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program,
			  sizeof(program)) == 0
		       ? 0
		       : -errno;
}

/* From now on a socket of ours may be bound there too. */
static int share(int fd, int yes)
{
	return setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes)) == 0
		       ? 0
		       : -errno;
}

static int bind_beside(struct udp_socket *strangers, const struct udp_socket *s)
{
	union sockname name;
	socklen_t len = sockname_from_addr(&name, &s->bound, s->family);
	int err = share(strangers->fd, 1);

	if (err == 0 && bind(strangers->fd, &name.any, len) != 0)
		err = -errno;
	return err == 0 ? attach(strangers->fd) : err;
}

int strangers_open(struct udp_socket *strangers, struct udp_socket *s)
{
	int err = share(s->fd, 1);

	if (err != 0)
		return err;
	*strangers = *s;
	err = udp_socket_new(strangers, RECEIVE_BUFFER);
	if (err == 0) {
		err = bind_beside(strangers, s);
		if (err != 0)
			close(strangers->fd);
	}
	if (err != 0) {
		strangers->fd = -1;
		(void)share(s->fd, 0);
	}
	return err;
}
