"""The package under test, built once a run, and roots to install it into."""

import os
import pathlib
import subprocess

import pytest

import command
import root

TOP = pathlib.Path(__file__).resolve().parents[2]


def pytest_collection_modifyitems(items):
    """They build, and wait for apt: long where others want the machine too.
    Fixtures do more of it, and end by deadlines of their own, which say of what.
    """
    here = os.path.dirname(os.path.abspath(__file__))
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.timeout(600, func_only=True))


def build(*options):
    """The .deb that scripts/package makes of this tree."""
    printed = command.output(TOP / "scripts/package", *options, within=600)
    return TOP / printed.splitlines()[-1]


@pytest.fixture(scope="session")
def deb():
    """TAPD_DEB names one that is there already; the tests of containers take it, too."""
    if "TAPD_DEB" not in os.environ:
        os.environ["TAPD_DEB"] = str(build())
    return pathlib.Path(os.environ["TAPD_DEB"])


@pytest.fixture(scope="session")
def older_deb():
    return build("--version", "0.1.99")


@pytest.fixture(scope="session")
def unpacked(deb, tmp_path_factory):
    """The package's files, below a folder."""
    folder = tmp_path_factory.mktemp("unpacked")
    subprocess.run(["dpkg-deb", "-x", deb, folder], check=True)
    return folder


@pytest.fixture
def clean_root(tmp_path):
    os.makedirs(tmp_path / "root")
    return root.Root(tmp_path / "root")


@pytest.fixture(scope="module")
def installed(deb, tmp_path_factory):
    """A root with the package; its tests leave it as they found it."""
    made = root.Root(tmp_path_factory.mktemp("root"))
    made.install(deb)
    return made
