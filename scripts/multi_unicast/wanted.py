"""What the command line and the file of hosts ask for."""

from multi_unicast.errors import Failure
from multi_unicast.rules import Plan


class Wanted:
    """hosts, groups: as hosts.host_of and hosts.group_of give them. file: a HostsFile, or
    None. What the command line names is looked up once."""

    def __init__(self, hosts, groups, file, reach):
        self._hosts, self._groups, self.file, self._reach = hosts, groups, file, reach
        self._given = None
        # Of the file: {address: None} that are in reach; {host: why it is not}.
        self._listed, self.left_out = {}, {}

    def listed(self, say=None):
        """The file's hosts, as plan() takes them. Failure: one of them is not in reach; or,
        with say(text), it is left out and said."""
        self.left_out = dict.fromkeys(self.file.hosts() if self.file else ())
        self._listed = {}
        return self.listed_again(say)

    def listed_again(self, say):
        """Those again, and whoever was left out and has come in reach since."""
        for host, before in list(self.left_out.items()):
            try:
                self._listed.update(self._address(host))
            except Failure as error:
                if not say:
                    raise
                self.left_out[host] = str(error)
                if before != str(error):
                    say(f"left out: {error}")
            else:
                del self.left_out[host]
        return dict(self._listed)

    def plan(self, listed):
        if not self._given:
            self._given = (self._addresses(self._hosts),
                           {str(group): self._addresses(hosts) for group, hosts in self._groups})
        everybody = {**self._given[0], **listed}
        for hosts in self._given[1].values():
            everybody.update(hosts)
        return Plan(tuple(everybody),
                    {group: tuple(hosts) for group, hosts in self._given[1].items()})

    def _address(self, host):
        address = self._reach.address(host)
        return {str(address): None} if address else {}

    def _addresses(self, hosts):
        """Each once, in their order, without this host; a dict, as sets have no order."""
        return {text: None for host in hosts for text in self._address(host)}
