"""docs/recipes/wireshark: hosts as interfaces of Wireshark."""

import os
import pathlib
import select
import subprocess

import pytest

from cloud import program, start_all, udp_socket, wait_for

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "docs/recipes/wireshark"


@pytest.fixture(scope="module")
def pair(make_module_cloud):
    return start_all(make_module_cloud(2))


@pytest.fixture
def environment(pair, tmp_path):
    """One host by its own tapctl, one by an ssh that is here."""
    web1, web2 = pair
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    wrapper = bin_folder / "tapctl"
    wrapper.write_text(f'#!/bin/sh\nexec {program("tapctl")} -s "${{SOCKET:-{web1.socket}}}" "$@"\n')
    ssh = bin_folder / "ssh"
    ssh.write_text(f'#!/bin/sh\n[ "$1" = root@web2 ] || exit 9\n'
                   f'SOCKET={web2.socket} exec sh -c "$2"\n')
    for script in (wrapper, ssh):
        script.chmod(0o755)
    hosts = tmp_path / "hosts"
    hosts.write_text("# ours\nlocal\n\nweb2 root@web2 # the other\n")
    folder = tmp_path / ".config/wireshark/extcap"
    folder.mkdir(parents=True)
    (folder / "tapd-extcap").symlink_to(FOLDER / "tapd-extcap")
    return {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}", "HOME": str(tmp_path),
            "XDG_CONFIG_HOME": str(tmp_path / ".config"),
            "TAPD_EXTCAP_HOSTS": str(hosts), "TAPD_EXTCAP_SSH": "ssh"}


def tshark(environment, *arguments):
    return subprocess.Popen(["tshark", *arguments], env=environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def test_hosts_are_listed(environment):
    with tshark(environment, "-D") as process:
        listed = process.communicate(timeout=30)[0]
    assert "tapd-local (tapd on local)" in listed
    assert "tapd-web2 (tapd on web2)" in listed


@pytest.mark.parametrize("interface, comment", [("tapd-local", "to web2"),
                                                ("tapd-web2", "from web1")])
def test_frames_are_captured_there(environment, pair, interface, comment):
    web1, web2 = pair
    with tshark(environment, "-n", "-l", "-i", interface, "-Y", "udp.dstport==7008", "-T",
                "fields", "-e", "frame.comment") as process, \
            udp_socket(web1.host) as sender:
        def shows():
            sender.sendto(b"here", (web2.host.tap4, 7008))
            return select.select([process.stdout], [], [], 0)[0]
        try:
            wait_for(shows, 30, f"a frame on {interface}")
            assert process.stdout.readline() == comment + "\n"
        finally:
            process.terminate()
            process.stdout.read()


def test_what_is_wrong_is_said(environment, tmp_path):
    def run(*arguments):
        return subprocess.run([FOLDER / "tapd-extcap", *arguments], env=environment,
                              capture_output=True, text=True, timeout=10)
    assert run().returncode == 2
    assert run("--capture", "--extcap-interface", "tapd-web2").returncode == 2
    done = run("--capture", "--extcap-interface", "tapd-web9", "--fifo", tmp_path / "fifo")
    assert done.returncode == 2 and "no such host: tapd-web9" in done.stderr
    # A peer's name is one word, whatever is in it.
    done = run("--capture", "--extcap-interface", "tapd-web2", "--fifo", tmp_path / "fifo",
               "--peer", "'; echo no >&2; '")
    assert "no peer has that name, key or endpoint: '; echo no" in done.stderr
