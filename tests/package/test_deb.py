"""What scripts/package makes."""

import os
import pathlib
import re
import subprocess
import tempfile

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
PACKAGING = TOP / "scripts/packaging"


def field(deb, name):
    return subprocess.run(["dpkg-deb", "-f", deb, name], check=True, stdout=subprocess.PIPE,
                          text=True).stdout.strip()


def listed(deb):
    """{path: (mode, owner)} of the package's files; /lib is /usr/lib."""
    lines = subprocess.run(["dpkg-deb", "-c", deb], check=True, stdout=subprocess.PIPE,
                           text=True).stdout.splitlines()
    rows = [line.split(maxsplit=5) for line in lines]
    return {re.sub("^\\./lib/", "/usr/lib/", row[5]).removeprefix("."): (row[0], row[1])
            for row in rows}


def test_lintian_finds_nothing(deb):
    done = subprocess.run(["lintian", "--allow-root", "--pedantic", "--display-info", deb],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    assert done.stdout == ""
    assert done.returncode == 0


@pytest.fixture(name="elsewhere")
def folder_of_another_user():
    with tempfile.TemporaryDirectory(prefix="tapd package.") as folder:
        yield pathlib.Path(folder)


def test_two_builds_are_the_same_bytes(deb, elsewhere):
    """Another folder, user, umask, time zone and language; and no git."""
    archive = subprocess.run(["git", "-c", "safe.directory=*", "-C", TOP, "archive", "HEAD"],
                             check=True, stdout=subprocess.PIPE)
    subprocess.run(["tar", "-x", "-C", elsewhere], input=archive.stdout, check=True)
    subprocess.run(["chown", "-R", "nobody:nogroup", elsewhere], check=True)
    done = subprocess.run(["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
                           "sh", "-c", "umask 077; exec scripts/package"],
                          cwd=elsewhere, check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={"PATH": os.environ["PATH"], "HOME": "/nonexistent",
                               "TZ": "Asia/Kathmandu", "LC_ALL": "POSIX"})
    assert done.returncode == 0, done.stdout
    subprocess.run(["cmp", deb, elsewhere / "build" / deb.name], check=True)


def test_programs_are_hardened(unpacked):
    subprocess.run([TOP / "scripts/check-hardening", unpacked / "usr/sbin/tapd",
                    unpacked / "usr/bin/tapctl"], check=True)


def test_the_version_is_the_same_everywhere(deb, unpacked):
    version = field(deb, "Version")
    spec = (PACKAGING / "rpm/tapd.spec").read_text(encoding="utf-8")
    assert re.search(r"^Version: +(\S+)$", spec, re.M)[1] == version
    news = (TOP / "docs/CHANGELOG").read_text(encoding="utf-8")
    assert re.search(r"^(\d\S*)", news, re.M)[1] == version
    for program in "sbin/tapd", "bin/tapctl":
        printed = subprocess.run([unpacked / "usr" / program, "--version"], check=True,
                                 stdout=subprocess.PIPE, text=True).stdout
        assert printed.split()[1] == version


def test_the_build_asks_for_what_building_takes():
    """What install-deps installs of libraries is in Build-Depends."""
    control = (PACKAGING / "debian/control").read_text(encoding="utf-8")
    asked = re.search(r"^Build-Depends:(.*?)\n\n", control, re.M | re.S)[1]
    installs = (TOP / "scripts/install-deps").read_text(encoding="utf-8")
    building = re.search(r"^debian_packages.*?build \| package", installs, re.M | re.S)[0]
    libraries = set(re.findall(r"lib\S+-dev", building))
    assert libraries
    assert libraries <= set(re.findall(r"lib\S+-dev", asked))


def test_python_is_not_needed(deb):
    """Only scripts/discover and scripts/multi-unicast take it."""
    assert "python" not in field(deb, "Depends")
    assert "python3" in field(deb, "Recommends")


def test_files_are_roots_and_nobody_elses_to_write(deb):
    for path, (mode, owner) in listed(deb).items():
        assert owner == "root/root", path
        assert mode in ("drwxr-xr-x", "-rwxr-xr-x", "-rw-r--r--"), path


def test_the_only_configuration_file_is_ufws(deb):
    conffiles = subprocess.run(["dpkg-deb", "--info", deb, "conffiles"], check=True,
                               stdout=subprocess.PIPE, text=True).stdout.split()
    assert conffiles == ["/etc/ufw/applications.d/tapd"]


CONTENTS = """
    /usr/sbin/multi-unicast
    /usr/sbin/tapd
    /usr/bin/tapctl
    /usr/lib/systemd/system/tapd@.service
    /usr/lib/systemd/system-sleep/tapd
    /usr/lib/systemd/network/10-tapd.network
    /usr/lib/sysusers.d/tapd.conf
    /usr/lib/tmpfiles.d/tapd.conf
    /usr/lib/NetworkManager/conf.d/tapd.conf
    /usr/lib/firewalld/services/tapd.xml
    /usr/lib/tapd/discover
    /usr/share/bash-completion/completions/multi-unicast
    /usr/share/bash-completion/completions/tapctl
    /usr/share/bash-completion/completions/tapd
    /usr/share/man/man5/tapd.conf.5.gz
    /usr/share/man/man8/multi-unicast.8.gz
    /usr/share/man/man8/tapctl.8.gz
    /usr/share/man/man8/tapd.8.gz
    /usr/share/doc/tapd/NEWS.gz
    /usr/share/doc/tapd/README.gz
    /usr/share/doc/tapd/changelog.gz
    /usr/share/doc/tapd/copyright
    /usr/share/doc/tapd/examples/gre.conf
    /usr/share/doc/tapd/examples/secret-credential.conf
    /usr/share/doc/tapd/examples/tapd.conf.example
"""


@pytest.mark.parametrize("path", CONTENTS.split())
def test_it_has(deb, path):
    assert path in listed(deb)


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts}


def test_all_of_the_discovery_the_recipes_and_the_dashboards_are_there(unpacked):
    for source, target in (("scripts/discovery", "usr/lib/tapd/discovery"),
                           ("scripts/multi_unicast", "usr/lib/tapd/multi_unicast"),
                           ("docs/recipes", "usr/share/doc/tapd/recipes"),
                           ("docs/dashboards", "usr/share/doc/tapd/dashboards")):
        assert files(unpacked / target) == files(TOP / source) != set()
    assert os.access(unpacked / "usr/lib/tapd/discover", os.X_OK)


def test_every_page_of_docs_is_there(unpacked):
    pages = {path.name for path in (TOP / "docs").iterdir() if path.name.isupper()}
    found = {path.name.removesuffix(".gz")
             for path in (unpacked / "usr/share/doc/tapd").iterdir()}
    # CONTRIBUTING is for those who have the source; the change log is NEWS there.
    assert pages - {"CONTRIBUTING", "CHANGELOG"} <= found
