/* The numbers of IP, TCP, UDP, IGMP and MLD that we read and write. */
#ifndef TAPD_BASE_INET_H
#define TAPD_BASE_INET_H

/* RFC 791 and RFC 8200. */
#define IPV4_HEADER_MIN 20 /* without options */
#define IPV4_DF		0x4000
#define IPV6_HEADER_LEN 40
#define IP_LEN_MAX	65535

/* RFC 9293 and RFC 768. */
#define TCP_HEADER_MIN	20 /* without options */
#define TCP_CSUM_OFFSET 16
#define UDP_HEADER_LEN	8
#define UDP_CSUM_OFFSET 6

enum tcp_flag {
	TCP_FIN = 0x01,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_CWR = 0x80,
};

/* IPv4 protocols and IPv6 next headers. */
enum inet_proto {
	INET_PROTO_HOP_BY_HOP = 0,
	INET_PROTO_ICMP = 1,
	INET_PROTO_IGMP = 2,
	INET_PROTO_TCP = 6,
	INET_PROTO_UDP = 17,
	INET_PROTO_ROUTING = 43,
	INET_PROTO_FRAGMENT = 44,
	INET_PROTO_GRE = 47,
	INET_PROTO_AH = 51,
	INET_PROTO_ICMPV6 = 58,
	INET_PROTO_NO_NEXT = 59,
	INET_PROTO_DESTINATION = 60,
	INET_PROTO_PIM = 103,
	INET_PROTO_MOBILITY = 135,
	INET_PROTO_HIP = 139,
	INET_PROTO_SHIM6 = 140,
};

/* RFC 3376; RFC 4286 for the advertisement. */
enum igmp_type {
	IGMP_QUERY = 0x11,
	IGMPV1_REPORT = 0x12,
	IGMPV2_REPORT = 0x16,
	IGMP_LEAVE = 0x17,
	IGMPV3_REPORT = 0x22,
	IGMP_ROUTER_ADVERT = 0x30,
};

/* ICMPv6's: RFC 2710, RFC 3810; RFC 4286 for the advertisement. */
enum mld_type {
	MLD_QUERY = 130,
	MLD_REPORT = 131,
	MLD_DONE = 132,
	MLDV2_REPORT = 143,
	MLD_ROUTER_ADVERT = 151,
};

/* RFC 792. */
#define ICMP_TYPE_REDIRECT 5

/* ICMPv6's: Neighbour Discovery, RFC 4861. */
enum nd_type {
	ND_ROUTER_SOLICIT = 133,
	ND_ROUTER_ADVERT = 134,
	ND_NEIGHBOUR_SOLICIT = 135,
	ND_NEIGHBOUR_ADVERT = 136,
	ND_REDIRECT = 137, /* the last of the five */
};
/* What receivers ask of its packets: none came through a router. */
#define ND_HOP_LIMIT 255

#endif
