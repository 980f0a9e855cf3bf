"""The end of a package's life; it runs last."""


def test_removal_stops_it_and_keeps_what_is_the_administrators(pair):
    """web1's own VIP goes to web2, whose tapd stays."""
    guest = pair.web1
    guest.run("apt remove tapd")
    guest.run("! ip link show tap0")
    guest.run("! pgrep -x tapd")
    guest.run("! command -v tapd tapctl")
    for path in "/etc/tapd/secret", "/etc/tapd/tap0.conf", "/var/lib/tapd":
        guest.run(f"test -e {path}")


def test_installed_again_it_is_what_it_was(pair):
    guest = pair.web1
    guest.run(f"apt install ./{pair.next_deb}")
    guest.run("systemctl start tapd@tap0")
    pair.wait_peers()


def test_purge_leaves_only_what_is_the_administrators(pair):
    for guest in pair.guests:
        guest.run("apt purge tapd")
        guest.run("! ip link show tap0")
        guest.run("! dpkg-query -W tapd 2>/dev/null")
        left = guest.run("find / -xdev -path /proc -prune -o -name '*tapd*' -print").split()
        left = [path for path in left if not path.startswith(("/root/", "/media/", "/tmp/"))
                and path != "/usr/local/bin/traffic"]
        assert left == ["/etc/tapd"], left
        assert {"secret", "tap0.conf"} <= set(guest.run("ls /etc/tapd").split())
        assert guest.run("systemctl list-units --all --plain --no-legend 'tapd@*'") == ""
        guest.run("getent passwd tapd")
