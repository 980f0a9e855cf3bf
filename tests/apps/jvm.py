"""Java programs of these tests: built by Maven, out of the source tree."""

import os
import subprocess

from cloud import wait_for

_HERE = os.path.dirname(os.path.abspath(__file__))
# Small and quick to start; nothing is left in /tmp.
OPTIONS = ("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")


def build(project):
    """The class path of tests/apps/PROJECT, its dependencies in it."""
    directory = os.path.join(_HERE, project)
    target = os.path.join(_HERE, "../../build", project)  # as its pom.xml says
    listing = os.path.join(target, "dependencies")
    done = subprocess.run(["mvn", "-q", "-B", "compile", "dependency:build-classpath",
                           f"-Dmdep.outputFile={listing}"],
                          cwd=directory, capture_output=True, text=True)
    assert done.returncode == 0, f"mvn in {directory}:\n{done.stdout}{done.stderr}"
    with open(listing) as file:
        return os.path.join(target, "classes") + ":" + file.read().strip()


class Member:
    """A running one, on a host: it is told lines, and answers in its log."""

    def __init__(self, host, classpath, *options):
        self.host, self.name, self.process = host, host.name, None
        self._command = ["java", *OPTIONS, *options, "-cp", classpath, "Member"]
        self._fifo = host.path("told")
        os.mkfifo(self._fifo)
        # Both ends: it opens at once, and the member sees no end when a line is told.
        self._told = os.open(self._fifo, os.O_RDWR)

    def start(self):
        self.process = self.host.start(*self._command, self._fifo, log="member.log")

    def kill(self):
        if self.process and self.process.running:
            self.process.kill()

    def close(self):
        self.kill()
        os.close(self._told)

    def tell(self, line):
        os.write(self._told, f"{line}\n".encode())

    def answers(self):
        return self.process.log().splitlines()

    def wait_answer(self, answer, times=1, within=20):
        wait_for(lambda: self.answers().count(answer) >= times, within,
                 f"{self.name} to say {answer!r}\n{self.process.tail()}")

    def ask(self, line, answer):
        times = self.answers().count(answer)
        self.tell(line)
        self.wait_answer(answer, times + 1)

    def cluster(self):
        """How many members it last said there are."""
        sizes = [line for line in self.answers() if line.startswith("cluster of ")]
        return int(sizes[-1].split()[-1]) if sizes else 0


def wait_cluster(members, size, within):
    wait_for(lambda: all(member.cluster() == size for member in members), within,
             f"a cluster of {size}; seen: {[m.cluster() for m in members]}", every=0.1)
