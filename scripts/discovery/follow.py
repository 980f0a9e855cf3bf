"""--follow: a file that is kept in step with what the API says.

The interval holds while this host is young, as others do not know it yet; after that a
fleet of N hosts, each of which asks every 2 s × N, makes a call every two seconds,
whatever its size. An empty answer, like none, leaves the file as it is: it is as often a
mistake in a tag or a right as the truth, and a host that is gone costs little.
"""

from discovery.client import LIMIT_S
from discovery.errors import Failure

_YOUNG_S = 300
_PER_HOST_S = 2
_JITTER = 0.25
_RETRY_MAX_S = 60


class Follower:
    """ask() → (endpoints, a remark or None); say(text) is for the log."""

    def __init__(self, provider, ask, output, interval_s, client, say):
        self._provider = provider
        self._ask = ask
        self._output = output
        self._interval_s = max(interval_s, provider.least_interval_s)
        self._client = client
        self._say = say
        self._said = None
        self._failures = 0
        self._born = client.clock.monotonic()
        output.check()

    def run(self):
        """For ever."""
        while True:
            self._client.clock.sleep(self.turn())

    def turn(self):
        """Asks once; the seconds until it is to ask again."""
        self._client.restart(LIMIT_S)
        try:
            endpoints, remark = self._ask()
            # Read each time: somebody may have removed it.
            if endpoints and set(endpoints) != set(self._output.read()):
                self._output.write(endpoints)
        except Failure as error:
            self._failures += 1
            pause = self._after_failure()
            self._tell(f"{error}; the file stays as it is")
            return pause
        self._failures = 0
        self._tell(remark)
        return self._after_answer(len(endpoints))

    def _after_failure(self):
        first = self._provider.retry_s or self._interval_s
        most = max(_RETRY_MAX_S, first)
        return self._jittered(min(first * 2 ** min(self._failures - 1, 10), most))

    def _after_answer(self, count):
        rest = self._provider.rest_s()
        if rest is not None:
            return rest
        pause = self._interval_s
        if self._client.clock.monotonic() - self._born > _YOUNG_S:
            pause = max(pause, _PER_HOST_S * count)
        return self._jittered(pause)

    def _jittered(self, seconds):
        return self._client.clock.jitter(seconds * (1 - _JITTER), seconds * (1 + _JITTER))

    def _tell(self, text):
        """Once, until there is something else to say."""
        if text and text != self._said:
            self._say(text)
        self._said = text
