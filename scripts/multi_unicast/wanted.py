"""What the command line and the file of hosts ask for."""

from multi_unicast.errors import Failure
from multi_unicast.rules import Plan


def _refuse(error):
    raise error


class Wanted:
    """hosts, groups: as hosts.host_of and hosts.group_of give them. file: a HostsFile, or
    None."""

    def __init__(self, hosts, groups, file, reach):
        self._hosts, self._groups, self.file, self._reach = hosts, groups, file, reach

    def listed(self, complain=_refuse):
        """The file's hosts, as plan() takes them. complain(Failure): of one that is left
        out for it."""
        return self._addresses(self.file.hosts(), complain) if self.file else {}

    def plan(self, listed):
        everybody = {**self._addresses(self._hosts, _refuse), **listed}
        groups = {}
        for group, hosts in self._groups:
            groups[str(group)] = self._addresses(hosts, _refuse)
            everybody.update(groups[str(group)])
        return Plan(tuple(everybody), {group: tuple(found) for group, found in groups.items()})

    def _addresses(self, hosts, complain):
        """Each once, in their order, without this host; a dict, as sets have no order."""
        found = {}
        for host in hosts:
            try:
                address = self._reach.address(host)
            except Failure as error:
                complain(error)
                continue
            if address:
                found[str(address)] = None
        return found
