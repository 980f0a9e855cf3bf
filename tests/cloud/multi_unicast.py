"""scripts/multi-unicast on a host."""

import contextlib
import json
import os

from .frames import Wire

COMMAND = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/multi-unicast")


class MultiUnicast:
    def __init__(self, host, interface="eth0"):
        self.host, self.interface = host, interface

    def run(self, command, *arguments, check=True):
        return self.host.run(COMMAND, command, self.interface, *arguments, check=check)

    def up(self, *arguments):
        return self.run("up", *arguments)

    def down(self):
        self.run("down")

    def follow(self, *arguments):
        """Runs on, its table is in place."""
        process = self.host.start(COMMAND, "up", self.interface, *arguments, "--follow",
                                  log=f"follow-{self.interface}.log")
        process.wait_log("are sent once to each", 20)
        return process

    def status(self):
        """None: it is not up there."""
        done = self.run("status", "-j", check=False)
        found = json.loads(done.stdout)
        assert done.returncode == (0 if found else 1)
        return found[0] if found else None

    def macs(self, group=None):
        """{address: MAC or None} of an audience."""
        audiences = {each["group"]: each["hosts"] for each in self.status()["audiences"]}
        return {each["address"]: each["mac"] for each in audiences[group]}


def ruleset(host):
    """All of the host's rules, as nft lists them."""
    return host.run("nft", "list", "ruleset").stdout


def addresses(hosts):
    return [host.address for host in hosts]


def everywhere(hosts, *arguments):
    """As an administrator does it: one command for all hosts."""
    for host in hosts:
        MultiUnicast(host).up(*addresses(hosts), *arguments)


# Rules of others, which are to stay.
FOREIGN = """table netdev filter {
	chain e {
		type filter hook egress device "eth0" priority 10; policy accept;
		counter accept
	}
}
table inet multi-unicast-like {
	chain c {
		type filter hook output priority 0; policy accept;
	}
}
"""


def without_counts(text):
    """A ruleset, to be compared."""
    return [line.partition("counter packets")[0] for line in text.splitlines()
            if "packets" not in line or "counter packets" in line]


def refused(mu, *arguments):
    """What it says; and it changed nothing."""
    before = ruleset(mu.host)
    done = mu.run("up", *arguments, check=False)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert ruleset(mu.host) == before
    return done.stderr


def set_mac(host, mac):
    host.ip("link", "set", "eth0", "address", mac)


class Ears:
    """Wires on hosts' eth0: what came there, and how often."""

    def __init__(self, hosts, only=None):
        self._stack = contextlib.ExitStack()
        self._wires = {host.name: self._stack.enter_context(Wire(host, "eth0", only=only))
                       for host in hosts}

    def heard(self, count, names=None):
        """{name: frames}; `count` are waited for at each of the named."""
        names = self._wires if names is None else names
        heard = {name: self._wires[name].collect(count) for name in names}
        return {name: heard.get(name) or wire.pending() for name, wire in self._wires.items()}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()


class Numbers:
    """Numbered datagrams, as fast as 5,000 a second, by a process of the host's."""
    _PROGRAM = """
import signal, socket, struct, sys, time
ended = []
signal.signal(signal.SIGTERM, lambda *_: ended.append(1))
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
print("begins", flush=True)
number = 0
while not ended:
    sock.sendto(struct.pack("!I", number), (sys.argv[1], int(sys.argv[2])))
    number += 1
    time.sleep(0.0002)
print("sent", number, flush=True)
"""

    def __init__(self, host, group, port):
        self._process = host.start("/usr/bin/python3", "-c", self._PROGRAM, group, str(port),
                                   log="numbers.log")
        self._process.wait_log("begins")

    def stop(self):
        assert self._process.stop() == 0
        return int(self._process.log().split()[-1])

    def close(self):
        self._process.kill()
