"""Instructions for each delivered frame, as callgrind counts them.

fanout/main.c is the program: nodes in one process, no socket, no clock. Callgrind runs
it once and says what each function took itself; whose the function is, its object says.
"""

import argparse
import collections
import glob
import os
import re
import shutil
import subprocess
import sys

from .tree import TOP, build, commit_of, from_caller, give_back, is_tree

HARNESS = os.path.join(TOP, "tests/bench/fanout/harness.cmake")
PHASES = {"send": "node_from_tap and node_flush", "receive": "node_from_udp"}
# Whose instructions: tapd's are those of the program but for the harness, which is not
# counted while it runs.
CRYPTO = re.compile(r"/lib(crypto|ssl|IPSec_MB)\b", re.IGNORECASE)
KINDS = ("tapd", "crypto", "libc")


def parse():
    parser = argparse.ArgumentParser(
        prog="tests/bench/instructions",
        description="Counts instructions for each delivered frame at fan-out to 16.")
    parser.add_argument("--against", type=from_caller, metavar="DIR",
                        help="also of the tapd of that source tree, a clone at another commit")
    parser.add_argument("--preset", default="release", help="how it is built (release)")
    parser.add_argument("--aead", default="openssl", help="which backend seals: openssl, ipsec-mb "
                        "(openssl, which every machine has)")
    parser.add_argument("--functions", type=int, default=0, metavar="N",
                        help="also the N functions of tapd that take most")
    options = parser.parse_args()
    if options.against and not is_tree(options.against):
        parser.error(f"{options.against}: no source of tapd is there")
    return options


# ---- callgrind's files ----

def kind_of(name, program):
    if CRYPTO.search(name):
        return "crypto"
    return "tapd" if os.path.basename(name) == program else "libc"


def costs(path, program):
    """(kind, function) → the instructions it took itself.

    A file is lines of "key=(number) name", the name only where the number is new, and
    of "line cost". After "calls=" stands what the callee took, which is its own.
    """
    names, found = {}, collections.Counter()
    kind, function, callee = "libc", "", False
    with open(path) as file:
        for line in file:
            key, equals, value = line.rstrip("\n").partition("=")
            if equals and key in ("ob", "cob", "fn", "cfn"):
                number, _, name = value.partition(" ")
                name = names.setdefault((key[-2:], number), name)
                if key == "ob":
                    kind = kind_of(name, program)
                elif key == "fn":
                    function = name
            elif key == "calls":
                callee = True
            elif line[0] in "0123456789+-*" and not equals:
                if not callee:
                    found[kind, function] += int(line.split()[1])
                callee = False
    return found


class Count:
    """What one tree's build took, and what it did for that."""

    def __init__(self, title, program, aead, directory):
        self.title = title
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(directory)
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--collect-atstart=no",
             f"--callgrind-out-file={directory}/callgrind.out", program, aead],
            capture_output=True, text=True, env={**os.environ, "LD_BIND_NOW": "1"})
        if done.returncode:
            sys.exit(done.stderr[-3000:] + done.stdout)
        self.did = dict(word.split("=") for word in done.stdout.split())
        self.frames = int(self.did["delivered"])
        self.phases = {}
        for path in glob.glob(f"{directory}/callgrind.out.*"):
            with open(path) as file:
                match = re.search(r"^desc: Trigger: Client Request: (\w+)$", file.read(), re.M)
            if match and match[1] in PHASES:
                self.phases[match[1]] = costs(path, os.path.basename(program))
        if set(self.phases) != set(PHASES) or not all(map(sum_of, self.phases.values())):
            sys.exit("instructions: nothing was counted: is valgrind/callgrind.h there?")

    def kind(self, phase, kind):
        return sum_of(self.phases[phase], kind) / self.frames

    def functions(self, phase):
        """tapd's, those that take most first."""
        own = [(cost / self.frames, name) for (kind, name), cost in self.phases[phase].items()
               if kind == "tapd"]
        return sorted(own, reverse=True)


def sum_of(counter, kind=None):
    return sum(cost for (whose, _), cost in counter.items() if kind in (None, whose))


# ---- what is said ----

def figures(count, phase):
    cells = [count.kind(phase, kind) for kind in KINDS]
    return [*cells, sum(cells)]


def report(counts, functions):
    did = counts[0].did
    yield (f"Instructions for each delivered frame: {did['frame']} B, to {did['receivers']} peers; "
           f"sealed by {did['aead']}.")
    width = max(len(count.title) for count in counts)
    for phase, calls in PHASES.items():
        yield ""
        yield f"{phase + ':':<9} {calls}"
        yield f"  {'':{width}}" + "".join(f"{kind:>9}" for kind in (*KINDS, "all"))
        rows = [figures(count, phase) for count in counts]
        for count, row in zip(counts, rows):
            yield f"  {count.title:{width}}" + "".join(f"{value:9.1f}" for value in row)
        if len(rows) == 2:
            ratios = [own / before if before else 1 for own, before in zip(*rows)]
            yield f"  {'over that':{width}}" + "".join(f"{ratio:9.3f}" for ratio in ratios)
        for count in counts if functions else ():
            yield f"  of which, {count.title}:"
            for cost, name in count.functions(phase)[:functions]:
                yield f"{cost:10.1f}  {name}"


def main():
    options = parse()
    if not shutil.which("valgrind"):
        sys.exit("instructions: valgrind is not here: apt-get install valgrind, or what it is "
                 "called on this system")
    trees = [(TOP, f"this tree, at {commit_of(TOP)}")]
    if options.against:
        trees.append((options.against, f"tapd at {commit_of(options.against)}"))
    counts = []
    output = os.path.join(TOP, "build/instructions")
    os.makedirs(output, exist_ok=True)
    try:
        for number, (tree, title) in enumerate(trees):
            where = build(tree, options.preset, os.path.join(output, "build.log"),
                          f"building {title}", "bench_fanout",
                          define=[f"-DCMAKE_PROJECT_tapd_INCLUDE={HARNESS}"],
                          name=f"instructions/{options.preset}")
            counts.append(Count(title, os.path.join(where, "bench/fanout"), options.aead,
                                os.path.join(output, f"callgrind{number}")))
    finally:
        give_back(tree for tree, _ in trees)
    print("\n" + "\n".join(report(counts, options.functions)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
