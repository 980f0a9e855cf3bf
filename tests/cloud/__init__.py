"""A cloud in network namespaces, and tapd in it: for tests, the demo and the lab."""

from .daemon import (EXIT_CONFIG, EXIT_SYSTEM, EXIT_USAGE, OFFLOADS, PORT, Tapd, TapctlFailed,
                     conf_text, new_secret, program, sanitized, start_all, wait_mesh)
from .frames import Wire, interface_mac
from .multicast import (Audience, Stream, counters, numbers, pump, wait_members, wait_settled)
from .network import Cloud, CommandFailed, Host
from .sockets import member, multicast_sender, received, udp_socket
from .wait import Timeout, holds, wait_for

__all__ = ["Audience", "Cloud", "CommandFailed", "EXIT_CONFIG", "EXIT_SYSTEM", "EXIT_USAGE",
           "Host", "OFFLOADS", "PORT", "Stream", "Tapd", "TapctlFailed", "Timeout", "Wire",
           "conf_text", "counters", "holds", "interface_mac", "member", "multicast_sender",
           "new_secret", "numbers", "program", "pump", "received", "sanitized", "start_all",
           "udp_socket", "wait_for", "wait_members", "wait_mesh", "wait_settled"]
