"""Hostile input: a few hundred cases of `python -m benchmarks.fuzz`, and cases that broke it once.

The cases are of one seed, so that a failure repeats; `--slow` goes on where this ends.
"""

import json
import re
import subprocess
import sys

import pytest

from benchmarks.fuzzing import judge, step
from benchmarks.fuzzing.cases import KINDS, case
from benchmarks.fuzzing.judge import Fault
from benchmarks.fuzzing.seeds import CANARY
from specc.compiler import compile, front, generate
from specc.diagnostics.source import Source
from tests.house.files import ROOT


def fuzz(tmp_path, *words):
    """A run of its own: the workers change their folder and watch what the process does."""
    log = tmp_path / "faults.jsonl"
    command = [sys.executable, "-m", "benchmarks.fuzz", "--jobs", "1", "--log", str(log), *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    faults = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert not faults, [(fault["number"], fault["fault"]) for fault in faults]
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_few_hundred_cases(tmp_path):
    table = fuzz(tmp_path, "--count", "110", "--seed", "14", "--steps", "1", "--cli", "0.03")
    found = map(int, re.search(r"^all +(.*)$", table, re.M)[1].split())
    accepted, refused, fault, stepped, repeated = found
    assert accepted > 14 and refused > 36 and stepped > 0 and repeated and not fault


@pytest.mark.slow
def test_many_cases(tmp_path):
    fuzz(tmp_path, "--count", "20000", "--seed", "13", "--jobs", "2")


def test_every_kind_is_made_and_a_case_is_the_same_every_time():
    cases = [case(0, number) for number in range(150)]
    assert {each.kind for each in cases} == set(KINDS)
    assert cases == [case(0, number) for number in range(150)]


@pytest.mark.parametrize(
    "text",
    [
        f"import {CANARY}\n",
        "import os\n",
        "from subprocess import run\n",
        "x = inf\n",
        "x = 1e999\n",
        "x = 1j\n",
        "x = (\n",
        f"# coding: latin-1\nx = '{CANARY}'\n",
        f"\n# vim: fileencoding=utf7\nx = {CANARY}\n",
        "eval('x')\n",
    ],
)
def test_the_judge_finds_what_it_looks_for(text):
    with pytest.raises(Fault):
        judge.code("model.py", text)


def test_the_judge_lets_pass_what_is_sound():
    judge.code("model.py", f'# {CANARY}\n"""{CANARY} coding: utf7"""\nimport torch\nx = 1.5\n')
    for form, text in (("github", "note\n"), ("text", "::error::x"), ("text", "\x1b[2J")):
        with pytest.raises(Fault):
            judge.report(form, text)


PLAIN = """specc: 1
name: plain
doc: A plain one.
data: {source: npz, path: a.npz, fields: {x: {from: x, shape: [2]}}}
model: {b: {parameter: real}, x: {observed: normal, loc: b, scale: 1}}
objective: mle
"""


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("A plain one.", """'Another; " quote and # too'""", True),
        ("objective", "# a line more\nobjective", True),
        ("a.npz", "b.npz", True),
        ("scale: 1", "scale: 2", False),
        ("scale: 1", "scale: exp(b)", False),
        ("b: {parameter: real}", "b: {parameter: real, init: 1}", False),
        ("shape: [2]", "shape: [3]", False),
    ],
)
def test_a_step_repeats_another_where_the_code_is_the_same(old, new, same):
    texts = (PLAIN, PLAIN.replace(old, new))
    bodies = {step.body(compile(Source("spec.yaml", text))[0]) for text in texts}
    assert (len(bodies) == 1) == same


@pytest.mark.parametrize("name", ["vae", "wgan_gp", "m2", "hmm", "imputation"])
def test_made_data_are_those_that_the_code_takes(name):
    path = ROOT / "specs" / f"{name}.yaml"
    checked = front(Source(path.name, path.read_text(encoding="utf-8")))
    assert step.step(ROOT / "generated" / name, checked) == ""


def test_made_data_of_a_program_without_any_are_row_numbers(tmp_path):
    text = (
        "specc: 1\nname: reverse\nobjective: elbo\n"
        "model: {z: {latent: normal, loc: 3, scale: 1, shape: [2]}}\n"
        "guide: {m: {parameter: real, shape: [2]}, z: {latent: normal, loc: m, scale: 1}}\n"
    )
    checked = front(Source("spec.yaml", text))
    for name, content in generate(checked).files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    assert step.step(tmp_path, checked) == "" and list(step.made_batch(checked.plan)) == ["row"]


