"""A file that others see whole, or as it was."""

import contextlib
import os
import secrets

from discovery.errors import Failure

# 1,500 endpoints are 30 KB.
_READ_BYTES = 1 << 20


class Output:
    """The file `path`: endpoints, one a line."""

    def __init__(self, path):
        self._path = os.path.abspath(path)
        self._folder, self._name = os.path.split(self._path)

    def check(self):
        """Failure if it can be neither read nor made."""
        self.read()
        if not os.access(self._folder, os.W_OK | os.X_OK):
            why = "cannot be written to" if os.path.isdir(self._folder) else "does not exist"
            raise Failure(f"the folder {self._folder} {why}")

    def read(self):
        """The endpoints in it; none if there is no such file yet."""
        try:
            with open(self._path, encoding="ascii", errors="replace") as file:
                return file.read(_READ_BYTES).split()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Failure(f"{self._path}: {error.strerror}") from error

    def write(self, endpoints):
        """Replaces it. What is there after a crash of the machine is whole, too."""
        # A reader of the folder takes no file that begins with a dot for its own.
        new = os.path.join(self._folder, f".{self._name}.{secrets.token_hex(6)}")
        try:
            handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
            try:
                with open(handle, "w", encoding="ascii") as file:
                    file.writelines(f"{each}\n" for each in endpoints)
                    file.flush()
                    os.fsync(handle)
                os.rename(new, self._path)
            except BaseException:
                with contextlib.suppress(FileNotFoundError):  # it has its name already
                    os.unlink(new)
                raise
            _sync(self._folder)
        except OSError as error:
            raise Failure(f"cannot write {self._path}: {error.strerror}") from error


def _sync(folder):
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
