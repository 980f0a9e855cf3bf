"""What scripts/demo shows once tapd is built."""

import re
import select
import signal
import socket
import sys
import time

from . import Cloud, Wire, interface_mac, member, multicast_sender, start_all, udp_socket, wait_for
from .frames import BROADCAST, frame, mac_bytes
from .janitor import kill_in
from .keepalived import Keepalived, Vrrp

GROUP, PORT = "239.1.1.1", 5000
VIP = "10.77.0.100"

_colour = sys.stdout.isatty()


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if _colour else text


def good(text):
    return paint(32, text)


def bad(text):
    return paint(31, text)


def title(text):
    print(f"\n{paint(1, text)}", flush=True)


def line(*columns):
    """Starts a line whose last column is not known yet."""
    print("  %-10s %-30s " % columns, end="", flush=True)


def names(hosts):
    return ", ".join(host.name for host in hosts) or "nobody"


def verdict(hosts, hoped):
    """Ends a line: who was reached; green if that is as hoped."""
    text = "reaches " + names(hosts)
    print(good(text) if len(hosts) == hoped else bad(text), flush=True)
    return len(hosts) == hoped


class Show:
    def __init__(self, cloud):
        self.cloud = cloud
        self.web1, self.web2, self.web3 = cloud.hosts
        self.others = [self.web2, self.web3]
        self.as_told = True  # everything went as the demo says it does

    def tell(self, hosts, hoped):
        self.as_told &= verdict(hosts, hoped)

    def who_hears(self, target, interface):
        """The hosts that a datagram of web1 to `target` reaches, by socket."""
        group = target if target == GROUP else None
        receivers = [member(host, group, PORT, interface) if group
                     else udp_socket(host, interface, PORT) for host in self.others]
        with multicast_sender(self.web1, interface) as sender:
            if not group:
                sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
            heard, end = set(), time.monotonic() + 0.5
            # Again and again: that they joined is not known at once.
            while len(heard) < len(receivers) and time.monotonic() < end:
                sender.sendto(b"hello", (target, PORT))
                heard.update(select.select(receivers, [], [], 0.05)[0])
        for sock in receivers:
            sock.close()
        return [host for host, sock in zip(self.others, receivers) if sock in heard]

    def who_hears_arp(self, interface, address):
        """The hosts at which web1's question who has `address` arrives."""
        source = interface_mac(self.web1, interface)
        own = self.web1.tap4 if interface == "tap0" else self.web1.address
        question = frame(BROADCAST, source, bytes.fromhex("0001080006040001")
                         + mac_bytes(source) + socket.inet_aton(own) + bytes(6)
                         + socket.inet_aton(address), 0x0806)
        wires = [Wire(host, interface, only=0x0806) for host in self.others]
        with Wire(self.web1, interface) as wire:
            wire.send(question)
            heard = [w.host for w in wires
                     if question in w.collect(1, within=0.5, settle=0)]
        for w in wires:
            w.close()
        return heard

    def traffic(self, interface, hoped):
        """Unicast, multicast, broadcast and ARP from web1 over one interface."""
        address = {h: h.tap4 if interface == "tap0" else h.address for h in self.others}
        line("unicast", "ping web2, web3")
        self.tell([h for h in self.others if self.web1.ping(address[h])], 2)
        line("multicast", f"UDP to {GROUP}")
        self.tell(self.who_hears(GROUP, interface), hoped)
        line("broadcast", "UDP to 255.255.255.255")
        self.tell(self.who_hears("255.255.255.255", interface), hoped)
        line("ARP", f"who has {address[self.web2]}?")
        self.tell(self.who_hears_arp(interface, address[self.web2]), hoped)

    def overlay(self):
        title("tapd starts on each: a tap0, and under it sealed UDP from host to host")
        started = time.monotonic()
        daemons = start_all(self.cloud)
        line("mesh", "every host with every other")
        print(good(f"up after {time.monotonic() - started:.1f} s"))
        print(f"\n  {paint(2, 'web1# tapctl peers')}")
        for text in daemons[0].ctl_run("peers").stdout.rstrip().splitlines():
            print(f"  {text}")
        return daemons

    def failover(self):
        instance = Vrrp(priority=150, address=f"{VIP}/24")
        title(f"Keepalived on web1 and web2 shares {VIP}; web3 is its client")
        first = Keepalived(self.web1, instance).start()
        second = Keepalived(self.web2, Vrrp(priority=100, address=f"{VIP}/24")).start()
        line("election", "the better priority wins")
        first.wait_state("MASTER", 15)
        second.wait_state("BACKUP", 15)
        print(good("master is web1"))
        ping = self.web3.start("ping", "-D", "-i", "0.02", VIP, log="ping.log")
        ping.wait_log("bytes from")
        wait_for(lambda: len(replies(ping)) > 25, 5, "web3 to reach the address")

        line("kill -9", "everything that runs on web1")
        died = time.time()
        kill_in([self.web1.netns])
        print("done")
        line("failover", "web2 misses three adverts")
        took = second.wait_state("MASTER", 15) - died
        print(good(f"master is web2 after {took:.2f} s"))
        line("client", f"web3 pings {VIP}")
        wait_for(lambda: replies(ping)[-1] > died + took, 10, "web3 to reach the address again")
        times = replies(ping)
        gap, before = max((b - a, a) for a, b in zip(times, times[1:]))
        print(good(f"{gap:.2f} s without an answer"))
        print(f"\n  By VRRP's rules web2 waits {second.instances[0].patience:.2f} s from the last "
              "advert it heard.")


def replies(ping):
    return [float(stamp) for stamp in re.findall(r"^\[([\d.]+)\].*bytes from", ping.log(), re.M)]


def run():
    with Cloud(3) as cloud:
        show = Show(cloud)
        title("Three hosts in a small cloud, made of network namespaces")
        for host in cloud.hosts:
            print(f"  {host.name}       eth0 {host.address:<14} tap0 {host.tap4}")
        title("On eth0 the cloud routes unicast and drops the rest")
        show.traffic("eth0", 0)
        show.overlay()
        title("On tap0 it is an Ethernet again")
        show.traffic("tap0", 2)
        show.failover()
    return show.as_told


def main():
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        as_told = run()
    except KeyboardInterrupt:
        print("\n\ninterrupted; cleaned up")
        return 130
    except (AssertionError, RuntimeError, OSError) as error:
        print(f"\n\n{bad('the demo failed')}: {error}", file=sys.stderr)
        return 1
    if not as_told:
        print(f"\n{bad('Not as it should be')}: see the red lines.")
        return 1
    print("\nCleaned up: nothing is left. To try it yourself: sudo scripts/lab up 3")
    return 0


if __name__ == "__main__":
    sys.exit(main())
