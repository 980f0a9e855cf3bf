"""Debian's own test of a package's life: it leaves nothing, and breaks nothing."""

import subprocess

import bootstrap
import root


def test_piuparts_passes(deb, tmp_path):
    folder = tmp_path / "root"
    folder.mkdir()
    root.Root(folder)
    done = subprocess.run(
        bootstrap.confined(
            "piuparts", f"--existing-chroot={folder}", f"--distribution={bootstrap.codename()}",
            "--no-eatmydata", "--keep-sources-list", f"--tmpdir={tmp_path}", deb),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert "PASS: All tests." in done.stdout, done.stdout[-5000:]
    assert done.returncode == 0
