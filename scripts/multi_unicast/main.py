"""The command line of multi-unicast."""

import argparse
import contextlib
import ipaddress
import json
import os
import signal
import sys

from multi_unicast import cloud, holder, nft, rules, status
from multi_unicast.errors import Failure, Usage
from multi_unicast.follow import Ended, Follower
from multi_unicast.hosts import HostsFile, Reach, group_of, host_of, printable
from multi_unicast.macs import Macs, check
from multi_unicast.netlink import ETHERNET, Events, Netlink
from multi_unicast.table import Table
from multi_unicast.wanted import Wanted

EXIT_FAILURE = 1
EXIT_USAGE = 64
_CAP_NET_ADMIN = 12
# A gateway that takes longer is down, and answers for nobody.
_GATEWAY_S = 1

_ABOUT = """Has the kernel send every frame to a multicast or broadcast address that leaves by
IFACE once to each HOST instead, to its MAC. HOSTs need no software, and hear others that
do the same. They are addresses or names in IFACE's own subnet; this host is left out.

  up      makes it so, or changes it
  down    ends it
  status  what is in effect, on IFACE or everywhere

ARP, neighbour discovery, IGMP, MLD and requests for DHCP stay as they are.
Nothing is sealed or authenticated. It cannot work where the network forwards by IP
address, as on Compute Engine and Azure; in one subnet of EC2 it may. See
multi-unicast(8).
"""
_END = "exit status: 0; 1 it cannot be done, and stderr says why; 64 the command line is wrong"


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise Usage(printable(message, 200))


def _parser():
    parser = _Parser(prog="multi-unicast", description=_ABOUT, epilog=_END, allow_abbrev=False,
                     formatter_class=argparse.RawDescriptionHelpFormatter,
                     usage="multi-unicast up IFACE HOST... [options]\n"
                           "       multi-unicast down IFACE\n"
                           "       multi-unicast status [IFACE] [-j]")
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--group", action="append", metavar="GROUP=HOST,HOST...", default=[],
                        help="up: this group's frames only to these; may be given again")
    parser.add_argument("--hosts", metavar="FILE",
                        help="up: more HOSTs, one a line, as discover prints them")
    parser.add_argument("--follow", action="store_true",
                        help="up: stay, keep MACs and FILE's hosts current, end it at the end")
    parser.add_argument("-j", "--json", action="store_true", help="status: JSON")
    return parser


def _given(arguments):
    given = _parser().parse_intermixed_args(arguments)
    if not given.words or given.words[0] not in ("up", "down", "status"):
        raise Usage("the first word is up, down or status")
    given.command, *rest = given.words
    if given.command != "status" and not rest:
        raise Usage(f"{given.command} which interface?")
    if given.command != "up" and (len(rest) > 1 or given.group or given.hosts or given.follow):
        raise Usage(f"{given.command} takes an interface and nothing else")
    if given.command != "status" and given.json:
        raise Usage("-j is for status")
    given.interface = rest[0] if rest else None
    if rest and rules.table_of(rest[0]) is None:
        raise Usage(f"no interface '{printable(rest[0])}': letters, digits, '_', '.' and '-'")
    given.names = [host_of(word) for word in rest[1:]]
    given.groups = [group_of(word) for word in given.group]
    if len({group for group, _ in given.groups}) < len(given.groups):
        raise Usage("a --group is given more than once")
    if given.command == "up" and not (given.names or given.hosts or given.groups):
        raise Usage("up for which hosts? HOST..., --hosts FILE or --group")
    return given


def _check_rights():
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        rights = next(line for line in file if line.startswith("CapEff:"))
    if not int(rights.split()[1], 16) >> _CAP_NET_ADMIN & 1:
        raise Failure("needs root, or CAP_NET_ADMIN")


