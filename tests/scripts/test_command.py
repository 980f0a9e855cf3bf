"""tests/command.py: commands with a deadline leave nothing, and say what went wrong."""

import pytest

import command


def test_what_was_printed_is_returned():
    assert command.output("sh", "-c", "echo one; echo two >&2", within=20) == "one\ntwo\n"


def test_a_failure_shows_what_was_printed():
    with pytest.raises(AssertionError, match="(?s)echo one; exit 3: exit 3\none"):
        command.output("sh", "-c", "echo one; exit 3", within=20)


def test_all_that_a_late_one_started_is_killed():
    """Its output ends only with the last of them."""
    with pytest.raises(AssertionError, match="(?s)not done within 1 s\none"):
        command.output("sh", "-c", "echo one; sleep 100 & sleep 100", within=1)
