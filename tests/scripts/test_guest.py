"""tests/vm's guests, with a program in QEMU's place: what they are to leave, and to say."""

import os
import pathlib
import signal
import stat
import subprocess
import sys

import pytest

from cloud import wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Has a port for the agent, at which nothing is ever said.
QEMU = """#!/usr/bin/python3
import os, re, socket, sys, time
for name, text in ("pid", str(os.getpid())), ("web1.console.log", "Kernel panic"):
    with open(os.environ["FOLDER"] + "/" + name, "w") as file:
        file.write(text)
listener = socket.socket(socket.AF_UNIX)
path = re.search(r"id=agent,path=([^,]+)", " ".join(sys.argv))[1]
listener.bind(path + ".new")
listener.listen()
os.rename(path + ".new", path)
agent = listener.accept()[0]
time.sleep(100)
"""

START = """
import os, sys, time
from cloud import janitor
import guest

class Image:
    def boot_files(self, release):
        return "kernel", "ramdisk"
    disk = "disk"

folder = os.environ["FOLDER"]
watching = janitor.watch("tapd-no-namespace-", folder)
web1 = guest.Guest("web1", 1, "6.1", Image(), folder, ("here", "there"), "packages")
web1.start()
"""


@pytest.fixture(name="environment")
def environment_with_a_program_in_place_of_qemu(tmp_path):
    qemu = tmp_path / "bin/qemu-system-x86_64"
    qemu.parent.mkdir()
    qemu.write_text(QEMU)
    qemu.chmod(qemu.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "folder").mkdir()
    return os.environ | {
        "PATH": f"{qemu.parent}:{os.environ['PATH']}", "FOLDER": str(tmp_path / "folder"),
        "PYTHONPATH": f"{ROOT}/tests:{ROOT}/tests/vm", "PYTHONDONTWRITEBYTECODE": "1"}


def runs(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_killed_run_leaves_no_guest_and_no_folder(environment):
    folder = pathlib.Path(environment["FOLDER"])
    with subprocess.Popen([sys.executable, "-c", START + "print(flush=True); time.sleep(100)"],
                          env=environment, stdout=subprocess.PIPE) as run:
        run.stdout.read(1)
        pid = int((folder / "pid").read_text())
        run.kill()
    try:
        wait_for(lambda: not runs(pid), 20, "the guest to end")
    finally:
        if runs(pid):
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not folder.exists(), 20, "the folder to be removed")


def test_a_guest_that_does_not_boot_is_shown(environment):
    done = subprocess.run([sys.executable, "-c", START + "web1.wait_booted(within=1)"],
                          env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert "web1 did not boot within 1 s; its console last said\nKernel panic" in done.stderr


@pytest.mark.parametrize("systemctl, status, said", [
    ("exit 0", 0, []),
    ("exit 1", 1, ["list-jobs", "--failed"]),
    ("exec sleep 100", 1, ["systemd was not done 1 s after", "list-jobs", "--failed"])])
def test_what_systemd_waits_for_is_shown(environment, systemctl, status, said):
    fake = pathlib.Path(environment["PATH"].partition(":")[0]) / "systemctl"
    fake.write_text(f"""#!/bin/sh
case $* in *is-system-running*) {systemctl} ;; *) echo "$*" ;; esac
""")
    fake.chmod(0o755)
    show = "import guest, subprocess, sys\nsys.exit(subprocess.call(" \
        "['sh', '-c', guest._WAIT_STARTED.format(1)]))"
    done = subprocess.run([sys.executable, "-c", show], env=environment, capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode == status and all(each in done.stdout for each in said), done
    assert bool(done.stdout) == bool(said)
