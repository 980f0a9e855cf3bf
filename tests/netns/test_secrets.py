"""Who gets in: the network secret, its rotation, trusted keys, cloned ones."""

import os
import shutil

import pytest

from cloud import (Tapd, Wire, holds, interface_mac, new_secret, start_all, wait_for, wait_mesh)
from cloud.frames import BROADCAST, frame


def pings(a, b):
    return a.host.ping(b.host.tap4)


def hears(sender, receiver, within=5):
    """A broadcast frame from one arrives at the other."""
    octets = frame(BROADCAST, interface_mac(sender.host), b"can you hear me")
    with Wire(sender.host) as out, Wire(receiver.host, only=0x88b5) as into:
        out.send(octets)
        return into.collect(1, within, settle=0) == [octets]


def test_another_secret_gets_nothing_and_is_told_why(make_cloud):
    cloud = make_cloud(3)
    secret = new_secret()
    web1, web2 = (Tapd(host, secret).start() for host in cloud.hosts[:2])
    web3 = Tapd(cloud.hosts[2], new_secret()).start()
    wait_mesh_of_two(web1, web2)
    reason = "different secret? compare secret_file on both hosts"
    wait_for(lambda: web1.peer(web3)["why"] == reason, 8, f"web1 to say {reason!r}")
    wait_for(lambda: web3.peer(web1)["why"] == reason, 8, f"web3 to say {reason!r}")
    assert web1.drops()["mac1"] > 0 and web3.drops()["mac1"] > 0
    assert not hears(web3, web1, 0.5) and not hears(web1, web3, 0.5)
    assert hears(web1, web2)


def wait_mesh_of_two(web1, web2):
    web1.wait_up(web2)
    web2.wait_up(web1)


def test_the_right_secret_heals_a_wrong_one(make_cloud):
    cloud = make_cloud(2)
    secret = new_secret()
    web1, web2 = Tapd(cloud.hosts[0], secret).start(), Tapd(cloud.hosts[1], new_secret()).start()
    wait_for(lambda: "secret" in (web1.peer(web2)["why"] or ""), 8, "a reason")
    web2.set_secret(secret)
    web2.reload()
    wait_mesh([web1, web2])


def test_rotation_interrupts_nothing(trio):
    """First each accepts the new one, then each prefers it, then the old one goes."""
    _, daemons = trio
    with open(daemons[0].secret_file) as file:
        old = file.read().strip()
    new = new_secret()
    pids = [daemon.process.pid for daemon in daemons]
    for secrets in ((old, new), (new, old), (new,)):
        for daemon in daemons:
            daemon.set_secret(*secrets)
            assert daemon.ctl_run("reload").returncode == 0
            holds(lambda: all(d.status()["peers"]["up"] == 2 for d in daemons)
                  and hears(daemons[0], daemons[1]) and hears(daemons[2], daemons[0]), 1,
                  f"all up while {daemon.host} has {len(secrets)} secrets")
    assert pids == [daemon.process.pid for daemon in daemons]
    # The old one is worth nothing now.
    late = daemons[2]
    late.set_secret(old)
    late.restart()
    wait_for(lambda: "secret" in (daemons[0].peer(late)["why"] or ""), 10, "web3 to be refused")
    assert not hears(late, daemons[0], 0.5)


def test_a_secret_that_leaked_is_dropped_at_once(trio):
    """Taking the secret away ends what was made with it, with no daemon restarted."""
    _, (web1, web2, web3) = trio
    new = new_secret()
    for daemon in (web1, web2):
        daemon.set_secret(new)
        daemon.reload()
    wait_for(lambda: not hears(web3, web1, 0.5) and not hears(web1, web3, 0.5), 5, "web3 to be out")
    wait_mesh_of_two(web1, web2)
    assert hears(web1, web2)


def test_only_trusted_keys_get_in(make_cloud):
    cloud = make_cloud(3)
    web1, web2, web3 = start_all(cloud)
    keys = {d: d.status()["key"] for d in (web1, web2, web3)}
    web1.configure(trusted_keys=[keys[web1], keys[web2]])
    assert web1.ctl_run("reload").returncode == 0
    wait_for(lambda: web1.peer_state(web3) != "up", 3, "web3 to be thrown out of web1")
    wait_for(lambda: (web1.peer(web3)["why"] or "").startswith("key not trusted"), 8,
             "the reason")
    assert not hears(web3, web1, 0.5) and not hears(web1, web3, 0.5)
    assert web1.peer_state(web2) == "up" and hears(web2, web1)
    assert hears(web3, web2), "web2 trusts every holder of the secret"
    web3.restart()
    wait_for(lambda: web1.drops()["untrusted_key"] > 0, 5, "the refusal to be counted")
    assert web1.peer_state(web3) != "up"
    web1.configure(trusted_keys=None)
    assert web1.ctl_run("reload").returncode == 0
    wait_mesh([web1, web2, web3], 15)


@pytest.mark.parametrize("who", ["a third host", "the peer itself"])
def test_a_cloned_key_is_refused_loudly(trio, who):
    """The key file was copied to a host while its owner is alive."""
    _, (web1, web2, web3) = trio
    victim = web1 if who == "the peer itself" else web2
    web3.stop()
    shutil.copy(victim.host.path("tap0.key"), web3.host.path("tap0.key"))
    web3.start()
    if victim is web2:
        wait_for(lambda: "duplicate key" in web1.process.log(), 10, "web1 to log duplicate key")
        holds(lambda: web1.peer_state(web2) == "up"
              and web1.peer(web2)["endpoint"].startswith(web2.host.address), 4,
              "the first holder to stay")
        assert not hears(web3, web1, 0.5) and hears(web2, web1)
    else:
        wait_for(lambda: "own key" in web1.process.log() or "our key" in web1.process.log()
                 or "duplicate key" in web1.process.log(), 10, "web1 to log the clone")
        assert hears(web1, web2) or hears(web2, web1)
    # A key of its own, and all is well.
    web3.stop()
    os.unlink(web3.host.path("tap0.key"))
    web3.start()
    web3.wait_up(web1, web2, within=15)


def on_machine(host, digit):
    """What runs its command on a machine of that id: nothing else is in its /etc."""
    place = host.path(f"etc{digit}")
    os.makedirs(place)
    host.write(f"etc{digit}/machine-id", digit * 32 + "\n")
    return ("unshare", "--mount", "sh", "-c", f'mount --bind {place} /etc && exec "$@"', "sh")


def test_a_cloned_disk_makes_a_new_key(make_cloud):
    """The key file remembers the machine it was made on."""
    host = make_cloud(1).hosts[0]
    here, elsewhere = on_machine(host, "a"), on_machine(host, "b")
    daemon = Tapd(host, new_secret()).start(*here)
    first = daemon.status()["key"]
    daemon.stop()
    daemon.start(*elsewhere)
    second = daemon.status()["key"]
    assert second != first
    assert "machine" in daemon.process.log()
    daemon.stop()
    daemon.start(*elsewhere)
    assert daemon.status()["key"] == second
