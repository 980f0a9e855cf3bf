"""NATs of the test cloud: a box with one public address, and hosts behind it.

    box = Nat(cloud, "preserving")
    web2, web3 = box.host("web2"), box.host("web3")

What the kernel's own NAT makes of its rules:

    preserving    a mapping keeps the host's port, the same for every destination, and
                  lets in only what it has sent to: address and port
    random        symmetric: another port for each destination, filtered alike
    cone          as preserving, and anybody may come in at the host's port

None of them hairpins. A box drops what comes to itself: were it to accept that, its
connection tracking would give the port to a peer's first datagram, and the host's own
mapping to that peer would get another. Two hosts that use one port get a mapping of
another port for the second wherever both have the same destination.
"""

import os

from .daemon import Tapd, new_secret
from .network import GATEWAY4, Host, Namespace, ip_batch
from .wait import wait_for

KINDS = {"preserving": "masquerade", "random": "masquerade fully-random", "cone": "masquerade"}

RULES = """
table inet nat
delete table inet nat
table inet nat {{
	chain out {{
		type nat hook postrouting priority srcnat;
		oifname "eth0" {mapping}
	}}
	chain in {{
		type nat hook prerouting priority dstnat;
		{inward}
	}}
	chain box {{
		type filter hook input priority 0;
		meta l4proto udp {box}
	}}
	chain forward {{
		type filter hook forward priority 0;
		iifname "eth0" ct state new ct status & dnat == 0 drop
	}}
}}
"""


class Inside(Host):
    """A host behind a NAT. In the router, what concerns it is the box's port."""

    def __init__(self, box, name, mtu):
        super().__init__(box.cloud, len(box.cloud.hosts), name, mtu)
        self.box, self.port, self.gateway4 = box, box.name, f"{box.lan}.1"
        self.address4 = self.address = f"{box.lan}.{10 + len(box.hosts)}"
        self.address6 = None


class Nat(Namespace):
    """lan: the first three bytes of the addresses behind it."""

    def __init__(self, cloud, kind="preserving", *, lan=None, mtu=1500):
        number = len(cloud.boxes) + 1
        name = f"nat{number}"
        super().__init__(name, cloud.netns_name(name), os.path.join(cloud.directory, name))
        self.cloud, self.mtu, self.hosts = cloud, mtu, []
        self.address, self.lan = f"10.9.1.{number}", lan or f"192.168.{number}"
        self._accepts = False
        router = cloud.router.netns
        ip_batch([f"netns add {self.netns}",
                  f"link add name {name} mtu {mtu} netns {router} type veth "
                  f"peer name eth0 netns {self.netns}"])
        cloud.boxes.append(self)
        ip_batch([f"link set dev {name} up", f"addr add {GATEWAY4}/32 dev {name}",
                  f"route add {self.address}/32 dev {name}"], "-n", router)
        self.sysctl(net__ipv4__ip_forward=1)
        ip_batch(["link set lo up", f"link set eth0 mtu {mtu}", "link set eth0 up",
                  f"addr add {self.address}/32 dev eth0",
                  f"route add {GATEWAY4}/32 dev eth0 scope link",
                  f"route add default via {GATEWAY4} dev eth0"], "-n", self.netns)
        cloud.watch_fragments(self)
        self.become(kind)

    def host(self, name, mtu=None):
        host = Inside(self, name, mtu or self.mtu)
        ip_batch([f"netns add {host.netns}",
                  f"link add name {name} mtu {host.mtu} netns {self.netns} type veth "
                  f"peer name eth0 netns {host.netns}"])
        self.hosts.append(host)
        self.cloud.hosts.append(host)
        ip_batch([f"link set dev {name} up", f"addr add {self.lan}.1/32 dev {name}",
                  f"route add {host.address}/32 dev {name}"], "-n", self.netns)
        host.configure()
        self.cloud.watch_fragments(host)
        self.become(self.kind)
        return host

    def become(self, kind):
        """Its rules from now on: mappings that there are stay what they are."""
        self.kind, inward = kind, ""
        if kind == "cone" and self.hosts:
            inward = f'iifname "eth0" meta l4proto udp dnat ip to {self.hosts[0].address}'
        self.cloud.nft(RULES.format(mapping=KINDS[kind], inward=inward,
                                    box="accept" if self._accepts else "drop"), self)

    def accept_at_the_box(self):
        """The mistake that makes punching fail: see above."""
        self._accepts = True
        self.become(self.kind)

    def forget(self):
        """All its mappings, as when it is switched off and on."""
        self.run("conntrack", "-F")

    def renumber(self, address):
        """The provider gives it another public address: its mappings end."""
        self.cloud.router.ip("route", "add", f"{address}/32", "dev", self.name)
        self.cloud.router.ip("route", "del", f"{self.address}/32", "dev", self.name)
        self.ip("addr", "add", f"{address}/32", "dev", "eth0")
        self.ip("addr", "del", f"{self.address}/32", "dev", "eth0")
        self.address = address
        self.forget()


DIRECTLY = ""


def start_knowing(cloud, *known, relays=(), **settings):
    """tapd on every host, which is told of those hosts alone; `relays` carry for others."""
    secret = new_secret()
    daemons = [Tapd(host, secret, [h.address for h in known],
                    **({"relay": True} if host in relays else {}), **settings).launch()
               for host in cloud.hosts]
    for daemon in daemons:
        daemon.wait_ready()
    return daemons


def via(daemon, other):
    """DIRECTLY, or the name of the relay by which it has the other up; None: it has not."""
    peer = daemon.peer(other)
    return (peer.get("via") or DIRECTLY) if peer and peer["state"] == "up" else None


def wait_via(one, two, *ways, within=10):
    """Until each has the other up, both by one of these ways; which it is."""
    def agreed():
        found = via(one, two), via(two, one)
        # True or the name: DIRECTLY is no true value.
        return found[0] == found[1] and found[0] in ways and (found[0] or True)
    found = wait_for(agreed, within, lambda: f"{one.host} and {two.host} by {ways}; "
                     f"{one.ctl('peers')}, {two.ctl('peers')}")
    return DIRECTLY if found is True else found
