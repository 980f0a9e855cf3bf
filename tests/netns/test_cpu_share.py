"""Whose turn it is when others want the CPU too: the daemon's, not its helper's or hook's."""

import ctypes
import os
import struct

import pytest

from cloud import Tapd, new_secret, wait_for
from test_helper import children, helper_of
from test_keys_in_memory import AS_NOBODY, OPEN_TUN

SLICE_NS = 100_000
SCHED_GETATTR = {"x86_64": 315, "aarch64": 275}
libc = ctypes.CDLL(None, use_errno=True)


def nice_of(pid):
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rpartition(")")[2].split()[16])


def slice_of(pid):
    """In nanoseconds; 0 where the kernel (before 6.12) has none to tell of."""
    attributes = ctypes.create_string_buffer(56)
    done = libc.syscall(SCHED_GETATTR[os.uname().machine], pid, attributes, len(attributes), 0)
    assert done == 0, os.strerror(ctypes.get_errno())
    _, policy, _, _, _, runtime = struct.unpack_from("=IIQiIQ", attributes)
    assert policy == os.SCHED_OTHER
    return runtime


def start(host, *prefix, **settings):
    """The daemon, its helper, and a hook's child."""
    path = host.write("up", "#!/bin/sh\nsleep 1000 & wait\n", 0o755)
    daemon = Tapd(host, new_secret(), **{"interface.up": path}, **settings).start(*prefix)
    helper = helper_of(daemon)

    def of_hook():
        hooks = children(helper)
        return hooks and children(hooks[0])
    wait_for(of_hook, 3, "the hook's child")
    return daemon, helper, of_hook()[0]


def assert_usual(*pids, nice=0):
    for pid in pids:
        assert nice_of(pid) == nice
        assert slice_of(pid) == slice_of(os.getpid())


def assert_short_slice(daemon):
    if slice_of(os.getpid()):
        assert slice_of(daemon.process.pid) == SLICE_NS


@pytest.mark.parametrize("user", ["root", "nobody"])
def test_the_daemon_comes_first_and_what_it_starts_does_not(make_cloud, user):
    daemon, helper, hook = start(make_cloud(1).hosts[0], user=user)
    assert nice_of(daemon.process.pid) == -10
    assert_short_slice(daemon)
    assert_usual(helper, hook)
    assert "nice" not in daemon.process.log()


@pytest.mark.parametrize("given, theirs", [(-10, 0), (-3, 0), (7, 7)])
def test_a_nice_value_that_was_given_stays(make_cloud, given, theirs):
    """As Nice= of a unit gives it; one below 0 is the daemon's alone."""
    daemon, helper, hook = start(make_cloud(1).hosts[0], "nice", "-n", str(given))
    assert nice_of(daemon.process.pid) == given
    assert_short_slice(daemon)
    assert_usual(helper, hook, nice=theirs)


@pytest.mark.parametrize("level", ["info", "warning"])
def test_without_the_right_it_is_said_and_no_warning(make_cloud, level):
    host = make_cloud(1).hosts[0]
    host.ip("tuntap", "add", "dev", "tap0", "mode", "tap", "user", "nobody")
    for command in (("addr", "add", f"{host.tap4}/24", "dev", "tap0"),
                    ("addr", "add", f"{host.tap6}/64", "dev", "tap0"),
                    ("link", "set", "tap0", "up")):
        host.ip(*command)
    daemon = Tapd(host, new_secret(), log_level=level)
    for path in (host.directory, daemon.secret_file):
        os.chown(path, 65534, 65534)
    daemon.start(*OPEN_TUN, *AS_NOBODY)
    assert nice_of(daemon.process.pid) == 0
    assert_short_slice(daemon)
    assert_usual(helper_of(daemon))
    assert daemon.process.log().count("nice value") == (level == "info"), daemon.process.log()


def test_another_policy_stays(make_cloud):
    """As CPUSchedulingPolicy=batch of a unit gives it."""
    daemon = Tapd(make_cloud(1).hosts[0], new_secret()).start("chrt", "--batch", "0")
    assert os.sched_getscheduler(daemon.process.pid) == os.SCHED_BATCH
