"""What ends a run."""


class Usage(Exception):
    """The command line is wrong; the text says how to mend it."""


class Failure(Exception):
    """It cannot be done; the text says why and what to do."""
