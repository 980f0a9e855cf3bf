#include "tapd/ctl/doctor/kinds.h"

#include <assert.h>

const char *const severity_names[] = {
	[SEVERITY_ERROR] = "error",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_NOTE] = "note",
};
static_assert(sizeof(severity_names) / sizeof(char *) == SEVERITY_COUNT,
	      "every severity has a name");

#define E SEVERITY_ERROR
#define W SEVERITY_WARNING
#define N SEVERITY_NOTE

const struct kind_row kinds[KIND_COUNT] = {
	[KIND_DAEMON_DOWN] = {
		"daemon-down",
		E,
		"Start it: systemctl enable --now tapd@NAME, and if it ends,"
		" read why: journalctl -u tapd@NAME.",
	},
	[KIND_DAEMON_SILENT] = {
		"daemon-silent",
		E,
		"Look whether the daemon has a CPU, and at its log; restart"
		" it if it does not recover.",
	},
	[KIND_DAEMON_OTHER] = {
		"daemon-other",
		W,
		"Install tapd and tapctl of one version, and restart tapd.",
	},
	[KIND_SOCKET_DENIED] = {
		"socket-denied",
		N,
		"Run tapctl doctor as root: only root and the daemon's user"
		" may ask the daemon.",
	},
	[KIND_HOST_UNREAD] = {
		"host-unread",
		W,
		"Run tapctl doctor again: interfaces, addresses and routes are"
		" not judged. If it stays, find out what changes them all the"
		" time: ip monitor.",
	},
	[KIND_INTERFACE_ABSENT] = {
		"interface-absent",
		E,
		"See in the daemon's log who removed it; tapd makes it again,"
		" or restart tapd.",
	},
	[KIND_DAD_FAILED] = {
		"dad-failed",
		E,
		"Another host answered for this address: give one of the two"
		" another, then remove it here and add it again.",
	},
	[KIND_IPV6_OFF] = {
		"ipv6-off",
		N,
		"If the interface should have IPv6: sysctl"
		" net.ipv6.conf.NAME.disable_ipv6=0.",
	},
	[KIND_INTERFACE_BRIDGED] = {
		"interface-bridged",
		N,
		"Nothing is wrong; what is behind cannot be asked for its"
		" groups, so this host may be sent more multicast than it"
		" wants.",
	},
	[KIND_INTERFACE_MANAGED] = {
		"interface-managed",
		W,
		"Have it leave the interface alone, or it may clear its"
		" addresses: install the files that tapd's package has for"
		" it, then reload it.",
	},
	[KIND_KERNEL_GRE] = {
		"kernel-gre",
		N,
		"Remove the device if it is to one of tapd's peers: each"
		" takes what is meant for the other, too, so frames come"
		" twice.",
	},
	[KIND_OVERLAP_ADDRESS] = {
		"overlap-address",
		E,
		"Give the interface a network that no other interface of any"
		" host is in: of the two, hosts in the overlap cannot be"
		" reached on one.",
	},
	[KIND_OVERLAP_ROUTE] = {
		"overlap-route",
		W,
		"Give the interface another network, or whoever set the route"
		" (Docker, libvirt, a VPN): it takes these addresses away"
		" from the interface.",
	},
	[KIND_OVERLAP_DNS] = {
		"overlap-dns",
		W,
		"Use a DNS server outside of the interface's network: this"
		" one is asked through tapd, which may need it to find its"
		" peers.",
	},
	[KIND_RP_FILTER] = {
		"rp-filter",
		W,
		"sysctl net.ipv4.conf.NAME.rp_filter=2: strict, it drops what"
		" answers a virtual address by another way.",
	},
	[KIND_MULTICAST_ROUTE_MISSING] = {
		"multicast-route-missing",
		W,
		"Reload tapd, which adds it again; then find out what removed"
		" it.",
	},
	[KIND_MULTICAST_ELSEWHERE] = {
		"multicast-elsewhere",
		N,
		"Nothing to do for programs that name the interface; for"
		" others set interface.multicast_route = true.",
	},
	[KIND_MEMBERSHIPS] = {
		"memberships",
		N,
		"If a program cannot join more groups on one socket: sysctl"
		" net.ipv4.igmp_max_memberships=1000.",
	},
	[KIND_NEIGHBOURS_FULL] = {
		"neighbours-full",
		W,
		"Raise net.ipv4.neigh.default.gc_thresh1, 2 and 3 (and those"
		" of ipv6), or route hosts by a gateway.",
	},
	[KIND_CONNTRACK_FULL] = {
		"conntrack-full",
		W,
		"Raise net.netfilter.nf_conntrack_max, or exempt tapd's UDP"
		" port with notrack rules.",
	},
	[KIND_UFW] = {
		"ufw",
		W,
		"ufw allow in on NAME, or ufw drops what its rules do not"
		" name there: VRRP, IGMP, mDNS.",
	},
	[KIND_FIREWALLD] = {
		"firewalld",
		W,
		"firewall-cmd --permanent --zone=trusted"
		" --add-interface=NAME, then firewall-cmd --reload.",
	},
	[KIND_FIREWALL_PARTIAL] = {
		"firewall-partial",
		N,
		"Nothing to do if they let in VRRP, IGMP, MLD and what your"
		" programs speak, of both IPv4 and IPv6; otherwise let in all"
		" that comes by NAME.",
	},
	[KIND_FIREWALL_UNKNOWN] = {
		"firewall-unknown",
		N,
		"Run tapctl doctor as root to see whether the firewall has a"
		" rule for the interface.",
	},
	[KIND_UDP_OVERFLOW] = {
		"udp-overflow",
		W,
		"sysctl net.core.rmem_max=8388608 and restart tapd if its"
		" buffer is small; otherwise it lacks CPU.",
	},
	[KIND_ALLOWANCE_EXCEEDED] = {
		"allowance-exceeded",
		W,
		"Take a larger instance; for connection tracking, security"
		" rules that allow all both ways, so that EC2 does not track.",
	},
	[KIND_ALLOWANCE_WAS_EXCEEDED] = {
		"allowance-was-exceeded",
		N,
		"Compare with ethtool -S when frames are lost; a growing"
		" counter wants a larger instance.",
	},
	[KIND_CPU_STEAL] = {
		"cpu-steal",
		W,
		"Take an instance with CPUs of its own, or longer failover"
		" timers: adverts are late while the CPU is away.",
	},
	[KIND_ONE_CPU] = {
		"one-cpu",
		N,
		"Nothing to do while it is idle; tapd and the applications"
		" share it, so a busy host delays adverts.",
	},
	[KIND_CLOCK_UNSYNCHRONISED] = {
		"clock-unsynchronised",
		N,
		"Run chrony or systemd-timesyncd; tapd itself copes with a"
		" wrong clock, logs of several hosts do not.",
	},
	[KIND_KERNEL_OLD] = {
		"kernel-old",
		N,
		"Linux 6.2 gives UDP segments through the interface"
		" unsegmented; an older one costs CPU, nothing else.",
	},
	[KIND_SEALING_SLOW] = {
		"sealing-slow",
		N,
		"Build tapd with intel-ipsec-mb (libipsec-mb-dev): sealing"
		" many small frames costs less.",
	},
	[KIND_OFFLOAD_LOW] = {
		"offload-low",
		N,
		"Nothing is lost, but frames cost more CPU; see offload in"
		" tapd.conf(5) and the daemon's log for why.",
	},
	[KIND_SECRET_READABLE] = {
		"secret-readable",
		E,
		"chmod 640 and chgrp tapd; whoever could read it should be"
		" taken to have it: make a new one on all hosts.",
	},
	[KIND_MACHINE_ID_MISSING] = {
		"machine-id-missing",
		N,
		"systemd-machine-id-setup; by it a copied disk is told from"
		" its original, whose key it has.",
	},
	[KIND_NOT_A_SERVICE] = {
		"not-a-service",
		N,
		"systemctl enable --now tapd@NAME has it started at boot and"
		" after a crash.",
	},
	[KIND_NO_FD_STORE] = {
		"no-fd-store",
		W,
		"FileDescriptorStoreMax=1 in a drop-in of the unit keeps the"
		" carrier over a crash and a restart.",
	},
	[KIND_NOT_BEFORE_KEEPALIVED] = {
		"not-before-keepalived",
		W,
		"Before=keepalived.service in a drop-in of tapd's unit; else"
		" Keepalived may start without its interface.",
	},
	[KIND_KEEPALIVED_ELSEWHERE] = {
		"keepalived-elsewhere",
		N,
		"If it was left from before, set interface in vrrp_instance to"
		" tapd's, where multicast works.",
	},
	[KIND_KEEPALIVED_UNICAST] = {
		"keepalived-unicast",
		N,
		"Remove unicast_peer and unicast_src_ip: on tapd's interface"
		" adverts reach everybody.",
	},
	[KIND_PEER_NO_ANSWER] = {
		"peer-no-answer",
		W,
		"Let its UDP port in there, and here for the way back, in"
		" security groups and host firewalls; look whether tapd runs"
		" there; or take it off the list.",
	},
	[KIND_PEER_DEAF] = {
		"peer-deaf",
		W,
		"Only the way from here to there is cut: let this UDP port"
		" out here and in there.",
	},
	[KIND_PEER_UNREACHABLE] = {
		"peer-unreachable",
		W,
		"Look at ip route get and at the rules for outgoing packets"
		" on this host.",
	},
	[KIND_PEER_NOT_ON_LINK] = {
		"peer-not-on-link",
		W,
		"The host, or the gateway on the way to it, is down or not on"
		" this network: ip route get says which way is used.",
	},
	[KIND_PEER_ROUTED_INSIDE] = {
		"peer-routed-inside",
		E,
		"Give that host a route by the outer network: ip route add"
		" HOST via GATEWAY dev DEVICE.",
	},
	[KIND_PEER_UNTRUSTED] = {
		"peer-untrusted",
		W,
		"Add its key (tapctl pubkey there) to trusted_keys, then"
		" tapctl reload; or take the host off the list.",
	},
	[KIND_PEER_VERSION] = {
		"peer-version",
		W,
		"Upgrade tapd on the host that has the older one.",
	},
	[KIND_PEER_TABLE_FULL] = {
		"peer-table-full",
		W,
		"There are more hosts than the 512 peers that a node can"
		" have; split the network.",
	},
	[KIND_PEER_STOPPED] = {
		"peer-stopped",
		N,
		"tapd was stopped there on purpose; it is forgotten in time.",
	},
	[KIND_PEER_ELSEWHERE] = {
		"peer-elsewhere",
		N,
		"List the address that it answers from: a firewall that lets"
		" in answers only may drop what comes from another.",
	},
	[KIND_PEER_NO_RELAY] = {
		"peer-no-relay",
		W,
		"Set relay = true on a host that both reach, and reload it;"
		" or let UDP in at the tunnel's port on one of the two.",
	},
	[KIND_PEER_MIRRORED] = {
		"peer-mirrored",
		N,
		"Take this host's own outer address off the list, or look"
		" what sends packets back.",
	},
	[KIND_LIVENESS_LONG] = {
		"liveness-long",
		N,
		"Set liveness.interval to 20 s or less, unless UDP passes both"
		" ways without being tracked.",
	},
	[KIND_SECRET_DIFFERS] = {
		"secret-differs",
		E,
		"Compare the files named by secret_file on both hosts"
		" (sha256sum), and copy the right one.",
	},
	[KIND_DUPLICATE_KEY] = {
		"duplicate-key",
		E,
		"A disk was copied: on one of the hosts remove"
		" /etc/machine-id and /var/lib/dbus/machine-id, run"
		" systemd-machine-id-setup, remove key_file, and restart"
		" tapd.",
	},
	[KIND_DATAGRAM_SMALL] = {
		"datagram-small",
		W,
		"Look for a hop with a small MTU, or ICMP that is blocked, on"
		" the way; frames are cut in pieces meanwhile.",
	},
	[KIND_DATAGRAM_BELOW_MTU] = {
		"datagram-below-mtu",
		N,
		"Usual between regions and over VPNs; otherwise compare the"
		" MTU of the interfaces on the way.",
	},
};
