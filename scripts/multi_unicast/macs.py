"""The MACs of hosts, from the kernel's neighbour table; and whether they can be right."""

import ipaddress
import select
import time

from multi_unicast.errors import Failure
from multi_unicast.netlink import FAILED, SURE

# The kernel asks a host three times whether it still has its MAC, then everybody three
# times who has the address, a second apart.
RESOLVE_S = 8
_LOOK_S = 0.2
_TRIES = 2
# A router that answers for other addresses is found by this: any address far away.
_FAR_AWAY = ipaddress.ip_address("198.51.100.1")


class Macs:
    """What is known of them. addresses: those of the hosts, as ipaddress has them."""

    def __init__(self, kernel, index):
        self._kernel, self._index = kernel, index

    def ask(self, address, neighbour, doubt=False):
        """Has the kernel find out; doubt: even if it was sure so far."""
        try:
            if neighbour is None or not neighbour.mac or neighbour.state & FAILED:
                self._kernel.resolve(self._index, address)
            elif doubt or not neighbour.state & SURE:
                self._kernel.prove(self._index, address)
        except OSError:
            pass  # it changed meanwhile, or the table is full: asked again next time

    def resolve(self, addresses, events, seconds=RESOLVE_S):
        """{address: MAC} of those that answer within that time."""
        found, asked, failed = {}, dict.fromkeys(addresses, 0), set()
        end = time.monotonic() + seconds
        while True:
            table = self._kernel.neighbours(self._index)
            for address in asked.keys() - found.keys() - failed:
                neighbour = table.get(address)
                if neighbour and neighbour.mac and neighbour.state & SURE:
                    found[address] = neighbour.mac
                elif asked[address] == 0 or neighbour and neighbour.state & FAILED:
                    if asked[address] == _TRIES:
                        failed.add(address)
                        continue
                    asked[address] += 1
                    self.ask(address, neighbour)
            left = end - time.monotonic()
            if len(found) + len(failed) == len(asked) or left <= 0:
                return found
            select.select([events], [], [], min(left, _LOOK_S))
            events.pending()

    def gateway(self):
        """The router's address there; None if there is none."""
        route = self._kernel.route(_FAR_AWAY)
        return route.gateway if route and route.index == self._index else None


def check(macs, gateway=None, gateway_mac=None):
    """Failure if a MAC cannot be its host's own. macs: {address: MAC}"""
    owners = {}
    for address, mac in macs.items():
        if mac == gateway_mac and address != gateway:
            raise Failure(f"{address} has the MAC of the gateway {gateway}, {mac}: this "
                          "network forwards by IP address, and copies would reach nobody")
        if mac in owners:
            raise Failure(f"{owners[mac]} and {address} have one MAC, {mac}: either they are "
                          "one host, named twice, or a router answers for both, and copies "
                          "would reach nobody")
        owners[mac] = address
