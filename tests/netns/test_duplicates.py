"""Two hosts with one address, or one MAC, on tap0: both say so."""

import socket
import struct

from cloud import Tapd, Wire, interface_mac, new_secret, start_all, wait_for
from cloud.frames import BROADCAST, frame


def warned(daemon, *words):
    return any(all(word in line for word in words) for line in daemon.status()["warnings"])


def arp_request(host, sender, target):
    """From the host's own MAC, to all."""
    mac = interface_mac(host)
    body = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, bytes.fromhex(mac.replace(":", "")),
                       socket.inet_aton(sender), bytes(6), socket.inet_aton(target))
    with Wire(host) as wire:
        wire.send(frame(BROADCAST, mac, body, 0x0806))


def test_two_hosts_with_one_address_name_each_other(make_cloud):
    cloud = make_cloud(3)
    secret = new_secret()
    web1, web2, web3 = (Tapd(host, secret) for host in cloud.hosts)
    same = [f"{web1.host.tap4}/24", f"{web1.host.tap6}/64"]
    web2.configure(**{"interface.address": same})
    for daemon in (web1, web2, web3):
        daemon.start()
    for daemon, other in ((web1, web2), (web2, web1)):
        daemon.wait_up(other)
        wait_for(lambda d=daemon, o=other: warned(d, o.host.name, d.host.name, web1.host.tap4),
                 10, f"{daemon.host} to warn")
        with open(daemon.process.log_path) as log:
            assert f"duplicate address: {other.host.name} " in log.read()
    assert not warned(web3, "both use")


def test_an_address_that_a_program_probes_is_a_duplicate_as_well(make_cloud):
    web1, web2 = start_all(make_cloud(2))
    arp_request(web2.host, "0.0.0.0", web1.host.tap4)
    wait_for(lambda: warned(web1, "web2", web1.host.tap4), 3, "a warning")


def test_a_virtual_address_is_no_duplicate(make_cloud):
    web1, web2 = start_all(make_cloud(2))
    for daemon in (web1, web2):
        daemon.host.ip("address", "add", "10.77.0.100/24", "dev", "tap0")
        daemon.host.ip("address", "add", "10.77.0.101/32", "dev", "tap0")
    for address in ("10.77.0.100", "10.77.0.101"):
        arp_request(web2.host, address, address)
    assert web1.host.reaches(web2.host.tap4)
    assert not warned(web1, "both use")


def test_two_interfaces_with_one_mac_are_found(make_cloud):
    web1, web2 = start_all(make_cloud(2))
    web2.host.ip("link", "set", "dev", "tap0", "address", interface_mac(web1.host))
    for daemon, other in ((web1, web2), (web2, web1)):
        wait_for(lambda d=daemon, o=other: warned(d, o.host.name, "MAC"), 5,
                 f"{daemon.host} to warn")
        with open(daemon.process.log_path) as log:
            assert f"duplicate MAC: {other.host.name} " in log.read()
