"""A real Keepalived on a host, and what it did when."""

import os
import signal

from .janitor import pids_in
from .wait import wait_for

# Keepalived writes INSTANCE "name" state priority, a line for each transition. Notify
# scripts of two transitions run side by side, and the later may be the first to write.
RECORDER = """while read -r kind name state priority; do
    echo "$(date +%s.%N) $name $state" >> {history}
done <> {fifo}
"""

GLOBAL = """global_defs {{
    router_id {name}
    script_user root
{options}}}
"""

INSTANCE = """vrrp_instance {name} {{
    state BACKUP
    interface {interface}
    virtual_router_id {router_id}
    priority {priority}
    advert_int {interval}
{options}    virtual_ipaddress {{
        {address}
    }}
    notify {notify}
}}
"""


class Vrrp:
    """One VRRP instance of a Keepalived."""

    def __init__(self, name="VI_1", router_id=51, priority=100, address="10.77.0.100/24",
                 interval=1, interface="tap0", options=()):
        self.name, self.router_id, self.priority = name, router_id, priority
        self.address, self.interval, self.interface = address, interval, interface
        self.options = options

    @property
    def virtual_mac(self):
        family = 2 if ":" in self.address else 1
        return f"00:00:5e:00:{family:02x}:{self.router_id:02x}"

    @property
    def patience(self):
        """How long a backup waits for the master: 3 adverts and its skew."""
        return self.interval * (3 + (256 - self.priority) / 256)


class Keepalived:
    def __init__(self, host, *instances):
        self.host, self.instances = host, instances or (Vrrp(),)
        self.history_path = host.path("keepalived.history")
        self.process = self.recorder = None

    def configuration(self, notify, *global_options):
        options = "".join(f"    {line}\n" for line in global_options)
        return GLOBAL.format(name=self.host.name, options=options) + "".join(
            INSTANCE.format(name=i.name, interface=i.interface, router_id=i.router_id,
                            priority=i.priority, interval=i.interval, address=i.address,
                            notify=notify,
                            options="".join(f"    {line}\n" for line in i.options))
            for i in self.instances)

    def start(self):
        fifo = self.host.path("keepalived.fifo")
        if not self.recorder:
            os.mkfifo(fifo)
            self.recorder = self.host.start("sh", "-c", RECORDER.format(
                history=self.history_path, fifo=fifo), log="recorder.log")
        conf = self.host.write("keepalived.conf", self.configuration(
            "/bin/true", f"vrrp_notify_fifo {fifo}"))
        self.process = self.host.start(
            "keepalived", "--dont-fork", "--log-console", "--log-detail", "--vrrp",
            "-f", conf, "-p", self.host.path("keepalived.pid"),
            "-r", self.host.path("vrrp.pid"), log="keepalived.log")
        return self

    def stop(self):
        """It gives up mastership in good order."""
        return self.process.stop()

    def kill(self):
        """kill -9 of its parent and of the child that speaks VRRP."""
        with open(self.host.path("vrrp.pid")) as file:
            child = int(file.read())
        self.process.signal(signal.SIGKILL)
        os.kill(child, signal.SIGKILL)
        self.process.wait()
        wait_for(lambda: child not in pids_in(self.host.netns), 2, "its child to be gone")

    def clear_addresses(self):
        """What a reboot does and kill -9 does not: the virtual addresses go."""
        for instance in self.instances:
            self.host.ip("addr", "del", instance.address, "dev", instance.interface, check=False)

    def history(self, name=None):
        """(wall time, instance, state) of each transition so far."""
        try:
            with open(self.history_path) as file:
                lines = [line.split() for line in file if line.endswith("\n")]
        except FileNotFoundError:
            return []
        # A master that hears a lesser one says so in the same way, and is no other for it.
        history = [(float(when), instance.strip('"'), state) for when, instance, state in lines
                   if state != "MASTER_RX_LOWER_PRI"]
        return [entry for entry in history if name in (None, entry[1])]

    def state(self, name=None):
        history = self.history(name or self.instances[0].name)
        return history[-1][2] if history else None

    def wait_state(self, state, within, name=None):
        wait_for(lambda: self.state(name) == state, within,
                 f"Keepalived on {self.host} to be {state}; was {self.history(name)}", every=0.02)
        return self.history(name or self.instances[0].name)[-1][0]

    def holds_address(self, instance=None):
        address = (instance or self.instances[0]).address.split("/")[0]
        return f" {address}/" in self.host.ip("addr", "show")
