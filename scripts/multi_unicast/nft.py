"""nft(8), run."""

import json
import os
import shutil
import subprocess

from multi_unicast.errors import Failure

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SECONDS = 30
_LEAST_KERNEL = 5, 16


def _run(*options, script=None):
    program = shutil.which("nft", path=_PATH)
    if program is None:
        raise Failure("no nft here: install the package nftables")
    try:
        return subprocess.run([program, *options], input=script, capture_output=True, text=True,
                              timeout=_SECONDS, check=False,
                              env={**os.environ, "LC_ALL": "C"})
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(f"cannot run {program}: {error}") from error


def check_kernel(release):
    """Failure if a kernel of that release has no egress hook."""
    numbers = release.split("-")[0].split(".")[:2]
    if all(number.isdigit() for number in numbers) and \
            tuple(map(int, numbers)) < _LEAST_KERNEL:
        raise Failure(f"Linux {release} has no egress hook: needs 5.16 or later")


def explain(error, release):
    """Why a transaction was refused."""
    first = error.strip().splitlines()[0] if error.strip() else "nft says nothing"
    text = f"nft: {first}"
    if "not permitted" in first:
        return f"{text}: needs root"
    if "Operation not supported" in first or "No such file or directory" in first:
        return (f"{text}: Linux {release} here seems to lack the egress hook "
                "(NETFILTER_EGRESS) or nf_dup_netdev (NF_DUP_NETDEV, NFT_DUP_NETDEV)")
    return text


def load(script):
    """All of it or nothing."""
    done = _run("-f", "-", script=script)
    if done.returncode:
        raise Failure(explain(done.stderr, os.uname().release))


def _listed(*words):
    done = _run("-j", "list", *words)
    if done.returncode:
        if "No such file or directory" in done.stderr:
            return None
        raise Failure(explain(done.stderr, os.uname().release))
    try:
        return json.loads(done.stdout)["nftables"]
    except (ValueError, KeyError) as error:
        raise Failure("nft -j does not answer in JSON: is it built without that?") from error


def table(name):
    """A netdev table as nft lists it; None: there is none."""
    return _listed("table", "netdev", name)


def tables():
    """Names of the netdev tables."""
    return [entry["table"]["name"] for entry in _listed("tables", "netdev") or ()
            if "table" in entry]
