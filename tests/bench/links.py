"""What a measurement does to a host's link, undone when it ends however it ends."""

import contextlib

# A card, in front of which the queue lies. The veth hands on at once what it is given,
# so a token bucket is put there.
#
# The burst is what a card's own ring holds: byte queue limits keep that to a millisecond
# or less, and it must take two of the 64 KB batches that the kernel hands over whole, or
# the bucket would cut them up, which a card does in hardware. At 2 Gb/s it is 0.5 ms.
#
# The limit is that of the queue above the ring. There the kernel's usual ones hold far
# more than anybody sends at once: pfifo_fast 1000 batches, fq_codel 32 MB. The sender has
# to keep it short. TCP lets two batches or a millisecond of its own lie there (TCP small
# queues), and knows of them through a VXLAN, too; no TCP knows of those that a tunnel's
# socket has there. A small limit would hide that behind loss.
BURST, LIMIT = 128 * 1024, 16 * 1024 * 1024

GONE = "gone"  # the interface that counts what is gone


@contextlib.contextmanager
def card(host, gbps):
    """The host's underlay has a card of so many Gb/s; none given: as it is."""
    if not gbps:
        yield
        return
    host.run("tc", "qdisc", "replace", "dev", "eth0", "root", "tbf", "rate", f"{gbps}gbit",
             "burst", BURST, "limit", LIMIT)
    try:
        yield
    finally:
        host.run("tc", "qdisc", "del", "dev", "eth0", "root", check=False)


class BatchesGone:
    """Batches of datagrams end where a card would take them: receiving them costs nothing.

    They are redirected to a veth, at whose other end each is dropped whole because it is
    to another's MAC. Single datagrams pass, so that handshakes, and the probes that find
    and confirm how large a datagram may be, go on.
    """

    def __init__(self, host):
        self._host = host

    def __enter__(self):
        host = self._host
        host.ip("link", "add", GONE, "type", "veth", "peer", "name", GONE + "-end")
        try:
            for end in (GONE, GONE + "-end"):
                host.ip("link", "set", end, "addrgenmode", "none", "mtu", host.mtu, "up")
            host.run("tc", "qdisc", "add", "dev", "eth0", "clsact")
            # A batch's length is that of all of it, and larger than any datagram's. u32
            # compares under a mask, so there is a filter for each bit above the MTU's.
            for bit in (1 << shift for shift in range(host.mtu.bit_length(), 16)):
                host.run("tc", "filter", "add", "dev", "eth0", "egress", "protocol", "ip", "u32",
                         "match", "ip", "protocol", 17, "0xff",
                         "match", "u16", hex(bit), hex(bit), "at", 2,
                         "action", "mirred", "egress", "redirect", "dev", GONE)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._host.run("tc", "qdisc", "del", "dev", "eth0", "clsact", check=False)
        self._host.ip("link", "del", GONE, check=False)
