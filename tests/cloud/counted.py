"""How many datagrams come to hosts on tap0, or on a bridge that has it as a port."""

import contextlib
import re


@contextlib.contextmanager
def counted(*hosts, port):
    """counts(): how many of UDP to that port came to each, by name."""
    table = ("table inet seen { counter frames { }; chain pre { "
             "type filter hook prerouting priority -300; "
             f'iifname {{ "tap0", "br0" }} udp dport {port} counter name frames; }}; }}')
    for host in hosts:
        host.run("nft", table)
    try:
        yield lambda: {host.name: int(re.search(r"packets (\d+)", host.run(
            "nft", "list", "counter", "inet", "seen", "frames").stdout)[1]) for host in hosts}
    finally:
        for host in hosts:
            host.run("nft", "delete table inet seen")
