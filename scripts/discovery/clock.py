"""Time, waiting and chance, in one place so that tests can make them up."""

import random
import time


class Clock:
    """Seconds throughout. now() is the wall clock, monotonic() never steps."""

    def now(self):
        return time.time()

    def monotonic(self):
        return time.monotonic()

    def sleep(self, seconds):
        time.sleep(seconds)

    def jitter(self, low, high):
        """A number between low and high."""
        return random.uniform(low, high)
