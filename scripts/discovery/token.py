"""A bearer token that is kept until it is old or refused."""

# With less to live it is replaced: a list may take that long.
_AGED_S = 60
# It lives this long at most, whatever is said: any number may come.
_LIVES_MAX_S = 86400


class Token:
    """fetch() → (token, seconds that it lives)."""

    def __init__(self, clock, fetch):
        self._clock = clock
        self._fetch = fetch
        self._token = None
        self._end = 0

    def get(self):
        if self._token is None or self._clock.monotonic() > self._end:
            self._token, lives_s = self._fetch()
            self._end = self._clock.monotonic() + max(0, min(lives_s, _LIVES_MAX_S)) - _AGED_S
        return self._token

    def ask(self, client, service, make):
        """client.ask of make(token), with a new token if this one is refused."""
        for _ in range(2):
            response = client.ask(service, lambda: make(self.get()))
            if response.status != 401:
                break
            self._token = None
        return response
