"""UDP sockets of a host, as applications on tap0 or eth0 open them."""

import socket
import struct


def udp_socket(host, interface=None, port=0, family=socket.AF_INET):
    sock = host.socket(family, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    sock.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
    if interface:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
    sock.bind(("", port))
    sock.settimeout(2)
    return sock


def family_of(group):
    return socket.AF_INET6 if ":" in group else socket.AF_INET


def member(host, group, port, interface="tap0"):
    """A socket bound to the interface that has joined the group there."""
    index = host.ifindex(interface)
    if ":" in group:
        sock = udp_socket(host, interface, port, socket.AF_INET6)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                        socket.inet_pton(socket.AF_INET6, group) + struct.pack("=i", index))
    else:
        sock = udp_socket(host, interface, port)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                        socket.inet_aton(group) + struct.pack("=4si", bytes(4), index))
    return sock


def multicast_sender(host, interface="tap0", family=socket.AF_INET):
    index = host.ifindex(interface)
    sock = host.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 8)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                        struct.pack("=4s4si", bytes(4), bytes(4), index))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 8)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    return sock


def received(sock, within=2, size=65535):
    """One datagram, or None."""
    sock.settimeout(within)
    try:
        return sock.recv(size)
    except TimeoutError:
        return None
