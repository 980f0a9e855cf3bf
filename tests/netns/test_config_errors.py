"""Every class of configuration error gives file, line and remedy, and exit 78."""

import os
import shutil

import pytest

from cloud import EXIT_CONFIG, EXIT_SYSTEM, new_secret, program

SECRET, KEY = "%SECRET%", "%KEY%"
GOOD = f"""\
interface = {{
    name = "tap0";
    address = [ "10.77.0.1/24" ];
    mtu = 1500;
}};
secret_file = "{SECRET}";
key_file = "{KEY}";
peers = [ "10.9.0.2" ];
"""


def line(number, text):
    """GOOD with that line replaced."""
    lines = GOOD.splitlines()
    lines[number - 1] = text
    return "\n".join(lines) + "\n"


def after(text):
    """GOOD and a tenth line (a ninth is blank)."""
    return GOOD + "\n" + text + "\n"


# name: (text, line of the error, words that must be in the message)
ERRORS = {
    "syntax": (line(7, "key_file = ;"), 7, []),
    "a comma too many": (line(8, 'peers = [ "10.9.0.2", ];'), 8, ["after the last entry"]),
    "a comma too few": (line(8, 'peers = [ "10.9.0.2" "10.9.0.3" ];'), 8, ["','"]),
    "quotes of a word processor": (line(7, "key_file = “/k”;"), 7, ["double quotes"]),
    "a word without quotes": (after("log_level = info;"), 10, ["info"]),
    "a number of 33 bits": (line(4, "    mtu = 4294968796;"), 4, ["4294968796"]),
    "no closing brace": (line(5, ""), None, []),
    "unknown key": (after("sekret_file = \"x\";"), 10, ["sekret_file"]),
    "unknown key in a group": (line(4, "    mut = 1500;"), 4, ["mut"]),
    "a key given twice": (after('key_file = "/x";'), 10, ["duplicate"]),
    "a number for a text": (line(7, "key_file = 7;"), 7, ["key_file", "text"]),
    "a text for a number": (line(4, '    mtu = "1500";'), 4, ["mtu", "number"]),
    "a text for a list": (line(8, 'peers = "10.9.0.2";'), 8, ["peers"]),
    "a number in a list": (line(8, "peers = [ 10 ];"), 8, ["peers"]),
    "a group for a text": (line(7, "key_file = { };"), 7, ["key_file"]),
    "a list for a group": (after("liveness = [ ];"), 10, ["liveness"]),
    "a number for a switch": (line(4, "    persist = 1;"), 4, ["persist", "true"]),
    "address that is none": (line(3, '    address = [ "10.77.0" ];'), 3, ["10.77.0"]),
    "address without a length": (line(3, '    address = [ "10.77.0.1" ];'), 3, ["10.77.0.1", "/"]),
    "prefix too long": (line(3, '    address = [ "10.77.0.1/33" ];'), 3, ["/33"]),
    "address_from what is none": (line(4, '    address_from = "a name too long for one";'), 4,
                                  ["address_from"]),
    "interface name too long": (line(2, '    name = "tap0123456789abcd";'), 2, ["15"]),
    "interface name with a slash": (line(2, '    name = "tap/0";'), 2, ["tap/0"]),
    "mtu too small": (line(4, "    mtu = 60;"), 4, ["mtu", "60"]),
    "mtu too large": (line(4, "    mtu = 70000;"), 4, ["mtu", "70000"]),
    "mtu negative": (line(4, "    mtu = -1500;"), 4, ["mtu"]),
    "mtu with a fraction": (line(4, "    mtu = 1500.5;"), 4, ["mtu"]),
    "mac that is none": (line(4, '    mac = "52:54:00";'), 4, ["52:54:00"]),
    "mac of a group": (line(4, '    mac = "01:00:5e:00:00:01";'), 4, ["01:00:5e:00:00:01"]),
    "mac of zeros": (line(4, '    mac = "00:00:00:00:00:00";'), 4, ["00:00:00:00:00:00"]),
    "carrier": (line(4, '    carrier = "sometimes";'), 4, ["carrier", "always", "peers"]),
    "listen that is none": (after('listen = [ "8273" ];'), 10, ["listen"]),
    "listen on port 0": (after('listen = [ "0.0.0.0:0" ];'), 10, ["listen", "0.0.0.0:0"]),
    "listen on a name": (after('listen = [ "localhost:8273" ];'), 10, ["listen", "localhost"]),
    "peer with a bad port": (line(8, 'peers = [ "10.9.0.2:82730" ];'), 8, ["82730"]),
    "peer with spaces": (line(8, 'peers = [ "10.9.0.2 10.9.0.3" ];'), 8, ["10.9.0.2 10.9.0.3"]),
    "peer that is empty": (line(8, 'peers = [ "" ];'), 8, ["peer"]),
    "peer to all": (line(8, 'peers = [ "255.255.255.255" ];'), 8, ["255.255.255.255"]),
    "peer that is a group": (line(8, 'peers = [ "239.1.1.1" ];'), 8, ["239.1.1.1"]),
    "trusted key that is none": (after('trusted_keys = [ "abc" ];'), 10, ["trusted_keys"]),
    "name with a space": (after('name = "web 1";'), 10, ["web 1"]),
    "name too long": (after(f'name = "{"w" * 64}";'), 10, ["63"]),
    "interval of nothing": (after("liveness = { interval = 0; };"), 10, ["interval"]),
    "interval negative": (after("liveness = { interval = -1.0; };"), 10, ["interval"]),
    "down_after of nothing": (after("liveness = { down_after = 0; };"), 10, ["down_after"]),
    "underlay_mtu too small": (after("underlay_mtu = 100;"), 10, ["underlay_mtu"]),
    "log level": (after('log_level = "loud";'), 10, ["loud", "debug"]),
    "user nobody has": (after('user = "no-such-user";'), 10, ["no-such-user"]),
    "file that is none": (after('discover = { file = "peers"; };'), 10, ["peers", "'/'"]),
    "command by its name": (after('discover = { command = "true"; };'), 10, ["true", "'/'"]),
    "address in the DNS": (after('discover = { dns = [ "10.9.0.2" ]; };'), 10, ["peers"]),
    "asked all the time": (after('discover = { interval = 0; };'), 10, ["interval"]),
    "metrics for all": (after('metrics = "0.0.0.0:9273";'), 10, ["metrics", "127.0.0.1"]),
}


