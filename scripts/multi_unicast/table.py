"""The table of one interface, in the kernel."""

from multi_unicast import nft, rules
from multi_unicast.errors import Failure


class Table:
    def __init__(self, interface):
        self.interface = interface
        self._name = rules.table_of(interface)
        if self._name is None:
            raise Failure(f"nft cannot name an interface '{interface}'")

    def listed(self):
        """As nft lists it; None: there is none."""
        return nft.table(self._name)

    def apply(self, plan, macs):
        try:
            nft.load(rules.script(self.interface, plan, macs, self.listed()))
        except Failure:
            # Somebody may have changed it since it was listed; a second refusal is one.
            nft.load(rules.script(self.interface, plan, macs, self.listed()))

    def is_as(self, plan, macs):
        listed = self.listed()
        return listed is not None and rules.is_as(listed, plan, macs)

    def remove(self):
        nft.load(rules.removal(self.interface))
