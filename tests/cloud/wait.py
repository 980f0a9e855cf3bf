"""Waiting for a state, with a deadline: no test sleeps and hopes."""

import time


class Timeout(AssertionError):
    pass


def wait_for(predicate, within, what, every=0.05):
    """The first true value of predicate(), or Timeout naming what was awaited: a
    text, or a function that makes it then."""
    end = time.monotonic() + within
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= end:
            what = what() if callable(what) else what
            raise Timeout(f"not within {within:g} s: {what}"
                          + ("" if value in (None, False) else f" (last: {value})"))
        time.sleep(every)


def holds(predicate, seconds, what, every=0.1):
    """Asserts that predicate() stays true for that long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = predicate()
        if not value:
            left = end - time.monotonic()
            raise AssertionError(f"{what}: ended {left:.1f} s too early (now: {value!r})")
        time.sleep(every)
