"""multi-unicast on the guests' kernels, and as the service of docs/recipes/multi-unicast.

On each guest two network namespaces are the hosts, on a bridge that is the interface; a
bridge passes what has the I/G bit, so that an original that left as well would be seen.
"""

import json

import pytest

from recipe import recipe

UNIT, HOSTS = "/etc/systemd/system/multi-unicast@.service", "/etc/multi-unicast/eth0"
COMMAND = "/usr/sbin/multi-unicast"
PAYLOADS = 20

# networkd takes the ports for its own, and from their bridge, unless it is told.
LAN = """
if systemctl -q is-active systemd-networkd; then
	printf '[Match]\\nName=lan0 port*\\n[Link]\\nUnmanaged=yes\\n' \\
		>/run/systemd/network/10-lan.network
	networkctl reload
fi
ip link add lan0 type bridge mcast_snooping 0
ip addr add 10.66.0.1/24 brd + dev lan0
ip link set lan0 up
for number in 2 3; do
	ip netns add mu$number
	ip link add port$number type veth peer name eth0 netns mu$number
	ip link set port$number master lan0 up
	ip -n mu$number addr add 10.66.0.$number/24 brd + dev eth0
	ip -n mu$number link set eth0 up
	ip netns exec mu$number sysctl -q net.ipv6.conf.eth0.disable_ipv6=1
done
"""
NO_LAN = f"{COMMAND} down lan0; ip netns del mu2; ip netns del mu3; ip link del lan0"

# Prints what came: frames with the payload, by whether theirs was a group's MAC, and
# datagrams. What is sent last is a broadcast, which all get, behind all before it.
RECEIVE = """
import json, select, socket, struct, sys, time
group, interface = sys.argv[1:]
index = socket.if_nametoindex(interface)
frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
frames.bind((interface, 0))
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.bind(("", 5000))
if group.startswith("239"):
    datagrams.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                         socket.inet_aton(group) + struct.pack("=4si", bytes(4), index))
print("listening", flush=True)
got = {"unicast": 0, "group": 0, "datagrams": 0}
end, over = time.monotonic() + 60, set()
while len(over) < 2 and time.monotonic() < end:
    for sock in select.select([frames, datagrams], [], [], 0.5)[0]:
        octets = sock.recv(65536)
        if b"the last" in octets:
            over.add(sock)
        elif b"payload" not in octets:
            continue
        elif sock is datagrams:
            got["datagrams"] += len(octets) // 1000
        else:
            got["group" if octets[0] & 1 else "unicast"] += 1
print(json.dumps(got), flush=True)
"""
SEND = """
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, sys.argv[3].encode())
if len(sys.argv) > 4:
    sock.setsockopt(socket.IPPROTO_UDP, 103, 1000)
    sock.sendto((b"payload." * 125) * int(sys.argv[2]), (sys.argv[1], 5000))
else:
    for number in range(int(sys.argv[2])):
        sock.sendto(b"payload." * 125, (sys.argv[1], 5000))
sock.setsockopt(socket.IPPROTO_UDP, 103, 0)
sock.sendto(b"the last", ("255.255.255.255", 5000))
"""


@pytest.fixture(name="lan", params=["web1", "web2"], scope="module")
def hosts_on_a_bridge_in_a_guest(pair, request):
    """The guest: web1 has kernel 6.1, web2 6.12."""
    guest = getattr(pair, request.param)
    guest.write("/root/receive", RECEIVE)
    guest.write("/root/send", SEND)
    try:
        guest.run(LAN)
        guest.run(f"{COMMAND} up lan0 10.66.0.1 10.66.0.2 10.66.0.3 "
                  "--group 239.2.2.2=10.66.0.3")
        yield guest
    finally:
        guest.ask(NO_LAN)


def heard(sender, receivers, group, interface, *segmented):
    """What each of the receivers got, {name: counts}. receivers: {name: (guest, how its
    commands begin, interface)}"""
    for name, (guest, enter, where) in receivers.items():
        guest.run(f"rm -f /run/{name}.got; systemd-run -q --collect --unit got-{name} sh -c "
                  f"'{enter} python3 /root/receive {group} {where} "
                  f">/run/{name}.got'; until grep -q listening /run/{name}.got; do sleep 0.1; done")
    words = " ".join([group, str(PAYLOADS), interface, *segmented])
    sender.run(f"python3 /root/send {words}")
    return {name: json.loads(guest.wait(f"grep unicast /run/{name}.got"))
            for name, (guest, _, _) in receivers.items()}


@pytest.mark.parametrize("group, segmented", [
    ("239.1.1.1", ()), ("255.255.255.255", ()), ("10.66.0.255", ()), ("239.1.1.1", ("gso",))],
    ids=["group", "limited broadcast", "directed broadcast", "GSO"])
def test_each_host_gets_each_once(lan, group, segmented):
    receivers = {f"mu{number}": (lan, f"ip netns exec mu{number}", "eth0") for number in (2, 3)}
    for got in heard(lan, receivers, group, "lan0", *segmented).values():
        assert got["datagrams"] == PAYLOADS and got["group"] == 0
        assert got["unicast"] == (1 if segmented else PAYLOADS)


def test_a_listed_group_goes_to_its_hosts(lan):
    receivers = {f"mu{number}": (lan, f"ip netns exec mu{number}", "eth0") for number in (2, 3)}
    got = heard(lan, receivers, "239.2.2.2", "lan0")
    assert got["mu2"] == {"unicast": 0, "group": 0, "datagrams": 0}
    assert got["mu3"] == {"unicast": PAYLOADS, "group": 0, "datagrams": PAYLOADS}


def test_the_service_of_the_recipe(pair):
    """By systemd, as a user of its own; killed, it is started again, and stopped it leaves
    nothing."""
    web1, web2 = pair.guests
    for guest in pair.guests:
        guest.write(UNIT, recipe("multi-unicast", UNIT))
        guest.write(HOSTS, f"{web1.address} {web2.address}\n")
        guest.write("/root/receive", RECEIVE)
        guest.write("/root/send", SEND)
    try:
        for guest, other in (web1, web2), (web2, web1):
            guest.run("systemctl daemon-reload && systemctl start multi-unicast@eth0")
            guest.wait(f"{COMMAND} status eth0 | grep -q '{other.address} .*52:54'")
        got = heard(web1, {"eth0": (web2, "", "eth0")}, "239.1.1.1", "eth0")
        assert got["eth0"] == {"unicast": PAYLOADS, "group": 0, "datagrams": PAYLOADS}
        web2.run("nft flush ruleset")
        web2.wait(f"{COMMAND} status eth0 | grep -q '{web1.address} .*52:54'")
        web2.run("systemctl kill -s KILL multi-unicast@eth0")
        web2.wait("systemctl show -P NRestarts multi-unicast@eth0 | grep -q 1")
        web2.wait(f"{COMMAND} status eth0 | grep -q '{web1.address} .*52:54'")
    finally:
        for guest in pair.guests:
            guest.ask("systemctl stop multi-unicast@eth0")
    for guest in pair.guests:
        assert guest.run("nft list tables netdev") == ""
        assert guest.run("systemctl show -P Result multi-unicast@eth0").strip() == "success"
