"""A cloud in network namespaces, and tapd in it: for tests, the demo and the lab."""

from .daemon import (EXIT_CONFIG, EXIT_SYSTEM, EXIT_USAGE, PORT, Tapd, TapctlFailed, conf_text,
                     new_secret, program, sanitized, start_all, wait_mesh)
from .frames import Wire, interface_mac
from .network import Cloud, CommandFailed, Host
from .sockets import member, multicast_sender, received, udp_socket
from .wait import Timeout, holds, wait_for

__all__ = ["Cloud", "CommandFailed", "EXIT_CONFIG", "EXIT_SYSTEM", "EXIT_USAGE", "Host", "PORT",
           "Tapd", "TapctlFailed", "Timeout", "Wire", "conf_text", "holds", "interface_mac",
           "member", "multicast_sender", "new_secret", "program", "received", "sanitized",
           "start_all", "udp_socket", "wait_for", "wait_mesh"]
