"""What is installed for systemd: it takes it, and finds the programs where they are."""

import os
import re
import shutil
import subprocess

import pytest

TOP = os.path.join(os.path.dirname(__file__), "../..")
EXPOSURE_MAX = 2.5


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=100)


@pytest.fixture(scope="module", name="usr")
def installed(tmp_path_factory):
    """The prefix is named when it is installed, not when it is built."""
    top = tmp_path_factory.mktemp("install")
    run("cmake", "-S", TOP, "-B", top / "build", "-DTAPD_TESTS=OFF")
    run("cmake", "--install", top / "build", "--prefix", top / "usr", "--component", "manager")
    for program in "sbin/tapd", "bin/tapctl":
        os.makedirs(top / "usr" / os.path.dirname(program), exist_ok=True)
        shutil.copy("/bin/true", top / "usr" / program)
    return top / "usr"


def test_systemd_takes_the_unit(usr):
    done = run("systemd-analyze", "verify", "--man=no", usr / "lib/systemd/system/tapd@.service")
    assert done.stdout + done.stderr == ""


def test_the_unit_is_exposed_little(usr, tmp_path, record_property):
    unit = shutil.copy(usr / "lib/systemd/system/tapd@.service", tmp_path / "tapd@tap0.service")
    done = run("systemd-analyze", "security", "--offline=true", "--no-pager", unit)
    exposure = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)[1])
    record_property("measured", f"exposure of tapd@.service: {exposure}")
    assert exposure <= EXPOSURE_MAX


def groups_of_calls():
    """systemd's, by name: calls, and other groups."""
    groups = {}
    for line in run("systemd-analyze", "syscall-filter", "--no-pager").stdout.splitlines():
        if line.startswith("@"):
            names = groups.setdefault(line, set())
        elif re.match(r"\s+[^#\s]", line):
            names.add(line.strip())
    return groups


def expanded(name, groups):
    if not name.startswith("@"):
        return {name}
    return set().union(*(expanded(part, groups) for part in groups[name]))


def test_the_unit_lets_the_daemon_make_its_calls(usr):
    """Those of its own list, whatever is configured: a listener for the metrics, too."""
    with open(os.path.join(TOP, "tapd/rights/sandbox.c"), encoding="utf-8") as file:
        allowed = re.search(r"\ballowed\[\] =(.*?);", file.read(), re.S)[1]
    calls = set(" ".join(re.findall(r'"(.*?)"', allowed)).split())
    assert {"accept4", "listen", "recvmmsg"} <= calls
    groups, admitted = groups_of_calls(), set()
    unit = (usr / "lib/systemd/system/tapd@.service").read_text(encoding="utf-8")
    for line in re.findall(r"^SystemCallFilter=(.*)$", unit, re.M):
        named = set().union(*(expanded(name, groups) for name in line.lstrip("~").split()))
        admitted = admitted - named if line.startswith("~") else admitted | named
    assert not calls - admitted


def test_user_and_folders_are_made(usr, tmp_path):
    root = tmp_path / "root"
    os.makedirs(root / "etc")
    run("systemd-sysusers", f"--root={root}", usr / "lib/sysusers.d/tapd.conf")
    with open(root / "etc/passwd", encoding="utf-8") as file:
        tapd = next(line.split(":") for line in file if line.startswith("tapd:"))
    run("systemd-tmpfiles", f"--root={root}", "--create", usr / "lib/tmpfiles.d/tapd.conf")
    modes = {}
    for folder in "etc/tapd", "var/lib/tapd", "run/tapd":
        status = os.stat(root / folder)
        modes[folder] = (status.st_mode & 0o7777, str(status.st_uid))
        assert str(status.st_gid) == tapd[3]
    assert modes == {"etc/tapd": (0o750, "0"), "var/lib/tapd": (0o750, tapd[2]),
                     "run/tapd": (0o755, tapd[2])}


@pytest.mark.parametrize("drop_in", ["secret-credential", "gre"])
def test_the_drop_in_is_one(usr, tmp_path, drop_in):
    unit = tmp_path / "tapd@.service"
    os.makedirs(tmp_path / "tapd@.service.d")
    shutil.copy(usr / "lib/systemd/system/tapd@.service", unit)
    shutil.copy(usr / f"share/doc/tapd/examples/{drop_in}.conf", tmp_path / "tapd@.service.d")
    done = run("systemd-analyze", "verify", "--man=no", unit)
    assert done.stdout + done.stderr == ""
