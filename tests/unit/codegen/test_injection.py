"""Nothing of the outside reaches generated text but escaped and in one line."""

import ast
import io
import json
import tokenize
from pathlib import Path

import pytest

from specc.cli.main import main
from specc.codegen.package import package
from specc.codegen.standalone import standalone
from specc.compiler import front
from specc.diagnostics import render_github, render_json, render_sarif, render_text
from specc.diagnostics.printable import comment, escaped, json_text, printable
from specc.diagnostics.source import Source
from specc.runtime.program import load

SPEC = """specc: 1
name: small
doc: DOC
data: {source: digits, fields: {x: {from: image}}}
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [2]}
  x: {observed: normal, loc: f(z), scale: 1}
guide:
  z: {latent: normal, params: g(x)}
links: {f: linear, g: linear}
objective: elbo
"""
NAMES = [
    "m\nimport os; os.system('touch hacked') #.yaml",
    'm"""\nimport os\n"""',
    "m'''",
    "coding=utf7 x",
    "-*- coding: latin-1 -*-",
    "m\rimport os",
    "m\x0cimport os",
    "m\x85import os",
    "m\u2028import os",
    "\u202em",
    "\x1b]0;title\x07",
    "caf\udce9.yaml",
    "a\\nb",
    'ends with "',
    "m\n::error::no",
]


def files(path="spec.yaml", doc="''"):
    plan = front(Source(path, SPEC.replace("DOC", doc))).plan
    return {**package(plan), **{f"alone_{n}": t for n, t in standalone(plan).items()}}


PLAIN = files()


@pytest.mark.parametrize("name", NAMES)
def test_a_path_is_a_comment_of_one_line(name):
    """The code is the same but for its comments and texts, in UTF-8, whatever the file is called.

    The lines are the same in number.
    """
    for file, text in files(name).items():
        data, plain = text.encode("utf-8"), PLAIN[file]
        assert text.isprintable() or set(text) - {"\n"} == {c for c in text if c.isprintable()}
        assert text.count("\n") == plain.count("\n")
        if file.endswith(".json"):
            json.loads(text)
            continue
        assert tokenize.detect_encoding(io.BytesIO(data).readline)[0] == "utf-8"
        assert _without_texts(data) == _without_texts(plain.encode("utf-8"))


def _without_texts(data):
    tree = ast.parse(data)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value = ast.Constant(None)
    return ast.dump(tree)


@pytest.mark.parametrize(
    "doc",
    [
        "'ends with a quote \"'",
        '\'""" + import os + """\'',
        '"a \\\\"',
        "'\\'",
        '"two\\nlines"',
        "'# coding: utf7'",
        "'" + '"' * 7 + "'",
    ],
)
def test_a_doc_stays_in_its_docstring(doc):
    for file, text in files(doc=doc).items():
        if file.endswith(".py"):
            plain = _without_texts(PLAIN[file].encode("utf-8"))
            assert _without_texts(text.encode("utf-8")) == plain


@pytest.mark.parametrize("escape", ["\\0", "\\e", "\\L", "\\P", "\\N", "\\u202e", "\\ud800"])
def test_an_escape_writes_no_control_into_a_text(escape):
    found = front(Source("spec.yaml", SPEC.replace("DOC", f'"a{escape}b"'))).diagnostics
    assert [d.code for d in found] == ["E0023" if "ud800" in escape else "E0003"]


@pytest.mark.parametrize("name", NAMES)
def test_findings_are_printable_whatever_the_file_is_called(name):
    found = front(Source(name, SPEC.replace("DOC", "''").replace("f(z)", "h(z)"))).diagnostics
    assert found
    for renderer in (render_text, render_json, render_github, render_sarif):
        text = renderer.render(found)
        assert all(line.isprintable() for line in text.split("\n"))
        text.encode("utf-8")
        if renderer is not render_github:
            assert not any(line.startswith("::") for line in text.split("\n"))
    assert json.loads(render_json.render(found))[0]["file"] == name
    assert render_github.render(found).count("\n") == len(found) - 1


