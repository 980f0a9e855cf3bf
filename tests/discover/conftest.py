"""The command against fakes of the APIs, on loopback."""

import dataclasses
import io
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(pathlib.Path(__file__).parent), str(ROOT / "scripts"),
                str(ROOT / "tests/apps")]

import discovery.main  # noqa: E402
from discovery.clock import Clock  # noqa: E402
from discovery.transport import Transport  # noqa: E402

from fake_azure import FakeAzure  # noqa: E402
from fake_consul import FakeConsul  # noqa: E402
from fake_ec2 import FakeEc2  # noqa: E402
from fake_gce import FakeGce  # noqa: E402


class MadeUpClock(Clock):
    """Sleeping takes no time, and is noted. jitter is the middle."""

    def __init__(self):
        self.slept = []
        self._skipped = 0.0

    def now(self):
        return super().now() + self._skipped

    def monotonic(self):
        return super().monotonic() + self._skipped

    def sleep(self, seconds):
        self.slept.append(seconds)
        self._skipped += seconds

    def jitter(self, low, high):
        return (low + high) / 2


@dataclasses.dataclass
class Result:
    status: int
    endpoints: list
    error: str


@pytest.fixture
def clock():
    return MadeUpClock()


def _fake(kind):
    @pytest.fixture
    def fake(clock):
        with kind(clock) as running:
            yield running
    return fake


ec2 = _fake(FakeEc2)
gce = _fake(FakeGce)
azure = _fake(FakeAzure)
consul = _fake(FakeConsul)


def environment_of(fake):
    """What has the command ask that fake and nothing else."""
    return {
        FakeEc2: {"AWS_ENDPOINT_URL_EC2": fake.url, "AWS_EC2_METADATA_SERVICE_ENDPOINT": fake.url},
        FakeGce: {"GCE_METADATA_HOST": fake.host, "TAPD_PROVIDER_URL": fake.url},
        FakeAzure: {"TAPD_PROVIDER_URL": fake.url},
        FakeConsul: {"CONSUL_HTTP_ADDR": fake.host},
    }[type(fake)]


@pytest.fixture
def run(clock, request):
    """run(*arguments, fake=…, environment=…, source=…) → Result, which keeps the contract
    of tapd's discover.command."""
    def call(*arguments, fake=None, environment=None, source=lambda address: address):
        out, err = io.BytesIO(), io.BytesIO()
        status = discovery.main.main(
            list(arguments), {**(environment_of(fake) if fake else {}), **(environment or {})},
            clock, source, out, err)
        written, error = out.getvalue(), err.getvalue()
        assert status in (0, 1, 64)
        assert len(error) <= 1024 and error.count(b"\n") == (1 if error else 0)
        assert b"this is a bug" not in error, error
        if status:
            assert not written and error
        if not written:
            assert error or "--output" in arguments
        text = error.decode()
        for secret in fake.secrets if fake else ():
            assert secret not in text
        return Result(status, written.decode().splitlines(), text)
    return call


def _hurry(monkeypatch, most_s):
    send = Transport.send
    monkeypatch.setattr(Transport, "send", lambda self, request, size, seconds:
                        send(self, request, size, min(seconds, most_s)))


@pytest.fixture
def impatient(monkeypatch):
    """No answer is waited for long."""
    _hurry(monkeypatch, 1)


@pytest.fixture
def hasty(monkeypatch):
    """Nor as long as a busy machine may take for one."""
    _hurry(monkeypatch, 0.05)
