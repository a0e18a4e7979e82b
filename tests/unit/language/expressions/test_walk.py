"""Traversals of expressions: each visits every part once and keeps what it does not change."""

from __future__ import annotations

from hypothesis import given

from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Call, Expression, Name
from specc.language.expressions.walk import children, depth, fold, names, rebuilt, rewrite, walk

from .trees import TREES, parsed

EVERY_KIND = "f(a, [1, -b]) + c[i, 0] ** 2"


@given(TREES)
def test_a_tree_of_its_own_children_is_the_same(tree: Expression):
    for part in walk(tree):
        assert rebuilt(part, children(part)) == part


@given(TREES)
def test_a_fold_combines_every_part_after_its_children(tree: Expression):
    seen: list[Expression] = []

    def combine(part: Expression, inside: tuple[int, ...]) -> int:
        seen.append(part)
        return 1 + max(inside, default=0)

    assert fold(tree, combine) == depth(tree)
    assert sorted(map(repr, seen)) == sorted(map(repr, walk(tree)))
    assert seen[-1] == tree


def test_a_rewrite_replaces_parts_and_keeps_the_others():
    tree = parsed(EVERY_KIND)
    found = rewrite(tree, lambda part: Name("w", part.span) if isinstance(part, Call) else None)
    assert print_expression(found) == "w + c[i, 0] ** 2"
    twice = rewrite(tree, lambda p: Name(p.id * 2, p.span) if isinstance(p, Name) else None)
    assert [name.id for name in names(twice)] == ["aa", "bb", "cc", "ii"]
    assert print_expression(twice) == "f(aa, [1, -bb]) + cc[ii, 0] ** 2"