@pytest.mark.parametrize(
    "model",
    [
        "c: {let: 1e60, shape: []}, x: {observed: normal, loc: f(c), scale: 1}",
        "c: {parameter: real, init: -1e60}, x: {observed: normal, loc: f(c), scale: 1}",
        "c: {parameter: real, init: 1e60, shape: [2]}, x: {observed: normal, loc: f(c), scale: 1}",
    ],
)
def test_a_number_that_is_too_large_for_float32_is_not_finite(model, tmp_path):
    data = "{source: npz, path: a.npz, fields: {x: {from: x, shape: [2]}}}"
    text = f"specc: 1\nname: large\ndata: {data}\nmodel: {{{model}}}\nlinks: {{f: linear}}\n"
    checked = front(Source("spec.yaml", f"{text}objective: mle\n"))
    for name, content in generate(checked).files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    assert step.step(tmp_path, checked) == "not finite"


HEAD = "specc: 1\nname: n\n"
BROKE = {
    "a complex number": (
        "data: {source: digits, fields: {x: {from: image}}}\n"
        "model:\n  x: {observed: normal, loc: (-1)**0.5, scale: 1}\nobjective: mle\n",
        ["E0352"],
    ),
    "a misspelt parameter beside a state that is integrated out": (
        "data: {source: npz, path: a.npz, fields: {x: {from: x, shape: [8]}}}\n"
        "plates: {t: {scan: 8}}\n"
        "model:\n"
        "  z: {latent: normal, loc: 'z[t-1]', scale: 1, initial: 0, shape: [], plate: t}\n"
        "  x: {observed: normal, loc: z, scae: 1, plate: t}\nobjective: mle\n",
        ["E0204"],
    ),
    "an unknown name one step before": (
        "plates: {t: {scan: 8}}\n"
        "model:\n  table: {parameter: real}\n"
        "  z: {latent: categorical, logits: 'table[o[t-1]]'}\nobjective: mle\n",
        ["E0201"],
    ),
    "a constant one step before": (
        "constants: {c: 2}\nplates: {t: {scan: 8}}\n"
        "data: {source: npz, path: a.npz, fields: {x: {from: x, shape: [8]}}}\n"
        "model:\n  b: {parameter: real}\n"
        "  x: {observed: normal, loc: 'b * c[t-1]', scale: 1, plate: t}\nobjective: mle\n",
        ["E0201"],
    ),
    "a size as the network of params": (
        "data: {source: digits, fields: {x: {from: image}}}\n"
        "model:\n  z: {latent: normal, loc: 0, scale: 1}\n"
        "  x: {observed: normal, loc: f(z), scale: 1}\n"
        "guide: {z: {latent: normal, params: dim(x)}}\nlinks: {f: linear}\nobjective: elbo\n",
        ["E0317"],
    ),
    "a picture without rows": (
        "data: {source: digits, fields: {x: {from: image, shape: [1, 0, 8], binarize: sample}}}\n"
        "model:\n  z: {latent: normal, loc: 0, scale: 1, shape: [2]}\n"
        "  x: {observed: bernoulli, logits: 'f(x, z)'}\n"
        "guide: {z: {latent: normal, params: g(x)}}\n"
        "links: {f: {masked_conv: 4, spatial: true}, g: linear}\nobjective: elbo\n",
        ["E0111"],
    ),
    "a causal link of data whose shape nobody knows": (
        "data: {source: csv, path: a.csv, fields: {x: {from: level}}}\n"
        "model:\n  x: {observed: categorical, logits: wave(x), classes: 17}\n"
        "links: {wave: {causal_conv: 32, dilations: [1, 2]}}\nobjective: mle\n",
        ["E0305"],
    ),
    "a broken latent beside one that may be integrated out": (
        "data: {source: digits, fields: {x: {from: image, binarize: sample}}}\n"
        "model:\n  y: {latent: categorical, logits: 0, classes: 'down(z, y)', draw: enumerate}\n"
        "  z: {latent: normal, loc: 0, scale: 1, shape: [2]}\n"
        "  x: {observed: bernoulli, logits: 'down(z, y)'}\nlinks: {down: linear}\nobjective: mle\n",
        ["E0318", "E0439"],
    ),
    "a guide that is given its latent": (
        "model:\n  z: {latent: normal, loc: 0, scale: 1, shape: []}\n"
        "  x: {observed: normal, loc: z, scale: 1, shape: []}\n"
        "guide: {z: {given: x}}\nobjective: elbo\n",
        ["E0236"],
    ),
    "an unknown plate of a node that the guide shares": (
        "data: {source: digits, fields: {x: {from: image}}}\n"
        "model:\n  z: {latent: normal, loc: 0, scale: 1, shape: [2]}\n"
        "  h: {let: f(x), shape: [3], plate: t}\n"
        "  x: {observed: normal, loc: g(z), scale: 1}\n"
        "guide: {z: {latent: normal, params: k(model.h)}}\n"
        "links: {f: linear, g: linear, k: linear}\nobjective: elbo\n",
        ["E0211"],
    ),
    "a list as a factor of a loss": (
        "constants: {ramp: [2]}\n"
        "data: {source: digits, fields: {x: {from: image}}}\n"
        "model:\n  x: {given: x}\nlinks: {f: linear}\n"
        "objective: {minimize: 'clip(progress() / ramp, 0, 1) * f(data.x) ** 2'}\n",
        ["E0257"],
    ),
    "a class without a number of classes, drawn for a loss": (
        "data: {source: digits, fields: {x: {from: image}}}\n"
        "model:\n  c: {latent: categorical, logits: 0, classes: many, draw: enumerate}\n"
        "  x: {observed: normal, loc: d(c), scale: 1}\n"
        "links: {d: linear, e: linear}\n"
        "objective: {players: {a: {minimize: 'e(model.x) - e(data.x)', links: [d]}}}\n",
        ["E0318"],
    ),
}


