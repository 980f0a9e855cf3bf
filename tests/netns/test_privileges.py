"""What a running daemon, its helper and its hooks may still do, as the kernel shows it."""

import os
import re
import shutil
import stat
import subprocess

import pytest

from cloud import Tapd, interface_mac, new_secret, program, sanitized, start_all, wait_for
from cloud.memory import count_in_memory
from test_helper import children, helper_of
from test_keys_in_memory import AS_NOBODY, OPEN_TUN, forms_of

NET_ADMIN = 1 << 12
# securebits.h: NOROOT, NO_SETUID_FIXUP and their locks, and KEEP_CAPS_LOCKED.
SECUREBITS = 0x01 | 0x02 | 0x04 | 0x08 | 0x20

README = os.path.join(os.path.dirname(__file__), "../../README")


def shown(pid):
    """/proc/PID/status as a dict; sets of capabilities as numbers."""
    with open(f"/proc/{pid}/status") as file:
        fields = dict(line.rstrip("\n").split(":\t", 1) for line in file)
    return {key: int(value, 16) if key.startswith("Cap") else value.strip()
            for key, value in fields.items()}


# 2: a filter. Under the sanitizers there is none.
FILTERED = "0" if sanitized() else "2"


def assert_reduced(pid, effective=0, permitted=NET_ADMIN, ambient=0):
    status = shown(pid)
    assert status["CapBnd"] == NET_ADMIN, status
    assert status["CapPrm"] == permitted and status["CapEff"] == effective, status
    assert status["CapAmb"] == ambient and status["CapInh"] == ambient, status
    assert status["NoNewPrivs"] == "1", status
    assert status["Seccomp"] == FILTERED, status
    return status


def a_hook(host, name, *lines):
    """A hook that leaves its own status in a file that only it writes."""
    out = host.write(f"{name}.out", "", 0o666)
    text = "\n".join(["#!/bin/sh", f"cat /proc/self/status >{out}", *lines])
    return host.write(name, text + "\n", 0o755), out


@pytest.mark.parametrize("user", [None, "root", "nobody", "daemon"])
def test_one_capability_is_left_and_none_comes_back(make_cloud, user):
    host = make_cloud(1).hosts[0]
    up, out = a_hook(host, "up")
    daemon = Tapd(host, new_secret(), user=user, **{"interface.up": up}).start()
    name = user or "root"
    uid = shown(daemon.process.pid)["Uid"].split()
    assert uid == [subprocess.check_output(["id", "-u", name], text=True).strip()] * 4
    assert_reduced(daemon.process.pid)
    assert_reduced(helper_of(daemon))
    # The hook has the one, as an ambient one, and nothing that it runs gets another.
    wait_for(lambda: "CapBnd" in open(out).read(), 3, "the hook")
    with open(out) as file:
        hook = dict(line.split(":\t", 1) for line in file)
    for name in ("CapPrm", "CapEff", "CapAmb", "CapBnd"):
        assert int(hook[name], 16) == NET_ADMIN, hook
    assert hook["NoNewPrivs"].strip() == "1" and hook["Seccomp"].strip() == FILTERED
    assert hook["Uid"].split() == uid
    if user not in (None, "root"):
        groups = subprocess.check_output(["id", "-G", user], text=True).split()
        assert set(hook["Groups"].split()) == set(groups)


@pytest.mark.parametrize("user", ["root", "nobody"])
def test_a_hook_changes_the_interface_and_nothing_else(make_cloud, user):
    host = make_cloud(1).hosts[0]
    out = host.path("up.out")
    up, out = a_hook(host, "up", "ip route add 192.0.2.0/24 dev $TAPD_INTERFACE",
                     f"mount -t tmpfs none {host.directory} 2>/dev/null && echo MOUNTED >>{out}",
                     f"chroot / true 2>/dev/null && echo CHROOTED >>{out}",
                     f"echo DONE >>{out}")
    daemon = Tapd(host, new_secret(), user=user, **{"interface.up": up}).start()
    wait_for(lambda: "DONE" in open(out).read(), 3, "the hook")
    with open(out) as file:
        text = file.read()
    assert "MOUNTED" not in text and "CHROOTED" not in text
    assert "192.0.2.0/24 dev tap0" in host.ip("route")
    assert "failed" not in daemon.process.log()


