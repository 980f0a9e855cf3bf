"""Two guests with tapd and Keepalived, installed as README says.

web1 has kernel 6.1 and systemd-networkd, web2 6.12 and NetworkManager: what is shown
of the pair is shown of both. Booting takes most of the time, so all tests share them
and leave them as they found them: peers up, web1 the master.
"""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

from cloud import wait_for
from guest import Guest
from readme import commands

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../apps"))
from recipe import recipe  # noqa: E402

VIP = "10.77.0.100"
PEERS_SECONDS, VRRP_SECONDS = 120, 120
# A program starts ten times slower in a guest than on a host, beside others' work even
# more: what takes tapd's restart 0.3 s there takes some seconds here. VRRP is given
# as much more time than by its usual second.
ADVERT_SECONDS = 6

# Two of them may run side by side: the journal has the transitions in their order.
NOTIFY = "#!/bin/sh\n"
TRANSITIONS = """journalctl -b -u keepalived -o short-unix --no-pager |
    sed -nE 's/^([0-9.]+) .*\\(VI_1\\) [Ee]ntering ([A-Z]+) [Ss].*/\\1 \\2/p'"""

# Both are enabled in the image: each guest masks the other's.
NETWORKD = "systemd-networkd.service", "systemd-networkd.socket", \
    "systemd-networkd-wait-online.service"
NETWORK_MANAGER = "NetworkManager.service", "NetworkManager-wait-online.service"

# README's blocks, by what they begin with; "shown" are outputs, "elsewhere" what needs
# what no guest has.
INSTALL = {"package": r"apt install \./tapd_", "source": r"scripts/install-deps\n"}
FIRST_STEPS = {
    "first": r"install -m 640 -g tapd .*\ntapctl genpsk",
    "others": r"install -m 640 -g tapd .*\nscp ",
    "every": r"cat > /etc/tapd/tap0.conf|tapd -n -c .*\nsystemctl enable --now tapd@tap0\n",
    "elsewhere": r"aws ec2 |ufw |firewall-cmd |nft |tapd --secret-file ",
    "shown": r"# tapctl |tapctl ping ",
}


def at_once(function, *arguments):
    """function of each argument, side by side; the results."""
    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(function, arguments))


class Pair:
    def __init__(self, image, disk, folder):
        cable = os.path.join(folder, "web1.cable"), os.path.join(folder, "web2.cable")
        self.web1 = Guest("web1", 1, "6.1", image, folder, cable, disk, NETWORK_MANAGER)
        self.web2 = Guest("web2", 2, "6.12", image, folder, cable[::-1], disk,
                          NETWORKD)
        self.guests = self.web1, self.web2
        self.started_by_install = {}

    def boot(self):
        for guest in self.guests:
            guest.start()
        at_once(self._prepare, *self.guests)

    def _prepare(self, guest):
        """What a host of a cloud has before anybody installs tapd."""
        guest.wait_booted()
        guest.run(f"hostnamectl set-hostname {guest} && apt-get update && "
                  "cp /media/packages/tapd_*.deb /root/")
        guest.wait(f"ip -br address show eth0 | grep {guest.address} && "
                   "ip route show default | grep 10.9.0.1")

    # ---- README ----

    def install(self):
        """INSTALL and FIRST STEPS, in their words."""
        for kind, block in commands("INSTALL", INSTALL):
            if kind == "package":
                at_once(lambda guest: guest.run(block), *self.guests)
        for guest in self.guests:
            self.started_by_install[guest.name] = guest.run(
                "systemctl list-units --all --plain --no-legend 'tapd@*'; "
                "systemctl list-unit-files --no-legend 'tapd@*' | awk '$2 == \"enabled\"'")
        for kind, block in commands("FIRST STEPS", FIRST_STEPS):
            if kind == "first":
                self.web1.run(block)
            elif kind == "others":
                # Guests have no SSH; the rest of the words is theirs.
                secret = self.web1.run("cat /etc/tapd/secret").strip()
                self.web2.run(f'scp() {{ echo {secret} > "$2"; }}\n{block}')
            elif kind == "every":
                at_once(lambda guest: guest.run(block), *self.guests)
        self.wait_peers()

    def wait_peers(self):
        for guest in self.guests:
            self.wait_status(guest, "the peer to be up", lambda status: status["peers"]["up"] == 1)

    def tapctl(self, guest, command):
        """What `tapctl -j` says, or None if there is no answer."""
        status, output = guest.ask(f"tapctl -i tap0 -j {command}")
        return None if status else json.loads(output)

    def wait_status(self, guest, what, predicate, within=PEERS_SECONDS):
        def right():
            status = self.tapctl(guest, "status")
            return status and predicate(status) and status
        return wait_for(right, within, lambda: f"{guest}: {what}; " +
                        guest.ask("systemctl status -l --no-pager tapd@tap0; "
                                  "tapctl -i tap0 peers")[1], 0.5)

    # ---- Keepalived ----

    def start_keepalived(self):
        slow = {"advert_int 1\n": f"advert_int {ADVERT_SECONDS}\n"}
        conf = recipe("keepalived", "/etc/keepalived/keepalived.conf", slow)
        theirs = recipe("keepalived", "/etc/keepalived/keepalived.conf", {
            **slow, "router_id web1": "router_id web2", "priority 150": "priority 100"})
        for guest, text in (self.web1, conf), (self.web2, theirs):
            guest.write("/etc/keepalived/keepalived.conf", text)
            guest.write("/etc/keepalived/notify", NOTIFY, "755")
            guest.run("systemctl start keepalived")
        self.settled()

    def history(self):
        """Each guest's transitions since it booted."""
        return [guest.run(TRANSITIONS).splitlines() for guest in self.guests]

    def roles(self):
        return [lines[-1].split()[1] if lines else None for lines in self.history()]

    def settled(self):
        wait_for(lambda: self.roles() == ["MASTER", "BACKUP"], VRRP_SECONDS,
                 lambda: f"web1 to be the master, web2 its backup: {self.history()}", 0.5)

    def close(self):
        for guest in self.guests:
            guest.close()
