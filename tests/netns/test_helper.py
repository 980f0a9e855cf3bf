"""The helper process: it knows no key, holds nothing, and may end."""

import os
import re
import signal

import pytest

from cloud import Tapd, new_secret, start_all, wait_for
from cloud.memory import count_in_memory
from test_keys_in_memory import forms_of


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(text) for text in file.read().split()]


def helper_of(daemon):
    """Its one child, whatever else it has been doing."""
    pids = children(daemon.process.pid)
    assert len(pids) == 1, pids
    return pids[0]


def test_no_key_is_in_its_memory(make_cloud):
    """Nor in that of what it runs."""
    cloud = make_cloud(2)
    secret, later = new_secret(), new_secret()
    path = cloud.hosts[0].write("up", "#!/bin/sh\nexec sleep 1000\n", 0o755)
    daemons = start_all(cloud, secret, **{"interface.up": path})
    helper = helper_of(daemons[0])
    daemons[0].set_secret(later)
    assert daemons[0].ctl_run("reload").returncode == 0
    with open(daemons[0].settings["key_file"]) as file:
        key = re.search(r"= (\S+)", file.read())[1]
    wait_for(lambda: children(helper), 3, "the hook")
    keys = [form for text in (secret, later, key) for form in forms_of(text)]
    for pid in (*children(helper), helper):
        assert count_in_memory(pid, *keys) == 0
    assert count_in_memory(daemons[0].process.pid, *forms_of(key)) > 0, "it would be found"


def test_it_holds_none_of_the_daemons_descriptors(make_cloud):
    daemon = Tapd(make_cloud(1).hosts[0], new_secret()).start()
    helper = helper_of(daemon)
    held = [os.readlink(f"/proc/{helper}/fd/{fd}") for fd in os.listdir(f"/proc/{helper}/fd")]
    ours = [os.readlink(f"/proc/{daemon.process.pid}/fd/{fd}")
            for fd in os.listdir(f"/proc/{daemon.process.pid}/fd")]
    assert "/dev/net/tun" in ours and "/dev/net/tun" not in held
    sockets = {name for name in held if name.startswith("socket:")}
    assert not sockets & set(ours), "its end of the pair is its own"


def test_without_it_the_daemon_goes_on_and_says_so_once(make_cloud):
    cloud = make_cloud(2)
    path = cloud.hosts[0].write("hook", "#!/bin/sh\ntrue\n", 0o755)
    web1, web2 = start_all(cloud, **{"interface.down": path})
    os.kill(helper_of(web1), signal.SIGKILL)
    web1.process.wait_log("helper process has ended")
    web1.configure(peers=[cloud.hosts[1].address, "web9.invalid", "web8.invalid"])
    assert web1.ctl_run("reload").returncode == 0
    sentence = "tapd's helper process has ended; restart tapd"
    wait_for(lambda: f"peer web9.invalid: {sentence}" in web1.process.log(), 3, "the reason")
    assert web1.peer_state(web2) == "up" and web1.host.reaches(web2.host.tap4)
    # The interface made again would run a hook.
    web1.host.ip("link", "del", "tap0")
    wait_for(lambda: web1.host.tap4 in web1.host.ip("addr", "show"), 3, "tap0 to be back")
    assert web1.stop() == 0
    assert web1.process.log().count("no name is looked up") == 1, web1.process.log()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_the_daemon(make_cloud, how):
    cloud = make_cloud(1)
    path = cloud.hosts[0].write("up", "#!/bin/sh\nsleep 1000 & exec sleep 1000\n", 0o755)
    daemon = Tapd(cloud.hosts[0], new_secret(), **{"interface.up": path}).start()
    helper = helper_of(daemon)
    wait_for(lambda: children(helper), 3, "the hook")
    pids = [helper, *children(helper)]
    daemon.process.signal(how)
    daemon.process.wait(5)

    def ended(pid):
        try:
            with open(f"/proc/{pid}/stat") as file:
                return file.read().rpartition(")")[2].split()[0] == "Z"
        except FileNotFoundError:
            return True
    wait_for(lambda: all(map(ended, pids)), 3, "the helper and the hook to be gone")


def test_a_hook_that_does_not_end_does_not_hold_up_the_stop(make_cloud):
    """Nor is the TAP left behind. It cannot be killed: the helper that would is stopped."""
    cloud = make_cloud(1)
    host = cloud.hosts[0]
    path = host.write("down", "#!/bin/sh\ntrue\n", 0o755)
    daemon = Tapd(host, new_secret(), **{"interface.down": path}).start()
    os.kill(helper_of(daemon), signal.SIGSTOP)
    daemon.process.signal(signal.SIGTERM)
    assert daemon.process.wait(10) == 0
    assert not host.has_interface()
