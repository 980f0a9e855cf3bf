"""A virtual machine with a Debian of its own: kernel, systemd, disk.

It is emulated, so what happens in it can be tested and how fast cannot. Guests are
joined by an Ethernet cable that is a pair of sockets in the test's folder; nothing
of the machine's own network is touched. Commands go through a virtio-serial port to
the agent (agent.py), so a guest needs no network to be asked.
"""

import base64
import os
import socket
import subprocess
import time

from cloud import Timeout, wait_for

MEMORY_MB = 640
# Two guests on two CPUs that others use as well: these end what hangs, and say nothing
# of how long it should take.
BOOT_SECONDS, COMMAND_SECONDS = 700, 120
# A guest whose CPU is away for seconds has a VRRP transition of its own.
NICE = -10

_WAIT_STARTED = """timeout {0} systemctl is-system-running --wait && exit
[ $? != 124 ] || echo "systemd was not done {0} s after the agent said hello; it waits for"
systemctl --no-pager list-jobs; systemctl --no-pager --failed; exit 1"""


class CommandFailed(AssertionError):
    def __init__(self, guest, script, status, output):
        super().__init__(f"{guest}: exit {status} of\n{script}\n--\n{output}")
        self.status, self.output = status, output


class Agent:
    """The test's end of the agent's port."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._number, self._rest = 0, b""

    def _receive(self, end):
        self._socket.settimeout(max(0.01, end - time.monotonic()))
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError("QEMU is gone")
        self._rest += data

    def _line(self, end):
        while b"\n" not in self._rest:
            self._receive(end)
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode(errors="replace")

    def wait_hello(self, within):
        end = time.monotonic() + within
        while self._line(end) != "hello":
            pass

    def send(self, script, within):
        """Has it run; nobody waits for an answer."""
        self._number += 1
        octets = script.encode()
        self._socket.settimeout(within)
        self._socket.sendall(f"{self._number} {within} {len(octets)}\n".encode() + octets)

    def ask(self, script, within):
        """(exit status, output)"""
        self.send(script, within)
        end = time.monotonic() + within + 10
        while True:
            number, status, length = self._line(end).split()
            while len(self._rest) < int(length):
                self._receive(end)
            output, self._rest = self._rest[:int(length)], self._rest[int(length):]
            if int(number) == self._number:  # others are late answers
                return int(status), output.decode(errors="replace")

    def close(self):
        self._socket.close()


class Guest:
    """`cable` is (this end, the other end), paths of sockets; `packages` a disk image;
    units named as `masked` are as if they were not there."""

    def __init__(self, name, number, release, image, folder, cable, packages, masked=()):
        self.name, self.release = name, release
        self.address = f"10.9.0.{9 + number}"
        self.console = os.path.join(folder, f"{name}.console.log")
        self._agent_path = os.path.join(folder, f"{name}.agent")
        kernel, ramdisk = image.boot_files(release)
        local, remote = cable
        self._argv = [
            # It ends with the thread that starts it: that of a test run, which may be killed.
            "setpriv", "--pdeathsig", "KILL", "nice", "-n", str(NICE),
            "qemu-system-x86_64", "-name", name,
            "-accel", "tcg", "-cpu", "max", "-smp", "1",
            "-m", str(MEMORY_MB), "-nodefaults", "-display", "none", "-monitor", "none",
            "-serial", f"file:{self.console}", "-kernel", kernel, "-initrd", ramdisk,
            "-append", "root=/dev/vda rw console=ttyS0 net.ifnames=0 "
                       "modprobe.blacklist=kvm_amd,powernow_k8 quiet systemd.show_status=true"
                       + "".join(f" systemd.mask={unit}" for unit in masked),
            "-drive", f"file={image.disk},if=virtio,format=raw,snapshot=on,cache=unsafe",
            "-drive", f"file={packages},if=virtio,format=raw,readonly=on",
            "-netdev", f"dgram,id=cable,local.type=unix,local.path={local},"
                       f"remote.type=unix,remote.path={remote}",
            "-device", f"virtio-net-pci,netdev=cable,romfile=,mac=52:54:00:09:00:{number:02x}",
            "-device", "virtio-serial-pci",
            "-chardev", f"socket,id=agent,path={self._agent_path},server=on,wait=off",
            "-device", "virtserialport,chardev=agent,name=tapd.agent",
        ]
        self._process = self._agent = None

    def __repr__(self):
        return self.name

    def start(self):
        """Switched on; wait_booted() waits for it."""
        self._log = open(self.console + ".qemu", "w")
        # snapshot=on makes an unnamed file in TMPDIR.
        self._process = subprocess.Popen(self._argv, stdin=subprocess.DEVNULL, stdout=self._log,
                                         stderr=self._log, start_new_session=True)
        wait_for(lambda: self._running() and os.path.exists(self._agent_path), 10,
                 "QEMU to start")
        self._agent = Agent(self._agent_path)

    def _running(self):
        if self._process.poll() is not None:
            with open(self._log.name) as log:
                raise AssertionError(f"{self}: QEMU ended\n{log.read()}")
        return True

    def wait_booted(self, within=BOOT_SECONDS):
        """Until systemd has started all that it wants to, and none of it failed."""
        end = time.monotonic() + within
        try:
            self._agent.wait_hello(within)
        except TimeoutError:
            raise Timeout(f"{self} did not boot within {within} s; its console last said\n"
                          + self._console_tail()) from None
        left = max(1, int(end - time.monotonic()))
        self.run(_WAIT_STARTED.format(left), within=left + COMMAND_SECONDS)

    def _console_tail(self):
        with open(self.console, errors="replace") as console:
            return "".join(console.readlines()[-20:])

    def run(self, script, within=COMMAND_SECONDS):
        """What the shell script printed; CommandFailed if it did not exit with 0."""
        status, output = self.ask(script, within)
        if status:
            raise CommandFailed(self, script, status, output)
        return output

    def ask(self, script, within=COMMAND_SECONDS):
        """(exit status, what it printed)"""
        try:
            return self._agent.ask(script, within)
        except TimeoutError:
            raise Timeout(f"{self}: no answer to\n{script}") from None

    def wait(self, script, within=COMMAND_SECONDS, every=0.5):
        """Until the script exits with 0; what it printed then."""
        last = [None]

        def done():
            last[0] = self.ask(script)
            return last[0][0] == 0
        wait_for(done, within, lambda: f"{self}: {script}\n{last[0]}", every)
        return last[0][1]

    def write(self, path, text, mode="644"):
        octets = base64.b64encode(text.encode()).decode()
        self.run(f"install -D -m {mode} /dev/null {path} && echo {octets} | base64 -d > {path}")

    def reboot(self):
        """From within; wait_booted() waits for it."""
        self._agent.send("systemctl --no-block reboot", COMMAND_SECONDS)

    def close(self):
        if self._agent:
            self._agent.close()
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
