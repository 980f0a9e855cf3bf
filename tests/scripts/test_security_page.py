"""docs/SECURITY names the tests that hold its promises: they exist."""

import os
import re

TOP = os.path.join(os.path.dirname(__file__), "../..")
NAMED = re.compile(r"(unit/\w+|netns)/(test_\w+(?:,\s+test_\w+)*)")
OTHER = re.compile(r"(sim|fuzz)/(\w+)\b")


def page():
    with open(os.path.join(TOP, "docs/SECURITY"), encoding="utf-8") as file:
        text = file.read()
    return text[text.index("AGAINST STRANGERS"):]


def test_named_tests_exist():
    named = 0
    for folder, names in NAMED.findall(page()):
        for name in re.split(r",\s+", names):
            ending = ".py" if folder == "netns" else ".c"
            assert os.path.isfile(os.path.join(TOP, "tests", folder, name + ending)), name
            named += 1
    assert named > 20


def test_named_groups_and_targets_exist():
    with open(os.path.join(TOP, "tests/sim/CMakeLists.txt"), encoding="utf-8") as file:
        groups = re.search(r"foreach\(group ([^)]*)\)", file.read()).group(1).split()
    for kind, name in OTHER.findall(page()):
        if kind == "sim":
            assert name in groups, name
        else:
            assert os.path.isfile(os.path.join(TOP, f"tests/fuzz/fuzz_{name}.c")), name
