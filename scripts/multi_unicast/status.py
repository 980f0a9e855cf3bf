"""What is in effect, as text and as JSON."""

from multi_unicast import holder, nft, rules
from multi_unicast.netlink import Netlink

UNSEALED = "nothing is sealed or authenticated"


def of(interface):
    """None: there is no table of it."""
    listed = nft.table(rules.table_of(interface))
    if listed is None:
        return None
    frames = rules.frames(listed)
    return {
        "interface": interface,
        # Older kernels remove the chain of an interface that is removed; others keep it for
        # the next one of that name, and take it off one that is renamed.
        "in_effect": rules.is_whole(listed) and Netlink().link(interface) is not None,
        "following": holder.runs(interface),
        "audiences": [
            {"group": rules.group_of(chain), "frames": frames.get(chain),
             "hosts": [{"address": address, "mac": mac} for address, mac in hosts.items()]}
            for chain, hosts in rules.audiences(listed).items()],
    }


def interfaces():
    """Those that there is a table of."""
    return sorted(filter(None, map(rules.interface_of, nft.tables())))


def text(status):
    if not status["in_effect"]:
        state = "not in effect: the interface was removed or renamed; down removes the rest"
    elif status["following"]:
        state = "MACs are kept current"
    else:
        state = "MACs are those of when it was set up"
    lines = [f"{status['interface']}: {state}; {UNSEALED}",
             f"{'TO':<15}  {'FRAMES':>8}  {'HOST':<15}  MAC"]
    for audience in status["audiences"]:
        to, frames = audience["group"] or "all", audience["frames"]
        for host in audience["hosts"] or [{"address": "nobody", "mac": ""}]:
            mac = "no answer yet" if host["mac"] is None else host["mac"]
            lines.append(f"{to:<15}  {frames:>8}  {host['address']:<15}  {mac}".rstrip())
            to = frames = ""
    return "\n".join(lines) + "\n"
