"""--follow: a table that is kept in step with the hosts' MACs and their list.

The kernel tells of every change of its neighbour table. By itself it asks a host that
nothing is sent to once, and forgets it; so it is made to ask every few seconds. A host
that does not answer keeps its last MAC: a copy too many costs less than one too few.

Who flushes nftables' rules, as /etc/nftables.conf does when it is loaded, flushes this
table as well: it is made again.
"""

import ipaddress
import select
import time

from multi_unicast.errors import Failure
from multi_unicast.macs import Macs, check
from multi_unicast.netlink import FAILED, NOARP, PERMANENT, VALID, Events, RuleEvents

PROVE_S = 5
# How soon a host that was left out is looked for again: a network, or a resolver, that
# comes up late at a boot changes no file.
_AGAIN_S = 10
_LOOK_S = 1


class Ended(BaseException):
    """A signal, or down, asks to end."""


class Follower:
    """say(text) is for the log."""

    def __init__(self, table, wanted, kernel, index, holder, say):
        self._table, self._wanted, self._kernel, self._index = table, wanted, kernel, index
        self._holder, self._say = holder, say
        self._macs = Macs(kernel, index)
        self._events, self._rule_events = Events(), RuleEvents()
        self._known, self._asked = {}, set()
        self._plan = self._remark = None
        self._prove_at = self._verify_at = self._again_at = 0
        self._verify = False

    def start(self, plan, known):
        """Makes the table. known: {address: MAC}, as far as they answered."""
        self._plan, self._known = plan, dict(known)
        for address in plan.hosts:
            if address not in known:
                self._say(f"{address} does not answer yet")
        self._apply()
        self._prove_at = time.monotonic() + PROVE_S
        self._again_at = time.monotonic() + _AGAIN_S

    def run(self):
        """Until it is asked to end."""
        while True:
            select.select([self._events, self._rule_events, self._holder], [], [], _LOOK_S)
            self._turn()

    def _turn(self):
        if self._holder.asked_to_end():
            raise Ended
        now = time.monotonic()
        self._take_events()
        if self._wanted.file and self._wanted.file.changed():
            self._look_at_file()
        elif self._wanted.left_out and now >= self._again_at:
            self._again_at = now + _AGAIN_S
            listed = self._wanted.listed_again(self._say)
            if listed:
                self._change(self._wanted.plan(listed))
        if now >= self._prove_at:
            self._prove_at = now + PROVE_S
            self._prove()
        self._verify = self._rule_events.pending() or self._verify
        # Not more often, should another program take it away as often as it is made.
        if self._verify and now >= self._verify_at:
            self._verify, self._verify_at = False, now + 1
            if not self._table.is_as(self._plan, self._known):
                self._say("somebody changed or removed the rules: made again")
                self._apply()

    def _apply(self):
        self._table.apply(self._plan, self._known)
        try:
            check({address: self._known[address] for address in self._plan.hosts
                   if address in self._known})
            remark = None
        except Failure as error:
            remark = str(error)
        if remark and remark != self._remark:
            self._say(remark)
        self._remark = remark

    def _take_events(self):
        pending = self._events.pending()
        if pending is None:
            self._learn(self._kernel.neighbours(self._index).values())
            return
        changed, gone = pending
        if self._index in gone:
            raise Failure(f"{self._table.interface} was removed")
        self._learn(each for each in changed if each and each.index == self._index)

    def _learn(self, neighbours):
        changed = False
        for neighbour in neighbours:
            address = str(neighbour.address)
            if address not in self._plan.hosts:
                continue
            if neighbour.state & FAILED:
                # It has a MAC no more; somebody else may have the address now.
                if address not in self._asked:
                    self._asked.add(address)
                    self._macs.ask(neighbour.address, neighbour)
            elif neighbour.state & VALID and neighbour.mac != self._known.get(address):
                old = self._known.get(address)
                self._say(f"{address} is at {neighbour.mac}" + (f", no more at {old}" if old
                                                               else ""))
                self._known[address] = neighbour.mac
                changed = True
        if changed:
            self._apply()

    def _prove(self):
        link = self._kernel.link(self._table.interface)
        if link is None or link.index != self._index:
            raise Failure(f"{self._table.interface} was renamed")
        table = self._kernel.neighbours(self._index)
        self._learn(table.values())
        self._asked.clear()
        for address in map(ipaddress.ip_address, self._plan.hosts):
            neighbour = table.get(address)
            if not neighbour or not neighbour.state & (NOARP | PERMANENT):
                self._macs.ask(address, neighbour, doubt=True)

    def _look_at_file(self):
        """An empty or unreadable list keeps the last one: it is as often a mistake."""
        try:
            listed = self._wanted.listed(self._say)
            if not listed:
                raise Failure(f"{self._wanted.file.path} lists no other host")
            plan = self._wanted.plan(listed)
        except Failure as error:
            self._say(f"{error}; the list stays as it was")
            return
        self._change(plan)

    def _change(self, plan):
        if plan != self._plan:
            self._plan = plan
            self._known = {address: mac for address, mac in self._known.items()
                           if address in plan.hosts}
            self._say(f"{len(plan.hosts)} hosts now")
            self._apply()
            self._prove_at = 0

    def close(self):
        self._events.close()
        self._rule_events.close()