@pytest.fixture(scope="module")
def host(make_module_cloud):
    return make_module_cloud(1).hosts[0]


def run(host, text, *options):
    secret = host.path("secret")
    if not os.path.exists(secret):
        host.write("secret", new_secret() + "\n", 0o600)
    text = text.replace(SECRET, secret).replace(KEY, host.path("tap0.key"))
    # All hosts share /run.
    if "control_socket" not in text:
        text += f'control_socket = "{host.path("tap0.sock")}";\n'
    conf = host.write("tap0.conf", text)
    done = host.run(program("tapd"), *options, "-c", conf, check=False, timeout=10)
    return done, conf


def test_the_good_one_is_good(host):
    done, _ = run(host, GOOD, "-n")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("options", [[], ["-n"]], ids=["start", "check"])
@pytest.mark.parametrize("name", ERRORS)
def test_error(host, name, options):
    text, number, words = ERRORS[name]
    done, conf = run(host, text, *options)
    assert done.returncode == EXIT_CONFIG, done.stderr
    message = done.stderr.splitlines()[0]
    place = f"{conf}:{number}: " if number else f"{conf}:"
    assert place in message, message
    for word in words:
        assert word in message, message
    assert "; " in message or number is None or name == "syntax", f"no remedy: {message}"
    assert not host.has_interface() and not os.path.exists(host.path("tap0.key")), \
        "nothing has changed"


@pytest.mark.parametrize("options", [[], ["-n"]], ids=["start", "check"])
def test_address_from_an_interface_that_is_not_there(host, options):
    """As a file for EC2, where it is ens5, is on another cloud."""
    done, conf = run(host, line(4, '    address_from = "ens5";'), *options)
    assert done.returncode == (EXIT_CONFIG if options else EXIT_SYSTEM), done.stderr
    message = done.stderr.splitlines()[0]
    assert f"{conf}:4: interface.address_from: " in message
    assert '"ens5"' in message and message.endswith(": eth0") and '"default"' in message
    assert not host.has_interface()


@pytest.mark.parametrize("options", [[], ["-n"]], ids=["start", "check"])
def test_address_from_a_subnet_wider_than_the_overlay(make_cloud, options):
    host = make_cloud(1).hosts[0]
    host.ip("addr", "del", f"{host.address}/32", "dev", "eth0")
    host.ip("addr", "add", f"{host.address}/20", "dev", "eth0")
    done, conf = run(host, line(4, '    address_from = "eth0";'), *options)
    assert done.returncode == EXIT_CONFIG, done.stderr
    message = done.stderr.splitlines()[0]
    assert f"{conf}:4: interface.address_from: two hosts" in message and "at most 20" in message
    assert not host.has_interface() and not os.path.exists(host.path("tap0.key"))


