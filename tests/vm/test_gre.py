"""GRE with the kernel's own gretap, of 6.1 and of 6.12, beside the sealed tap0."""

import json

import pytest

CONF = """encapsulation = "gre";{network_id}
interface = {{ address = [ "10.79.0.{host}/24" ]; }};
peers = [ "{peer}" ];
"""
# An administrator's file: the guest's networkd takes every Ethernet that nobody keeps
# from it. gretap's own MTU is what fits, as tapd's is.
UNMANAGED = "[Match]\nName=gre7\n[Link]\nUnmanaged=yes\n"
NETWORK = "/etc/systemd/network/10-gre7.network"
GRETAP = ("! systemctl -q is-active systemd-networkd || networkctl reload; "
          "ip link add gre7 type gretap local {host} remote {peer}{key} && "
          "ip addr add 10.79.0.{number}/24 dev gre7 && ip link set gre7 up && "
          "cat /sys/class/net/gre7/mtu")
# As the drop-in itself says.
DROP_IN = ("install -D -m 644 /usr/share/doc/tapd/examples/gre.conf "
           "/etc/systemd/system/tapd@tap7.service.d/gre.conf && systemctl daemon-reload")
CLEAR = ("systemctl stop tapd@tap7; ip link del gre7; rm -rf /etc/tapd/tap7.conf "
         f"/etc/systemd/system/tapd@tap7.service.d {NETWORK}; systemctl daemon-reload")
# One stream: from the first, which prints the sum of what it sent, to the second.
SINK = """import hashlib, socket, sys
connection, _ = socket.create_server(("10.79.0." + sys.argv[1], 7200)).accept()
digest = hashlib.sha256()
while data := connection.recv(65536):
    digest.update(data)
print(digest.hexdigest())
"""
SOURCE = """import hashlib, os, socket, sys, time
data = os.urandom(1 << 20)
for _ in range(100):
    try:
        connection = socket.create_connection(("10.79.0." + sys.argv[1], 7200), 60)
        break
    except ConnectionRefusedError:
        time.sleep(0.2)
connection.sendall(data)
connection.close()
print(hashlib.sha256(data).hexdigest())
"""


def number(guest):
    return guest.address.rpartition(".")[2]


@pytest.fixture
def programs(pair):
    """Removed again, with what a test set up."""
    for guest in pair.guests:
        guest.write(NETWORK, UNMANAGED)
        guest.write("/root/sink", SINK)
        guest.write("/root/source", SOURCE)
    yield
    for guest in pair.guests:
        guest.ask(CLEAR)


def stream(source, target):
    """Arrives unaltered."""
    target.run(f"rm -f /run/sunk; systemd-run -q --collect --unit sink sh -c "
               f"'python3 /root/sink {number(target)} >/run/sunk'")
    sent = source.run(f"python3 /root/source {number(target)}").strip()
    assert target.wait("test -s /run/sunk && cat /run/sunk").strip() == sent


@pytest.mark.parametrize("key", [None, 42], ids=["no key", "key"])
@pytest.mark.parametrize("kernel", ["6.1", "6.12"])
def test_tapd_and_gretap_of(pair, programs, kernel, key):
    plain, tapd = pair.guests if kernel == "6.1" else pair.guests[::-1]
    mtu = plain.run(GRETAP.format(host=plain.address, peer=tapd.address, number=number(plain),
                                  key=f" key {key}" if key else "")).strip()
    tapd.write("/etc/tapd/tap7.conf", CONF.format(
        host=number(tapd), peer=plain.address, network_id=f"\nnetwork_id = {key};" if key else ""))
    if key:  # a kernel that has the protocol's module answers for what is no tunnel of its own
        tapd.run("modprobe ip_gre")
    tapd.run(f"{DROP_IN} && systemctl start tapd@tap7")
    assert tapd.run("cat /sys/class/net/tap7/mtu").strip() == mtu == ("1458" if key else "1462")
    status = json.loads(tapd.run("tapctl -i tap7 -j status"))
    assert (status["sealed"], status["encapsulation"]) == (False, "gre")
    full = int(mtu) - 28
    for source, target in (plain, tapd), (tapd, plain):
        source.wait(f"ping -c 1 -W 2 10.79.0.{number(target)}")
        source.run(f"ping -c 2 -i 0.2 -M do -s {full} 10.79.0.{number(target)}")
        if key:
            stream(source, target)
    drops = json.loads(tapd.run("tapctl -i tap7 -j drops"))
    assert not any(drops[why] for why in ("gre_bad", "gre_key", "plain_stranger")), drops
