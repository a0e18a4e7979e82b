"""Errors of pydantic models, located in the text, one for each cause.

The paths of pydantic also contain tags of unions; parts of a path without a counterpart in the
located tree are skipped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args

from msgspec import Struct
from pydantic import BaseModel
from pydantic_core import ErrorDetails

from specc.diagnostics.nearest import nearest
from specc.diagnostics.source import Span
from specc.language import located
from specc.language.limits import MAX_FINDINGS
from specc.language.located import Located, Scalar, Sequence
from specc.language.schema.reading import INTEGER, NUMBER, TRUTH, WORD
from specc.language.schema.spec import Path

Kind = Literal["unknown", "missing", "choice", "range", "kind"]

MOST = 2 * MAX_FINDINGS
"""The largest number of errors of one model that are examined."""


class Problem(Struct, frozen=True):
    """An error of a model: its place, and the expected value.

    `choices` are the allowed words or, for an unknown key, the allowed keys.
    """

    kind: Kind
    path: Path
    key: str
    value: Located
    span: Span
    expected: str
    choices: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """The invalid word: the text of a scalar value, or else the key."""
        return self.value.text if isinstance(self.value, Scalar) else self.key


_KINDS: dict[str, str] = {
    "int_type": INTEGER,
    "int_from_float": INTEGER,
    "int_parsing": INTEGER,
    "float_type": NUMBER,
    "string_type": WORD,
    "bool_type": TRUTH,
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping of keys",
    "mapping_type": "a mapping of keys",
    "model_type": "a mapping of keys",
    "model_attributes_type": "a mapping of keys",
    "finite_number": "a finite number",
}
_BOUNDS: dict[str, tuple[str, str]] = {
    "greater_than": ("gt", "more than {}"),
    "greater_than_equal": ("ge", "at least {}"),
    "less_than": ("lt", "less than {}"),
    "less_than_equal": ("le", "at most {}"),
}


def problems(
    model: type[BaseModel], value: Located, path: Path, errors: list[ErrorDetails]
) -> list[Problem]:
    """The errors of pydantic in the order of the text, without consequences of other errors."""
    found = [_problem(model, value, path, error) for error in errors[:MOST]]
    merged: dict[tuple[Path, bool], Problem] = {}
    for problem in found:
        slot = (problem.path, problem.kind in ("unknown", "missing"))
        merged[slot] = _join(merged[slot], problem) if slot in merged else problem

    rest = _without_misspelt(_without_outer(list(merged.values())))
    return sorted(rest, key=lambda p: (p.span.start, p.span.end))


def _without_outer(problems: list[Problem]) -> list[Problem]:
    """The problems without those of a value that has a problem inside it."""
    outer = {problem.path[:length] for problem in problems for length in range(len(problem.path))}
    return [problem for problem in problems if problem.path not in outer]


def _without_misspelt(problems: list[Problem]) -> list[Problem]:
    """The problems without missing keys that are present under a misspelt name."""
    meant = {
        (*problem.path[:-1], nearest(problem.key, problem.choices))
        for problem in problems
        if problem.kind == "unknown"
    }
    return [p for p in problems if p.kind != "missing" or p.path not in meant]


def _join(first: Problem, second: Problem) -> Problem:
    """The common problem of a value that matches neither of two alternatives of a union."""
    if second.expected in first.expected:
        return first
    return Problem(
        "kind" if first.kind != second.kind else first.kind,
        first.path,
        first.key,
        first.value,
        first.span,
        f"{first.expected} or {second.expected}",
        (*first.choices, *second.choices),
    )


def _problem(model: type[BaseModel], root: Located, path: Path, error: ErrorDetails) -> Problem:
    loc, kind = error["loc"], error["type"]
    inner, value, key = _follow(root, loc)
    place = (*path, *inner)
    name = str(loc[-1]) if loc else ""
    if kind == "extra_forbidden" and key is not None:
        known = tuple(fields_at(model, loc[:-1]))
        return Problem("unknown", place, key.text, value, key.span, "", known)
    if kind == "missing" and isinstance(loc[-1], int):
        return Problem("kind", place, name, value, value.span, _at_least(loc[-1] + 1))
    if kind == "missing":
        return Problem("missing", (*place, name), name, value, value.span.sub(0, 0), "")
    if "[key]" in loc and key is not None:
        choices = _choices(error)
        return Problem("choice", place, key.text, key, key.span, _either(choices), choices)
    if kind == "union_tag_invalid" and isinstance(value, located.Mapping) and value.entries:
        named = value.entries[0].key
        legal = tuple(fields_at(model, loc))
        choices = tuple(choice for choice in _choices(error) if choice in legal)
        return Problem("choice", place, named.text, named, named.span, _either(choices), choices)
    return _about_value(place, name, value, error)


def _about_value(path: Path, name: str, value: Located, error: ErrorDetails) -> Problem:
    kind, context = error["type"], error.get("ctx", {})
    if kind in _BOUNDS and isinstance(value, Scalar):
        key, words = _BOUNDS[kind]
        return Problem("range", path, name, value, value.span, words.format(_shown(context[key])))
    choices = _choices(error)
    if choices:
        is_word = isinstance(value, Scalar) and isinstance(value.value, str)
        means: Kind = "choice" if is_word else "kind"
        return Problem(means, path, name, value, value.span, _either(choices), choices)
    return Problem("kind", path, name, value, value.span, _expected(kind, context))


def _expected(kind: str, context: Mapping[str, Any]) -> str:
    if kind in _KINDS:
        return _KINDS[kind]
    if kind == "too_short":
        return _at_least(context["min_length"])
    if kind == "too_long":
        return f"a list of at most {context['max_length']} entries"
    # The ValueErrors of validators in specc have the expected value as their text.
    return str(context["error"]) if kind == "value_error" else "another value"


def _at_least(count: int) -> str:
    return f"a list of at least {'one entry' if count == 1 else f'{count} entries'}"


def _choices(error: ErrorDetails) -> tuple[str, ...]:
    """The allowed words, from the message of pydantic."""
    if error["type"] not in ("literal_error", "union_tag_invalid"):
        return ()
    context = error.get("ctx", {})
    text = str(context.get("expected_tags") or context.get("expected") or "")
    words = [word.strip().strip("'") for word in text.replace(" or ", ", ").split(",")]
    # pydantic lists the constants of Python; in YAML they are in lower case.
    return tuple({"True": "true", "False": "false"}.get(word, word) for word in words if word)


def _either(words: tuple[str, ...]) -> str:
    shown = [f"`{word}`" for word in words]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


def _shown(bound: object) -> str:
    if isinstance(bound, (int, float)) and math.isfinite(bound) and float(bound).is_integer():
        return f"{int(bound):,}" if abs(bound) < 1e7 else f"{bound:.3g}"
    return str(bound)


def _follow(
    root: Located, loc: tuple[int | str, ...]
) -> tuple[tuple[str | int, ...], Located, Scalar | None]:
    """The path in the tree for a path of pydantic, with the value and its key."""
    path: list[str | int] = []
    value, key = root, None
    for part in loc:
        step = _step(value, part)
        if step is not None:
            key, value = step
            path.append(part)
    return tuple(path), value, key


def _step(value: Located, part: int | str) -> tuple[Scalar | None, Located] | None:
    if isinstance(value, located.Mapping):
        return next(((e.key, e.value) for e in value.entries if e.name == part), None)
    if isinstance(value, Sequence) and isinstance(part, int) and part < len(value.items):
        return None, value.items[part]
    return None


def fields_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> Iterator[str]:
    """The allowed keys of a mapping at a path of pydantic."""
    models = [model]
    for part in loc:
        inner = [
            found
            for each in models
            for name, field in each.model_fields.items()
            if part in (name, field.alias)
            for found in models_in(field.annotation)
        ]
        models = inner or models
    for each in models:
        for name, field in each.model_fields.items():
            yield field.alias or name


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401
    """The models in a type, including its unions, lists and mappings."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_in(inner)
