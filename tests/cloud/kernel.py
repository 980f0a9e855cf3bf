"""What the kernel under the test cloud has: tests of what it lacks are not made."""

import functools
import subprocess


@functools.cache
def has_link(*command):
    """Whether `ip link add …` works, tried where nobody sees it, beside a tap0."""
    return subprocess.run(
        ["unshare", "--net", "sh", "-c",
         "ip link add tap0 type veth && ip addr add 192.0.2.1/24 dev tap0 && "
         f"ip addr add 2001:db8::1/64 dev tap0 && ip link add {' '.join(command)}"],
        capture_output=True).returncode == 0
