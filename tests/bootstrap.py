"""Debian from nothing, by this machine's own apt: its sources, keys and proxies.

What takes long is kept in TAPD_TEST_CACHE (default: /var/cache/tapd-tests) under a
hash of what went into it.
"""

import contextlib
import fcntl
import functools
import hashlib
import os
import re
import shutil
import subprocess
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CACHE = os.environ.get("TAPD_TEST_CACHE", "/var/cache/tapd-tests")
KEPT_DAYS = 30


def output(*argv):
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout


def codename():
    return output("sh", "-c", ". /etc/os-release; echo $VERSION_CODENAME").strip()


@functools.cache
def sources():
    """Debian's, of those that this machine's apt has, a line each; its lists are fresh then."""
    return output(os.path.join(TOP, "scripts/apt-sources")).splitlines()


def apt_options():
    """How this machine's apt reaches its sources: proxies, and what it lets pass."""
    lines = output("apt-config", "dump", "--no-empty", "--format", '%f "%v";%n').splitlines()
    wanted = re.compile(r"Acquire::(https?::|ftp::|Check-)", re.I)
    return [f"--aptopt={line}" for line in lines if wanted.match(line)]


def candidates(packages):
    """(name, version) that apt would install, of each that it knows."""
    sources()
    policy = output("apt-cache", "policy", *packages)
    return re.findall(r"^(\S+):\n  Installed: .*\n  Candidate: (?!\(none\))(\S+)", policy, re.M)


def text(path):
    with open(path) as file:
        return file.read()


def key(*parts):
    """What a thing is kept under that is made of these, and by this file."""
    return hashlib.sha256(repr((parts, text(__file__))).encode()).hexdigest()[:16]


def mmdebstrap(target, packages, *options):
    """A minimal Debian with these packages, in the folder or tar file `target`."""
    # dpkg need not wait for the disk: what is half done is thrown away.
    subprocess.run(
        ["mmdebstrap", "--mode=root", "--quiet", "--skip=check/qemu",
         "--dpkgopt=force-unsafe-io", *apt_options(), *options,
         "--include=" + ",".join(packages), codename(), target, "-"],
        input="\n".join(sources()) + "\n", text=True, check=True)


@contextlib.contextmanager
def _locked(path):
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def kept(name, make):
    """The path of `name` in the cache. make(path) makes what is not there."""
    os.makedirs(CACHE, exist_ok=True)
    path = os.path.join(CACHE, name)
    with _locked(os.path.join(CACHE, "lock-" + name.partition("-")[0])):
        if not os.path.exists(path):
            work = path + ".new"
            _remove(work)
            make(work)
            os.rename(work, path)
        os.utime(path)
    _forget_old(name.partition("-")[0] + "-", time.time() - KEPT_DAYS * 86400)
    return path


def _remove(path):
    if os.path.isdir(path):
        shutil.rmtree(path)
    else:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def _forget_old(prefix, before):
    """What no run wanted for long is of packages that are no longer current."""
    for name in os.listdir(CACHE):
        path = os.path.join(CACHE, name)
        with contextlib.suppress(FileNotFoundError):
            if name.startswith(prefix) and os.stat(path).st_mtime < before:
                _remove(path)
