"""The same files as an .rpm, as far as a Debian can tell."""

import pathlib
import re
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]
SPEC = TOP / "scripts/packaging/rpm/tapd.spec"

# A tag that rpm has not wanted for ten years, and the name of a tar file that
# scripts/package makes.
KNOWN_WARNINGS = {"no-buildroot-tag", "invalid-url"}

DOC = "/usr/share/doc/tapd"
# What Debian alone has, or calls by a name of its own.
DEBIANS = {"/etc/ufw/applications.d/tapd", f"{DOC}/changelog", f"{DOC}/changelog.Debian",
           f"{DOC}/copyright", f"{DOC}/NEWS"}


def lines(*argv):
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()


def test_rpmspec_takes_the_spec():
    assert "Name:           tapd" in lines("rpmspec", "-P", SPEC)


def test_rpmlint_finds_no_error():
    done = subprocess.run(["rpmlint", SPEC], stdout=subprocess.PIPE, text=True, check=False)
    assert " 0 errors," in done.stdout
    assert set(re.findall(r": W: (\S+)", done.stdout)) <= KNOWN_WARNINGS


def test_it_has_what_the_deb_has(unpacked):
    done = subprocess.run([TOP / "scripts/package", "--rpm"], check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    # Which files are compressed is each one's own.
    packaged = {path.removesuffix(".gz")
                for path in lines("rpm", "-qlp", TOP / done.stdout.splitlines()[-1])}
    wanted = {re.sub("^/lib/", "/usr/lib/", f"/{path.relative_to(unpacked)}").removesuffix(".gz")
              for path in unpacked.rglob("*") if path.is_file()}
    wanted -= DEBIANS
    assert {f"{DOC}/dashboards/tapd.json", f"{DOC}/examples/kubernetes.yaml"} <= wanted
    assert not wanted - packaged
    assert f"{DOC}/CHANGELOG" in packaged
    assert any(path.endswith("/LICENSE") for path in packaged)
