"""A package's life: installed, upgraded, removed, purged."""

import os


def write(root, path, text):
    with open(root.path(path), "w") as file:
        file.write(text)


def mode_and_owner(root, path):
    return root.run("stat", "-c", "%a %U %G", path).strip()


def leftovers(root):
    return root.find("*tapd*") + root.find("tapctl*")


def installed(root, deb):
    """The user and the folders are made; nothing is started."""
    root.install(deb)
    assert root.run("getent", "passwd", "tapd").split(":")[5:] == [
        "/var/lib/tapd", "/usr/sbin/nologin\n"]
    assert mode_and_owner(root, "/etc/tapd") == "750 root tapd"
    assert mode_and_owner(root, "/var/lib/tapd") == "750 tapd tapd"
    assert mode_and_owner(root, "/run/tapd") == "755 tapd tapd"
    asked = root.systemctl()
    assert not [line for line in asked if "enable" in line or line.split()[0] == "start"]
    assert root.run("dpkg", "--verify", "tapd") == ""


def upgraded(root, deb):
    """What runs is restarted, not stopped; the configuration stays."""
    root.install(deb)
    asked = root.systemctl()
    assert asked.index("--system daemon-reload") < asked.index("try-restart tapd@*.service")
    assert not [line for line in asked if "stop" in line]
    assert os.path.exists(root.path("etc/tapd/secret"))
    assert mode_and_owner(root, "/etc/tapd") == "750 root tapd"
    assert mode_and_owner(root, "/var/lib/tapd/tap0.key") == "600 tapd tapd"
    assert mode_and_owner(root, "/etc/tapd/secret") == "644 root root"
    assert mode_and_owner(root, "/var/lib/tapd/link.key") == "777 root root"


def removed(root):
    """What runs is stopped; what was written for it or by it stays."""
    root.run("apt-get", "remove", "-qy", "tapd")
    asked = root.systemctl()
    assert asked[0] == "stop tapd@*.service"
    assert "--system daemon-reload" in asked
    assert set(leftovers(root)) == {
        "/etc/systemd/system/multi-user.target.wants/tapd@tap0.service", "/etc/tapd",
        "/etc/ufw/applications.d/tapd", "/run/tapd", "/var/lib/tapd"}


def purged(root):
    """What is the administrator's stays."""
    root.run("apt-get", "purge", "-qy", "tapd")
    assert leftovers(root) == ["/etc/tapd"]
    assert os.listdir(root.path("etc/tapd")) == ["secret"]
    assert root.run("getent", "passwd", "tapd")


def test_a_whole_life(clean_root, deb, older_deb):
    root = clean_root
    root.fake_systemd()
    installed(root, older_deb)
    assert root.run("tapd", "--version") == "tapd 0.1.99\n"
    write(root, "etc/tapd/secret", "secret\n")
    write(root, "var/lib/tapd/tap0.key", "key\n")
    os.chmod(root.path("var/lib/tapd/tap0.key"), 0o600)
    os.symlink("/etc/tapd/secret", root.path("var/lib/tapd/link.key"))
    os.symlink("/usr/lib/systemd/system/tapd@.service", root.path(
        "etc/systemd/system/multi-user.target.wants/tapd@tap0.service"))
    upgraded(root, deb)
    assert root.run("tapd", "--version") != "tapd 0.1.99\n"
    removed(root)
    purged(root)
