"""An outsider's tools: datagrams between hosts recorded, and sent again or forged."""

import base64
import hmac
import random
import socket
import struct

from .frames import Wire, ipv4

PORT = 8273
INITIATION, RESPONSE, COOKIE, DATA, RELAYED = 1, 2, 3, 4, 5


class Datagram:
    def __init__(self, source, source_port, target, target_port, payload):
        self.source, self.source_port = source, source_port
        self.target, self.target_port = target, target_port
        self.payload = payload

    @property
    def type(self):
        return self.payload[0] if self.payload else None

    def __repr__(self):
        return f"{self.source} → {self.target}: type {self.type}, {len(self.payload)} bytes"


class Recorder:
    """Every tapd datagram that a host sends, as the router sees it arrive there."""

    def __init__(self, host):
        host.cloud.singles()
        self._wire = Wire(host.cloud.router, host.port, only=0x0800)
        self._seen = []

    def datagrams(self, target=None, kind=None):
        for octets in self._wire.pending():
            packet = octets[14:]
            header = (packet[0] & 15) * 4
            if packet[9] != 17:
                continue
            sport, dport, length = struct.unpack_from("!HHH", packet, header)
            if dport == PORT:
                self._seen.append(Datagram(
                    socket.inet_ntoa(packet[12:16]), sport, socket.inet_ntoa(packet[16:20]),
                    dport, packet[header + 8:header + length]))
        return [d for d in self._seen
                if (target is None or d.target == target.address4)
                and (kind is None or d.type == kind)]

    def close(self):
        self._wire.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Forger:
    """Sends datagrams from inside the router under any source address."""

    def __init__(self, cloud):
        self._socket = cloud.router.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)

    def send(self, source, source_port, target, payload, target_port=PORT):
        # No UDP checksum: IPv4 allows it, and the sender is in a hurry.
        header = struct.pack("!HHHH", source_port, target_port, 8 + len(payload), 0)
        self._socket.sendto(ipv4(source, target, 17, header + payload), (target, 0))

    def replay(self, datagram, payload=None):
        self.send(datagram.source, datagram.source_port, datagram.target,
                  datagram.payload if payload is None else payload)

    def close(self):
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def initiation(secret, chance):
    """Random bytes with the mac1 of one who holds the secret: only curves tell."""
    def hmac128(key, message):
        return hmac.digest(key, message, "sha256")[:16]
    pseudo_random = hmac.digest(bytes(32), base64.b64decode(secret), "sha256")
    key = hmac.digest(pseudo_random, b"tapd mac1\1", "sha256")
    message = bytes((INITIATION, 0, 0, 0)) + chance.randbytes(108)
    return message + hmac128(key, message) + bytes(16)


def flipped(payload):
    """The payload with one bit wrong, for every byte of it."""
    for at in range(len(payload)):
        octets = bytearray(payload)
        octets[at] ^= 1 << at % 8
        yield bytes(octets)


def nonsense(chance: random.Random):
    """Random bytes; half of them begin as a message of tapd's does, at its length."""
    if chance.random() < 0.5:
        return chance.randbytes(chance.choice((0, 1, 3, 4, 15, 16, 31, 32, 100, 1200, 1472)))
    kind = chance.choice((INITIATION, RESPONSE, COOKIE, DATA))
    length = {INITIATION: 144, RESPONSE: 140, COOKIE: 56}.get(kind) or chance.randint(32, 1200)
    return bytes((kind, 0, 0, 0)) + chance.randbytes(length - 4)
