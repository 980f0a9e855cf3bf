"""The package's files, as the programs that they are for read them."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

EXPOSURE_MAX = 2.5


def test_systemd_takes_the_unit(installed):
    printed = installed.run("systemd-analyze", "verify", "--man=no", "tapd@tap0.service")
    assert printed == ""


def test_the_unit_is_exposed_little(installed, record_property):
    printed = installed.run("systemd-analyze", "security", "--offline=true", "--no-pager",
                            "tapd@tap0.service")
    exposure = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", printed)[1])
    record_property("measured", f"exposure of the package's tapd@tap0.service: {exposure}")
    assert exposure <= EXPOSURE_MAX


def test_user_and_folders_are_made_in_an_image(installed, tmp_path):
    """As an image's builder makes them, without the package's scripts."""
    os.makedirs(tmp_path / "etc")
    for kind in "sysusers", "tmpfiles":
        os.makedirs(tmp_path / f"usr/lib/{kind}.d")
        name = f"usr/lib/{kind}.d/tapd.conf"
        (tmp_path / name).write_bytes(pathlib.Path(installed.path(name)).read_bytes())
    subprocess.run(["systemd-sysusers", f"--root={tmp_path}"], check=True)
    subprocess.run(["systemd-tmpfiles", f"--root={tmp_path}", "--create"], check=True)
    assert oct(os.stat(tmp_path / "etc/tapd").st_mode) == "0o40750"


def test_the_programs_run_with_what_the_package_asked_for(installed):
    assert re.fullmatch(r"tapd \d\S*\n", installed.run("tapd", "--version"))
    assert re.fullmatch(r"tapctl \d\S*\n", installed.run("tapctl", "--version"))
    assert len(installed.run("tapctl", "genpsk")) > 40


@pytest.mark.parametrize("page", ["man8/tapd.8", "man8/tapctl.8", "man8/multi-unicast.8",
                                  "man5/tapd.conf.5"])
def test_a_manual_page_is_well_made(installed, page):
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning",
                           installed.path(f"usr/share/man/{page}.gz")],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.stdout == ""
    assert done.returncode == 0


def complete(installed, line, programs=None, sockets=()):
    """What bash offers after `line`; programs: a folder that stands before the package's;
    sockets: the names in /run/tapd. It runs in that folder."""
    script = """