def test_a_look_up_has_no_capability(make_cloud):
    """It waits for a name server that does not answer."""
    host = make_cloud(1).hosts[0]
    etc = host.path("etc")
    os.makedirs(etc)
    for name in ("passwd", "group", "nsswitch.conf"):
        if os.path.exists(f"/etc/{name}"):
            shutil.copy(f"/etc/{name}", etc)
    with open(f"{etc}/resolv.conf", "w") as file:
        file.write("nameserver 192.0.2.53\noptions timeout:30\n")
    daemon = Tapd(host, new_secret(), peers=["web9.example.net"])
    daemon.start("unshare", "--mount", "sh", "-c", f'mount --bind {etc} /etc && exec "$@"', "sh")
    helper = helper_of(daemon)
    # A fork has what the helper has until it gives it up.
    wait_for(lambda: children(helper) and shown(children(helper)[0])["CapPrm"] == 0, 3,
             "a look-up without capabilities")
    assert_reduced(children(helper)[0], permitted=0)


def test_started_without_rights_it_gains_none(make_cloud):
    host = make_cloud(1).hosts[0]
    host.ip("tuntap", "add", "dev", "tap0", "mode", "tap", "user", "nobody")
    daemon = Tapd(host, new_secret())
    for path in (host.directory, daemon.secret_file):
        os.chown(path, 65534, 65534)
    daemon.start(*OPEN_TUN, *AS_NOBODY)
    for pid in (daemon.process.pid, helper_of(daemon)):
        status = shown(pid)
        assert status["CapPrm"] == status["CapEff"] == status["CapAmb"] == 0
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == FILTERED


def test_an_ambient_capability_is_for_the_interface_alone(make_cloud):
    """As AmbientCapabilities= of a unit gives it."""
    host = make_cloud(1).hosts[0]
    daemon = Tapd(host, new_secret())
    for path in (host.directory, daemon.secret_file):
        os.chown(path, 65534, 65534)
    daemon.start(*OPEN_TUN, "setpriv", "--reuid", "nobody", "--regid", "nogroup",
                 "--clear-groups", "--inh-caps=-all,+net_admin", "--ambient-caps=+net_admin")
    status = shown(daemon.process.pid)
    assert (status["CapPrm"], status["CapEff"], status["CapAmb"]) == (NET_ADMIN, 0, 0)
    host.ip("link", "del", "tap0")
    wait_for(lambda: host.tap4 in host.ip("addr", "show"), 3, "tap0 to be back")
    assert daemon.stop() == 0 and not host.has_interface()


@pytest.mark.parametrize("user", ["root", "nobody"])
def test_it_still_does_all_that_it_did(make_cloud, user):
    """Follows the interface, changes it on a reload, makes it again, removes it."""
    cloud = make_cloud(2)
    secret = new_secret()
    web1, web2 = (Tapd(host, secret, user=user).start(*OPEN_TUN) for host in cloud.hosts)
    shutil.chown(web1.secret_file, user)
    web1.configure(**{"interface.mtu": 1300, "interface.mac": "02:00:00:00:00:07",
                      "interface.multicast_route": True})
    assert web1.ctl_run("reload").returncode == 0
    assert interface_mac(web1.host) == "02:00:00:00:00:07"
    assert "mtu 1300" in web1.host.ip("link", "show", "tap0")
    assert "224.0.0.0/4" in web1.host.ip("route")
    web1.host.ip("link", "del", "tap0")
    wait_for(lambda: web1.host.ping(web2.host.tap4), 8, "tap0 to be back")
    assert interface_mac(web1.host) == "02:00:00:00:00:07"
    assert_reduced(web1.process.pid)
    assert "no right" not in web1.process.log()
    assert web1.stop() == 0 and not web1.host.has_interface()


# ---- a user called tapd ----

