"""A package's first day: installed as README says, up, and up again after a reboot."""

from pair import VIP, at_once


def test_readme_word_by_word(pair, measured):
    """The pair was made so; what a user would see of it."""
    for guest in pair.guests:
        assert pair.started_by_install[guest.name] == "", "apt started or enabled an instance"
        assert guest.run("stat -c '%a %U %G' /etc/tapd/secret").split() == ["640", "root", "tapd"]
        assert guest.run("systemctl is-active tapd@tap0").strip() == "active"
        assert guest.run("systemctl is-enabled tapd@tap0").strip() == "enabled"
        who = guest.run("ps -o user= -p $(systemctl show -P MainPID tapd@tap0)").strip()
        assert who == "tapd"
        other = pair.web2 if guest is pair.web1 else pair.web1
        guest.run(f"ping -c 3 -i 0.3 {other.address.replace('10.9', '10.77')}")
        measured(f"{guest} runs {guest.run('uname -r').strip()}, "
                 f"{guest.run('tapd --version').strip()}")
    assert pair.web1.run("uname -r").startswith("6.1.")
    assert pair.web2.run("uname -r").startswith("6.12.")


def test_the_service_says_when_it_is_ready_and_who_is_up(pair):
    """READY is what `systemctl start` waits for."""
    for guest in pair.guests:
        show = guest.run("systemctl show -P Type -P NotifyAccess -P WatchdogUSec tapd@tap0")
        assert show.split() == ["notify", "main", "10s"]
        guest.wait("systemctl show -P StatusText tapd@tap0 | grep -x '1 of 1 peers up'")


def test_a_client_is_served_at_the_virtual_address(pair):
    pair.web2.run(f"ping -c 3 -i 0.3 {VIP}")


def test_all_is_up_after_a_reboot(pair, measured):
    """Without a hand: the interface, the peer, and Keepalived, which needs tap0 there."""
    before = [guest.run("cat /proc/sys/kernel/random/boot_id") for guest in pair.guests]
    for guest in pair.guests:
        guest.reboot()
    at_once(lambda guest: guest.wait_booted(), *pair.guests)
    assert before != [guest.run("cat /proc/sys/kernel/random/boot_id") for guest in pair.guests]
    pair.wait_peers()
    pair.settled()
    for guest in pair.guests:
        assert guest.address.replace("10.9", "10.77") in guest.run("ip -br address show tap0")
        order = guest.run("systemctl show -P ActiveEnterTimestampMonotonic tapd@tap0 keepalived")
        tapd, keepalived = (int(line) for line in order.split())
        assert tapd < keepalived, "Keepalived was started before its interface was ready"
        times = guest.run("systemctl show -P ActiveEnterTimestampMonotonic "
                          "-P InactiveExitTimestampMonotonic tapd@tap0").split()
        start, ready = sorted(int(time) / 1e6 for time in times)
        measured(f"{guest}: tapd is ready {ready - start:.1f} s after its start, "
                 f"{ready:.0f} s after its kernel's")
