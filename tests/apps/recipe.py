"""The configurations of docs/recipes: what a page tells people to write is what runs.

A page shows a file as a paragraph that begins with the file's path, and after it
the file, each line behind one tab.
"""

import itertools
import os
import re

_PAGES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/recipes")


def page(name):
    with open(os.path.join(_PAGES, name)) as file:
        return file.read()


def recipe(name, path, changes=None):
    """The file `path` of the page; changes: {old: new}, each of which must be there."""
    lines = page(name).splitlines()
    starts = [i for i, line in enumerate(lines) if re.split("[,:]", line)[0] == path]
    assert len(starts) == 1, f"{name} shows {path} {len(starts)} times"
    rest = itertools.dropwhile(lambda line: not line.startswith("\t"), lines[starts[0]:])
    block = itertools.takewhile(lambda line: not line or line.startswith("\t"), rest)
    text = "\n".join(line[1:] for line in block).rstrip("\n") + "\n"
    for old, new in (changes or {}).items():
        assert old in text, f"{name}: no {old!r} in {path}"
        text = text.replace(old, new)
    return text


def typed(name, host):
    """The commands that the page shows behind that host's prompt, in their order."""
    prompt = f"\t{host}# "
    return [line.removeprefix(prompt) for line in page(name).splitlines()
            if line.startswith(prompt)]
