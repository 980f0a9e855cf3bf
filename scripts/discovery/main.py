"""The command line of discover."""

import argparse
import os
import signal
import sys
import traceback

from discovery import consul
from discovery.azure import Azure
from discovery.client import Client
from discovery.clock import Clock
from discovery.consul import Consul
from discovery.ec2 import Ec2
from discovery.endpoints import endpoints, lists_this_host, port_of, source_towards
from discovery.errors import Failure, Usage
from discovery.follow import Follower
from discovery.gce import Gce
from discovery.options import Options
from discovery.output import Output
from discovery.text import fit, printable
from discovery.transport import Transport

PROVIDERS = {each.name: each for each in (Ec2, Gce, Azure, Consul)}
EXIT_FAILURE = 1
EXIT_USAGE = 64
_INTERVAL_S = 30
_INTERVAL_MAX_S = 86400

_ABOUT = """Prints the hosts that a cloud's API lists, one a line, for tapd's
discover.command:

    discover = { command = "/usr/lib/tapd/discover ec2 tag:cluster=web"; };

Credentials are those of this machine, where it has some; see discover in tapd.conf(5).

providers and their keys:
"""
_END = """
exit status: 0 there is an answer, if an empty one; 1 there is none, and stderr says why
and what to do; 64 the command line is wrong
"""


class Ended(BaseException):
    """A signal that asks to end. No handler of other errors takes it."""


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise Usage(message)


def _parser():
    keys = "\n".join(f"  {each.name:8}{each.usage}" for each in PROVIDERS.values())
    parser = _Parser(
        prog="discover", description=_ABOUT + keys, epilog=_END, allow_abbrev=False,
        usage="discover PROVIDER [KEY=VALUE...] [options]",
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=port_of, help="the port of all endpoints; else each "
                        "has its own, or tapd's default")
    parser.add_argument("--ipv4", action="store_true", help="IPv4 addresses: the default")
    parser.add_argument("--ipv6", action="store_true", help="IPv6 addresses; with --ipv4, both")
    parser.add_argument("--output", metavar="FILE", help="write them there, at once and whole")
    parser.add_argument("--follow", action="store_true", help="keep FILE in step, for ever; "
                        "interval=SECONDS between two calls, default 30, where the API "
                        "cannot tell of changes")
    return parser


class Run:
    """One call of the command."""

    def __init__(self, arguments, environment, clock, source):
        given = _parser().parse_intermixed_args(arguments)
        if not given.words:
            raise Usage("no PROVIDER: one of " + ", ".join(PROVIDERS))
        self.name, *words = given.words
        if self.name not in PROVIDERS:
            raise Usage(f"no provider '{printable(self.name, 40)}'; there are "
                        + ", ".join(PROVIDERS))
        if given.follow and not given.output:
            raise Usage("--follow needs --output FILE")
        self._port = given.port
        self._source = source
        self._families = {4} if given.ipv4 or not given.ipv6 else set()
        self._families |= {6} if given.ipv6 else set()
        self.follow = given.follow
        self.output = Output(given.output) if given.output else None
        options = Options(words)
        self.interval_s = options.seconds("interval", _INTERVAL_S, 1, _INTERVAL_MAX_S)
        transport = Transport(environment)
        self.client = Client(transport, clock)
        self.provider = PROVIDERS[self.name](options, self.client, environment)
        options.finish()
        if self.name == "consul":
            transport.trust(consul.authorities(environment))

    def ask(self):
        """(endpoints, what is odd about them or None)."""
        hosts = self.provider.hosts()
        found = endpoints(hosts, self._families, self._port)
        if not hosts:
            return found, self.provider.nothing()
        if not found:
            kind = " or ".join(f"IPv{family}" for family in sorted(self._families))
            return found, f"{len(hosts)} match, and none has an {kind} address yet"
        if self.provider.lists_own and lists_this_host(hosts, self._source) is False:
            return found, "this host is not among those that match: is its tag, label or " \
                          "service right?"
        return found, None


def main(arguments=None, environment=None, clock=None, source=source_towards, out=None,
         err=None):
    """The exit status. Endpoints are written to `out`, one line to `err`: both binary.
    source(address): this host's address towards that one."""
    arguments = sys.argv[1:] if arguments is None else arguments
    environment = os.environ if environment is None else environment
    out, err = out or sys.stdout.buffer, err or sys.stderr.buffer
    run = None

    def say(text):
        text = f"{run.name}: {run.client.secrets.hide(text)}" if run else text
        err.write(fit(f"discover: {text}"))
        err.flush()

    try:
        run = Run(arguments, environment, clock or Clock(), source)
        return _follow(run, say) if run.follow else _once(run, say, out)
    except Usage as error:
        say(f"{error}; see discover --help")
        return EXIT_USAGE
    except Failure as error:
        say(str(error))
    except Ended:
        return 0
    except Exception as error:  # its text might have secrets
        place = traceback.extract_tb(error.__traceback__)[-1]
        say(f"this is a bug: {type(error).__name__} in {os.path.basename(place.filename)}, "
            f"line {place.lineno}")
    return EXIT_FAILURE


def _once(run, say, out):
    found, remark = run.ask()
    if run.output:
        if found:
            run.output.write(found)
    else:
        try:
            out.write("".join(f"{each}\n" for each in found).encode())
            out.flush()
        except OSError as error:
            raise Failure(f"cannot write the list: {error.strerror}") from error
    if remark:
        say(remark)
    return 0


def _follow(run, say):
    def end(*_):
        raise Ended

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    Follower(run.provider, run.ask, run.output, run.interval_s, run.client, say).run()
    return 0
