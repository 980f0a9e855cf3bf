"""systemd-networkd and NetworkManager leave tap0 alone, whatever else they manage.

web1 has the one, with a file that asks DHCP on every Ethernet; web2 the other, whose
default that is.
"""

import pytest

# A TAP that is not tapd's, to see that the manager does take what it is let.
STRAY = "stray0"


@pytest.fixture
def stray(pair):
    for guest in pair.guests:
        guest.run(f"ip tuntap add dev {STRAY} mode tap && ip link set {STRAY} up && "
                  f"ip addr add 192.0.2.9/24 dev {STRAY}")
    yield
    for guest in pair.guests:
        guest.ask(f"ip link del {STRAY}")


def state(guest):
    return guest.run("ip -o address show dev tap0 | grep -v tentative | sed 's/valid_lft.*//'; "
                     "cat /sys/class/net/tap0/ifindex; ip -o link show dev tap0; "
                     "ip route show dev tap0")


def unchanged_by(pair, guest, service):
    history, before = pair.history(), state(guest)
    assert "10.77.0." in before
    guest.run(f"systemctl restart {service}")
    guest.wait("ip route show default | grep 10.9.0.1")
    pair.wait_peers()
    assert state(guest) == before
    assert pair.history() == history, "a transition"
    # And the other way round: it sees tap0 come under another process.
    guest.run("systemctl restart tapd@tap0")
    pair.wait_peers()
    assert state(guest) == before


def test_networkd_leaves_tap0_alone(pair, stray):
    guest = pair.web1
    setup = "networkctl --no-legend list {} | awk '{{ print $5 }}'"
    guest.wait(f"{setup.format(STRAY)} | grep -vx unmanaged")
    unchanged_by(pair, guest, "systemd-networkd")
    assert guest.run(setup.format("tap0")).strip() == "unmanaged"
    guest.wait(f"{setup.format('eth0')} | grep -x configured")


def test_networkmanager_leaves_tap0_alone(pair, stray):
    guest = pair.web2
    unchanged_by(pair, guest, "NetworkManager")
    devices = dict(line.split(":") for line in
                   guest.run("nmcli -t -f DEVICE,STATE device status").splitlines())
    assert devices["tap0"] == "unmanaged"
    assert devices[STRAY] != "unmanaged"
    assert devices["eth0"] == "connected"
