"""A host that had tapd installed from source gets the package, and runs that."""

import os
import pathlib
import subprocess

import pytest

from root import Root

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = TOP / os.environ.get("TAPD_BUILD", "build/dev")
UNIT = "lib/systemd/system/tapd@.service"
LINK = "/etc/systemd/system/multi-user.target.wants/tapd@tap0.service"
OTHERS = "/usr/local/share/man/man8/other.8"


def source_install(root, prefix):
    subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix], check=True,
                   stdout=subprocess.DEVNULL, env={**os.environ, "DESTDIR": root.folder})


@pytest.fixture(scope="module", name="host")
def host_with_a_source_install(deb, tmp_path_factory):
    """`printed` is what the package said when it was installed after that."""
    root = Root(tmp_path_factory.mktemp("root"))
    root.fake_systemd()
    source_install(root, "/usr/local")
    assert root.find("tapd") == ["/usr/local/lib/tapd", "/usr/local/sbin/tapd",
                                 "/usr/local/share/doc/tapd"]
    os.symlink(f"/usr/local/{UNIT}", root.path(LINK))
    with open(root.path(f"/usr/local/{UNIT}"), "a") as unit:
        unit.write("# by hand\n")
    pathlib.Path(root.path(OTHERS)).touch()
    root.printed = root.install(deb)
    return root


def test_nothing_stands_before_the_package(host):
    assert [path for path in host.find("*tapd*") + host.find("tapctl*")
            if path.startswith("/usr/local")] == []
    found = host.run("sh", "-c", "command -v tapd; command -v tapctl").split()
    assert found == ["/usr/sbin/tapd", "/usr/bin/tapctl"]


def test_what_ran_is_restarted_from_the_package(host):
    assert "try-restart tapd@*.service" in host.systemctl()


def test_it_was_moved_aside_with_a_word(host):
    assert "/var/backups/tapd/usr-local: /usr/local/sbin/tapd" in host.printed
    with open(host.path(f"var/backups/tapd/usr-local/{UNIT}")) as unit:
        assert unit.read().endswith("# by hand\n")
    assert os.access(host.path("var/backups/tapd/usr-local/sbin/tapd"), os.X_OK)


def test_its_instances_stay_enabled(host):
    assert os.readlink(host.path(LINK)) == f"/usr/{UNIT}"
    assert host.run("systemctl.real", "--root=/", "is-enabled",
                    "tapd@tap0.service") == "enabled\n"


def test_others_files_stay(host):
    assert os.path.exists(host.path(OTHERS))


def test_one_below_usr_is_taken_over(clean_root, deb):
    source_install(clean_root, "/usr")
    clean_root.install(deb)
    assert clean_root.run("dpkg", "--verify", "tapd") == ""
