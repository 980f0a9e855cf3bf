"""Where the run is, and how long it will still take."""

import sys
import time


class Progress:
    """On a terminal one line is redrawn; elsewhere it speaks every 30 seconds."""

    QUIET_S = 30

    def __init__(self, total):
        self.total, self.done = total, 0
        self._began = self._spoke = time.monotonic()
        self._terminal = sys.stdout.isatty()

    def left(self):
        if not self.done:
            return ""
        seconds = (time.monotonic() - self._began) / self.done * (self.total - self.done)
        return f", about {seconds / 60:.0f} min left" if seconds > 90 \
            else f", about {seconds:.0f} s left"

    def _line(self, text):
        return f"[{self.done:4}/{self.total}{self.left()}] {text}"

    def now(self, text):
        if self._terminal:
            print(f"\r\033[K{self._line(text)[:110]}", end="", flush=True)
        elif time.monotonic() - self._spoke >= self.QUIET_S:
            self.say(text)

    def say(self, text):
        """A line that stays."""
        self._spoke = time.monotonic()
        print(("\r\033[K" if self._terminal else "") + self._line(text), flush=True)

    def one_done(self):
        self.done += 1

    def end(self):
        if self._terminal:
            print("\r\033[K", end="", flush=True)