@pytest.fixture
def host(make_cloud):
    """One whose /etc, /run and /var/lib are its own, for what starts with its `within`."""
    host = make_cloud(1).hosts[0]
    etc = host.path("etc")
    os.makedirs(etc)
    for name in ("passwd", "group", "shadow", "gshadow", "login.defs", "nsswitch.conf"):
        if os.path.exists(f"/etc/{name}"):
            shutil.copy(f"/etc/{name}", etc)
    host.within = ("unshare", "--mount", "sh", "-c",
                   f"mount --bind {etc} /etc && mount -t tmpfs none /run && "
                   "mount -t tmpfs -o mode=755 none /var/lib && "
                   "mount -t tmpfs none /dev/net && mknod -m 666 /dev/net/tun c 10 200 && "
                   'exec "$@"', "sh")
    return host


TAPD_EXISTS = "useradd --system --user-group --shell /usr/sbin/nologin tapd\n"
# What an installation makes.
INSTALLED = TAPD_EXISTS + "install -d -g tapd -m 750 /etc/tapd\n"


def first_steps():
    """README's, once tapd is installed: (to make the secret, the configuration)."""
    with open(README) as file:
        text = file.read().split("FIRST STEPS\n")[1]
    blocks = [re.sub(r"^\t", "", block, flags=re.MULTILINE)
              for block in re.findall(r"(?:^\t.*\n)+", text, re.MULTILINE)]
    commands = [block for block in blocks if "tapctl genpsk" in block]
    files = [re.fullmatch(r"cat > /etc/tapd/tap0.conf <<'end'\n(.*)end\n", block, re.DOTALL)
             for block in blocks]
    return INSTALLED + commands[0], [match[1] for match in files if match][0]


def inside(daemon, *command):
    """Runs it where the daemon is."""
    return subprocess.run(["nsenter", "-t", str(daemon.pid), "-m", "-n", *command],
                          capture_output=True, text=True, timeout=20)


def start_as_readme(host, commands):
    """The daemon after README's first steps, once it answers; its tapctl."""
    tapctl = program("tapctl")
    script = host.write("steps", "\n".join([
        "set -e", f"PATH=$PATH:/usr/sbin:{os.path.dirname(tapctl)}", commands,
        f"exec {program('tapd')} -c /etc/tapd/tap0.conf", ""]))
    process = host.start(*host.within, "sh", script, log="tapd.log")

    def ctl(*arguments):
        return inside(process, tapctl, *arguments)
    # Its own word: until its mounts are made another's socket may be there.
    wait_for(lambda: not process.running or ", key " in process.log(), 10, "it to start")
    wait_for(lambda: not process.running or ctl("status").returncode == 0, 5, "tapctl's answer")
    assert process.running, process.log()
    return process, ctl


def conf_lines(configuration):
    return "cat >/etc/tapd/tap0.conf <<'END'\n" + configuration + "END\n"


def test_readmes_first_steps_end_as_the_user_tapd(host):
    commands, configuration = first_steps()
    process, ctl = start_as_readme(host, commands + conf_lines(configuration))
    uid = inside(process, "id", "-u", "tapd").stdout.split()
    assert uid and uid != ["0"]
    assert assert_reduced(process.pid)["Uid"].split() == uid * 4, process.log()
    assert assert_reduced(children(process.pid)[0])["Uid"].split() == uid * 4
    assert "root" not in process.log(), process.log()
    # Reload, with a new secret in place of the old.
    old = inside(process, "cat", "/etc/tapd/secret").stdout.strip()
    assert count_in_memory(process.pid, *forms_of(old)) > 0
    done = inside(process, "sh", "-c", f"{program('tapctl')} genpsk >/etc/tapd/secret")
    assert done.returncode == 0
    done = ctl("reload")
    assert done.returncode == 0 and "another secret" in done.stdout, done
    assert count_in_memory(process.pid, *forms_of(old)) == 0
    # The interface made again, and taken away at the end.
    host.ip("link", "del", "tap0")
    wait_for(lambda: host.has_interface() and "10.77." in host.ip("addr", "show", "tap0"), 5,
             "tap0 to be back")
    # Its key is its own, and so is the folder of its socket.
    key = inside(process, "stat", "-c", "%u %a", "/var/lib/tapd/tap0.key", "/var/lib/tapd",
                 "/run/tapd").stdout.split("\n")
    assert key[:3] == [f"{uid[0]} 600", f"{uid[0]} 700", f"{uid[0]} 755"]
    assert process.stop(5) == 0, process.log()
    assert not host.has_interface()


