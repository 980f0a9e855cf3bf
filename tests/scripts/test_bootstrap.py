"""tests/bootstrap.py, scripts/apt-sources and container/build: a Debian made from nothing,
on a machine that may lack the lists of packages and whose run may be killed."""

import hashlib
import os
import pathlib
import select
import stat
import subprocess
import sys
import time

import pytest

from cloud import wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
APT_SOURCES = ROOT / "scripts/apt-sources"
BUILD = ROOT / "scripts/packaging/container/build"
DAY_S = 86400


def script(path, text):
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


class Machine:
    """One with an apt of its own below `folder`, which knows one source and has no lists."""

    def __init__(self, folder, origin="Debian"):
        self.folder = folder
        index = folder / "source/dists/stable/main/binary-all/Packages"
        for path in ("bin", "etc/apt.conf.d", "state/lists/partial", "cache/archives/partial"):
            (folder / path).mkdir(parents=True)
        index.parent.mkdir(parents=True)
        index.write_text("Package: one\nVersion: 1\nArchitecture: all\nDescription: one\n"
                         "Maintainer: one <one@example.org>\nFilename: one.deb\nSize: 1\n"
                         f"SHA256: {'0' * 64}\n")
        octets = index.read_bytes()
        (folder / "source/dists/stable/Release").write_text(
            f"Origin: {origin}\nCodename: stable\nDate: Sat, 01 Jan 2022 00:00:00 UTC\n"
            "Architectures: all\nComponents: main\nSHA256:\n"
            f" {hashlib.sha256(octets).hexdigest()} {len(octets)} main/binary-all/Packages\n")
        (folder / "etc/sources.list").write_text(
            f"deb [trusted=yes arch=all] file:{folder}/source stable main\n")
        (folder / "apt.conf").write_text(
            f'Dir::State "{folder}/state";\nDir::Cache "{folder}/cache";\n'
            f'Dir::Etc "{folder}/etc";\nAPT::Sandbox::User "root";\n')
        self.source = f"deb file:{folder}/source/ stable main"
        self.partial = folder / "state/lists/partial"
        self.environment = os.environ | {
            "APT_CONFIG": str(folder / "apt.conf"), "TAPD_TEST_CACHE": str(folder / "kept"),
            "PATH": f"{folder}/bin:{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "tests"),
            "PYTHONDONTWRITEBYTECODE": "1"}

    def run(self, *argv):
        return subprocess.run(argv, env=self.environment, text=True, capture_output=True,
                              timeout=60, check=False)

    def python(self, text):
        return self.run(sys.executable, "-c", f"import bootstrap\n{text}")


@pytest.fixture(name="machine")
def machine_without_lists(tmp_path):
    return Machine(tmp_path)


@pytest.fixture(name="deb")
def package_with_nothing_in_it(tmp_path):
    control = tmp_path / "tree/DEBIAN/control"
    control.parent.mkdir(parents=True)
    control.write_text("Package: tapd\nVersion: 1\nArchitecture: all\nDescription: one\n"
                       "Maintainer: one <one@example.org>\n")
    path = tmp_path / "tapd_1_all.deb"
    subprocess.run(["dpkg-deb", "-b", tmp_path / "tree", path], check=True, capture_output=True)
    return path


def test_lists_are_fetched_where_there_are_none(machine):
    done = machine.run(APT_SOURCES)
    assert (done.returncode, done.stdout) == (0, machine.source + "\n"), done.stderr


def test_lists_of_last_week_are_fetched_again_and_fresh_ones_are_not(machine):
    machine.run(APT_SOURCES)
    for age, fetched in (8 * DAY_S, True), (DAY_S // 2, False):
        then = time.time() - age
        os.utime(machine.partial, (then, then))
        assert machine.run(APT_SOURCES).stdout == machine.source + "\n"
        assert (machine.partial.stat().st_mtime > then + 60) == fetched


def test_an_apt_without_debian_is_told_so(tmp_path):
    done = Machine(tmp_path, origin="Another").run(APT_SOURCES)
    assert (done.returncode, done.stdout) == (1, "")
    assert "apt-sources: apt has no lists of a source of Debian's" in done.stderr


def test_tests_have_sources_and_candidates_where_there_are_no_lists(machine):
    assert machine.python("print(bootstrap.sources())").stdout == f"['{machine.source}']\n"


def test_candidates_are_known_where_there_are_no_lists(machine):
    assert machine.python("print(bootstrap.candidates(['one']))").stdout == "[('one', '1')]\n"


def test_an_image_is_made_where_there_are_no_lists(machine, deb):
    script(machine.folder / "bin/mmdebstrap", f"#!/bin/sh\ncat >{machine.folder}/input; exit 1\n")
    assert machine.run(BUILD, deb).returncode == 1
    lines = (machine.folder / "input").read_text().splitlines()
    assert lines[0] == machine.source and lines[1].startswith("deb [trusted=yes] file:")


# Mounts, as mmdebstrap does in its folder of temporary files, and goes on for long.
MOUNTS = """#!/bin/sh
mkdir "$TMPDIR/mmdebstrap.one"
mount -t tmpfs tapd-leak "$TMPDIR/mmdebstrap.one"
echo "$TMPDIR" >{folder}/there.new
mv {folder}/there.new {folder}/there
exec sleep 100
"""
MAKES = "bootstrap.kept('root-one', lambda path: bootstrap.mmdebstrap(path, ['one'], '--quiet'))"


@pytest.fixture(name="killed", params=["tests", "image"])
def run_killed_while_mmdebstrap_has_a_mount(request, machine, deb):
    """(TMPDIR of mmdebstrap, end of what all its processes write to, TMPDIR given)"""
    script(machine.folder / "bin/mmdebstrap", MOUNTS.format(folder=machine.folder))
    given = machine.folder / "tmp"
    given.mkdir()
    argv = {"tests": [sys.executable, "-c", f"import bootstrap\n{MAKES}"],
            "image": [BUILD, deb]}[request.param]
    reader, writer = os.pipe()
    with subprocess.Popen(argv, env=machine.environment | {"TMPDIR": str(given)},
                          stdout=writer, pass_fds=[writer], start_new_session=True) as process:
        os.close(writer)
        there = machine.folder / "there"
        try:
            wait_for(there.exists, 20, "mmdebstrap to mount")
            mounted = "tapd-leak" in pathlib.Path("/proc/self/mounts").read_text()
        finally:
            process.kill()
    yield there.read_text().strip(), mounted, reader
    os.close(reader)
    subprocess.run(["umount", "--quiet", there.read_text().strip() + "/mmdebstrap.one"],
                   check=False)


def test_a_killed_run_leaves_no_mount_and_no_program(killed, machine):
    folder, mounted, reader = killed
    assert not mounted
    assert select.select([reader], [], [], 20)[0] and os.read(reader, 1) == b"", "programs run"
    assert "tapd-leak" not in pathlib.Path("/proc/self/mounts").read_text()
    assert folder.startswith(str(machine.folder)), "in no folder that the caller removes"


def test_what_a_killed_run_left_is_removed_by_the_next(machine):
    left = machine.folder / "kept/root-one.new.work/mmdebstrap.one"
    left.mkdir(parents=True)
    script(machine.folder / "bin/mmdebstrap", f"""#!/bin/sh
[ ! -e {left} ] && for target; do [ "$target" = - ] || last=$target; done && echo one >"$last"
""")
    assert machine.python(MAKES).returncode == 0
    assert sorted(path.name for path in (machine.folder / "kept").iterdir()) == [
        "lock-root", "root-one"]
