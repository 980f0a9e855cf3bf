"""Requests that are repeated while a server is busy, within a total limit of time."""

import dataclasses
import email.utils
import itertools
import typing

from discovery.errors import Failure, Unreachable
from discovery.text import Secrets, printable

BUSY = frozenset([408, 425, 429, 500, 502, 503, 504])
# tapd gives a command 20 s.
LIMIT_S = 15
ATTEMPTS = 6
BACKOFF_S = 0.5
BACKOFF_MAX_S = 8


def _busy(response):
    return f"HTTP status {response.status}" if response.status in BUSY else None


def retry_after_s(response, now):
    """Seconds that the server wants to be left alone; None if it does not say."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), 1e6)
    try:
        date = email.utils.parsedate_to_datetime(text)
        return max(0.0, date.timestamp() - now)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


@dataclasses.dataclass(frozen=True)
class Service:
    """Who is asked. attempts: at most so many without an answer. busy(response): why to
    ask again later, or None; wait_s(response, now): in how many seconds, or None. advice:
    for whom it stays busy."""
    name: str
    size: int = 16 << 20
    attempt_s: float = 6
    attempts: int = ATTEMPTS
    busy: typing.Callable = _busy
    wait_s: typing.Callable = retry_after_s
    advice: str = ""


class Client:
    def __init__(self, transport, clock):
        self.clock = clock
        self.secrets = Secrets()
        self._transport = transport
        self.restart()

    def restart(self, limit_s=LIMIT_S):
        """From now on requests may take so long in all."""
        self._end = self.clock.monotonic() + limit_s

    def left_s(self):
        return self._end - self.clock.monotonic()

    def ask(self, service, make):
        """The answer to make()'s request, which is made again for each attempt: tokens
        and signatures age. Any status is an answer, but those that mean `busy`, and
        redirects. Failure if there is none in time."""
        begun = self.clock.monotonic()
        for attempt in itertools.count():
            response, why = self._attempt(service, make)
            if response and not why:
                return _not_moved(service, response)
            pause = self._pause(service, attempt, response)
            most = ATTEMPTS if response else service.attempts
            if attempt + 1 >= most or pause >= self.left_s():
                times = "once" if attempt == 0 else f"{attempt + 1} times"
                raise self._gives_up(service, response, why, f"{times} in "
                                     f"{self.clock.monotonic() - begun:.0f} s")
            self.clock.sleep(pause)

    def rest(self, seconds):
        """Waits, if there is that much time; else says so."""
        if seconds >= self.left_s():
            return False
        self.clock.sleep(seconds)
        return True

    def _attempt(self, service, make):
        """(Response or None, why to ask again: text or Unreachable or None)."""
        request = make()
        seconds = min(service.attempt_s, self.left_s())
        if seconds <= 0:
            raise Failure(f"{service.name} is too slow: not all of its answers came in time")
        try:
            response = self._transport.send(request, service.size, seconds)
        except Unreachable as error:
            return None, error
        return response, service.busy(response)

    def _pause(self, service, attempt, response):
        asked = service.wait_s(response, self.clock.now()) if response else None
        if asked is not None:
            # Whoever was refused together should not come back together.
            return asked + self.clock.jitter(0, BACKOFF_S)
        most = min(BACKOFF_S * 2 ** attempt, BACKOFF_MAX_S)
        return self.clock.jitter(most / 2, most)

    def _gives_up(self, service, response, why, times):
        if response is None:
            text = f"{service.name}: {why} (asked {times})"
            return Unreachable(text, late=why.late)
        text = f"{service.name} was busy ({printable(why, 120)}) when asked {times}"
        asked = service.wait_s(response, self.clock.now())
        if asked:
            text += f"; it may be asked again in {asked:.0f} s"
        return Failure(text + ("; " + service.advice if service.advice else ""))


def _not_moved(service, response):
    """Credentials are for whom they were made out to."""
    if 300 <= response.status < 400:
        to = printable(response.headers.get("Location", "nowhere"), 100)
        raise Failure(f"{service.name} redirects to {to}, which is not followed: "
                      "is that the right address, or a proxy between?")
    return response
