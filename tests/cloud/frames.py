"""Ethernet frames by hand: made, put on a wire, and seen byte for byte."""

import os
import select
import socket
import struct
import time

BROADCAST = "ff:ff:ff:ff:ff:ff"
ETH_P_ALL, ETH_P_8021Q = 3, 0x8100
SOL_PACKET, PACKET_AUXDATA, PACKET_IGNORE_OUTGOING = 263, 8, 23
PACKET_OUTGOING = 4
TP_STATUS_VLAN_VALID, TP_STATUS_VLAN_TPID_VALID = 0x10, 0x40
# IEEE's local experimental ethertype: nothing else on a wire uses it.
ETHERTYPE = 0x88b5


def mac_bytes(mac):
    return bytes.fromhex(mac.replace(":", ""))


def mac_text(octets):
    return ":".join(f"{octet:02x}" for octet in octets)


def frame(destination, source, payload, ethertype=ETHERTYPE, vlan=None, priority=0):
    tag = b"" if vlan is None else struct.pack("!HH", ETH_P_8021Q, priority << 13 | vlan)
    return (mac_bytes(destination) + mac_bytes(source) + tag
            + struct.pack("!H", ethertype) + payload)


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ipv4(source, destination, protocol, payload, ttl=64, identification=1):
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), identification, 0x4000,
                         ttl, protocol, 0, socket.inet_aton(source),
                         socket.inet_aton(destination))
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def udp(source, destination, source_port, destination_port, payload):
    """A UDP datagram over IPv4, its checksum with it."""
    length = 8 + len(payload)
    datagram = struct.pack("!HHHH", source_port, destination_port, length, 0) + payload
    pseudo = (socket.inet_aton(source) + socket.inet_aton(destination)
              + struct.pack("!BBH", 0, 17, length))
    value = checksum(pseudo + datagram) or 0xffff
    return datagram[:6] + struct.pack("!H", value) + datagram[8:]


def udp_packet(source, destination, source_port, destination_port, payload, ttl=64):
    return ipv4(source, destination, 17,
                udp(source, destination, source_port, destination_port, payload), ttl)


def ip_payload(octets):
    """(protocol, source, destination, payload) of a frame's plain IPv4 or IPv6."""
    at = 12
    while octets[at:at + 2] == b"\x81\0":
        at += 4
    packet = octets[at + 2:]
    if octets[at:at + 2] == b"\x08\0":
        header, length = (packet[0] & 15) * 4, int.from_bytes(packet[2:4], "big")
        return packet[9], packet[12:16], packet[16:20], packet[header:length]
    length = 40 + int.from_bytes(packet[4:6], "big")
    return packet[6], packet[8:24], packet[24:40], packet[40:length]


def of_protocol(frames, protocol):
    """Those that carry it over plain IPv4 or IPv6."""
    return [f for f in frames if f[12:14] in (b"\x08\0", b"\x86\xdd")
            and ip_payload(f)[0] == protocol]


def sum_is_right(octets):
    """Whether the TCP or UDP checksum of a frame is complete and right."""
    protocol, source, destination, payload = ip_payload(octets)
    return checksum(source + destination
                    + struct.pack("!II", len(payload), protocol) + payload) == 0


class Wire:
    """One interface of a host: frames put on it, and those that arrive from it.

    What arrives is given back with its VLAN tag where it was; frames that this
    host itself sends are shown only if `own`. only: an ethertype (inside a tag or
    not).
    """

    def __init__(self, host, interface="tap0", only=None, own=False):
        self.host, self.only, self._own = host, only, own
        self._socket = host.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self._socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
        self._socket.bind((interface, 0))
        self._socket.setblocking(False)
        while self._read() is not None:  # what came before it was bound
            pass

    def send(self, octets):
        self._socket.send(octets)

    def _read(self):
        """(a frame or None if it is not one to show), or None if there is none."""
        try:
            octets, control, _, address = self._socket.recvmsg(1 << 17, 256)
        except BlockingIOError:
            return None
        if address[2] == PACKET_OUTGOING and not self._own:
            return (None,)
        for level, kind, data in control:
            if level == SOL_PACKET and kind == PACKET_AUXDATA:
                status, _, _, _, _, tci, tpid = struct.unpack_from("=IIIHHHH", data)
                if status & TP_STATUS_VLAN_VALID:
                    if not status & TP_STATUS_VLAN_TPID_VALID:
                        tpid = ETH_P_8021Q
                    octets = octets[:12] + struct.pack("!HH", tpid, tci) + octets[12:]
        if self.only is not None:
            at = 16 if octets[12:14] == struct.pack("!H", ETH_P_8021Q) else 12
            if octets[at:at + 2] != struct.pack("!H", self.only):
                return (None,)
        return (octets,)

    def pending(self):
        """Every frame that has arrived."""
        got = []
        while (item := self._read()) is not None:
            if item[0] is not None:
                got.append(item[0])
        return got

    def collect(self, count, within=5, settle=0.3, wanted=None):
        """`count` frames, then whatever else arrives until `settle` s are quiet. Of those
        alone of which wanted(frame) is true, if given."""
        got, end = [], time.monotonic() + within
        while True:
            got += filter(wanted, self.pending())
            left = settle if len(got) >= count else end - time.monotonic()
            if left <= 0 or not select.select([self._socket], [], [], left)[0]:
                return got

    def until(self, last, within=5):
        """What arrives before the frame `last`, which must come."""
        got, end = [], time.monotonic() + within
        while True:
            item = self._read()
            if item is None:
                left = end - time.monotonic()
                if left <= 0 or not select.select([self._socket], [], [], left)[0]:
                    raise AssertionError(f"at {self.host}: {last.hex()} did not come")
            elif item[0] == last:
                return got
            elif item[0] is not None:
                got.append(item[0])

    def close(self):
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def interface_mac(host, interface="tap0"):
    return host.ip("-br", "link", "show", interface).split()[2]


def random_payload(size):
    return os.urandom(size)
