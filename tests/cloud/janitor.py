"""Removes what a cloud left: its namespaces, the programs in them, its files.

Run as a program it is the safety net behind a test run: it waits until the
run's end of the pipe on its standard input closes, which happens however the
run ends, and then clears away everything of that run's prefix.
"""

import os
import shutil
import signal
import subprocess
import sys
import time

NETNS_DIRECTORY = "/run/netns"
HOSTS_DIRECTORY = "/etc/netns"


def pids_in(namespace):
    out = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True)
    return [int(word) for word in out.stdout.split()]


def kill_in(namespaces):
    """Ends every program inside these namespaces, and waits until they have."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        pids = [pid for namespace in namespaces for pid in pids_in(namespace)]
        if not pids:
            return
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)


def remove(namespaces, directory):
    kill_in(namespaces)
    for namespace in namespaces:
        subprocess.run(["ip", "netns", "del", namespace], capture_output=True)
        shutil.rmtree(os.path.join(HOSTS_DIRECTORY, namespace), ignore_errors=True)
    try:
        os.rmdir(HOSTS_DIRECTORY)  # ours if nothing else is in it
    except OSError:
        pass
    if directory:
        shutil.rmtree(directory, ignore_errors=True)


def namespaces_of(prefix):
    try:
        return sorted(name for name in os.listdir(NETNS_DIRECTORY) if name.startswith(prefix))
    except FileNotFoundError:
        return []


def watch(prefix, directory):
    """Starts the program for this run: it ends once its `stdin` is closed."""
    return subprocess.Popen([sys.executable, os.path.abspath(__file__), prefix, directory],
                            stdin=subprocess.PIPE, start_new_session=True)


def dismiss(process):
    process.stdin.close()
    process.wait()


def main():
    prefix, directory = sys.argv[1:]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.read()
    remove(namespaces_of(prefix), directory)


if __name__ == "__main__":
    main()
