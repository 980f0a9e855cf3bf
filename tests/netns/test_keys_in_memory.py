"""Where keys are while a daemon runs: in its memory alone, and only as long as they count."""

import base64
import hashlib
import hmac
import os
import re
import subprocess
import sys

import pytest

from cloud import Tapd, new_secret, sanitized, start_all, wait_for, wait_mesh
from cloud.memory import count_in_memory

# A program of the daemon's own user that asks for its memory in every way there is.
READ_MEMORY = """
import ctypes, os, sys
pid = int(sys.argv[1])
for what in ("mem", "maps", "environ"):
    try:
        with open(f"/proc/{pid}/{what}", "rb") as file:
            print(what, "opened")
    except PermissionError:
        pass
libc = ctypes.CDLL(None, use_errno=True)
PTRACE_ATTACH = 16
if libc.ptrace(PTRACE_ATTACH, pid, None, None) == 0:
    print("attached")
byte = ctypes.create_string_buffer(16)
class iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]
ours, theirs = iovec(ctypes.addressof(byte), 16), iovec(0x400000, 16)
if libc.process_vm_readv(pid, ctypes.byref(ours), 1, ctypes.byref(theirs), 1, 0) < 0 \\
        and ctypes.get_errno() != 1:
    print("not refused:", os.strerror(ctypes.get_errno()))
"""


def forms_of(secret):
    """What a secret would be found as: its bytes, its line in the file, its mac1 key."""
    raw = base64.b64decode(secret)
    extracted = hmac.digest(bytes(32), raw, hashlib.sha256)
    mac1 = hmac.digest(extracted, b"tapd mac1" + b"\x01", hashlib.sha256)
    return raw, raw.hex().encode(), secret.encode(), mac1


def copies(daemon, secret):
    return count_in_memory(daemon.process.pid, *forms_of(secret))


A, B, C = (new_secret() for _ in range(3))


@pytest.mark.parametrize("before, after, gone", [
    ((A, B), (A,), B), ((A, B), (B,), A), ((A,), (B,), A), ((A, B), (C,), B), ((A, B), (C, A), B),
], ids=["second", "first", "replaced", "both replaced", "turned"])
def test_a_secret_taken_away_is_nowhere(make_cloud, before, after, gone):
    """Also where sessions, and handshakes in flight, were made with it."""
    cloud = make_cloud(3)
    web1, web2 = (Tapd(host, before[0]) for host in cloud.hosts[:2])
    # web3 does not run: it is dialled all the time.
    for daemon in (web1, web2):
        daemon.set_secret(*before)
        daemon.launch()
    wait_mesh([web1.wait_ready(), web2.wait_ready()])
    assert copies(web1, gone) > 0, "it would be found"
    web1.set_secret(*after)
    assert web1.ctl_run("reload").returncode == 0
    assert copies(web1, gone) == 0
    assert copies(web1, after[0]) > 0


def test_a_second_reload_leaves_nothing_either(make_cloud):
    """What a refused file had in it is not kept."""
    daemon = Tapd(make_cloud(1).hosts[0], A).start()
    daemon.set_secret(A, B, C)
    refused = daemon.ctl_run("reload")
    assert refused.returncode != 0 and "a third secret" in refused.stderr
    assert copies(daemon, B) == 0 and copies(daemon, C) == 0
    assert copies(daemon, A) > 0


AS_NOBODY = ("setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups",
             "--inh-caps=-all")
# /dev/net/tun is open to all on any ordinary system, but not on every one.
OPEN_TUN = ("unshare", "--mount", "sh", "-c",
            "mount -t tmpfs none /dev/net && mknod -m 666 /dev/net/tun c 10 200 && "
            'exec "$@"', "sh")


def as_nobody(*command):
    return subprocess.run([*AS_NOBODY, *command], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("started_as", ["root", "nobody"])
def test_its_own_user_cannot_read_it(make_cloud, started_as):
    host = make_cloud(1).hosts[0]
    daemon = Tapd(host, new_secret(), user="nobody")
    if started_as == "root":
        daemon.start()
    else:
        host.ip("tuntap", "add", "dev", "tap0", "mode", "tap", "user", "nobody")
        for path in (host.directory, daemon.secret_file):
            os.chown(path, 65534, 65534)
        daemon.start(*OPEN_TUN, *AS_NOBODY, "--bounding-set=-all")
    done = as_nobody(sys.executable, "-c", READ_MEMORY, str(daemon.process.pid))
    assert done.returncode == 0 and done.stdout == "", done.stdout + done.stderr
    assert daemon.running


def test_it_leaves_no_core(make_cloud):
    daemon = Tapd(make_cloud(1).hosts[0], new_secret()).start()
    with open(f"/proc/{daemon.process.pid}/limits") as file:
        assert re.search(r"Max core file size +0 +0 ", file.read())
    # Root can still look; what cannot be dumped belongs to root for everybody else.
    assert os.stat(f"/proc/{daemon.process.pid}/environ").st_uid == 0


def test_its_memory_is_locked_or_it_says_that_it_is_not(make_cloud):
    """Also once it is another user. Not every container lets root lock more memory."""
    daemon = start_all(make_cloud(2), user="nobody")[0]
    may_lock = subprocess.run(["prlimit", "--memlock=unlimited:unlimited", "true"],
                              capture_output=True).returncode == 0
    with open(f"/proc/{daemon.process.pid}/status") as file:
        locked = int(re.search(r"VmLck:\s+(\d+)", file.read())[1])
    assert ("swap space" in daemon.process.log()) == (not may_lock)
    assert (locked > 1000) == (may_lock and not sanitized()), "the sanitizer locks nothing"


def test_where_little_may_be_locked_it_says_so_and_goes_on(make_cloud):
    daemon = Tapd(make_cloud(1).hosts[0], new_secret())
    daemon.start("setpriv", "--bounding-set=-sys_resource,-ipc_lock",
                 "prlimit", "--memlock=65536:65536")
    lines = [line for line in daemon.process.log().splitlines() if "swap space" in line]
    assert len(lines) == 1 and "LimitMEMLOCK=infinity" in lines[0], daemon.process.log()
    wait_for(lambda: daemon.ctl_ok("reload"), 3, "a reload")
