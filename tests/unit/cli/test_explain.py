"""Pages of codes on the command line."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from specc.cli import codes
from tests.unit.cli.running import run


def test_a_code_prints_its_page(capsys, monkeypatch, tmp_path):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "E0006.md").write_text("# E0006\n\nTwice.\n")
    monkeypatch.setattr(codes.resources, "files", lambda package: tmp_path)
    for written in ("E0006", "e0006"):
        result = run(capsys, "explain", written)
        assert (result.code, result.out) == (0, "# E0006\n\nTwice.\n")


def test_an_unknown_code_gets_a_suggestion(capsys):
    result = run(capsys, "explain", "E0060")
    assert result.code == 2
    assert result.err == "specc: there is no code `E0060`\n  did you mean `E0006`?\n"


@pytest.mark.parametrize(
    ("word", "first"),
    [
        ("normal", "normal: distribution"),
        ("mlp", "mlp: link"),
        ("elbo", "elbo: objective"),
        ("csv", "csv: source"),
        ("adam", "adam: optimizer"),
        ("train.epochs", "train.epochs: key"),
        ("standardize", "data.fields.FIELD.standardize: key"),
    ],
)
def test_a_name_prints_its_entry(capsys, word, first):
    result = run(capsys, "explain", word)
    assert result.code == 0
    assert result.out.splitlines()[0] == first


def test_a_name_of_two_things_prints_both(capsys):
    out = run(capsys, "explain", "exp").out
    assert "exp: function\n" in out and "exp: bijection\n" in out


def test_an_entry_as_json(capsys):
    (entry,) = json.loads(run(capsys, "explain", "gumbel", "--json").out)
    assert entry["kind"] == "distribution" and entry["formula"].startswith("exp(-z")


def test_an_unknown_name_gets_a_suggestion(capsys):
    result = run(capsys, "explain", "gausian")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("specc: there is no spec, code, name of the catalog or key")
    assert "did you mean" in run(capsys, "explain", "adm").err


def test_a_modified_distribution_leads_to_its_parts(capsys):
    out = run(capsys, "explain", "ordered(normal)").out
    assert out.startswith("ordered: modifier\n") and "\nnormal: distribution\n" in out
    assert "did you mean `ordered(normal)`?" in run(capsys, "explain", "orderd(gaussian)").err
    result = run(capsys, "explain", "ordered(bernoulli)")
    assert result.code == 2 and "the values of `bernoulli` are not real numbers" in result.err
    assert "did you mean" not in run(capsys, "explain", "xyzzy(normal)").err


def test_a_file_goes_before_a_name(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "normal").write_text("specc: 1\n")
    assert "E0103" in run(capsys, "explain", "normal").err


def test_an_entry_needs_no_torch():
    code = (
        "import sys\nfrom specc.cli.main import main\n"
        "codes = [main(['explain', word]) for word in ('normal', 'nsf', 'train.seed')]\n"
        "assert codes == [0, 0, 0]\n"
        "assert not {'torch', 'numpy', 'networkx'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