def test_address_from_the_default_route(host):
    done, _ = run(host, line(4, '    address_from = "default";'), "-n")
    assert done.returncode == 0 and 'address_from = "default";' in done.stdout


@pytest.mark.parametrize("options", [[], ["-n"]], ids=["start", "check"])
def test_address_from_a_default_route_that_is_not_there(make_cloud, options):
    host = make_cloud(1).hosts[0]
    host.ip("route", "del", "default")
    done, conf = run(host, line(4, '    address_from = "default";'), *options)
    assert done.returncode == (EXIT_CONFIG if options else EXIT_SYSTEM), done.stderr
    message = done.stderr.splitlines()[0]
    assert f"{conf}:4: interface.address_from: there is no IPv4 default route" in message
    assert message.endswith(": eth0")
    assert not host.has_interface()


SECRETS = {
    "is not there": (None, 0, ["genpsk"]),
    "is readable by others": (new_secret() + "\n", 0o644, ["chmod"]),
    "is readable by its group": (new_secret() + "\n", 0o640, ["chmod"]),
    "is empty": ("", 0o600, ["genpsk"]),
    "is not base64": ("hello, world\n", 0o600, ["genpsk"]),
    "is too short": ("aGVsbG8=\n", 0o600, ["32"]),
    "has three": ("\n".join(new_secret() for _ in range(3)) + "\n", 0o600, []),
}


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_that(make_cloud, name):
    text, mode, words = SECRETS[name]
    host = make_cloud(1).hosts[0]
    if text is None:
        conf = host.write("tap0.conf", GOOD.replace(SECRET, host.path("secret")).replace(
            KEY, host.path("tap0.key")))
        done = host.run(program("tapd"), "-c", conf, check=False)
    else:
        host.write("secret", text, mode)
        done, _ = run(host, GOOD)
    assert done.returncode == EXIT_CONFIG, done.stderr
    message = done.stderr.splitlines()[0]
    assert host.path("secret") in message, message
    for word in words:
        assert word in message, message
    assert not host.has_interface()


def test_a_secret_that_the_file_does_not_name_is_looked_for_in_its_place(host):
    done, _ = run(host, line(6, ""))
    assert done.returncode == EXIT_CONFIG and "/etc/tapd/secret: " in done.stderr


def test_a_secret_others_can_read_on_a_read_only_mount_is_taken(host):
    """As a container's secrets are mounted."""
    place = host.path("mounted")
    os.makedirs(place, exist_ok=True)
    conf = host.write("ro.conf", GOOD.replace(SECRET, f"{place}/secret").replace(
        KEY, host.path("tap0.key")))
    text = new_secret()
    done = host.run("unshare", "--mount", "sh", "-c",
                    f"mount -t tmpfs none {place} && echo {text} > {place}/secret && "
                    f"chmod 644 {place}/secret && mount -o remount,ro {place} && "
                    f"timeout -s TERM 2 {program('tapd')} -c {conf}", check=False)
    assert done.returncode != EXIT_CONFIG, done.stderr


@pytest.mark.parametrize("key", [SECRET, KEY], ids=["secret_file", "key_file"])
@pytest.mark.parametrize("what", ["belongs to the user nobody", "others can replace it"])
def test_a_file_that_somebody_else(make_cloud, key, what):
    """Owns, or can put another in the place of."""
    host = make_cloud(1).hosts[0]
    folder = host.path("private")
    os.makedirs(folder)
    text = new_secret() if key == SECRET else f"private_key = {new_secret()}"
    path = host.write("private/file", text + "\n", 0o600)
    if what.startswith("belongs"):
        shutil.chown(path, "nobody")
        command = f"; chown root {path}"
    else:
        os.chmod(folder, 0o777)
        command = f"; chmod o-w {folder}"
    done, _ = run(host, GOOD.replace(key, path) + f'control_socket = "{host.path("sock")}";\n')
    assert done.returncode == EXIT_CONFIG, done.stderr
    message = done.stderr.splitlines()[-1]
    assert f"{path}: {what}" in message and message.endswith(command), message
    assert not host.has_interface()


def test_a_folder_that_a_group_can_write_to_is_warned_of(make_cloud):
    host = make_cloud(1).hosts[0]
    os.chmod(host.directory, 0o775)
    done, _ = run(host, GOOD, "-n")
    assert done.returncode == 0 and f"; chmod g-w {host.directory}" in done.stderr, done.stderr


def test_a_key_file_that_is_none(make_cloud):
    host = make_cloud(1).hosts[0]
    host.write("tap0.key", "not a key\n", 0o600)
    done, _ = run(host, GOOD)
    assert done.returncode == EXIT_CONFIG and host.path("tap0.key") in done.stderr
