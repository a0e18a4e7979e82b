"""Lowers latents with a learnable point: variables of functions that take or have the points."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from specc.codegen.code import expressions as code
from specc.codegen.code.expressions import Code
from specc.codegen.code.statements import Assign, If, Statement, reads
from specc.codegen.lower.scope import Scope
from specc.codegen.plan import ProgramPlan


def points(
    scope: Scope,
    program: ProgramPlan,
    owner: Code,
    passed: Collection[str] = (),
    *,
    of_rows: bool = False,
) -> None:
    """Emit `w = self.w` for each latent with a learnable point that all rows share.

    Of those that may be `passed` to the function only if they are not. With `of_rows` also for
    latents of rows.
    """
    for item in program.learnable:
        if item.node.role == "parameter" or (item.of_rows and not of_rows):
            continue
        name = item.node.name
        with scope.on(program.name, name):
            value = code.Attribute(owner, item.attribute)
            if name not in passed:
                scope.assign(scope.python(name), value)
                continue
            with scope.block() as body:
                scope.assign(scope.python(name), value)
            scope.add(if_absent(scope, name, body))


def if_absent(scope: Scope, name: str, body: Sequence[Statement]) -> If:
    """Return `if w is None:` with the statements that assign w."""
    return If(code.Binary("is", scope.variable(name), code.Literal(None)), tuple(body))


def without_unused(statements: Sequence[Statement], count: int) -> tuple[Statement, ...]:
    """Return the statements without those of the first `count` that the others do not need.

    Latents of a prior alone are not used.
    """
    rest = tuple(statements[count:])
    used = reads(rest)
    kept = (s for s in statements[:count] if not isinstance(s, Assign) or used & set(s.targets))
    return (*kept, *rest)
