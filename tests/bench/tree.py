"""Source trees of tapd, this one and others, and what is built of them."""

import os
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def from_caller(path):
    """As it was meant where the command was given."""
    return os.path.abspath(os.path.join(os.environ.get("BENCH_FROM", ""), path))


def is_tree(path):
    return os.path.exists(os.path.join(path, "CMakePresets.json"))


def step(title, log, *commands, cwd=TOP):
    """Runs the commands; their output goes to the log and is shown if one fails."""
    print(f"{title} … ", end="", flush=True)
    began = time.monotonic()
    with open(log, "w") as file:
        for command in commands:
            file.flush()
            if subprocess.run(command, cwd=cwd, stdout=file, stderr=file,
                              stdin=subprocess.DEVNULL).returncode:
                print("failed")
                with open(log) as text:
                    sys.exit(text.read()[-3000:])
    print(f"done in {time.monotonic() - began:.0f} s", flush=True)


def build(tree, preset, log, title, *targets, define=(), name=None):
    """Builds these of a source tree by its own preset; where they are then."""
    where = os.path.join(tree, "build", name or preset)
    step(title, log, ["cmake", "--preset", preset, "-B", where, *define],
         ["cmake", "--build", where, "--parallel", str(os.cpu_count()), "--target", *targets],
         cwd=tree)
    return where


def commit_of(tree):
    """For people; the folder's name where git does not know it."""
    done = subprocess.run(["git", "-c", "safe.directory=*", "-C", tree, "describe", "--always",
                           "--exclude=*", "--dirty=+"], capture_output=True, text=True)
    return done.stdout.strip() or os.path.basename(tree)


def give_back(trees):
    """sudo leaves no root's files in a user's clone."""
    for tree in trees:
        owner = os.stat(tree)
        if owner.st_uid:
            subprocess.run(["chown", "-R", f"{owner.st_uid}:{owner.st_gid}",
                            os.path.join(tree, "build")])
