"""What ends a run without a list."""


class Usage(Exception):
    """The command line is wrong; the text says how to mend it."""


class Failure(Exception):
    """There is no list to be had; the text says what is wrong and what to do."""


class Unreachable(Failure):
    """A server gave no whole answer. late: it gave none in time."""

    def __init__(self, text, late=False):
        super().__init__(text)
        self.late = late
