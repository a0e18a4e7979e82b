"""The limits of the length of files, and of the length and the nesting of functions."""

import ast

import pytest

from tests.house.files import IDS, ROOT, TEXTS, TREES

MOST_LINES, MOST_BODY, MOST_DEPTH = 500, 60, 4
MEDIAN_LINES, MEDIAN_BODY = 110, 8

# Functions that may be longer or deeper, each with its reason.
EXCEPTIONS: dict[str, str] = {}

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)


def functions(tree):
    return [node for node in ast.walk(tree) if isinstance(node, FUNCTIONS)]


def length(node):
    """The number of lines of a function, without its decorators."""
    return node.end_lineno - node.lineno + 1


def depth(node, top=True):
    """The nesting depth of blocks; an `elif` has the depth of its `if`."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, FUNCTIONS) and not top:
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and [child] == node.orelse
        step = 1 if isinstance(child, BLOCKS) and not is_elif else 0
        deepest = max(deepest, step + depth(child, False))
    return deepest


def median(values):
    return sorted(values)[len(values) // 2]


@pytest.mark.parametrize("at", IDS)
def test_a_file_and_its_functions_are_small(at):
    assert TEXTS[at].count("\n") <= MOST_LINES
    for node in functions(TREES[at]):
        if f"{at}:{node.name}" not in EXCEPTIONS:
            assert length(node) <= MOST_BODY, f"{node.name} is long"
            assert depth(node) <= MOST_DEPTH, f"{node.name} is nested deeply"


def test_every_exception_is_needed():
    there = {f"{at}:{n.name}": n for at, tree in TREES.items() for n in functions(tree)}
    for name in EXCEPTIONS:
        assert length(there[name]) > MOST_BODY or depth(there[name]) > MOST_DEPTH


PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
MOST_COLUMNS = 140
"""The longest line of a page in an editor, but for tables and what commands print."""


def test_a_line_of_a_page_is_short():
    found = []
    for page in PAGES:
        is_block = False
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
            is_block ^= line.lstrip().startswith("```")
            if len(line) > MOST_COLUMNS and not is_block and not line.startswith(("|", "<")):
                found.append(f"{page.name}:{number}")
    assert found == []


def test_the_median_file_and_function_are_short():
    assert median([TEXTS[at].count("\n") for at in IDS if "__init__" not in at]) <= MEDIAN_LINES
    assert median([length(n) for tree in TREES.values() for n in functions(tree)]) <= MEDIAN_BODY


def test_lengths_and_depths_are_counted():
    text = """
def nested(rows):
    for row in rows:
        if row:
            with row:
                while row:
                    pass
        elif not row:
            try:
                pass
            except ValueError:
                match row:
                    case 1:
                        if row: pass
"""
    (node,) = functions(ast.parse(text))
    assert (length(node), depth(node)) == (13, 5)