mount -t tmpfs none /run
mkdir /run/tapd
for name in "${@:4}"; do : >"/run/tapd/$name"; done
. /usr/share/bash-completion/bash_completion
. "$1/usr/share/bash-completion/completions/${2%% *}"
PATH=$3:$1/usr/sbin:$1/usr/bin:$PATH
COMP_LINE=$2 COMP_POINT=${#2}
read -ra COMP_WORDS <<<"$2"
[[ $2 == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_"${COMP_WORDS[0]}" "${COMP_WORDS[0]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""
    done = subprocess.run(["unshare", "--mount", "bash", "-c", script, "bash",
                           installed.folder, line, programs or "/nonexistent", *sockets],
                          check=True, stdout=subprocess.PIPE, text=True, cwd=programs)
    return set(done.stdout.splitlines()) - {""}


def test_bash_completes_every_command(installed):
    help_text = installed.run("tapctl", "--help")
    commands = set(re.findall(r"^  ([a-z]+) ", help_text, re.M))
    assert {"status", "peers", "genpsk"} <= commands
    assert complete(installed, "tapctl ") == commands
    assert complete(installed, "tapctl -j pe") == {"peers"}
    assert complete(installed, "tapctl fdb ") == set()


@pytest.mark.parametrize("program", ["tapctl", "tapd", "multi-unicast"])
def test_bash_completes_every_option(installed, program):
    help_text = (installed.run(program, "--help") if program != "multi-unicast" else
                 subprocess.run([installed.path("usr/sbin/multi-unicast"), "--help"], check=True,
                                stdout=subprocess.PIPE, text=True).stdout)
    options = set(re.findall(r"--[a-z][a-z-]+", help_text))
    assert {"--help"} <= options and len(options) > 3
    assert {word.rstrip("=") for word in complete(installed, f"{program} --")} == options


def test_bash_completes_words_of_multi_unicast(installed):
    assert complete(installed, "multi-unicast ") == {"up", "down", "status"}
    assert "lo" in complete(installed, "multi-unicast up ")


def test_bash_completes_files(installed, tmp_path):
    for name in "tap9.conf", "node.key", "other":
        (tmp_path / name).touch()
    assert complete(installed, f"tapd -c {tmp_path}/") == {f"{tmp_path}/tap9.conf"}
    assert complete(installed, f"tapctl pubkey {tmp_path}/") == {f"{tmp_path}/node.key"}


FAKE_TAPCTL = r"""#!/bin/sh
case "$*" in
--help) printf '  %s  what\n' 'peers [NAME]' 'ping PEER' 'fdb  ' ;;
'-i tap9 -j peers') printf '    "name": "%s",\n    "state": "up"\n' web1 web2 db1 ;;
*) exit 3 ;;
esac
"""


def test_bash_completes_peers_where_a_command_takes_one(installed, tmp_path):
    fake = tmp_path / "tapctl"
    fake.write_text(FAKE_TAPCTL, encoding="utf-8")
    fake.chmod(0o755)
    for command in "peers", "ping":
        assert complete(installed, f"tapctl -i tap9 {command} w", tmp_path) == {"web1", "web2"}
        assert complete(installed, f"tapctl -i other {command} w", tmp_path) == set()
    assert complete(installed, "tapctl -i tap9 fdb w", tmp_path) == set()
    assert complete(installed, "tapctl -i tap9 peers web1 w", tmp_path) == set()


FOREIGN = ["$(touch ran)", "`touch ran`", "$(touch${IFS}ran)", "a;b", "--socket=x", "a b"]


def test_bash_runs_no_name_that_is_not_roots(installed, tmp_path):
    """/run/tapd is the user tapd's, and peers name themselves."""
    lines = "".join(f'    "name": "{name}",\n' for name in FOREIGN)
    (tmp_path / "peers").write_text(lines + '    "name": "web1",\n', encoding="utf-8")
    fake = tmp_path / "tapctl"
    fake.write_text(FAKE_TAPCTL.replace("*) exit 3", f'*peers) cat "{tmp_path}/peers" ;;\n'
                                        "*) exit 3"), encoding="utf-8")
    fake.chmod(0o755)
    sockets = [f"{name}.sock" for name in ["tap0", "tap1"] + FOREIGN]
    assert complete(installed, "tapctl -i ", tmp_path, sockets) == {"tap0", "tap1"}
    assert complete(installed, "tapctl -i tap1", tmp_path, sockets) == {"tap1"}
    assert complete(installed, "tapctl -s ", tmp_path, sockets) == {
        "/run/tapd/tap0.sock", "/run/tapd/tap1.sock"}
    assert complete(installed, "tapctl ping ", tmp_path, sockets) == {"web1"}
    assert not (tmp_path / "ran").exists()


def test_firewalld_knows_the_service(installed, tmp_path):
    config = tmp_path / "firewalld"
    shutil.copytree("/usr/lib/firewalld", config)
    shutil.copy(installed.path("usr/lib/firewalld/services/tapd.xml"), config / "services")
    (tmp_path / "none").mkdir()
    done = subprocess.run(["firewall-offline-cmd", "--default-config", config, "--system-config",
                           tmp_path / "none", "--info-service=tapd"], check=True,
                          stdout=subprocess.PIPE, text=True)
    assert re.search(r"^  ports: 8273/udp$", done.stdout, re.M)


def test_ufw_knows_the_application(installed, tmp_path):
    config = tmp_path / "ufw"
    shutil.copytree("/etc/ufw", config)
    shutil.copy(installed.path("etc/ufw/applications.d/tapd"), config / "applications.d")
    done = subprocess.run(["unshare", "--mount", "sh", "-ec",
                           'mount --bind "$1" /etc/ufw; ufw app info tapd', "sh", config],
                          check=True, stdout=subprocess.PIPE, text=True)
    assert re.search(r"^Port:\n +8273/udp$", done.stdout, re.M)
