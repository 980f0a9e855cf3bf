"""Many hosts in one process of one host of the cloud (tests/netns/crowd), for a daemon
that is to have many peers."""

import os

from .daemon import PORT, build_directory
from .network import ip_batch

NETWORK4, NETWORK6 = "10.9.1.0/24", "fd09:1234:5678:9abc::/64"


class Member:
    """One of the crowd: every fourth is reached by IPv6, and names are as they are, of
    physical hosts and of clouds."""

    def __init__(self, number, groups):
        self.v6 = number % 4 == 3
        self.address = (f"fd09:1234:5678:9abc:def0:1234:5678:{0x1000 + number:x}" if self.v6
                        else f"10.9.1.{1 + number}")
        short, of_cloud = f"node{number:03}", f"ip-10-9-1-{1 + number}"
        self.name = [short, of_cloud + ".eu-central-1.compute.internal", of_cloud, short,
                     f"worker-{number}.rack7.example.net"][number % 5]
        self.groups = groups

    @property
    def endpoint(self):
        return f"[{self.address}]:{PORT}" if self.v6 else f"{self.address}:{PORT}"


class Crowd:
    """Runs on `place`, which has no daemon, and dials the daemon of `host`.

    Each of the members has the `links` before it as peers, too. groups(number) is what
    that member joins. The cloud is of both families.
    """

    def __init__(self, place, host, secret, count, *, links=0, groups=lambda number: (),
                 build=None):
        self.members = [Member(number, groups(number)) for number in range(count)]
        cloud = place.cloud
        ip_batch([f"route add {NETWORK4} via {place.address4} dev {place.port}",
                  f"route add {NETWORK6} via {place.address6} dev {place.port}"],
                 "-n", cloud.router.netns)
        ip_batch([f"addr add {member.address}/{128 if member.v6 else 32} dev lo"
                  + (" nodad" if member.v6 else "") for member in self.members],
                 "-n", place.netns)
        hosts = place.write("crowd.hosts", "".join(
            " ".join([member.endpoint, member.name, *member.groups]) + "\n"
            for member in self.members))
        self.process = place.start(
            os.path.join(build or build_directory(), "tests/crowd"), secret, links, hosts,
            f"{host.address4}:{PORT}", f"[{host.address6}]:{PORT}", log="crowd.log")

    @property
    def names(self):
        return [member.name for member in self.members]