AS_ROOT = ("mkdir -p /etc/tapd; chmod {folder} /etc/tapd; chown root:{group} /etc/tapd\n"
           "(umask 077; tapctl genpsk >/etc/tapd/secret)\n"
           "chown root:{group} /etc/tapd/secret; chmod {secret} /etc/tapd/secret\n")


@pytest.mark.parametrize("modes, file, key, advice", [
    (("700", "root", "600"), "644", False,
     "chgrp tapd /etc/tapd; chmod g+x /etc/tapd; chgrp tapd /etc/tapd/secret;"
     " chmod 640 /etc/tapd/secret"),
    (("755", "root", "600"), "644", False,
     "chgrp tapd /etc/tapd/secret; chmod 640 /etc/tapd/secret"),
    (("750", "tapd", "640"), "600", False,
     "chgrp tapd /etc/tapd/tap0.conf; chmod g+r /etc/tapd/tap0.conf"),
    (("750", "tapd", "640"), "644", True,
     "chown tapd /var/lib/tapd; chown tapd /var/lib/tapd/tap0.key"),
], ids=["folder and secret", "secret", "file", "key"])
def test_what_the_user_cannot_read_keeps_it_root_and_is_told(host, modes, file, key, advice):
    """The line that it says, done, lets the next start be that user."""
    _, configuration = first_steps()
    folder, group, secret = modes
    commands = (TAPD_EXISTS + AS_ROOT.format(folder=folder, group=group, secret=secret)
                + conf_lines(configuration) + f"chmod {file} /etc/tapd/tap0.conf\n")
    if key:
        commands += ("mkdir -m 700 /var/lib/tapd\n"
                     "(umask 077; echo \"private_key = $(tapctl genpsk)\" "
                     ">/var/lib/tapd/tap0.key)\n")
    process, _ = start_as_readme(host, commands)
    assert assert_reduced(process.pid)["Uid"].split() == ["0"] * 4
    lines = [line for line in process.log().splitlines() if "stays root" in line]
    assert len(lines) == 1 and f"a start read; {advice}; or set" in lines[0], process.log()
    # Done as it says, and -n no longer warns.
    check = (program("tapd"), "-n", "-c", "/etc/tapd/tap0.conf")
    assert "stays root" in inside(process, *check).stderr
    assert inside(process, "sh", "-c", advice).returncode == 0
    assert "stays root" not in inside(process, *check).stderr
    assert process.stop(5) == 0


def test_root_stays_root_if_told(host):
    commands, configuration = first_steps()
    process, _ = start_as_readme(host, commands + "chmod 600 /etc/tapd/secret\n"
                                 + conf_lines(configuration + 'user = "root";\n'))
    assert assert_reduced(process.pid)["Uid"].split() == ["0"] * 4
    assert "stays root" not in process.log()
    assert process.stop(5) == 0


def test_without_such_a_user_nothing_is_said(make_cloud):
    daemon = Tapd(make_cloud(1).hosts[0], new_secret()).start()
    assert shown(daemon.process.pid)["Uid"].split() == ["0"] * 4
    assert "user" not in daemon.process.log()


def test_a_key_made_as_root_belongs_to_its_user(make_cloud):
    host = make_cloud(1).hosts[0]
    daemon = Tapd(host, new_secret(), user="nobody", key_file=host.path("keys/tap0.key")).start()
    made = os.stat(host.path("keys/tap0.key"))
    assert (made.st_uid, stat.S_IMODE(made.st_mode)) == (65534, 0o600)
    assert os.stat(host.path("keys")).st_uid == 65534
    first = daemon.status()["key"]
    assert daemon.restart().status()["key"] == first
