/* What the files of udp share, and nobody else. */
#ifndef TAPD_UNDERLAY_UDP_IMPL_H
#define TAPD_UNDERLAY_UDP_IMPL_H

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include "tapd/underlay/pktinfo.h"
#include "tapd/underlay/routing.h"
#include "tapd/underlay/send_limit.h"
#include "tapd/underlay/senders.h"
#include "tapd/underlay/sockname.h"
#include "tapd/underlay/udp.h"
#include "tapd/underlay/udp_socket.h"

/* linux/udp.h; older libc headers lack them. */
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#ifndef UDP_NO_CHECK6_RX
#define UDP_NO_CHECK6_RX 102
#endif

#define UDP_RECEIVE_BATCH 8
#define UDP_RECEIVE_SIZE  65536
#define UDP_SEND_BATCH	  64

/* So many endpoints are remembered that cannot be sent whole runs; if there are
 * more, it is this host that cannot. */
#define UDP_SINGLES_MAX 16

struct udp_receive_control {
	_Alignas(struct cmsghdr) uint8_t
		space[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint32_t)) +
		      PKTINFO_RECEIVE_SPACE];
};

struct udp_send_control {
	_Alignas(struct cmsghdr) uint8_t
		space[PKTINFO_SEND_SPACE + CMSG_SPACE(sizeof(uint16_t))];
};

/* A handshake may cost a quarter of a millisecond. */
#define UDP_STRANGERS_BATCH 8

/* Messages for one socket that leave together. */
struct udp_send_batch {
	const struct udp_socket *socket;
	unsigned count;
	size_t bytes;
	struct datagram_run runs[UDP_SEND_BATCH];
	struct mmsghdr messages[UDP_SEND_BATCH];
	struct iovec pieces[UDP_SEND_BATCH];
	union sockname names[UDP_SEND_BATCH];
	struct udp_send_control controls[UDP_SEND_BATCH];
};

struct udp {
	enum udp_kind kind;
	struct routing routing;
	struct udp_socket sockets[UDP_SOCKETS_MAX];
	struct udp_socket strangers[UDP_SOCKETS_MAX]; /* fd -1: none */
	unsigned count;
	const struct udp_socket *for_v4, *for_v6;
	uint64_t overflows, misdirected, strangers_overflows;
	uint64_t recursive;
	unsigned inside[UDP_INSIDE_MAX];
	size_t inside_count;

	bool segments;			 /* UDP_SEGMENT is there and works */
	bool gro;			 /* UDP_GRO is on */
	enum udp_batching send, receive; /* wanted */
	struct addr singles[UDP_SINGLES_MAX];
	unsigned singles_count;

	struct sender senders[UDP_SOCKETS_MAX][SENDERS];
	struct send_limit limit;
	uint64_t now_us; /* as last told */

	const struct udp_events *events;
	void *user;
	struct udp_send_batch batch;

	struct mmsghdr messages[UDP_RECEIVE_BATCH];
	struct iovec pieces[UDP_RECEIVE_BATCH];
	union sockname names[UDP_RECEIVE_BATCH];
	struct udp_receive_control controls[UDP_RECEIVE_BATCH];
	struct datagram_run received[UDP_RECEIVE_BATCH];
	uint8_t buffers[UDP_RECEIVE_BATCH][UDP_RECEIVE_SIZE];

	/* Of one message of each socket for strangers: what was not handed out. */
	struct datagram_run rest[UDP_SOCKETS_MAX], part;
	uint8_t strangers_buffers[UDP_SOCKETS_MAX][UDP_RECEIVE_SIZE];
};

/* More than one datagram. */
static inline bool is_run(const struct datagram_run *r)
{
	return r->segment_len > 0 && r->segment_len < r->len;
}

static inline uint64_t run_count(const struct datagram_run *r)
{
	return is_run(r) ? (r->len + r->segment_len - 1) / r->segment_len : 1;
}

/* What is carried for others, in datagrams of len bytes, may go by it now, behind so many
 * bytes that are about to be sent. */
bool udp_sender_may_carry(const struct sender *s, size_t before, size_t len);

#endif
