"""README's words: the blocks of a section, as a user copies them."""

import os
import re

_README = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../README")


def blocks(section):
    """The indented blocks under that heading, without their tabs, in their order."""
    with open(_README) as file:
        text = file.read()
    after = re.split(rf"^{re.escape(section)}\n", text, flags=re.M)
    assert len(after) == 2, f"README has {len(after) - 1} sections {section!r}"
    body = re.split(r"\n\n\n(?=[A-Z])", after[1])[0]
    found = re.findall(r"(?:^\t.*\n)(?:^\t.*\n|\n(?=\t))*", body + "\n", re.M)
    return ["".join(line[1:] if line.startswith("\t") else line
                    for line in block.splitlines(True)) for block in found]


def commands(section, kinds):
    """(kind, block) for each block. kinds: {kind: beginning}; a block begins as one of
    them says, or README has something that nobody tries."""
    known = []
    for block in blocks(section):
        kind = [kind for kind, beginning in kinds.items() if re.match(beginning, block)]
        assert len(kind) == 1, f"README, {section}: what of this is to be run?\n{block}"
        known.append((kind[0], block))
    missing = set(kinds) - {kind for kind, _ in known}
    assert not missing, f"README, {section}, no longer has: {missing}"
    return known
