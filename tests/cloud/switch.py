"""Hosts on switches that drop every frame with the I/G bit, as a cloud does.

Each host has eth0 on the first switch, eth1 on the second and so on, with addresses of
one subnet a switch: 10.9.0.0/24 and fd09::/64 on eth0, 10.9.1.0/24 and fd09:0:0:1::/64 on
eth1. ARP and neighbour discovery pass, as a cloud answers them itself. What is
dropped is counted, but for IGMP, MLD and router solicitations, which every kernel sends.

    with Switch(4) as switch:
        web1, web2, web3, web4 = switch.hosts
"""

import os
import re

from . import janitor, namespace
from .network import Namespace, ip_batch, prefix_of_a_cloud

_RULES = """table bridge cloud {
	counter dropped { }
	chain forward {
		type filter hook forward priority 0;
		ether daddr & 01:00:00:00:00:00 == 00:00:00:00:00:00 accept
		ether type arp accept
		icmpv6 type { 135, 136 } accept
		ip protocol igmp drop
		icmpv6 type { 130, 131, 132, 133, 143 } drop
		counter name dropped drop
	}
}
"""


class SwitchHost(Namespace):
    def __init__(self, switch, index, name):
        super().__init__(name, switch.prefix + name, os.path.join(switch.directory, name))
        self.index = index
        self.address4, self.address6 = f"10.9.0.{10 + index}", f"fd09::{10 + index}"
        self.address = self.address4

    def port(self, number=0):
        """Its port's name at the switch of eth{number}."""
        return f"port{self.index}-{number}"

    def on(self, number):
        """Its IPv4 address on eth{number}."""
        return f"10.9.{number}.{10 + self.index}"

    def mac(self, interface="eth0"):
        return self.ip("-br", "link", "show", interface).split()[2]


class Switch:
    """n hosts, each with as many interfaces as there are switches."""

    def __init__(self, n=3, switches=1):
        self.prefix, self.directory = prefix_of_a_cloud()
        os.makedirs(self.directory, exist_ok=True)
        try:
            self._build(n, switches)
        except BaseException:
            self.remove()
            raise

    def _build(self, n, switches):
        netns = self.prefix + "switch"
        names = [f"web{i + 1}" for i in range(n)]
        ip_batch([f"netns add {netns}"] + [f"netns add {self.prefix}{name}" for name in names])
        self.switch = Namespace("switch", netns, os.path.join(self.directory, "switch"))
        self.hosts = [SwitchHost(self, i, name) for i, name in enumerate(names)]
        self.switch.sysctl(net__ipv6__conf__default__disable_ipv6=1)
        for number in range(switches):
            self._add_bridge(number)
        for host in self.hosts:
            host.ip("link", "set", "lo", "up")
        self.switch.run("nft", "-f", "-", input=_RULES)

    def _add_bridge(self, number):
        bridge = f"br{number}"
        self.switch.ip("link", "add", bridge, "type", "bridge", "mcast_snooping", 0)
        self.switch.ip("link", "set", bridge, "up")
        for host in self.hosts:
            port, interface = host.port(number), f"eth{number}"
            ip_batch([f"link add name {port} netns {self.switch.netns} type veth "
                      f"peer name {interface} netns {host.netns}"])
            self.switch.ip("link", "set", port, "master", bridge)
            self.switch.ip("link", "set", port, "up")
            namespace.sysctl(host.netns, **{f"net__ipv6__conf__{interface}__accept_dad": 0})
            ip_batch([f"link set {interface} up",
                      f"addr add {host.on(number)}/24 brd + dev {interface}",
                      f"addr add fd09:0:0:{number}::{10 + host.index}/64 dev {interface} nodad"],
                     "-n", host.netns)

    def dropped(self):
        """Frames with the I/G bit that were, so far."""
        out = self.switch.run("nft", "list", "counter", "bridge", "cloud", "dropped").stdout
        return int(re.search(r"packets (\d+)", out).group(1))

    def logs(self):
        for where in [self.switch, *self.hosts]:
            for path in sorted({process.log_path for process in where.processes}):
                with open(path, errors="replace") as file:
                    yield f"{where.name}: {os.path.basename(path)}", file.read()

    def remove(self):
        janitor.remove(janitor.namespaces_of(self.prefix), self.directory)

    def close(self):
        self.remove()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
