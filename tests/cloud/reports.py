"""What hosts and routers say of multicast groups, made by hand: IGMP, MLD, PIM."""

import socket
import struct

from .frames import checksum, frame, ipv4, udp

IS_IN, IS_EX, TO_IN, TO_EX = 1, 2, 3, 4  # record types of IGMPv3 and MLDv2
IGMP_QUERY, IGMP_REPORT1, IGMP_REPORT2, IGMP_LEAVE, IGMP_REPORT3 = 0x11, 0x12, 0x16, 0x17, 0x22
MRD_ADVERT = 0x30
MLD_QUERY, MLD_REPORT2 = 130, 143
PROTO_IGMP, PROTO_UDP, PROTO_ICMPV6, PROTO_PIM = 2, 17, 58, 103
ETH_IPV4, ETH_IPV6 = 0x0800, 0x86dd
# tapd's own queries come from this MAC; it is never seen outside a host.
QUERIER_MAC = "02:74:61:70:64:71"
HOP_BY_HOP = b"\0\x05\x02\0\0\x01\0"  # behind its next header: a router alert, padded


def is_v6(group):
    return ":" in group


def group_mac(group):
    """The MAC that frames to the group carry; 32 IPv4 groups share each."""
    if is_v6(group):
        low = socket.inet_pton(socket.AF_INET6, group)[12:]
        return "33:33:" + low.hex(":")
    low = socket.inet_aton(group)
    return f"01:00:5e:{low[1] & 0x7f:02x}:{low[2]:02x}:{low[3]:02x}"


def ipv6(source, destination, next_header, payload, hops=1):
    return (struct.pack("!IHBB", 6 << 28, len(payload), next_header, hops)
            + socket.inet_pton(socket.AF_INET6, source)
            + socket.inet_pton(socket.AF_INET6, destination) + payload)


def with_checksum(body, at=2, pseudo=b""):
    return body[:at] + struct.pack("!H", checksum(pseudo + body)) + body[at + 2:]


def pseudo6(source, destination, protocol, length):
    return (socket.inet_pton(socket.AF_INET6, source)
            + socket.inet_pton(socket.AF_INET6, destination)
            + struct.pack("!II", length, protocol))


def group_frame(mac, group, payload, vlan=None):
    """A UDP datagram to the group, port 7100, from this MAC."""
    if not is_v6(group):
        source = "10.77.0.9"
        packet = ipv4(source, group, PROTO_UDP, udp(source, group, 7100, 7100, payload))
        return frame(group_mac(group), mac, packet, ETH_IPV4, vlan)
    source = "fd77::9"
    datagram = struct.pack("!HHHH", 7100, 7100, 8 + len(payload), 0) + payload
    datagram = with_checksum(datagram, 6, pseudo6(source, group, PROTO_UDP, len(datagram)))
    return frame(group_mac(group), mac, ipv6(source, group, PROTO_UDP, datagram, 8),
                 ETH_IPV6, vlan)


def _igmp(mac, source, destination, body, vlan=None):
    return frame(group_mac(destination), mac,
                 ipv4(source, destination, PROTO_IGMP, with_checksum(body), ttl=1), ETH_IPV4, vlan)


def _igmp_short(mac, source, destination, kind, group, vlan):
    return _igmp(mac, source, destination,
                 struct.pack("!BBH4s", kind, 0, 0, socket.inet_aton(group)), vlan)


def igmp_report(mac, group, version=3, source="10.77.0.9", record=TO_EX, vlan=None):
    if version < 3:
        kind = IGMP_REPORT1 if version == 1 else IGMP_REPORT2
        return _igmp_short(mac, source, group, kind, group, vlan)
    body = struct.pack("!BBHHHBBH4s", IGMP_REPORT3, 0, 0, 0, 1, record, 0, 0,
                       socket.inet_aton(group))
    return _igmp(mac, source, "224.0.0.22", body, vlan)


def igmp_leave(mac, group, version=3, source="10.77.0.9", vlan=None):
    if version < 3:
        return _igmp_short(mac, source, "224.0.0.2", IGMP_LEAVE, group, vlan)
    return igmp_report(mac, group, 3, source, TO_IN, vlan)


def igmp_query(mac, source, group="0.0.0.0", code=10, vlan=None):
    """An IGMPv3 query: general, or about one group."""
    body = struct.pack("!BBH4sBBH", IGMP_QUERY, code, 0, socket.inet_aton(group), 2, 125, 0)
    return _igmp(mac, source, "224.0.0.1" if group == "0.0.0.0" else group, body, vlan)


def router_advertisement(mac, source):
    """Of multicast router discovery, RFC 4286."""
    return _igmp(mac, source, "224.0.0.106", struct.pack("!BBHHH", MRD_ADVERT, 20, 0, 125, 2))


def pim_hello(mac, source):
    body = with_checksum(struct.pack("!BBHHHH", 0x20, 0, 0, 1, 2, 105))
    return frame(group_mac("224.0.0.13"), mac,
                 ipv4(source, "224.0.0.13", PROTO_PIM, body, ttl=1), ETH_IPV4)


def _mld(mac, source, destination, body, vlan=None):
    body = with_checksum(body, 2, pseudo6(source, destination, PROTO_ICMPV6, len(body)))
    packet = ipv6(source, destination, 0, bytes([PROTO_ICMPV6]) + HOP_BY_HOP + body)
    return frame(group_mac(destination), mac, packet, ETH_IPV6, vlan)


def mld_report(mac, group, source="fe80::9", record=TO_EX, vlan=None):
    body = struct.pack("!BBHHHBBH16s", MLD_REPORT2, 0, 0, 0, 1, record, 0, 0,
                       socket.inet_pton(socket.AF_INET6, group))
    return _mld(mac, source, "ff02::16", body, vlan)


def mld_query(mac, source):
    """A general MLDv2 query."""
    return _mld(mac, source, "ff02::1",
                struct.pack("!BBHHH16sBBH", MLD_QUERY, 0, 0, 1000, 0, bytes(16), 2, 125, 0))


def is_report(octets):
    """An untagged IGMP or MLD report or leave, as Linux sends them."""
    if octets[12:14] == struct.pack("!H", ETH_IPV4) and octets[23] == PROTO_IGMP:
        kind = octets[14 + (octets[14] & 15) * 4]
        return kind in (IGMP_REPORT1, IGMP_REPORT2, IGMP_LEAVE, IGMP_REPORT3)
    if octets[12:14] == struct.pack("!H", ETH_IPV6) and octets[20] == 0:
        return octets[54] == PROTO_ICMPV6 and octets[62] in (131, 132, MLD_REPORT2)
    return False

