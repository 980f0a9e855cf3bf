"""The container image: what is in it, and what it says of itself."""

import os
import stat
import subprocess

import pytest

# The package and the image are made first.
pytestmark = pytest.mark.timeout(900)


def test_its_configuration_runs_tapd(image, package):
    assert image.command == ["tapd", "-c", "/etc/tapd/tap0.conf"]
    version = subprocess.check_output(["dpkg-deb", "-f", package, "Version"], text=True).strip()
    assert image.version == image.config["config"]["Labels"][
        "org.opencontainers.image.version"] == version
    assert image.config["architecture"] == subprocess.check_output(
        ["dpkg", "--print-architecture"], text=True).strip()


def test_its_programs_run(image):
    for program in "tapd", "tapctl":
        done = subprocess.run(["chroot", image.root, program, "--version"], text=True,
                              capture_output=True)
        assert done.returncode == 0 and image.version in done.stdout, done
    status = subprocess.check_output(["chroot", image.root, "dpkg-query", "-W", "-f",
                                      "${Package} ${db:Status-Status}\n"], text=True)
    assert {line.split()[1] for line in status.splitlines()} == {"installed"}
    assert "tapd installed" in status


def test_it_has_no_more_than_it_needs(image, record_property):
    """No device, no key, nothing of the machine that made it; a licence of everything."""
    size = 0
    for folder, _, names in os.walk(image.root):
        for name in names:
            status = os.lstat(os.path.join(folder, name))
            size += status.st_size
            assert stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode), (folder, name)
    record_property("measured", f"image: {os.path.getsize(image.archive) >> 20} MiB to copy, "
                                f"{size >> 20} MiB unpacked")
    assert size < 100 << 20
    assert os.listdir(os.path.join(image.root, "etc/tapd")) == []
    assert os.listdir(os.path.join(image.root, "var/lib/tapd")) == []
    assert os.listdir(os.path.join(image.root, "tmp")) == []
    assert not os.path.exists(os.path.join(image.root, "etc/apt/apt.conf"))
    assert os.path.getsize(os.path.join(image.root, "etc/machine-id")) == 0 \
        if os.path.exists(os.path.join(image.root, "etc/machine-id")) else True
    for package in "tapd", "libssl3", "libc6":
        assert os.path.exists(os.path.join(image.root, "usr/share/doc", package, "copyright"))
