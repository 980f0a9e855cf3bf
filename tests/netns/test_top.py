"""tapctl top: a table that lives on a terminal, and one table elsewhere."""

import contextlib
import fcntl
import os
import pty
import signal
import subprocess
import termios

import pytest

from cloud import holds, program, start_all, udp_socket, wait_for


@pytest.fixture(scope="module")
def pair(make_module_cloud):
    return start_all(make_module_cloud(2))


class Screen:
    """tapctl on a terminal of its own."""

    def __init__(self, daemon, command=None):
        self.master, slave = pty.openpty()
        os.set_blocking(self.master, False)
        self.before = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            command or [program("tapctl"), "-s", daemon.socket, "top"], stdin=slave,
            stdout=slave, stderr=slave, env={**os.environ, "TERM": "linux"},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.slave, self.text = slave, ""

    def shows(self):
        with contextlib.suppress(BlockingIOError):
            self.text += os.read(self.master, 1 << 16).decode(errors="replace")
        return self.text

    def wait_shown(self, text, times=1):
        wait_for(lambda: self.shows().count(text) >= times, 10,
                 lambda: f"{text!r} on the screen: {self.text!r}")

    def press(self, key):
        os.write(self.master, key.encode())

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def screen(pair):
    screen = Screen(pair[0])
    yield screen
    screen.close()


def assert_left(screen, code):
    assert screen.process.wait(5) == code
    assert screen.shows().endswith("\033[?25h\033[?1049l"), "the cursor and the screen are back"
    assert termios.tcgetattr(screen.slave) == screen.before


def test_it_is_drawn_again_each_second_until_q(screen):
    screen.wait_shown("web2", times=3)
    assert screen.shows().startswith("\033[?1049h")
    screen.press("x")
    holds(lambda: screen.process.poll() is None, 0.5, "another key does nothing")
    screen.press("q")
    assert_left(screen, 0)


def test_an_interrupt_leaves_the_terminal_as_it_was(screen):
    screen.wait_shown("web2")
    screen.process.send_signal(signal.SIGINT)
    assert_left(screen, 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_while_the_daemon_is_silent(pair, screen, number):
    screen.wait_shown("web2")
    silent = pair[0].process.pid
    os.kill(silent, signal.SIGSTOP)
    try:
        # It asks once a second, and then waits.
        holds(lambda: screen.process.poll() is None, 1.5, "it waits for an answer")
        screen.process.send_signal(number)
        assert_left(screen, 0)
    finally:
        os.kill(silent, signal.SIGCONT)


def test_while_it_is_stopped_the_screen_is_the_shells(pair):
    program_and_shell = ["bash", "-mc", f"{program('tapctl')} -s {pair[0].socket} top;"
                                        " echo stopped $?; fg"]
    screen = Screen(pair[0], program_and_shell)
    try:
        screen.wait_shown("web2")
        screen.press("\x1a")
        screen.wait_shown("stopped 148")
        assert screen.text.index("\033[?25h\033[?1049l") < screen.text.index("stopped 148")
        screen.wait_shown("\033[?1049h", times=2)
        screen.wait_shown("NAME", times=screen.text.count("NAME") + 1)
        screen.press("q")
        assert screen.process.wait(5) == 0
    finally:
        screen.close()


def test_elsewhere_it_is_one_table(pair):
    web1, web2 = pair
    with udp_socket(web1.host) as sender:
        process = web1.host.start(program("tapctl"), "-s", web1.socket, "top", log="top.log")
        while process.running:
            sender.sendto(bytes(1000), (web2.host.tap4, 7007))
        assert process.wait() == 0
    lines = process.log().splitlines()
    assert lines[0].startswith("tap0       web1, up ") and "1 of 1 peers up" in lines[0]
    assert lines[-1].split()[:2] == ["web2", "up"]
    assert "\033" not in process.log()
    [row] = web1.ctl("top")
    assert row["name"] == "web2" and row["rates"]["tx_bytes"] >= 0
