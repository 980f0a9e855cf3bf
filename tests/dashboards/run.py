"""Five hosts, what goes wrong with them, and the picture of it: see draw."""

import argparse
import contextlib
import json
import os
import socket
import threading
import time

from cloud import Cloud, Stream, Tapd, member, new_secret, wait_for, wait_mesh
from cloud.keepalived import Keepalived, Vrrp
from cloud.prometheus import Prometheus, filled

from . import panels

DASHBOARDS = os.path.normpath(os.path.join(os.path.dirname(__file__), "../../docs/dashboards"))
STEP = 2  # between scrapes, in seconds
GROUP, PORT = "239.8.1.1", 7500
METRICS = 9273
HOSTS = 5
END = 290


class Relay:
    """An agent: what is asked of a port here is asked of a host's loopback."""

    def __init__(self, place, port, host):
        self._host = host
        self._listener = place.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", port))
        self._listener.listen()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            client, _ = self._listener.accept()
            server = self._host.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                server.connect(("127.0.0.1", METRICS))
            except OSError:  # no daemon is there: nor is an answer
                client.close()
                continue
            for ends in ((client, server), (server, client)):
                threading.Thread(target=self._copy, args=ends, daemon=True).start()

    @staticmethod
    def _copy(source, target):
        with contextlib.suppress(OSError):
            while (said := source.recv(65536)):
                target.sendall(said)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)


class Run:
    def __init__(self, cloud):
        self.cloud, self.hosts = cloud, cloud.hosts
        self.faults, self.open = [], {}
        secret = new_secret()
        self.lists = [host.write("hosts", "".join(f"{h.address}\n" for h in self.hosts))
                      for host in self.hosts]
        self.daemons = [Tapd(host, secret, [], metrics=f"127.0.0.1:{METRICS}",
                             **{"discover.file": file, "discover.interval": 5}).launch()
                        for host, file in zip(self.hosts, self.lists)]
        for daemon in self.daemons:
            daemon.wait_ready()
        wait_mesh(self.daemons, 20)
        self.prometheus = Prometheus(self.hosts[0], [
            (f"127.0.0.1:{METRICS + i}", host.name) for i, host in enumerate(self.hosts)],
            interval=f"{STEP}s")
        self.relays = [Relay(self.hosts[0], METRICS + i, host)
                       for i, host in enumerate(self.hosts) if i]
        self.vrrp = [Keepalived(host, Vrrp(priority=150 - 50 * i, options=("use_vmac",))).start()
                     for i, host in enumerate(self.hosts[:2])]
        wait_for(self.prometheus.healthy, 60, "all to be scraped")
        self.vrrp[0].wait_state("MASTER", 10)

    # ---- what goes wrong ----

    def cut(self):
        self.open["cut"] = self.cloud.cut(self.hosts[3])
        return "web4 is cut off for 30 s"

    def lose(self):
        self.open["loss"] = self.cloud.loss(8, source=self.hosts[2])
        return "8 % of what web3 sends is lost for 45 s"

    def fail_over(self):
        self.vrrp[0].stop()
        return "Keepalived on web1, the master, is stopped"

    def shrink(self):
        self.open["shrink"] = self.cloud.drop_larger(1300)
        return "paths take 1300 bytes for 40 s"

    def lose_list(self):
        os.rename(self.lists[4], self.lists[4] + ".away")
        return "web5's list is gone for 60 s"

    def find_list(self):
        os.rename(self.lists[4] + ".away", self.lists[4])

    def refuse(self):
        self.hosts[1].write("tap0.conf", "interface = { mtu = 1; };\n")
        self.daemons[1].reload()
        return "web2 refuses its new configuration for 30 s"

    def take(self):
        self.daemons[1].configure()
        self.daemons[1].reload()

    def restart(self):
        self.daemons[3].restart()
        return "web4 restarts"

    def heal(self, name):
        return lambda: self.open.pop(name).heal()

    def course(self):
        return [(30, self.cut), (60, self.heal("cut")), (85, self.lose), (130, self.heal("loss")),
                (145, self.fail_over), (165, self.shrink), (205, self.heal("shrink")),
                (180, self.lose_list), (240, self.find_list),
                (215, self.refuse), (245, self.take), (260, self.restart), (END, lambda: None)]

    def go(self):
        began = self.began = time.time()
        for at, act in sorted(self.course(), key=lambda step: step[0]):
            time.sleep(max(0, began + at - time.time()))
            what = act()
            if what:
                print(f"{at:4} s  {what}", flush=True)
                self.faults.append((began + at, what))

    # ---- what is known of it ----

    def ask(self, dashboard):
        """Of each panel's title the series of each of its targets, of the whole run; when
        the annotation began to hold."""
        end = self.began + END
        window = f"{4 * STEP}s"
        found = {panel["title"]: [self.prometheus.query_range(
            filled(target["expr"], window), self.began, end, STEP)
            for target in panel["targets"]] for panel in dashboard["panels"]}
        notes = set()
        for note in dashboard["annotations"]["list"]:
            for series in self.prometheus.query_range(filled(note["expr"], window), self.began,
                                                      end, STEP):
                times = [when for when, _ in series["values"]]
                notes |= {when for before, when in zip([0, *times], times)
                          if when - before > 1.5 * STEP}
        return found, sorted(notes)


def main():
    parser = argparse.ArgumentParser(prog="tests/dashboards/draw", description="Draws the dashboard's panels, of a run with faults.")
    parser.add_argument("-o", "--output", default=os.path.join(DASHBOARDS, "panels.svg"))
    parser.add_argument("--keep", metavar="FILE", help="what Prometheus said, as JSON")
    parser.add_argument("--again", metavar="FILE", help="draw that, without a run")
    options = parser.parse_args()
    with open(os.path.join(DASHBOARDS, "tapd.json")) as file:
        dashboard = json.load(file)
    if options.again:
        with open(options.again) as file:
            said = json.load(file)
    else:
        said = measure(dashboard)
    if options.keep:
        with open(options.keep, "w") as file:
            json.dump(said, file)
    found, notes, faults, began = (said[name] for name in ("found", "notes", "faults", "began"))
    print(panels.draw(dashboard, found, (began, began + END), STEP, faults, notes,
                      options.output))


def measure(dashboard):
    with Cloud(HOSTS) as cloud:
        run = Run(cloud)
        hosts = run.hosts
        sockets = [member(host, GROUP, PORT) for host in hosts[1:4]]
        try:
            with Stream(hosts[0], GROUP, PORT, 0.005), \
                    Stream(hosts[2], hosts[1].tap4, PORT, 0.02):
                run.go()
        finally:
            for sock in sockets:
                sock.close()
        found, notes = run.ask(dashboard)
        return {"found": found, "notes": notes, "faults": run.faults, "began": run.began}


if __name__ == "__main__":
    main()
