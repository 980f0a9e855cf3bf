"""scripts/fuzz runs the targets, and keeps what they learn within bounds."""

import importlib.machinery
import importlib.util
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts/fuzz"
CORPORA = ROOT / "tests/fuzz/corpus"


@pytest.fixture(name="script")
def script_as_a_module():
    loader = importlib.machinery.SourceFileLoader("fuzz", str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("fuzz", loader))
    loader.exec_module(module)
    return module


@pytest.fixture(name="corpus")
def corpora_with_one_input_by_hand(tmp_path):
    """A place to learn into: not the one in git."""
    (tmp_path / "text").mkdir()
    shutil.copy(next((CORPORA / "text").iterdir()), tmp_path / "text/by_hand")
    return tmp_path


def fuzz(*options):
    return subprocess.run([SCRIPT, *options], check=False, text=True, capture_output=True)


def test_a_short_run_finds_nothing_and_shows_a_table(corpus):
    result = fuzz("--runs", "1000", "--only", "text", "--corpus", corpus, "--discard")
    assert result.returncode == 0, result.stdout + result.stderr
    row = re.search(r"^text +(\d+) +(\d+) +1, 1 KiB +0$", result.stdout, re.MULTILINE)
    assert row and int(row[1]) >= 1000 and int(row[2]) > 0
    assert result.stdout.endswith("1 passed, 0 failed\n")
    assert [path.name for path in (corpus / "text").iterdir()] == ["by_hand"]


def test_what_it_learns_is_kept_beside_what_is_there(corpus, script):
    result = fuzz("--runs", "20000", "--only", "text", "--corpus", corpus)
    assert result.returncode == 0, result.stdout + result.stderr
    names = {path.name for path in (corpus / "text").iterdir()}
    assert "by_hand" in names
    assert 1 < len(names) <= script.COUNT_MAX + 1
    assert all(script.LEARNED.match(name) for name in names - {"by_hand"})


def test_a_target_without_a_corpus_fails(tmp_path):
    result = fuzz("--runs", "0", "--only", "text", "--corpus", tmp_path, "--discard")
    assert result.returncode == 1
    assert result.stdout.endswith("0 passed, 1 failed: text\n")


@pytest.mark.parametrize("options", [
    [], ["1", "--runs", "1"], ["--only", "nothing", "1"], ["-1"], ["1", "--jobs", "0"]])
def test_what_makes_no_sense_is_refused(options):
    result = fuzz(*options)
    assert result.returncode == 64
    assert result.stderr.splitlines()[-1].startswith("fuzz: ")


def test_every_target_has_a_corpus_and_a_dictionary(script):
    assert "insider" in script.target_names()
    for name in script.target_names():
        assert any((CORPORA / name).iterdir()), name
        assert (ROOT / f"tests/fuzz/dict/{name}.dict").exists(), name


def test_the_time_is_shared_by_weight(script):
    names = script.target_names()
    for jobs in 1, 4:
        shares = script.shares(names, 2, jobs)
        assert 0.8 * 7200 * jobs <= sum(shares.values()) <= 7200 * jobs
        assert max(shares.values()) == shares["insider"] <= 7200
        assert min(shares.values()) == shares["text"]


def test_what_is_kept_is_bounded(tmp_path, script):
    for i in range(1000):
        (tmp_path / f"{i}").write_bytes(bytes(10 * i))
    paths = list(tmp_path.iterdir())
    chosen = script.choose(paths)
    sizes = [path.stat().st_size for path in chosen]
    assert len(set(chosen)) == len(chosen) <= script.COUNT_MAX
    assert 0.8 * script.CORPUS_MAX < sum(sizes) <= script.CORPUS_MAX
    assert min(sizes) == 0 and script.INPUT_MAX / 2 < max(sizes) <= script.INPUT_MAX
    assert len(script.choose([tmp_path / "1", tmp_path / "2"])) == 2
    assert not script.choose([])
