"""Debian from nothing, by this machine's own apt: its sources, keys and proxies.

What takes long is kept in TAPD_TEST_CACHE (default: /var/cache/tapd-tests) under a
hash of what went into it.
"""

import contextlib
import fcntl
import functools
import glob
import hashlib
import os
import re
import shutil
import subprocess
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CACHE = os.environ.get("TAPD_TEST_CACHE", "/var/cache/tapd-tests")
KEPT_DAYS = 30
# Beside others' work on an emulated disk, and from a mirror far away.
ASK_SECONDS, MAKE_SECONDS = 300, 1200


def output(*argv):
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True,
                          timeout=ASK_SECONDS).stdout


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


def confined(*argv, proc="/proc"):
    """The command as one that sees its own mounts and processes only, with a /proc at `proc`.

    All of them end when it ends, and it when the thread that starts it does. So a run
    that is killed leaves no mount in a folder, which removing that would follow.
    """
    return ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork",
            "--kill-child", f"--mount-proc={proc}", *argv]


def mmdebstrap(target, packages, *options):
    """A minimal Debian with these packages, in the folder or tar file `target`."""
    work = target + ".work"
    os.mkdir(work)
    # dpkg need not wait for the disk: what is half done is thrown away.
    try:
        subprocess.run(
            confined("mmdebstrap", "--mode=root", "--quiet", "--skip=check/qemu",
                     "--dpkgopt=force-unsafe-io", *apt_options(), *options,
                     "--include=" + ",".join(packages), codename(), target, "-"),
            input="\n".join(sources()) + "\n", text=True, check=True,
            env=os.environ | {"TMPDIR": work}, timeout=MAKE_SECONDS)
    finally:
        _remove(work)


@contextlib.contextmanager
def _locked(path):
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def kept(name, make):
    """The path of `name` in the cache. make(path) makes what is not there; what it makes
    beside that has a longer name, and goes when it is done or, if it is killed, next time.
    """
    os.makedirs(CACHE, exist_ok=True)
    path = os.path.join(CACHE, name)
    with _locked(os.path.join(CACHE, "lock-" + name.partition("-")[0])):
        if not os.path.exists(path):
            work = path + ".new"
            _remove_all(work)
            try:
                make(work)
                os.rename(work, path)
            finally:
                _remove_all(work)
        os.utime(path)
    _forget_old(name.partition("-")[0] + "-", time.time() - KEPT_DAYS * 86400)
    return path


def _remove(path):
    if os.path.isdir(path):
        shutil.rmtree(path)
    else:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def _remove_all(prefix):
    for path in glob.glob(glob.escape(prefix) + "*"):
        _remove(path)


def _forget_old(prefix, before):
    """What no run wanted for long is of packages that are no longer current."""
    for name in os.listdir(CACHE):
        path = os.path.join(CACHE, name)
        with contextlib.suppress(FileNotFoundError):
            if name.startswith(prefix) and os.stat(path).st_mtime < before:
                _remove(path)
