"""Fixtures of the tests in guests."""

import os
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from cloud import janitor  # noqa: E402
from image import image  # noqa: E402
from packages import TOP, make_package, next_version, packages_disk  # noqa: E402
from pair import Pair  # noqa: E402

LOGS = os.path.join(TOP, "build/logs/vm")
# One that fails says so well before; this ends what hangs. Fixtures, which make an image
# and boot guests, end by deadlines of their own, and say of what.
TEST_SECONDS = 900


def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.timeout(TEST_SECONDS, func_only=True))


@pytest.fixture(scope="session")
def folder():
    path = tempfile.mkdtemp(prefix="tapd-vm.")
    # Removes it after a run that is killed.
    watching = janitor.watch(os.path.basename(path), path)
    # snapshot=on keeps what a guest writes in a file without a name there.
    os.environ["TMPDIR"] = path
    yield path
    os.makedirs(LOGS, exist_ok=True)
    for name in os.listdir(path):
        if name.endswith(".log"):
            shutil.copy(os.path.join(path, name), LOGS)
    janitor.dismiss(watching)


@pytest.fixture(scope="session")
def bare_pair(folder):
    """Both guests, booted, with the packages at hand and tapd not installed."""
    made = image()
    deb = make_package()
    later = next_version(deb, folder)
    pair = Pair(made, packages_disk([deb, later], made, folder), folder)
    pair.next_deb = os.path.basename(later)
    try:
        pair.boot()
        yield pair
        for guest in pair.guests:
            with open(os.path.join(folder, f"{guest.name}.journal.log"), "w") as file:
                file.write(guest.ask("journalctl --no-pager -o short-monotonic")[1])
    finally:
        pair.close()


@pytest.fixture(scope="session")
def pair(bare_pair):
    """Installed as README says; Keepalived on both, web1 is the master."""
    bare_pair.install()
    bare_pair.start_keepalived()
    return bare_pair


@pytest.fixture
def measured(record_property):
    return lambda text: record_property("measured", text)