@pytest.mark.parametrize("name", BROKE)
def test_what_broke_the_compiler_once_is_a_finding(name):
    text, codes = BROKE[name]
    found = front(Source("spec.yaml", HEAD + text)).diagnostics
    assert [d.code for d in found if d.code[0] == "E"] == codes


def test_a_node_may_have_the_name_data():
    text = (
        "data: {source: digits, fields: {x: {from: image}}}\n"
        "model:\n  z: {latent: normal, loc: 0, scale: 1, shape: [2]}\n"
        "  data: {let: 2 * z}\n  x: {observed: normal, loc: f(data), scale: 1}\n"
        "guide: {z: {latent: normal, params: g(x)}}\n"
        "links: {f: linear, g: linear}\nobjective: elbo\n"
    )
    result, checked = compile(Source("spec.yaml", HEAD + text))
    assert result is not None, checked.diagnostics
    assert "data = model.data(z)" in result.files["objective.py"]


@pytest.mark.parametrize(
    ("value", "initial"),
    [("16", "0"), ("[1, 2]", "0"), ("[1, 2]", "[3, 4]"), ("h[t-1] + [1, 2]", "[3, 4]")],
)
def test_a_guide_shares_a_node_of_numbers(value, initial):
    text = (
        "data: {source: npz, path: a.npz, fields: {x: {from: x, shape: [8]}}}\n"
        "plates: {t: {scan: 8}}\nmodel:\n"
        f"  h: {{let: '{value}', initial: '{initial}', shape: [2], plate: t}}\n"
        "  z: {latent: normal, loc: 'sum(h[t-1])', scale: 1, shape: [], plate: t}\n"
        "  x: {observed: normal, loc: z, scale: 1, shape: [], plate: t}\n"
        "guide: {z: {latent: normal, params: 'f(model.h[t-1], x)'}}\n"
        "links: {f: linear}\nobjective: elbo\n"
    )
    result, checked = compile(Source("spec.yaml", HEAD + text))
    assert result is not None, checked.diagnostics
    judge.generated(result.files)


def test_numbers_among_the_parts_of_a_vector():
    """`concat(1, 1, b)` is a vector, of the same density as `1 + b * [0, 0, 1]`."""
    text = (
        "data: {source: npz, path: a.npz, fields: {x: {from: x, shape: [3]}}}\n"
        "model:\n  b: {parameter: positive, shape: []}\n"
        "  x: {observed: dirichlet, concentration: 'concat(1, exp(0), b)'}\nobjective: mle\n"
    )
    result, _ = compile(Source("spec.yaml", HEAD + text))
    judge.generated(result.files)
    assert "concat(1, 1.0, self.b[..., None])" in result.files["model.py"]
