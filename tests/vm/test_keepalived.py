"""tapd is upgraded, restarted, killed and hung under Keepalived's master.

All but the last moves no virtual address, and programs keep their sockets: what came
through meanwhile is counted and printed.
"""

import json
import time

import pytest

from cloud import wait_for

NUMBERED, ECHO = 7101, 7102
SECONDS = 90
# The watchdog's 10 s, and a guest's pace.
WATCHDOG_WITHIN = 90


class Traffic:
    """A group that web1 joined, and a connection, both from web2, on tap0."""

    def __init__(self, pair):
        self.pair, self._units = pair, []

    def start(self):
        pair = self.pair
        self._start(pair.web1, "serve", ECHO)
        self._start(pair.web1, "receive", NUMBERED, "/run/traffic.group")
        self._start(pair.web2, "send", NUMBERED)
        pair.web1.wait(f"ss -Hltn sport = :{ECHO} | grep LISTEN")
        self._start(pair.web2, "hold", "10.77.0.10", ECHO, "/run/traffic.connection")

    def _start(self, guest, *arguments):
        unit = f"traffic-{arguments[0]}"
        self._units.append((guest, unit))
        guest.run(f"rm -f {arguments[-1]}; systemd-run -q --collect --unit {unit} "
                  f"/usr/local/bin/traffic {' '.join(map(str, arguments))}")

    def results(self):
        """{what: figures}; None for what has none yet."""
        def read(guest, what):
            output = guest.ask(f"cat /run/traffic.{what}")[1]
            return json.loads(output) if output.startswith("{") else None
        return {"multicast": read(self.pair.web1, "group"),
                "TCP": read(self.pair.web2, "connection")}

    def wait_flowing(self):
        """Until each has gone on for a while from now; what it has come to."""
        def count(figures):
            return figures and figures.get("received", 10 * figures.get("echoes", 0))
        before = {what: count(figures) or 0 for what, figures in self.results().items()}

        def flowing():
            now = self.results()
            return all((count(now[what]) or 0) > before[what] + 200 for what in now) and now
        return wait_for(flowing, SECONDS, lambda: f"traffic to flow: {self.results()}", 0.5)

    def stop(self):
        for guest, unit in self._units:
            guest.ask(f"systemctl stop {unit}")


@pytest.fixture
def traffic(pair):
    for guest in pair.guests:
        with open(__file__.replace("test_keepalived", "traffic")) as script:
            guest.write("/usr/local/bin/traffic", script.read(), "755")
    traffic = Traffic(pair)
    try:
        traffic.start()
        traffic.wait_flowing()
        yield traffic
    finally:
        traffic.stop()
    pair.settled()


def identity(guest):
    """What a program's sockets hang on."""
    return guest.run("cat /sys/class/net/tap0/ifindex /sys/class/net/tap0/address "
                     "/sys/class/net/tap0/carrier_down_count")


def main_pid(guest):
    return int(guest.run("systemctl show -P MainPID tapd@tap0"))


@pytest.fixture
def unnoticed(pair, traffic, measured):
    """unnoticed(what, guest, action): the action makes another process of tapd, and
    neither Keepalived nor a program with a socket can tell."""
    def check(what, guest, action):
        history, ours, pid = pair.history(), identity(guest), main_pid(guest)
        before = traffic.results()
        action()
        wait_for(lambda: main_pid(guest) not in (0, pid), SECONDS, "another process", 0.2)
        pair.wait_peers()
        after = traffic.wait_flowing()
        assert pair.history() == history, f"{what}: a transition"
        assert identity(guest) == ours, f"{what}: tap0 is another, or lost its carrier"
        for which, figures in after.items():
            assert figures["pid"] == before[which]["pid"]
            lost = (f"{figures['lost'] - before[which]['lost']} lost, "
                    if "lost" in figures else "")
            measured(f"{what}, {which}: {lost}at most {figures['longest_s']:.2f} s without "
                     f"(before it {before[which]['longest_s']:.2f} s)")
    return check


def test_a_restart_under_the_master_is_no_transition(pair, unnoticed):
    unnoticed("systemctl restart of the master's tapd", pair.web1,
              lambda: pair.web1.run("systemctl restart tapd@tap0"))


def test_kill_9_under_the_master_is_no_transition(pair, unnoticed):
    """systemd starts it again 100 ms later."""
    restarts = int(pair.web1.run("systemctl show -P NRestarts tapd@tap0"))
    unnoticed("kill -9 of the master's tapd", pair.web1,
              lambda: pair.web1.run("systemctl kill --kill-whom main -s KILL tapd@tap0"))
    assert int(pair.web1.run("systemctl show -P NRestarts tapd@tap0")) == restarts + 1


@pytest.mark.parametrize("name", ["web1", "web2"])
def test_an_upgrade_is_no_transition(pair, unnoticed, name):
    """One host after the other, as a fleet is upgraded."""
    guest = getattr(pair, name)
    role = "master" if name == "web1" else "backup"
    unnoticed(f"apt upgrade of the {role}'s tapd", guest,
              lambda: guest.run(f"apt install ./{pair.next_deb}"))
    assert guest.run("dpkg-query -W -f '${Version}' tapd").endswith("+next")
    assert guest.run("systemctl is-enabled tapd@tap0").strip() == "enabled"


def test_a_hung_daemon_is_restarted_by_the_watchdog(pair, traffic, measured):
    """Nothing passes meanwhile, so VRRP may do what it is for."""
    history, ours, pid = pair.history(), identity(pair.web1), main_pid(pair.web1)
    hung = time.monotonic()
    pair.web1.run(f"kill -STOP {pid}")
    wait_for(lambda: main_pid(pair.web1) not in (0, pid), WATCHDOG_WITHIN,
             "the watchdog to have it restarted", 0.2)
    took = time.monotonic() - hung
    pair.wait_peers()
    after = traffic.wait_flowing()
    pair.settled()
    assert identity(pair.web1) == ours
    assert "watchdog" in pair.web1.run("journalctl -u tapd@tap0 --no-pager | grep -i watchdog")
    new = [" ".join(line.split()[1] for line in now[len(was):]) or "no transition"
           for was, now in zip(history, pair.history())]
    measured(f"a hung daemon: another one after {took:.1f} s; meanwhile web1: {new[0]}, "
             f"web2: {new[1]}; TCP went on after "
             f"{after['TCP']['longest_s']:.1f} s")
