"""The pages for people who carry on name files, modules and links that are there."""

from __future__ import annotations

import ast
import re

import pytest

from tests.house.files import ROOT, TREES

PAGES = ["docs/architecture.md", "CONTRIBUTING.md"]
SPAN = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"(?:specc|tests|docs|specs|generated|benchmarks|\.ci)/[\w./-]*|\.importlinter")
MODULE = re.compile(r"specc(?:\.\w+)+")
ANY = re.compile(r"\b[A-Z]{4,}\b")
RECORD = re.compile(r"`(\w+)` in `(specc[\w.]+)`")
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
EVERY = sorted([ROOT / "README.md", *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def missing(text):
    """The names of a page that lead nowhere; NAME or FOLDER in a path stands for any."""
    spans = SPAN.findall(text)
    paths = [found for span in spans for found in PATH.findall(span)]
    gone = [p for p in paths if not list(ROOT.glob(ANY.sub("*", p.rstrip("/"))))]
    modules = [span for span in spans if MODULE.fullmatch(span)]
    places = {module: ROOT / module.replace(".", "/") for module in modules}
    gone += [m for m, at in places.items() if not (at.is_dir() or at.with_suffix(".py").is_file())]
    return gone


@pytest.mark.parametrize("page", PAGES)
def test_every_name_is_there(page):
    assert missing((ROOT / page).read_text(encoding="utf-8")) == []


def test_a_stale_name_is_noticed():
    text = "`specc/graph/gone`, `specc.graph.gone`, `tests/NAME/no.py`, `specc.graph`, `docs/*`"
    assert missing(text) == ["specc/graph/gone", "tests/NAME/no.py", "specc.graph.gone"]


def test_every_record_is_where_it_is_said_to_be():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    found = RECORD.findall(text)
    assert len(found) == 11
    for name, module in found:
        tree = TREES[module.replace(".", "/") + ".py"]
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def test_every_package_is_on_the_map():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    packages = {path.parent.name for path in (ROOT / "specc").glob("*/__init__.py")}
    assert {name for name in packages if not re.search(rf"\b{name}\b", text)} == set()
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")}
    assert {name for name in folders if f"`tests/{name}`" not in text} == set()


@pytest.mark.parametrize("page", EVERY, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page):
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    local = [target for target in targets if not target.startswith(("http:", "https:", "mailto:"))]
    assert [target for target in local if not (page.parent / target).exists()] == []


def test_the_index_leads_to_every_page():
    text = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    linked = {(ROOT / "docs" / target).resolve() for target in LINK.findall(text)}
    pages = {path.resolve() for path in (ROOT / "docs").rglob("*.md") if path.name != "README.md"}
    assert pages <= linked
