/* All that tapctl doctor itself may find; what the daemon finds is in
 * control/checks.c. Each has a paragraph in tapctl(8). */
#ifndef TAPD_CTL_DOCTOR_KINDS_H
#define TAPD_CTL_DOCTOR_KINDS_H

enum severity {
	SEVERITY_ERROR,	  /* something does not work */
	SEVERITY_WARNING, /* it works, and not as well as it should */
	SEVERITY_NOTE,	  /* worth knowing */
	SEVERITY_COUNT
};
/* "error", "warning", "note". */
extern const char *const severity_names[];

enum kind {
	/* the daemon */
	KIND_DAEMON_DOWN,
	KIND_DAEMON_SILENT,
	KIND_DAEMON_OTHER,
	KIND_SOCKET_DENIED,
	/* the interface */
	KIND_HOST_UNREAD,
	KIND_INTERFACE_ABSENT,
	KIND_DAD_FAILED,
	KIND_IPV6_OFF,
	KIND_INTERFACE_BRIDGED,
	KIND_INTERFACE_MANAGED,
	/* addresses and routes */
	KIND_OVERLAP_ADDRESS,
	KIND_OVERLAP_ROUTE,
	KIND_OVERLAP_DNS,
	KIND_RP_FILTER,
	KIND_MULTICAST_ROUTE_MISSING,
	KIND_MULTICAST_ELSEWHERE,
	KIND_MEMBERSHIPS,
	/* the kernel's tables, and its firewall */
	KIND_NEIGHBOURS_FULL,
	KIND_CONNTRACK_FULL,
	KIND_UFW,
	KIND_FIREWALLD,
	KIND_FIREWALL_PARTIAL,
	KIND_FIREWALL_UNKNOWN,
	/* the machine */
	KIND_UDP_OVERFLOW,
	KIND_ALLOWANCE_EXCEEDED,
	KIND_ALLOWANCE_WAS_EXCEEDED,
	KIND_CPU_STEAL,
	KIND_ONE_CPU,
	KIND_CLOCK_UNSYNCHRONISED,
	KIND_KERNEL_OLD,
	KIND_SEALING_SLOW,
	KIND_OFFLOAD_LOW,
	KIND_SECRET_READABLE,
	KIND_MACHINE_ID_MISSING,
	/* services */
	KIND_NOT_A_SERVICE,
	KIND_NO_FD_STORE,
	KIND_NOT_BEFORE_KEEPALIVED,
	KIND_KEEPALIVED_ELSEWHERE,
	KIND_KEEPALIVED_UNICAST,
	/* peers */
	KIND_PEER_NO_ANSWER,
	KIND_PEER_DEAF,
	KIND_PEER_UNREACHABLE,
	KIND_PEER_NOT_ON_LINK,
	KIND_PEER_ROUTED_INSIDE,
	KIND_PEER_UNTRUSTED,
	KIND_PEER_VERSION,
	KIND_PEER_TABLE_FULL,
	KIND_PEER_STOPPED,
	KIND_PEER_ELSEWHERE,
	KIND_PEER_MIRRORED,
	KIND_LIVENESS_LONG,
	KIND_SECRET_DIFFERS,
	KIND_DUPLICATE_KEY,
	KIND_DATAGRAM_SMALL,
	KIND_DATAGRAM_BELOW_MTU,
	KIND_COUNT
};

struct kind_row {
	const char *id; /* stable, for programs */
	enum severity severity;
	const char *advice; /* what to do, for all findings of this kind */
};

extern const struct kind_row kinds[KIND_COUNT];

#endif
