"""A command that takes long, with a deadline of its own: who waits for it is told which."""

import os
import signal
import subprocess


def output(*argv, within, **options):
    """What it printed, errors included. It has to exit with 0 within so many seconds; if it
    does not, or the wait ends otherwise, all that it started is killed."""
    line = " ".join(map(str, argv))
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          start_new_session=True, **options) as process:
        try:
            printed = process.communicate(timeout=within)[0]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            printed = process.communicate()[0]
            raise AssertionError(f"{line}: not done within {within} s\n{printed}") from None
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    assert process.returncode == 0, f"{line}: exit {process.returncode}\n{printed}"
    return printed