def main(arguments=None, say=None):
    """The exit status. say(text): a line for whoever watches."""
    say = say or (lambda text: print(f"multi-unicast: {printable(text, 400)}", file=sys.stderr,
                                     flush=True))
    try:
        given = _given(sys.argv[1:] if arguments is None else arguments)
        _check_rights()
        nft.check_kernel(os.uname().release)
        return {"up": _up, "down": _down, "status": _status}[given.command](given, say)
    except Usage as error:
        say(f"{error}; see multi-unicast --help")
        return EXIT_USAGE
    except Failure as error:
        say(str(error))
    except BrokenPipeError:
        # Nobody reads on; the interpreter is not to find that out once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT_FAILURE


def _up(given, say):
    kernel = Netlink()
    link = kernel.link(given.interface)
    if link is None:
        raise Failure(f"no interface {given.interface} here")
    if link.kind != ETHERNET:
        raise Failure(f"{given.interface} is no Ethernet: its frames have no MAC")
    if not link.up:
        raise Failure(f"{given.interface} is down: ip link set {given.interface} up")
    with holder.Holder(given.interface) as held:
        file = HostsFile(given.hosts) if given.hosts else None
        wanted = Wanted(given.names, given.groups, file,
                        Reach(kernel, given.interface, link.index))
        table = Table(given.interface)
        if not given.follow:
            plan = wanted.plan(wanted.listed())
            table.apply(plan, _resolve(kernel, link.index, plan, follow=False))
            _tell(given.interface, plan, say)
            return 0
        return _follow(given, kernel, link.index, wanted, table, held, say)


def _resolve(kernel, index, plan, follow):
    """{address: MAC}, by their texts."""
    if not plan.hosts and not follow:
        raise Failure("there is no host but this one")
    macs = Macs(kernel, index)
    gateway = macs.gateway()
    addresses = set(map(ipaddress.ip_address, plan.hosts))
    with contextlib.closing(Events()) as events:
        near = macs.resolve({gateway} if gateway else (), events, _GATEWAY_S)
        found = macs.resolve(addresses, events)
    check(found, gateway, near.get(gateway))
    missing = [str(each) for each in sorted(addresses - found.keys(), key=str)]
    if missing and not follow:
        raise Failure(f"no answer from {', '.join(missing)}: nothing was changed; --follow "
                      "waits for hosts that are not up yet")
    return {str(address): mac for address, mac in found.items()}


def _tell(interface, plan, say):
    groups = "".join(f"; {group} to {len(hosts)}" for group, hosts in plan.groups.items())
    say(f"{interface}: multicast and broadcast are sent once to each of {len(plan.hosts)} "
        f"hosts{groups}; {status.UNSEALED}")
    say(cloud.note())


def _heed_signals(handler):
    for number in signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
        signal.signal(number, handler)


def _end(*_):
    """The first one ends it: another, close behind, is not to end the removal as well."""
    _heed_signals(signal.SIG_IGN)
    raise Ended


def _follow(given, kernel, index, wanted, table, held, say):
    _heed_signals(_end)
    try:
        if wanted.file:
            wanted.file.changed()
        plan = _first_plan(wanted, say)
        macs = _resolve(kernel, index, plan, follow=True)
        with contextlib.closing(Follower(table, wanted, kernel, index, held, say)) as follower:
            try:
                try:
                    follower.start(plan, macs)
                    _tell(given.interface, plan, say)
                    follower.run()
                finally:
                    # Should one come right here, the table is removed all the same.
                    _heed_signals(signal.SIG_IGN)
            finally:
                table.remove()
    except Ended:
        return 0


def _first_plan(wanted, say):
    """The file may be one that its writer has still to make."""
    if wanted.file and not os.path.exists(wanted.file.path):
        say(f"{wanted.file.path} is not there yet")
        return wanted.plan({})
    return wanted.plan(wanted.listed(say))


def _down(given, _say):
    try:
        holder.end(given.interface)
    finally:
        nft.load(rules.removal(given.interface))
    return 0


def _status(given, _say):
    names = [given.interface] if given.interface else status.interfaces()
    found = list(filter(None, map(status.of, names)))
    if given.json:
        print(json.dumps(found, indent=4))
    else:
        print("\n".join(map(status.text, found)), end="", flush=True)
    if given.interface and not found:
        raise Failure(f"{given.interface}: not up")
    return 0