def test_a_name_with_a_control_is_refused_by_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    name = "m\nimport os #.yaml"
    Path(name).write_text(SPEC.replace("DOC", "''"), encoding="utf-8")
    for verb in ("check", "compile", "explain", "train"):
        assert main([verb, name]) == 2
        said = capsys.readouterr().err
        assert "has a control character" in said and "m\\nimport os" in said
    assert not Path("generated").exists()
    assert main(["check", "--set", "doc=two\nlines", "none.yaml"]) == 2
    assert "control character" not in capsys.readouterr().err


def test_what_files_hold_steers_no_terminal(tmp_path, monkeypatch, capsys):
    """Names of run folders, an edited file, and names of classes in a table."""
    monkeypatch.chdir(tmp_path)
    spec = Path("spec.yaml")
    spec.write_text(SPEC.replace("DOC", "''"), encoding="utf-8")
    run = "runs/a\n::error::x\x1b[31m"
    assert main(["train", "spec.yaml", "--quiet", "--set", "train.steps=1", "--out", "plain"]) == 0
    Path("runs").mkdir()
    Path("plain").rename(run)
    assert main(["compile", "spec.yaml"]) == 0
    Path("generated/small/model.py").write_text(
        "# \x1b]0;title\x07\n::error::x\n", encoding="utf-8"
    )
    Path("generated/small/o\n::error::x.py").touch()
    Path("t.csv").write_text("y,x\n\x1b[31mred,1\nblue,2\n", encoding="utf-8")
    table = "data: {source: csv, path: t.csv, fields: {x: {from: x}, y: {from: y}}}\nmodel:\n"
    table += "  x: {given: x}\n  y: {observed: categorical, logits: f(x), classes: 2}\n"
    Path("t.yaml").write_text(
        f"specc: 1\nname: t\n{table}links: {{f: linear}}\nobjective: mle\n", encoding="utf-8"
    )
    capsys.readouterr()
    for words in (["runs"], ["compile", "--check", "spec.yaml"], ["data", "t.yaml"]):
        main(words)
        shown = "".join(capsys.readouterr())
        lines = shown.split("\n")
        assert len(lines) > 2 and all(line.isprintable() for line in lines)
        assert not any(line.startswith("::") for line in lines)


def test_a_name_that_looks_like_a_workflow_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    spec = Path("::error ::x.yaml")
    untidy = SPEC.replace("DOC", "''").replace("name: small", "name:   small")
    for words in (["fmt", "--check"], ["check"], ["fmt"], ["compile", "--out", "::error ::y"]):
        spec.write_text(untidy, encoding="utf-8")
        assert main([*words, str(spec)]) in (0, 1)
        shown = "".join(capsys.readouterr())
        assert shown and not any(line.startswith("::") for line in shown.split("\n"))


def test_a_folder_that_names_an_encoding(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = Path("coding=utf7 +AAo-import os")
    folder.mkdir()
    (folder / "s.yaml").write_text(SPEC.replace("DOC", "''"), encoding="utf-8")
    assert main(["compile", str(folder / "s.yaml"), "--out", "out"]) == 0
    head = Path("out/small/model.py").read_text(encoding="utf-8").split("\n")[0]
    assert "coding\\x3dutf7" in head
    load(Path("out/small"))


def test_generated_code_is_read_as_utf8_whatever_it_says(tmp_path):
    """The comment of an encoding is of no effect, in the package and in its modules."""
    for name, text in files().items():
        if name.startswith("alone_"):
            continue
        text = f"# coding: latin-1\n{text}" if name.endswith(".py") else text
        made = "\nclass Model(Model):\n    word = 'é'\n" if name == "model.py" else ""
        (tmp_path / name).write_text(text + made, encoding="utf-8")
    assert load(tmp_path).model.word == "é"
    assert not list(tmp_path.rglob("__pycache__"))


def test_what_is_printed():
    assert escaped("a\nb\x1b\u2028\udc80é") == "a\\nb\\x1b\\u2028\\udc80é"
    assert printable("a\tb\x1b\u202e") == "a    b␛\N{REPLACEMENT CHARACTER}"
    assert comment("x coding: y") == "# x coding\\x3a y"
    value = {"é": "\u2028\U000e0001\x7f\n"}
    assert json.loads(json_text(value)) == value and "é" in json_text(value)
