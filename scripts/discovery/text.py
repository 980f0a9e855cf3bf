"""Text of others, made fit for one line on a terminal or in a log."""

# What tapd reads of a command's stderr.
MESSAGE_BYTES = 1024
_SECRETS = 32


def printable(text, length=300):
    """One line of at most `length` characters, none of them a control character."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= length else text[:length - 1] + "…"


def fit(text):
    """The bytes of one line that tapd reads whole."""
    line = printable(text, MESSAGE_BYTES).encode("utf-8", "replace")
    if len(line) >= MESSAGE_BYTES:
        cut = line[:MESSAGE_BYTES - 4].decode("utf-8", "ignore")
        line = (cut + "…").encode("utf-8")
    return line + b"\n"


class Secrets:
    """What must not be printed. Servers quote requests, so their words are searched too."""

    def __init__(self):
        self._known = {}

    def add(self, secret):
        """Remembers it, and returns it. Very short ones would blot out plain words; old
        ones are of no use any more."""
        if len(secret) >= 6:
            self._known[secret] = None
            if len(self._known) > _SECRETS:
                del self._known[next(iter(self._known))]
        return secret

    def hide(self, text):
        for secret in sorted(self._known, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text
