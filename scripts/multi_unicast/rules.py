"""The table of an interface: nftables' text of it, and what a table says of itself.

A frame with the I/G bit is sent once for each host of its audience, to that host's MAC:
a copy for every host but the last, which gets the frame itself, so that the original
leaves no more. A copy passes the hook again, with a MAC that has no I/G bit, and is let
through. What the network itself answers, and what is for switches, stays as it is.

The chain `out` is kept over a change, and only rules are exchanged, in one transaction:
the kernel takes all rules of a packet from one generation, so none sees half a table.
"""

import dataclasses
import re

PREFIX = "multi-unicast-"
EVERYBODY = "everybody"
_GROUP = "to-"
# nft has no way to write others.
_INTERFACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}")

# ARP; frames with a VLAN tag, which have an interface of their own; what a bridge never
# forwards (802.1D); IGMP; MLD and neighbour discovery; what asks for a DHCP server.
_STAY = (
    "ether daddr & 01:00:00:00:00:00 == 00:00:00:00:00:00",
    "ether type { arp, 8021q, 8021ad }",
    "ether daddr & ff:ff:ff:ff:ff:f0 == 01:80:c2:00:00:00",
    "ip protocol igmp",
    "icmpv6 type { 130, 131, 132, 133, 134, 135, 136, 137, 143 }",
    "udp dport { 67, 547 }",
)


@dataclasses.dataclass(frozen=True)
class Plan:
    """Whom frames are for, by address: all hosts, and {group: hosts}."""
    hosts: tuple
    groups: dict

    def chains(self):
        """{chain: the hosts its frames are for}"""
        return {EVERYBODY: self.hosts,
                **{chain_of(group): hosts for group, hosts in self.groups.items()}}


def table_of(interface):
    """Its name; None for an interface that nft cannot name."""
    return PREFIX + interface if _INTERFACE.fullmatch(interface) else None


def interface_of(table):
    """None: it is not one of ours."""
    return table[len(PREFIX):] if table.startswith(PREFIX) else None


def chain_of(group):
    return _GROUP + group.replace(":", "_")


def group_of(chain):
    """None: it is for everybody."""
    return chain[len(_GROUP):].replace("_", ":") if chain.startswith(_GROUP) else None


def removal(interface):
    """Right whether there is such a table or not."""
    table = table_of(interface)
    return f"add table netdev {table}\ndelete table netdev {table}\n"


def script(interface, plan, macs, listed=None):
    """The transaction that makes the table, or makes it this one. macs: {address: MAC};
    a host without one gets nothing yet. listed: the table as it is, as nft lists it."""
    table = table_of(interface)
    chains = plan.chains()
    lines = [f"add table netdev {table}",
             f'add chain netdev {table} out {{ type filter hook egress device "{interface}" '
             "priority 0; policy accept; }",
             f"flush table netdev {table}"]
    for kind in "chain", "counter":
        lines += [f"delete {kind} netdev {table} {name}" for name in _names(kind, listed or ())
                  if name not in chains and name != "out"]
    for chain, hosts in chains.items():
        lines += [f"add chain netdev {table} {chain}", f"add counter netdev {table} {chain}"]
        lines += [f"add rule netdev {table} {chain} {rule}"
                  for rule in _copies(interface, chain, hosts, macs)]
    lines += [f"add rule netdev {table} out {rule}" for rule in _sorting(plan.groups)]
    return "\n".join(lines) + "\n"


def _sorting(groups):
    yield from (f"{match} accept" for match in _STAY)
    for group in groups:
        yield f"{'ip6' if ':' in group else 'ip'} daddr {group} goto {chain_of(group)}"
    yield f"goto {EVERYBODY}"


def _copies(interface, chain, hosts, macs):
    """Two hosts of one MAC are one receiver, which is to get one copy."""
    yield f"counter name {chain}"
    receivers = {}
    for host in hosts:
        if macs.get(host) and macs[host] not in receivers.values():
            receivers[host] = macs[host]
        else:
            yield f'continue comment "{host}"'
    for host in list(receivers)[:-1]:
        yield f'ether daddr set {receivers[host]} dup to "{interface}" comment "{host}"'
    for host in list(receivers)[-1:]:
        yield f'ether daddr set {receivers[host]} accept comment "{host}"'
    # A listed group without a host elsewhere is for nobody; who cannot be reached yet
    # is no reason to take a frame from whoever else might get it.
    if not receivers:
        yield "accept" if hosts or chain == EVERYBODY else "drop"


def _names(kind, listed):
    return [entry[kind]["name"] for entry in listed if kind in entry]


def is_whole(listed):
    """Whether its chain is on a device: a device that is removed takes it along."""
    return any(entry.get("chain", {}).get("hook") == "egress" for entry in listed)


def audiences(listed):
    """{chain: {host: MAC or None}} of a table, as nft lists it."""
    found = {name: {} for name in _names("chain", listed) if name != "out"}
    for entry in listed:
        rule = entry.get("rule", {})
        if "comment" in rule and rule["chain"] in found:
            mac = next((part["mangle"]["value"] for part in rule["expr"] if "mangle" in part),
                       None)
            found[rule["chain"]][rule["comment"]] = mac
    return found


def is_as(listed, plan, macs):
    """Whether it is as script() made it, as far as frames are concerned."""
    out = sum(entry.get("rule", {}).get("chain") == "out" for entry in listed)
    return is_whole(listed) and out == len(list(_sorting(plan.groups))) and \
        audiences(listed) == receivers(plan, macs)


def frames(listed):
    """{chain: the frames it got}"""
    return {entry["counter"]["name"]: entry["counter"]["packets"]
            for entry in listed if "counter" in entry}


def receivers(plan, macs):
    """What audiences() is to say of a table that is as it should be."""
    wanted = {}
    for chain, hosts in plan.chains().items():
        seen = set()
        wanted[chain] = {}
        for host in hosts:
            mac = macs.get(host)
            wanted[chain][host] = mac if mac not in seen else None
            seen.add(mac)
    return wanted
