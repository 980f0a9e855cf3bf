"""scripts/check-layers finds what it is there to find."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ARCHIVE = ROOT / "build/dev/lib/libtapd_lib.a"


@pytest.fixture
def tree(tmp_path):
    """A copy of the C source, with the library as it was built."""
    for part in ("lib", "tapd", "tests/support", "tests/unit", "tests/sim", "tests/fuzz"):
        shutil.copytree(ROOT / part, tmp_path / part,
                        ignore=shutil.ignore_patterns("corpus", "*.py"))
    shutil.copy(ARCHIVE, tmp_path / "lib.a")
    return tmp_path


def check(tree, compiler="true"):
    """That each header compiles alone takes longest: only two tests are about it."""
    done = subprocess.run([ROOT / "scripts/check-layers", "--tree", tree, tree / "lib.a"],
                          capture_output=True, text=True, env={**os.environ, "CC": compiler})
    return done.returncode, done.stdout + done.stderr


def plant(tree, file, line):
    path = tree / file
    path.write_text(line + "\n" + path.read_text(encoding="utf-8"), encoding="utf-8")


def plant_object(tree, name, text):
    """Another object in the library, or one in the place of its own."""
    source = tree / f"{name}.c"
    source.write_text(text, encoding="utf-8")
    subprocess.run(["cc", "-c", source, "-o", tree / f"{name}.c.o"], check=True)
    subprocess.run(["ar", "r", tree / "lib.a", tree / f"{name}.c.o"], check=True,
                   capture_output=True)


def test_the_source_is_as_it_should_be(tree):
    assert check(tree, "cc")[0] == 0


@pytest.mark.parametrize("file, header, says", [
    ("lib/base/bytes.c", "ether/eth.h", "lib/base/ includes"),
    ("lib/ether/eth.c", "bridge/fdb.h", "lib/ether/ includes"),
    ("lib/bridge/fdb.c", "tunnel/wire.h", "lib/bridge/ includes"),
    ("lib/tunnel/wire.c", "ether/eth.h", "lib/tunnel/ includes"),
    ("lib/node/core.c", "node/peer.h", "comes after core"),
    ("lib/node/peer.h", "node/groups.h", "comes after peer"),
    ("tapd/daemon.c", "tunnel/session.h", "tapd/ includes"),
    ("tapd/daemon.c", "tapd/tap/link_impl.h", "is private to tapd/"),
    ("lib/node/core.c", "tunnel/aead_backend.h", "is private to tunnel/"),
    ("tapd/ctl/client.c", "tapd/conf/conf.h", "tapd/ctl/ includes"),
    ("tapd/common/error.c", "tapd/log/log.h", "tapd/common/ includes"),
    ("tapd/log/log.c", "tapd/conf/conf.h", "tapd/log/ includes"),
    ("tapd/rights/sandbox.c", "tapd/helper/helper.h", "tapd/rights/ includes"),
    ("tapd/helper/child.c", "tapd/discover/resolve.h", "tapd/helper/ includes"),
    ("tests/sim/sim.c", "node/core.h", "tests/sim/ includes"),
    ("tests/sim/sim.c", "support/hosts.h", "tests/sim/ includes"),
    ("tests/support/net.c", "check.h", "may not use Check"),
    ("tests/support/hosts.c", "node/peer.h", "tests/support/ includes"),
    ("tests/support/hosts.c", "tapd/log/log.h", "tests/support/ includes"),
    ("tests/unit/base/test_table.c", "tapd/log/log.h", "tests/unit/ includes"),
])
def test_an_include_that_is_not_allowed(tree, file, header, says):
    plant(tree, file, f'#include "{header}"')
    status, output = check(tree)
    assert status == 1
    assert f"{file}:1: " in output and says in output, output


def test_an_include_that_is_allowed(tree):
    plant(tree, "lib/ether/eth.c", '#include "base/table.h"')
    assert check(tree)[0] == 0


def test_a_header_that_does_not_stand_alone(tree):
    plant(tree, "lib/base/clock.h", "static inline struct addr *planted(uint99_t a);")
    status, output = check(tree, "cc")
    assert status == 1
    assert "lib/base/clock.h does not compile alone" in output


def test_a_circle_of_calls_that_no_include_shows(tree):
    plant_object(tree, "fdb", "void mdb_free(void *m); void fdb_free(void *f);\n"
                              "void fdb_free(void *f) { mdb_free(f); }")
    plant_object(tree, "mdb", "void mdb_free(void *m); void fdb_free(void *f);\n"
                              "void mdb_free(void *m) { fdb_free(m); }")
    status, output = check(tree)
    assert status == 1
    assert "lib/bridge: fdb, mdb call each other in a circle" in output


def test_a_circle_of_includes_in_the_daemon(tree):
    plant(tree, "tapd/entry.c", '#include "tapd/tap_events.h"')
    status, output = check(tree)
    assert status == 1
    assert re.search(r"^tapd: .*\bentry,.*\btap_events\b.* need each other in a circle$",
                     output, re.M)


def test_a_circle_of_calls_in_a_room_of_the_daemon(tree):
    path = tree / "tapd/conf/types.c"
    path.write_text(path.read_text(encoding="utf-8") +
                    "\nvoid planted(void)\n{\n\tconf_key_find(0);\n}\n", encoding="utf-8")
    status, output = check(tree)
    assert status == 1
    assert "tapd/conf: keys, types need each other in a circle" in output


def test_a_call_against_the_order_of_the_node(tree):
    plant_object(tree, "core", "void peer_arm(void *, void *, long); void node_random(void);\n"
                               "void node_random(void) { peer_arm(0, 0, 0); }")
    status, output = check(tree)
    assert status == 1
    assert "lib/node/core calls peer_arm of peer" in output


def test_a_call_of_what_the_library_may_not_call(tree):
    plant_object(tree, "clock", "long time(long *); long planted(void);\n"
                                "long planted(void) { return time(0); }")
    status, output = check(tree)
    assert status == 1
    assert "uses time (a clock)" in output
