"""A small Debian in a folder, with a systemd that is installed and does not run."""

import os
import shutil
import subprocess

import bootstrap

# What a host has before tapd comes; all else is for the package to ask for.
PACKAGES = ["systemd"]

_FAKE_SYSTEMCTL = """#!/bin/sh
case " $* " in
*' is-enabled '*)
	for unit; do :; done
	exec systemctl.real --root=/ is-enabled "$unit"
	;;
esac
echo "$*" >>/systemctl.log
"""


def _make(path):
    # The lists of packages stay, for apt in it.
    bootstrap.mmdebstrap(path, PACKAGES, "--variant=minbase", "--format=tar",
                         "--skip=cleanup/apt/lists")


def _tar():
    made_of = bootstrap.candidates(PACKAGES + ["base-files", "dpkg", "libc6"])
    key = bootstrap.key(made_of, bootstrap.sources(), bootstrap.text(__file__))
    return bootstrap.kept(f"root-{key}.tar", _make)


class Root:
    """`folder` is its /; commands run in it as root, with its own processes only."""

    def __init__(self, folder):
        self.folder = str(folder)
        subprocess.run(["tar", "-xf", _tar(), "-C", self.folder], check=True, timeout=120)
        shutil.copy("/etc/resolv.conf", self.path("etc/resolv.conf"))

    def path(self, path):
        return os.path.join(self.folder, path.lstrip("/"))

    def run(self, *argv, check=True):
        """What it printed, errors included."""
        done = subprocess.run(
            bootstrap.confined("chroot", self.folder, *argv, proc=self.path("proc")),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                 "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"})
        if check:
            assert done.returncode == 0, f"{' '.join(argv)}: {done.stdout}"
        return done.stdout

    def install(self, deb):
        """By apt, which fetches what it depends on."""
        shutil.copy(deb, self.path("tmp"))
        name = "/tmp/" + os.path.basename(deb)
        printed = self.run("apt-get", "install", "-qy", "--no-install-recommends",
                           "-o", "Dpkg::Use-Pty=0", name)
        os.unlink(self.path(name))
        return printed

    def find(self, pattern):
        """The paths of this name, but for dpkg's own notes."""
        paths = self.run("find", "/", "-xdev", "-name", pattern, "-not", "-path",
                         "/var/lib/dpkg/*").split()
        return sorted(paths)

    def fake_systemd(self):
        """As if systemd ran; what it is asked is in systemctl(). apt has a PATH of its own."""
        os.makedirs(self.path("run/systemd/system"), exist_ok=True)
        os.rename(self.path("usr/bin/systemctl"), self.path("usr/bin/systemctl.real"))
        with open(self.path("usr/bin/systemctl"), "w") as file:
            file.write(_FAKE_SYSTEMCTL)
        os.chmod(file.name, 0o755)

    def systemctl(self):
        """What systemd was asked since the last call, one line each."""
        log = self.path("systemctl.log")
        if not os.path.exists(log):
            return []
        with open(log) as file:
            lines = file.read().splitlines()
        os.unlink(log)
        return lines
