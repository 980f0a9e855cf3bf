/* How much lies in the sockets: room to send, and when there is some again. */
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "tapd/rights/privileges.h"
#include "tapd/underlay/udp_impl.h"

/* A sender that was not used for so long is not in use. */
#define IN_USE_US (100 * CLOCK_MS)
/* A heartbeat or an advert in its frame, sealed, is not larger. */
#define CARRIED_SMALL_LEN 512

static struct sender *sender_at(struct udp *u, unsigned number)
{
	return &u->senders[number / SENDERS][number % SENDERS];
}

int udp_sender_fd(const struct udp *u, unsigned sender)
{
	return sender < UDP_SENDERS_MAX
		       ? u->senders[sender / SENDERS][sender % SENDERS]
				 .socket.fd
		       : -1;
}

/*
 * A UDP socket is writable while less than half of its buffer is used, so a buffer of
 * twice the limit makes the kernel tell when there is room; the other half is for the
 * batch that found the first half just not full, for probes and for hellos. The
 * kernel doubles what is asked for.
 */
static void set_buffer(int fd, uint32_t limit)
{
	const int value = (int)limit;

	if (!udp_socket_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, value))
		(void)udp_socket_option(fd, SOL_SOCKET, SO_SNDBUF, value);
}

/* What the kernel granted without the right to force it may be less. */
static uint32_t granted(int fd)
{
	int size = 0;
	socklen_t len = sizeof(size);

	(void)getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &len);
	return (uint32_t)size / 2;
}

static void apply(struct udp *u)
{
	privileges_raise();
	for (unsigned i = 0; i < UDP_SENDERS_MAX; i++)
		if (udp_sender_fd(u, i) >= 0)
			set_buffer(udp_sender_fd(u, i), u->limit.bytes);
	privileges_lower();
	for (unsigned i = 0; i < UDP_SENDERS_MAX; i++)
		if (udp_sender_fd(u, i) >= 0)
			sender_at(u, i)->granted = granted(udp_sender_fd(u, i));
}

void udp_limit(struct udp *u, uint64_t now_us)
{
	send_limit_init(&u->limit, now_us);
	apply(u);
}

static uint32_t lies_in(int fd)
{
	int bytes = 0;

	(void)ioctl(fd, SIOCOUTQ, &bytes);
	return (uint32_t)bytes;
}

bool udp_sender_is_full(const struct udp *u, unsigned sender)
{
	const struct sender *s =
		&u->senders[sender / SENDERS][sender % SENDERS];

	return lies_in(s->socket.fd) >= s->granted;
}

/*
 * What relayed peers send each other is sealed, so bulk is told from adverts by its size:
 * bulk has the room that this host's own has, and small datagrams half of what is beyond,
 * where the rest is left to the probes and hellos of this host.
 */
bool udp_sender_may_carry(const struct sender *s, size_t before, size_t len)
{
	const size_t used = lies_in(s->socket.fd) + before;

	return used < s->granted ||
	       (len <= CARRIED_SMALL_LEN && used - s->granted < s->granted / 2);
}

static bool is_in_use(const struct sender *s, uint64_t now_us)
{
	return s->used_us != 0 && now_us - s->used_us < IN_USE_US;
}

bool udp_is_full(struct udp *u, uint64_t now_us)
{
	const bool one_is_enough = u->kind == UDP_VXLAN;
	bool full = false;

	u->now_us = now_us;
	for (unsigned i = 0; i < u->count * SENDERS; i++) {
		if (!is_in_use(sender_at(u, i), now_us))
			continue;
		full = udp_sender_is_full(u, i);
		if (full == one_is_enough)
			return full;
	}
	return full;
}

/* Where flows have a socket each, it is all of them that keep the card busy. */
static uint32_t left_in(struct udp *u, unsigned sender, uint64_t now_us)
{
	uint64_t left = 0;

	if (u->kind != UDP_VXLAN)
		return lies_in(udp_sender_fd(u, sender));
	for (unsigned i = 0; i < u->count * SENDERS; i++)
		if (is_in_use(sender_at(u, i), now_us))
			left += lies_in(udp_sender_fd(u, i));
	return left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
}

/* What the kernel counts for each datagram beside its bytes, once a card or a queue
 * that takes no runs has had a run cut: an sk_buff, and the least head of one. */
#define DATAGRAM_COST 768

void udp_expect(struct udp *u, uint64_t bytes, uint64_t datagrams,
		uint64_t now_us)
{
	const uint64_t cost = bytes + datagrams * DATAGRAM_COST;

	u->now_us = now_us;
	if (send_limit_batch(&u->limit, bytes, cost, now_us))
		apply(u);
}

void udp_has_room_again(struct udp *u, unsigned sender, uint64_t now_us)
{
	if (send_limit_room(&u->limit, left_in(u, sender, now_us), now_us))
		apply(u);
}

uint32_t udp_send_limit(const struct udp *u)
{
	return u->limit.bytes;
}
