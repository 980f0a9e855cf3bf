"""scripts/lab: hosts with tapd between them, for as long as you like.

    lab up [N] [--mtu BYTES] [--family v4|v6|dual]   N hosts (3), web1 … webN
    lab exec HOST COMMAND…                          run something on one
    lab status                                      what there is
    lab down                                        remove it all

On a host, `tapctl` needs no socket named, and the others are web1, web2 … by
eth0, web1.tap0 … by tap0. The files of a host (configuration, key, logs) are in
/run/tapd-lab/HOST.
"""

import argparse
import json
import os
import subprocess
import sys

from . import janitor
from .daemon import Tapd, build_directory, new_secret, program, wait_mesh
from .network import Cloud

PREFIX, DIRECTORY = "tapd-lab-", "/run/tapd-lab"


def host_names():
    """In the order they were made: web2 before web10."""
    names = [name[len(PREFIX):] for name in janitor.namespaces_of(PREFIX)]
    return sorted((n for n in names if n != "router"), key=lambda n: (len(n), n))


def up(options):
    if host_names():
        sys.exit("lab: there is one already; remove it first: sudo scripts/lab down")
    build_directory()
    cloud = Cloud(options.hosts, mtu=options.mtu, family=options.family, prefix=PREFIX,
                  directory=DIRECTORY)
    try:
        secret = new_secret()
        daemons = [Tapd(host, secret).launch() for host in cloud.hosts]
        for daemon in daemons:
            daemon.wait_ready()
        wait_mesh(daemons, 60)
    except BaseException:
        cloud.remove()
        raise
    status(options)
    print("\nTry: sudo scripts/lab exec web1 ping web2.tap0\n"
          "     sudo scripts/lab exec web1 tapctl peers\n"
          "     sudo scripts/lab exec web1 sh")


def need(name):
    names = host_names()
    if not names:
        sys.exit("lab: there is none; make one first: sudo scripts/lab up 3")
    if name and name not in names + ["router"]:
        sys.exit(f"lab: no host '{name}'; there are: {' '.join(names)} (and router)")
    return names


def execute(options):
    need(options.host)
    command = list(options.command)
    if command[0] == "tapctl" and "-s" not in command:
        command[1:1] = ["-s", f"{DIRECTORY}/{options.host}/tap0.sock"]
    os.environ["PATH"] = f"{build_directory()}/bin:{os.environ['PATH']}"
    os.environ["PS1"] = f"{options.host}# "
    os.execvp("ip", ["ip", "netns", "exec", PREFIX + options.host, *command])


class Running:
    """A host of a lab that some earlier process made."""

    def __init__(self, name):
        self.name, self.directory = name, os.path.join(DIRECTORY, name)
        self.control = os.path.join(self.directory, "tap0.sock")

    def status(self):
        done = subprocess.run([program("tapctl"), "-s", self.control, "-j", "status"],
                              capture_output=True, text=True)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def address(self, interface):
        done = subprocess.run(["ip", "-n", PREFIX + self.name, "-j", "addr", "show", interface],
                              capture_output=True, text=True)
        if done.returncode:
            return "-"
        return next((a["local"] for a in json.loads(done.stdout)[0]["addr_info"]
                     if a["scope"] == "global"), "-")


def status(_):
    print(f"{'HOST':<8} {'ETH0':<16} {'TAP0':<16} TAPD")
    for name in need(None):
        host = Running(name)
        report = host.status()
        tapd = f"{report['peers']['up']} of {report['peers']['total']} peers up" if report \
            else f"not running; its log: {host.directory}/tap0.log"
        print(f"{name:<8} {host.address('eth0'):<16} {host.address('tap0'):<16} {tapd}")


def down(_):
    janitor.remove(janitor.namespaces_of(PREFIX), DIRECTORY)


def main():
    parser = argparse.ArgumentParser(prog="scripts/lab", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("up", help="make hosts with tapd between them")
    command.add_argument("hosts", nargs="?", type=int, default=3, metavar="N")
    command.add_argument("--mtu", type=int, default=1500)
    command.add_argument("--family", choices=("v4", "v6", "dual"), default="v4")
    command.set_defaults(run=up)
    command = commands.add_parser("exec", help="run a command on a host")
    command.add_argument("host")
    command.add_argument("command", nargs=argparse.REMAINDER)
    command.set_defaults(run=execute)
    commands.add_parser("status", help="what there is").set_defaults(run=status)
    commands.add_parser("down", help="remove it all").set_defaults(run=down)
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("lab: needs root, to make network namespaces: sudo scripts/lab …")
    if options.run is up and not 1 <= options.hosts <= 200:
        parser.error("from 1 to 200 hosts")
    if options.run is execute and not options.command:
        parser.error("exec what?")
    options.run(options)


if __name__ == "__main__":
    try:
        main()
    except FileNotFoundError as error:
        sys.exit(f"lab: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
