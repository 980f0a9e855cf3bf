"""What all providers have in common."""

import re

from discovery.errors import Failure

# Of one list; the largest fleets have a few.
PAGES = 100


class Provider:
    """One kind of API. hosts() asks it; what it learned, such as tokens, it keeps for the
    next time. `options` were taken from the command line in the constructor."""

    # How it is called on the command line, and its line of help.
    name = ""
    usage = ""
    # With --follow: asked no more often than that, whatever `interval` says.
    least_interval_s = 1
    # Whether this host's own address should be among those listed.
    lists_own = True
    # The first pause after a failure; None: the interval.
    retry_s = None

    def hosts(self):
        """A list of Host. Failure."""
        raise NotImplementedError

    def nothing(self):
        """Why an answer may be empty: one sentence without its full stop."""
        raise NotImplementedError

    def rest_s(self):
        """With --follow: the pause before it is asked again; None: the interval."""
        return None


def once_each(tokens, name):
    """Yields "" and then what the caller appends to `tokens`, while there is more; a
    server that goes in circles, or never ends, is a Failure."""
    seen = {""}
    token = ""
    while True:
        yield token
        token = tokens.pop() if tokens else ""
        if not token:
            return
        if token in seen or len(seen) >= PAGES:
            raise Failure(f"{name} sent more pages than there can be")
        seen.add(token)


def plain(text, what, who):
    """Text of a server that becomes part of a URL."""
    if not isinstance(text, str) or not re.fullmatch(r"[A-Za-z0-9._:-]{1,128}", text, re.ASCII):
        raise Failure(f"{who} gave no usable {what}")
    return text
