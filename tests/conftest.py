"""Fixtures of the tests that run in the test cloud."""

import os
import signal
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

from cloud import Cloud, start_all  # noqa: E402

_open_clouds = []


def pytest_configure(config):
    config.addinivalue_line("markers", "deadline: asserts a deadline; wants a quiet machine")
    # A terminated run tears down as an interrupted one does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if os.geteuid() != 0:
        raise pytest.UsageError("the test cloud needs root: sudo scripts/test")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure carries the logs of whatever ran in the clouds open then."""
    report = (yield).get_result()
    if report.failed:
        for cloud in _open_clouds:
            for title, text in cloud.logs():
                lines = text.splitlines()
                cut = [f"… {len(lines) - 100} lines before"] if len(lines) > 100 else []
                report.sections.append((title, "\n".join(cut + lines[-100:])))


_measured = []


def pytest_runtest_logreport(report):
    if report.when == "call":
        _measured.extend(text for key, text in report.user_properties if key == "measured")


def pytest_terminal_summary(terminalreporter):
    if _measured:
        terminalreporter.section("measured")
        for text in _measured:
            terminalreporter.write_line(text)


def _factory():
    opened = []

    def make(*arguments, **options):
        cloud = Cloud(*arguments, **options)
        opened.append(cloud)
        _open_clouds.append(cloud)
        return cloud

    yield make
    errors = []
    for cloud in opened:
        try:
            cloud.close()
        except AssertionError as error:
            errors.append(str(error))
        _open_clouds.remove(cloud)
    assert not errors, "\n".join(errors)


@pytest.fixture
def make_cloud():
    """make_cloud(n, …) → Cloud, closed when the test ends."""
    yield from _factory()


@pytest.fixture(scope="module")
def make_module_cloud():
    """As make_cloud, for a cloud that the tests of a file share."""
    yield from _factory()


@pytest.fixture
def stopwatch(record_property):
    """stopwatch(what, design): a `with` block that must end within twice `design` s."""
    class Stopwatch:
        def __init__(self, what, design):
            self.what, self.design = what, design

        def __enter__(self):
            self.start = time.monotonic()
            return self

        @property
        def left(self):
            return self.start + 2 * self.design - time.monotonic()

        def __exit__(self, kind, *_):
            took = time.monotonic() - self.start
            record_property("measured", f"{self.what}: {took:.1f} s "
                                        f"(design {self.design:g} s, asserted {2 * self.design:g})")
            if kind is None:
                assert took <= 2 * self.design, f"{self.what} took {took:.1f} s"
    return Stopwatch


@pytest.fixture
def trio(make_cloud):
    """Three hosts with tapd, all up: (cloud, [daemon, daemon, daemon])."""
    cloud = make_cloud(3)
    return cloud, start_all(cloud)


@pytest.fixture(scope="module")
def module_trio(make_module_cloud):
    """As trio, shared by a file's tests: they leave it as they found it."""
    cloud = make_module_cloud(3)
    return cloud, start_all(cloud)
