"""A host that had tapd installed from source gets the package, and runs that."""

import os
import pathlib
import shutil
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
    found = host.find("*tapd*") + host.find("tapctl*") + host.find("multi-unicast*")
    assert [path for path in found if path.startswith("/usr/local")] == []
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


def test_they_are_started_again_if_a_removal_is_called_off(host):
    host.systemctl()
    host.run("/var/lib/dpkg/info/tapd.prerm", "remove")
    host.run("/var/lib/dpkg/info/tapd.postinst", "abort-remove")
    asked = host.systemctl()
    assert asked[0] == "stop tapd@*.service"
    assert asked[-1].endswith(" start tapd@tap0.service")


def test_a_second_one_does_not_take_the_place_of_the_first(host):
    source_install(host, "/usr/local")
    host.run("/var/lib/dpkg/info/tapd.postinst", "configure", "0.2.0")
    for folder, by_hand in ("usr-local", True), ("usr-local.2", False):
        with open(host.path(f"var/backups/tapd/{folder}/{UNIT}")) as unit:
            assert unit.read().endswith("# by hand\n") == by_hand


def test_others_files_stay(host):
    assert os.path.exists(host.path(OTHERS))


def test_one_below_usr_is_taken_over(clean_root, deb):
    source_install(clean_root, "/usr")
    clean_root.install(deb)
    assert clean_root.run("dpkg", "--verify", "tapd") == ""


READ_ONLY = """
mount --bind /usr/local /usr/local
mount -o remount,bind,ro /usr/local
exec apt-get install -qy --no-install-recommends /tmp/tapd.deb
"""


def test_one_that_cannot_be_moved_is_named(clean_root, deb):
    source_install(clean_root, "/usr/local")
    shutil.copy(deb, clean_root.path("tmp/tapd.deb"))
    printed = clean_root.run("sh", "-ec", READ_ONLY)
    assert "moved; remove: /usr/local/sbin/tapd " in printed
    assert clean_root.run("dpkg-query", "-W", "-f", "${Status}", "tapd") == "install ok installed"
    assert not os.path.exists(clean_root.path("var/backups/tapd"))


OWN_UNIT = "/etc/systemd/system/tapd@.service"


@pytest.fixture(scope="module", name="own")
def host_with_a_unit_of_its_own(deb, tmp_path_factory):
    """Which runs the programs of a source install, and so does a file in /etc/tapd."""
    root = Root(tmp_path_factory.mktemp("root"))
    source_install(root, "/usr/local")
    pathlib.Path(root.path(OWN_UNIT)).write_text(
        "[Service]\nExecStart=/usr/local/sbin/tapd -c /etc/tapd/%i.conf\n", encoding="utf-8")
    os.mkdir(root.path("etc/tapd"))
    pathlib.Path(root.path("etc/tapd/tap0.conf")).write_text(
        'discover = { command = "/usr/local/lib/tapd/discover aws"; };\n', encoding="utf-8")
    root.printed = root.install(deb)
    return root


def test_what_names_its_programs_runs_the_packages(own):
    assert os.readlink(own.path("usr/local/sbin/tapd")) == "/usr/sbin/tapd"
    assert own.run("/usr/local/sbin/tapd", "--version") == own.run("/usr/sbin/tapd", "--version")
    own.run("test", "-x", "/usr/local/lib/tapd/discover")
    assert not os.path.lexists(own.path("usr/local/bin/tapctl"))
    assert f"tapd: {OWN_UNIT} names /usr/local/sbin/tapd" in own.printed
    assert "tapd: /etc/tapd/tap0.conf names /usr/local/lib/tapd" in own.printed


def test_a_unit_that_stands_before_the_packages_is_named(own):
    assert f"tapd: {OWN_UNIT} stands before" in own.printed


def test_the_links_stay_over_an_upgrade_and_go_with_the_package(own):
    own.run("/var/lib/dpkg/info/tapd.postinst", "configure", "0.2.0")
    assert os.readlink(own.path("usr/local/sbin/tapd")) == "/usr/sbin/tapd"
    own.run("apt-get", "remove", "-qy", "tapd")
    assert not os.path.lexists(own.path("usr/local/sbin/tapd"))
    assert not os.path.lexists(own.path("usr/local/lib/tapd"))
