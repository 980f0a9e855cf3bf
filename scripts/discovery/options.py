"""The KEY=VALUE words of the command line."""

import difflib

from discovery.errors import Usage
from discovery.text import printable


class Options:
    """Each is taken by whom it concerns; what is left over at the end is a mistake."""

    def __init__(self, words):
        self._pairs = []
        self._known = set()
        for word in words:
            key, equals, value = word.partition("=")
            if not equals or not key or not value:
                raise Usage(f"'{printable(word, 60)}' is not KEY=VALUE")
            self._pairs.append((key, value))

    def one(self, key, default=None, choices=None):
        self._known.add(key)
        found = [value for name, value in self._pairs if name == key]
        if len(found) > 1:
            raise Usage(f"{key} is given more than once")
        if choices and found and found[0] not in choices:
            raise Usage(f"{key} is one of: {', '.join(choices)}")
        self._pairs = [pair for pair in self._pairs if pair[0] != key]
        return found[0] if found else default

    def seconds(self, key, default, low, high):
        text = self.one(key, str(default))
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 8 else -1
        if not low <= number <= high:
            raise Usage(f"{key} is a number of seconds from {low} to {high}")
        return number

    def groups(self, prefix=""):
        """{what follows the prefix: [values]}; values of one key are alternatives. With
        no prefix: all that was not taken yet."""
        self._known.add(prefix + "KEY")
        found = {}
        for key, value in self._pairs:
            if key.startswith(prefix) and len(key) > len(prefix):
                found.setdefault(key[len(prefix):], []).append(value)
        self._pairs = [pair for pair in self._pairs
                       if not pair[0].startswith(prefix) or len(pair[0]) <= len(prefix)]
        return found

    def finish(self):
        for key, _ in self._pairs:
            near = difflib.get_close_matches(key, self._known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise Usage(f"no key '{printable(key, 40)}' here{hint} "
                        f"There are: {', '.join(sorted(self._known))}")
