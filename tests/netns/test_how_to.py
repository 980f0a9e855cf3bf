"""HOW TO of tapd.conf(5): what the manual tells people to do is what runs."""

import os
import re

from cloud import Tapd, holds, new_secret, program, start_all, wait_for, wait_mesh

_MANUAL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/tapd.conf.5")
GROUP = 65534


def blocks(task):
    """What stands indented under that title, one text a block."""
    with open(_MANUAL) as file:
        how_to = re.search(r"^\.Sh HOW TO\n(.*?)^\.Sh ", file.read(), re.S | re.M)[1]
    titles = dict(part.split("\n", 1) for part in how_to.split(".Ss ")[1:])
    found = re.findall(r"^\.Bd .*?\n(.*?)^\.Ed", titles[task], re.S | re.M)
    return [block.replace("\\e", "\\") for block in found]


def replaced(text, **changes):
    for old, new in changes.items():
        assert old in text, f"no {old!r} in {text!r}"
        text = text.replace(old, new)
    return text


def secrets_of(daemon):
    with open(daemon.secret_file) as file:
        return file.read().split()


def times_down(daemon, peer):
    return len(re.findall(rf"{peer.host.name} \(\S+\) is down: ", daemon.process.log()))


def setting(block):
    """(key, list) of a block that sets one list of texts."""
    key, values = re.fullmatch(r"(\w+) = \[(.*)\];\n", block).groups()
    return key, re.findall(r'"(.*?)"', values)


class OfTheManual(Tapd):
    """Runs the manual's file; what is added parts hosts that share /run and /var/lib."""

    def use(self, text):
        added = "".join(f'{key} = "{self.settings[key]}";\n'
                        for key in ("key_file", "control_socket", "name"))
        self.conf = self.host.write(f"{self.interface}.conf", text + added)
        return self


def test_two_networks_on_one_host(make_cloud):
    cloud = make_cloud(2)
    first = start_all(cloud)
    conf, commands = blocks("Run two networks on one host")
    assert "tapctl genpsk > /etc/tapd/tap1.secret\n" in commands
    secret, second = new_secret(), []
    for host in cloud.hosts:
        daemon = OfTheManual(host, secret, interface="tap1")
        second.append(daemon.use(replaced(conf, **{
            "/etc/tapd/tap1.secret": daemon.secret_file,
            "10.9.0.10": cloud.hosts[0].address})).start())
    wait_mesh(second)
    web1, web2 = cloud.hosts
    assert web1.address == "10.9.0.10", "the address that the manual names"
    assert web1.reaches("10.78.0.11") and web2.reaches("10.78.0.10")
    assert web1.reaches(web2.tap4) and all(d.status()["peers"]["up"] == 1 for d in first)


def test_a_host_is_removed_for_good(make_cloud):
    cloud = make_cloud(3)
    daemons = start_all(cloud, liveness={"interval": 0.5, "down_after": 2, "expire": 3.0})
    *others, gone = daemons
    gone.stop()
    for daemon in others:
        daemon.configure(peers=[d.host.address for d in others])
        daemon.ctl("reload")
    wait_for(lambda: not any(d.peer(gone) for d in others), 15, "web3 to be forgotten")
    wait_for(lambda: all(d.status()["peers"] == {"total": 1, "up": 1} for d in others), 5,
             "the others to have each other")


def test_another_port_takes_no_peer_down(make_cloud):
    cloud = make_cloud(3)
    daemons = start_all(cloud, peers=[cloud.hosts[0].address])
    both, seed, new = [setting(block) for block in blocks("Change the port")]

    def restart(daemon):
        """The others stay up to each other, and the one restarted comes back."""
        one, other = [d for d in daemons if d is not daemon]
        before = times_down(one, other), times_down(other, one)
        assert daemon.stop() == 0
        daemon.start()
        wait_for(lambda: daemon.status()["peers"]["up"] == 2, 10, f"{daemon.host} to be back")
        wait_mesh(daemons)
        assert (times_down(one, other), times_down(other, one)) == before
        assert times_down(one, daemon) > 0

    assert both == ("listen", ["[::]:8273", "[::]:9000"])
    for daemon in daemons:
        daemon.configure(listen=both[1])
        restart(daemon)
    for daemon in daemons:
        assert seed == ("peers", [cloud.hosts[0].address + ":9000"])
        daemon.configure(peers=seed[1])
        daemon.ctl("reload")
        holds(lambda: all(d.status()["peers"]["up"] == 2 for d in daemons), 1, "all to stay up")
    for daemon in daemons:
        daemon.configure(listen=new[1])
        restart(daemon)
    assert {p["endpoint"].rpartition(":")[2] for d in daemons for p in d.ctl("peers")} == {"9000"}


def test_a_new_secret_ends_no_session(make_cloud):
    cloud = make_cloud(2)
    web1, web2 = daemons = start_all(cloud)
    for daemon in daemons:
        os.chown(daemon.secret_file, 0, GROUP)

    def run(daemon, block):
        command = replaced(block, **{"/etc/tapd/secret": daemon.secret_file})
        daemon.host.run("sh", "-c", command.replace("tapctl", program("tapctl")))

    def round_ends(daemon):
        # Still the tapd's group's, to which the file is readable where it is 0640.
        assert os.stat(daemon.secret_file).st_gid == GROUP
        daemon.ctl("reload")
        holds(lambda: all(d.status()["peers"]["up"] == 1 for d in daemons), 1, "both to be up")

    add, swap, remove = blocks("Move to a new secret")
    run(web1, add)
    secrets = secrets_of(web1)
    web2.host.run("cp", web1.secret_file, web2.secret_file)
    round_ends(web1)
    round_ends(web2)
    for block, left in (swap, secrets[::-1]), (remove, secrets[1:]):
        for daemon in daemons:
            run(daemon, block)
            assert secrets_of(daemon) == left
            round_ends(daemon)
