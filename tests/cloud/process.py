"""A program that runs inside a host of the cloud, its output in a file."""

import os
import signal
import subprocess

from .wait import wait_for

# What a sanitizer writes before it ends the program, and tapd of a system call that its
# filter lacks.
SANITIZER_MARKS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:",
                   "UndefinedBehaviorSanitizer", "was refused: tapd does not make it")


class Process:
    def __init__(self, argv, log_path, env=None, pass_fds=()):
        self.argv = [str(arg) for arg in argv]
        self.log_path = log_path
        # Where this run's lines begin: a restarted daemon goes on in its file.
        self._log_start = os.path.getsize(log_path) if os.path.exists(log_path) else 0
        with open(log_path, "ab") as log:
            self._popen = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **(env or {})}, pass_fds=pass_fds, start_new_session=True)

    @property
    def pid(self):
        return self._popen.pid

    @property
    def running(self):
        return self._popen.poll() is None

    @property
    def returncode(self):
        return self._popen.poll()

    def signal(self, number):
        if self.running:
            self._popen.send_signal(number)

    def wait(self, within=10):
        """Its exit code (negative: the signal that ended it)."""
        try:
            return self._popen.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"{self.argv[0]} (pid {self.pid}) still runs after {within:g} s\n"
                + self.tail()) from None

    def stop(self, within=10):
        self.signal(signal.SIGTERM)
        return self.wait(within)

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.wait()

    def log(self):
        """What this run wrote."""
        with open(self.log_path, "rb") as file:
            file.seek(self._log_start)
            return file.read().decode(errors="replace")

    def tail(self, lines=40):
        return "\n".join(self.log().splitlines()[-lines:])

    def wait_log(self, text, within=10):
        return wait_for(lambda: text in self.log(), within,
                        f"{text!r} in {self.log_path}\n{self.tail()}")

    def sanitizer_report(self):
        log = self.log()
        return log if any(mark in log for mark in SANITIZER_MARKS) else ""
