"""The unit's hardening is real, and what the daemon runs works in it."""

import json
import re

import pytest

CONF = "/etc/tapd/tap0.conf"
DROP_IN = "/etc/systemd/system/tapd@.service.d"

HOOK = """#!/bin/sh
# What hooks do: an address and a route with ip, a setting, a look at the network.
exec >>/var/lib/tapd/hook.log 2>&1
echo "$TAPD_EVENT $TAPD_INTERFACE $TAPD_ADDRESS"
ip addr add 192.0.2.1/32 dev "$TAPD_INTERFACE"
ip route replace 198.51.100.0/24 dev "$TAPD_INTERFACE"
sysctl -w "net.ipv4.conf.$TAPD_INTERFACE.rp_filter=2"
getent hosts localhost >/dev/null && echo resolved
ip -j link show dev "$TAPD_INTERFACE" | python3 -c 'import json, sys; json.load(sys.stdin)' &&
    echo parsed
touch /etc/tapd/reached /usr/reached 2>/dev/null && echo "the system can be written"
"""

COMMAND = """#!/usr/bin/python3
import os, socket, tempfile
socket.getaddrinfo("localhost", 80)
tempfile.TemporaryFile()
print("10.9.0.10\\n10.9.0.11")
"""


@pytest.fixture
def web2(pair):
    """The backup, whose configuration a test may change; the test's end gives it back."""
    guest = pair.web2
    conf = guest.run(f"cat {CONF}")
    yield guest
    guest.ask(f"rm -rf {DROP_IN}; systemctl daemon-reload; "
              "chown root:tapd /etc/tapd/secret; chmod 640 /etc/tapd/secret; "
              "ip addr del 192.0.2.1/32 dev tap0; ip route del 198.51.100.0/24")
    guest.write(CONF, conf)
    guest.run("systemctl restart tapd@tap0")
    pair.wait_peers()
    pair.settled()


def configure(web2, pair, text):
    web2.write(CONF, text)
    web2.run("systemctl restart tapd@tap0")
    pair.wait_peers()


def test_hooks_work_under_the_unit(pair, web2):
    web2.write("/etc/tapd/hook", HOOK, "755")
    configure(web2, pair, f"""
interface = {{
    address = [ "10.77.0.0/16" ]; address_from = "default";
    up = "/etc/tapd/hook"; down = "/etc/tapd/hook";
}};
peers = [ "10.9.0.10" ];
""")
    web2.wait("grep parsed /var/lib/tapd/hook.log")
    log = web2.run("cat /var/lib/tapd/hook.log")
    assert "up tap0 10.77.0.11/16" in log
    assert "rp_filter = 2" in log and "resolved" in log
    assert "the system can be written" not in log
    assert not re.search("denied|not permitted|Read-only", log), log
    assert "192.0.2.1" in web2.run("ip addr show tap0")
    assert "198.51.100.0/24" in web2.run("ip route")
    web2.run("systemctl stop tapd@tap0")
    assert "down tap0" in web2.run("cat /var/lib/tapd/hook.log")
    web2.run("! ip link show tap0")


def test_discover_command_works_under_the_unit(pair, web2):
    web2.write("/etc/tapd/list", COMMAND, "755")
    configure(web2, pair, """
interface = { address = [ "10.77.0.0/16" ]; address_from = "default"; };
discover = { command = "/etc/tapd/list"; };
""")
    # The peer may dial first, and be up before the command has ended.
    pair.wait_status(web2, "the command's two hosts", lambda status: any(
        row["source"] == "command" and row["endpoints"] == 2 and not row["error"]
        for row in status["sources"]))


def test_the_packages_discover_runs_under_the_unit(pair, web2):
    """Of a cloud that is not there: it says so, by its own words, not Python's."""
    configure(web2, pair, """
interface = { address = [ "10.77.0.0/16" ]; address_from = "default"; };
peers = [ "10.9.0.10" ];
discover = { command = "/usr/lib/tapd/discover ec2 tag:cluster=web"; };
""")

    def error(status):
        return [row["error"] for row in status["sources"]
                if row["source"] == "command" and row["error"]]
    text = error(pair.wait_status(web2, "the command to fail", error))[0]
    assert "Traceback" not in text and "ermission" not in text, text


def test_a_credential_serves_as_the_secret(pair, web2):
    """The example of the package; the file is root's alone."""
    web2.run(f"install -d {DROP_IN} && cp $(dpkg -L tapd | grep secret-credential.conf) "
             f"{DROP_IN}/ && systemctl daemon-reload && "
             "chown root:root /etc/tapd/secret && chmod 600 /etc/tapd/secret")
    web2.run("systemctl restart tapd@tap0")
    pair.wait_peers()
    assert "secret" in web2.run("ls /run/credentials/tapd@tap0.service")


def test_the_journal_has_priorities(pair, web2):
    web2.write(CONF, "nonsense = 1;\n")
    web2.run("systemctl kill --kill-whom main -s HUP tapd@tap0")
    web2.wait("journalctl -u tapd@tap0 -o cat --no-pager _COMM=tapd | grep nonsense")
    entries = [json.loads(line) for line in web2.run(
        "journalctl -u tapd@tap0 -o json --no-pager _COMM=tapd").splitlines()]
    of_error = [entry for entry in entries if "nonsense" in entry["MESSAGE"]]
    assert {entry["PRIORITY"] for entry in of_error} <= {"3", "4"}
    assert "6" in {entry["PRIORITY"] for entry in entries}
    assert not any(re.match(r"<\d>", entry["MESSAGE"]) for entry in entries)


def test_a_reload_goes_by_systemctl(pair, web2):
    pid = web2.run("systemctl show -P MainPID tapd@tap0")
    web2.write(CONF, web2.run(f"cat {CONF}") + 'name = "other";\n')
    web2.run("systemctl reload tapd@tap0")
    assert web2.run("systemctl show -P MainPID tapd@tap0") == pid
    web2.run("systemctl is-active tapd@tap0")


def test_exposure(pair, measured):
    for guest in pair.guests:
        last = guest.run("systemd-analyze security --no-pager tapd@tap0").splitlines()[-1]
        exposure = float(re.search(r": (\d+\.\d+)", last).group(1))
        measured(f"{guest}: systemd-analyze security tapd@tap0: {exposure}")
        assert exposure <= 2.5
        # Guests have no man(1) to look its pages up.
        warnings = guest.run("systemd-analyze verify tapd@tap0.service 2>&1 | "
                             "grep tapd | grep -v 'man tapd' || :")
        assert warnings == ""
        refused = guest.run("journalctl -u tapd@tap0 --no-pager | grep -i 'was refused' || :")
        assert refused == ""
