"""What is stacked on tap0, and a network below it that loses and reorders."""

import contextlib
import re

import pytest

from cloud import holds

LOSS_SECONDS = 15


@contextlib.contextmanager
def made(pair, make, remove):
    """Made on both guests by commands, and removed from both."""
    try:
        for guest in pair.guests:
            guest.run(make.format(host=guest.address.rpartition(".")[2]))
        yield
    finally:
        for guest in pair.guests:
            guest.ask(remove)


@pytest.fixture
def no_transition(pair):
    """From here to the end of the test."""
    pair.settled()
    history = pair.history()
    yield
    assert pair.history() == history


def restarts(pair):
    return [guest.run("systemctl show -P NRestarts tapd@tap0") for guest in pair.guests]


def test_an_802_1q_device_on_tap0(pair, no_transition):
    make = ("ip link add link tap0 name tap0.7 type vlan id 7 && "
            "ip addr add 10.78.0.{host}/24 dev tap0.7 && ip link set tap0.7 up")
    with made(pair, make, "ip link del tap0.7"):
        pair.web1.run("ping -c 5 -i 0.3 10.78.0.11")
        pair.web2.run("ping -c 5 -i 0.3 -s 1400 -M do 10.78.0.10")
        pair.web1.run("systemctl restart tapd@tap0")
        pair.wait_peers()
        pair.web1.run("ping -c 5 -i 0.3 10.78.0.11")
        vlans = {entry["vlan"] for entry in pair.tapctl(pair.web1, "fdb")}
        assert 7 in vlans


def test_tap0_in_a_vrf(pair):
    """Enslaved while tapd runs; its routes move to the VRF's table. Keepalived takes that
    for a fault of the interface, and is itself again afterwards."""
    make = ("ip link add red type vrf table 77 && ip link set red up && "
            "ip link set tap0 master red")
    remove = "ip link set tap0 nomaster; ip link del red"
    with made(pair, make, remove):
        assert "10.77.0.0/16" in pair.web1.run("ip route show vrf red")
        pair.web1.run("ip vrf exec red ping -c 5 -i 0.3 10.77.0.11")
        pair.web2.run("ip vrf exec red ping -c 5 -i 0.3 10.77.0.10")
        pair.web1.run("systemctl restart tapd@tap0")
        pair.wait_peers()
        assert "master red" in pair.web1.run("ip link show tap0")
        pair.web1.run("ip vrf exec red ping -c 5 -i 0.3 10.77.0.11")
    pair.web1.run("ping -c 3 -i 0.3 10.77.0.11")
    pair.settled()


def test_loss_and_reordering_below(pair, no_transition, measured):
    """5 % and a quarter, both ways: no peer is down, no address moves."""
    before = restarts(pair)
    make = "tc qdisc add dev eth0 root netem delay 10ms 2ms loss 5% reorder 25% 50%"
    with made(pair, make, "tc qdisc del dev eth0 root"):
        start = pair.web1.run("date +%s").strip()
        ping = f"ping -q -i 0.1 -c {10 * LOSS_SECONDS} 10.77.0.11 || :"
        output = pair.web1.run(ping)
        holds(lambda: all(pair.tapctl(guest, "status")["peers"]["up"] == 1
                          for guest in pair.guests), 3, "the peers to be up")
        for guest in pair.guests:
            assert not re.search(r"\bdown\b", guest.run(
                f"journalctl -u tapd@tap0 -o cat --no-pager --since @{start}"))
        below = [guest.run("tc -s qdisc show dev eth0 | grep -o 'dropped [0-9]*'").strip()
                 for guest in pair.guests]
    received = int(re.search(r"(\d+) received", output).group(1))
    measured(f"ping over 5 % loss and 25 % reordering: {received} of {10 * LOSS_SECONDS}; "
             f"netem {' and '.join(below)}")
    assert received >= 8 * LOSS_SECONDS
    assert restarts(pair) == before
