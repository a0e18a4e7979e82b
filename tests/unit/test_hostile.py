"""A spec is data: whatever it holds, there are findings or code, never an exception or a deed.

The seeds are the gallery's specs, changed by characters, words and lines; 3,000 mutants from fixed
seeds, each under a watch of ten seconds; forty times as many with --slow. A fault that one mutant
in a thousand shows is met with probability 0.95; `python -m benchmarks.fuzz` looks for rarer ones.
"""

import ast
import random
import signal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specc.cli.main import main
from specc.compiler import compile
from specc.diagnostics.render_text import render
from specc.diagnostics.source import Source
from specc.language.decode import read_bytes

SPECS = [
    p.read_text(encoding="utf-8")
    for p in sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))
]

WORDS = [
    "{", "}", "[", "]", ":", ",", "&a", "*a", "<<", "!!python/object:os.system", "|", ">", "-",
    "null", "true", "1e999", "-1", "0", "99999999999999999999", ".nan", "z", "x", "model", "guide",
    "latent", "observed", "normal", "categorical", "bernoulli", "loc", "scale", "shape", "plate",
    '"__import__(\'os\').system(\'touch hacked\')"', "../../x", "/etc/passwd", "class", "lambda",
    "torch", "self", "noise", "rows", "particles", "Tensor", "\u202e", "\x00", "\ufeff", "é", "名",
    "elbo", "iwae", "mle", "decoder", "encoder(x)", "z[0]", "u[k]", "exp(z)", "z @ z", "dim(x)",
    "{iwae: {particles: 100000}}", "[2]", "[100000, 100000]", "draw: enumerate", "global: true",
]  # fmt: skip


def mutate(text, chance):
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        kind = chance.randrange(5)
        lines = text.split("\n")
        place = chance.randrange(max(len(text), 1))
        if kind == 0:
            text = text[:place] + chance.choice(WORDS) + text[place + chance.randrange(6) :]
        elif kind == 1:
            text = text[:place] + text[place + chance.randrange(12) :]
        elif kind == 2:
            lines.insert(chance.randrange(len(lines) + 1), chance.choice(lines))
            text = "\n".join(lines)
        elif kind == 3:
            first, second = chance.randrange(len(lines)), chance.randrange(len(lines))
            lines[first], lines[second] = lines[second], lines[first]
            text = "\n".join(lines)
        else:
            parts = text.split(" ")
            parts[chance.randrange(len(parts))] = chance.choice(WORDS)
            text = " ".join(parts)
    return text


def watched(text):
    """Compile under an alarm; the findings must render and the code must be plain."""

    def late(number, frame):
        raise TimeoutError("a spec took more than ten seconds")

    signal.signal(signal.SIGALRM, late)
    signal.alarm(10)
    try:
        result, checked = compile(Source("spec.yaml", text))
        render(checked.diagnostics)
        return result
    finally:
        signal.alarm(0)


def plain(result):
    """Only torch and the run time are imported, and nothing is called by a name of its own."""
    for name, text in result.files.items():
        assert "/" not in name and not name.startswith(".")
        if not name.endswith(".py"):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                assert {a.name for a in node.names} <= {"torch", "math"}
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                root = (node.module or "").split(".")[0]
                assert root in {"torch", "specc", "__future__", "pathlib"}
            if isinstance(node, ast.Name):
                assert not node.id.startswith("__") or node.id in ("__file__", "__all__")
                assert node.id not in {"eval", "exec", "open", "compile", "getattr", "setattr"}


@pytest.mark.parametrize("seed", range(30))
def test_mutants(seed, request):
    chance = random.Random(seed)
    rounds = 4000 if request.config.getoption("--slow") else 100
    compiled = 0
    for _ in range(rounds):
        result = watched(mutate(chance.choice(SPECS), chance))
        if result is not None:
            plain(result)
            compiled += 1
    assert compiled > rounds // 40


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes(data):
    source, findings = read_bytes("spec.yaml", data)
    if source is not None:
        watched(source.text)
    else:
        assert findings


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_expression(text):
    quoted = "'" + text.replace("'", "''") + "'"
    watched(SPECS[-2].replace("decoder(z)", quoted, 1))


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x]\n" + "\n".join(f"k{i}: &k{i} [*a, *a, *a]" for i in range(30)),
        "{" * 100_000,
        "[" * 5_000 + "]" * 5_000,
        "a: " + "(" * 20_000,
        "specc: 1\n" + "name: v\n" * 20_000,
        "? " * 10_000,
        "k: " + "9" * 100_000,
    ],
    ids=["aliases", "braces", "brackets", "parentheses", "keys", "questions", "digits"],
)
def test_bombs(text):
    assert watched(text) is None


@pytest.mark.parametrize("name", ["../../x", "/tmp/x", "a/b", "con fig", "x;rm", "__init__", "a.b"])
def test_no_name_leaves_the_folder(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spec = tmp_path / "inner" / "spec.yaml"
    spec.parent.mkdir()
    spec.write_text(SPECS[-2].replace("name: vae", f"name: {name!r}"), encoding="utf-8")
    before = set(tmp_path.rglob("*"))
    code = main(["compile", str(spec), "--out", "inner/out"])
    made = set(tmp_path.rglob("*")) - before
    assert all((tmp_path / "inner" / "out") in [p, *p.parents] for p in made)
    assert code in (0, 2)
    assert not (tmp_path / "hacked").exists()
