"""docs/recipes/deploy: cloud-init and Ansible do with the page's files what it says."""

import os
import stat
import subprocess
import sys

import pytest
import yaml

from cloud import new_secret, program

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../apps"))

from recipe import recipe  # noqa: E402

# Ansible is slow where others want the machine too.
pytestmark = pytest.mark.timeout(300)

# A machine that has the package, as far as these files see one: /etc is its own, with
# this one's users and the group tapd, and of what would reach further it has stand-ins
# that write down how they were called. $1: its folder.
_MACHINE = """
set -e
folder=$1; shift
mkdir "$folder/etc"
for name in passwd group gshadow login.defs nsswitch.conf ld.so.cache os-release alternatives; do
	[ ! -e "/etc/$name" ] || cp -a "/etc/$name" "$folder/etc"
done
mount --bind "$folder/etc" /etc
getent group tapd >/dev/null || groupadd --system tapd
install -d -g tapd -m 750 /etc/tapd
mount -t tmpfs tmpfs /run
PATH=$folder/bin:$PATH
"$@"
cp -a /etc/tapd "$folder/tapd"
"""

_STAND_IN = """#!/bin/sh
echo "${0##*/} $*" >> %s/calls
"""


class Machine:
    def __init__(self, folder):
        self.folder = folder
        (folder / "bin").mkdir()
        os.symlink(program("tapd"), folder / "bin/tapd")

    def stands_in(self, *programs, prints=""):
        for name in programs:
            path = self.folder / "bin" / name
            path.write_text(_STAND_IN % self.folder + prints)
            path.chmod(0o755)

    def run(self, *command, cwd=None):
        done = subprocess.run(
            ["unshare", "--mount", "--propagation=private", "sh", "-c", _MACHINE, "machine",
             self.folder, *command], cwd=cwd, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def calls(self):
        return (self.folder / "calls").read_text().splitlines()

    def file(self, name):
        return self.folder / "tapd" / name

    def assert_secret(self, secret):
        status = self.file("secret").stat()
        with open(self.folder / "etc/group") as file:
            groups = dict(line.split(":")[0:3:2] for line in file)
        assert self.file("secret").read_text() == secret + "\n"
        assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == \
            (0o640, 0, int(groups["tapd"]))


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def checked(path):
    """What tapd makes of that file."""
    done = subprocess.run([program("tapd"), "-n", "-c", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_user_data_is_what_cloud_init_takes(tmp_path):
    file = tmp_path / "user-data"
    file.write_text(recipe("deploy", "user-data"))
    done = subprocess.run(["cloud-init", "schema", "-c", file], capture_output=True, text=True)
    assert done.returncode == 0 and "Valid" in done.stdout, done.stdout + done.stderr


def test_user_data_sets_a_host_up(machine, tmp_path):
    text = recipe("deploy", "user-data")
    data = yaml.safe_load(text)
    file, = data["write_files"]
    assert file["path"] == "/etc/tapd/tap0.conf"
    conf = tmp_path / "tap0.conf"
    conf.write_text(file["content"])
    assert 'command = "/usr/lib/tapd/discover ec2 tag:cluster=web"' in checked(conf)
    # cloud-init itself makes a script of runcmd.
    script = subprocess.run(
        ["/usr/bin/python3", "-c", "import sys, yaml; from cloudinit.util import shellify; "
         "print(shellify(yaml.safe_load(sys.stdin)['runcmd']))"],
        input=text, capture_output=True, text=True, check=True).stdout
    secret = new_secret()
    machine.stands_in("aws", prints=f'[ "$1" != ssm ] || echo {secret}\n')
    machine.stands_in("apt-get", "systemctl")
    machine.run("sh", "-ec", script)
    machine.assert_secret(secret)
    assert machine.calls() == [
        "aws s3 cp s3://BUCKET/tapd_0.2.0_amd64.deb /run/tapd_0.2.0_amd64.deb",
        "apt-get install -y /run/tapd_0.2.0_amd64.deb",
        "aws ssm get-parameter --name /tapd/secret --with-decryption --output text "
        "--query Parameter.Value",
        "systemctl enable --now tapd@tap0"]


@pytest.fixture
def playbook(tmp_path):
    """Its folder: the page's playbook, this machine as a host of web, a sealed secret."""
    folder = tmp_path / "playbook"
    (folder / "group_vars").mkdir(parents=True)
    (folder / "tapd.yml").write_text(recipe("deploy", "tapd.yml"))
    (folder / "inventory").write_text("[web]\nweb1 ansible_connection=local\n")
    (folder / "password").write_text("correct horse\n")
    secret = new_secret()
    sealed = subprocess.check_output(
        ["ansible-vault", "encrypt_string", "--vault-password-file", "password",
         "--name", "tapd_secret", secret], cwd=folder, text=True)
    (folder / "group_vars/web").write_text(sealed)
    return folder, secret


def ansible(folder, *options):
    return ["ansible-playbook", "-i", "inventory", "--vault-password-file", "password",
            "-e", "ansible_become=false", "-e", "ansible_python_interpreter=/usr/bin/python3",
            *options, "tapd.yml"]


def test_the_playbook_is_one(playbook):
    folder, _ = playbook
    subprocess.run(ansible(folder, "--syntax-check"), cwd=folder, check=True, timeout=60)
    subprocess.run(["yamllint", "-s", "-d", "{extends: default, rules: {document-start: disable}}",
                    "tapd.yml"], cwd=folder, check=True)


def test_the_playbook_sets_a_host_up(machine, playbook):
    folder, secret = playbook
    machine.stands_in("systemctl", prints="""case $1 in
show) printf 'LoadState=loaded\\nActiveState=%s\\n' $(tail -n 1 $(dirname $0)/../state) ;;
start) echo active >> $(dirname $0)/../state ;;
is-enabled) echo disabled; exit 1 ;;
esac
""")
    (machine.folder / "state").write_text("inactive\n")
    machine.run(*ansible(folder, "--skip-tags", "package"), cwd=folder)
    machine.assert_secret(secret)
    done = [call for call in machine.calls() if call.split()[1] in ("enable", "start", "reload")]
    assert done == [f"systemctl {what} tapd@tap0" for what in ("enable", "start", "reload")]
    shown = checked(machine.file("tap0.conf"))
    assert 'address_from = "default"' in shown and 'peers = [ "' in shown


def test_the_playbook_keeps_a_file_that_tapd_refuses(machine, playbook):
    folder, _ = playbook
    book = folder / "tapd.yml"
    book.write_text(book.read_text().replace("address_from =", "addres_from ="))
    with pytest.raises(AssertionError, match="did you mean"):
        machine.run(*ansible(folder, "--skip-tags", "package"), cwd=folder)
    assert not machine.file("tap0.conf").exists()
