"""scripts/check-hardening tells a hardened program from one that is not."""

import json
import pathlib
import shlex
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCE = r"""
#include <stdio.h>
#include <string.h>
int main(int argc, char **argv)
{
	char copy[16];

	strcpy(copy, argv[argc - 1]);
	return puts(copy) < 0;
}
"""


@pytest.fixture(name="flags", scope="module")
def flags_of_the_readme(tmp_path_factory):
    """What the README's build compiles and links with."""
    build = tmp_path_factory.mktemp("build")
    subprocess.run(["cmake", "-G", "Unix Makefiles", "-S", ROOT, "-B", build], check=True,
                   stdout=subprocess.DEVNULL)
    commands = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    compiled = next(c["command"] for c in commands if c["file"].endswith("/tapd/main.c"))
    linked = (build / "tapd/CMakeFiles/tapd.dir/link.txt").read_text(encoding="utf-8")
    wanted = ("-O", "-f", "-U_FORTIFY", "-D_FORTIFY", "-pie", "-Wl,-z")
    return [word for word in shlex.split(compiled) + shlex.split(linked)
            if word.startswith(wanted)]


def check(tmp_path, *options):
    source, program = tmp_path / "program.c", tmp_path / "program"
    source.write_text(SOURCE, encoding="utf-8")
    subprocess.run(["cc", source, "-o", program, *options], check=True)
    done = subprocess.run([ROOT / "scripts/check-hardening", program],
                          capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_flags_of_the_readme_pass(tmp_path, flags):
    status, said = check(tmp_path, *flags)
    assert status == 0, said


@pytest.mark.parametrize("option, lost", [
    ("-no-pie", "PIE"),
    ("-Wl,-z,norelro", "RELRO"),
    ("-Wl,-z,lazy", "BIND_NOW"),
    ("-Wl,-z,execstack", "stack that is not executable"),
    ("-fno-stack-protector", "stack protector"),
    ("-U_FORTIFY_SOURCE", "FORTIFY_SOURCE"),
])
def test_each_that_is_lost_is_named(tmp_path, flags, option, lost):
    status, said = check(tmp_path, *flags, option)
    assert status == 1
    assert f"no {lost}\n" in said


def test_program_that_is_not_there_is_a_failure(tmp_path):
    done = subprocess.run([ROOT / "scripts/check-hardening", tmp_path / "none"],
                          capture_output=True, text=True)
    assert done.returncode == 1
