"""Avahi on tap0: what one host publishes the others see, over IPv4 and IPv6."""

import os
import signal

import pytest

from cloud import start_all, wait_for
from machine import Machine
from recipe import recipe

CONF, SERVICE = "/etc/avahi/avahi-daemon.conf", "/etc/avahi/services/http.service"


class Avahi:
    """One host's daemon, and the D-Bus by which its tools speak with it."""

    def __init__(self, host):
        self.machine = Machine(host, "/run", "/etc/avahi")
        self.name, self.process = host.name, None
        self.machine.write(CONF, recipe("avahi", CONF))
        self.machine.mkdir("/etc/avahi/services")
        self.machine.mkdir("/run/dbus")
        self.machine.start("dbus-daemon", "--system", "--nofork", "--nopidfile", "--nosyslog")
        bus = self.machine.path("/run/dbus/system_bus_socket")
        wait_for(lambda: os.path.exists(bus), 5, "the message bus")

    def start(self):
        self.process = self.machine.start("avahi-daemon")
        self.process.wait_log("Server startup complete", 20)

    def stop(self):
        self.process.stop()

    def publish(self):
        self.machine.write(SERVICE, recipe("avahi", SERVICE))

    def watch(self):
        """A browser that runs on: its log tells what came (=) and went (-), and how."""
        return self.machine.start("avahi-browse", "--resolve", "--parsable", "--no-db-lookup",
                                  "_http._tcp", log="browse.log")

    def resolve(self, name, option):
        return self.machine.run("avahi-resolve", option, "--name", name).stdout.split()[1:]


def wait_both(browser, sign, publisher, within):
    """Until the browser has told that of the publisher's service over IPv4 and IPv6."""
    for family in "IPv4", "IPv6":
        browser.wait_log(f"{sign};tap0;{family};files\\032on\\032{publisher};_http._tcp;local",
                         within)


@pytest.fixture
def avahis(make_cloud):
    cloud = make_cloud(3)
    start_all(cloud)
    avahis = [Avahi(host) for host in cloud.hosts]
    avahis[0].publish()
    for avahi in avahis:
        avahi.start()
    return avahis


def test_a_service_is_seen_on_the_others_and_goes_with_a_goodbye(avahis):
    publisher, *others = avahis
    browsers = [avahi.watch() for avahi in others]
    for browser in browsers:
        wait_both(browser, "=", "web1", 15)
    for avahi in others:
        assert avahi.resolve("web1.local", "-4") == ["10.77.0.1"]
        assert avahi.resolve("web1.local", "-6") == ["fd77::1"]
    publisher.stop()
    for browser in browsers:
        wait_both(browser, "-", "web1", 5)
        browser.kill()


def test_a_service_published_later_is_seen_at_once(avahis):
    *others, late = avahis
    browsers = [avahi.watch() for avahi in others]
    for browser in browsers:
        wait_both(browser, "=", "web1", 15)
    late.publish()
    late.process.signal(signal.SIGHUP)  # it reads its services again
    for browser in browsers:
        wait_both(browser, "=", "web3", 10)
        browser.kill()
