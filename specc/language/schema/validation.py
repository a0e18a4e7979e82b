"""Validation of values of the located tree by pydantic models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from specc.catalog.other_names import suggested_name
from specc.language import located
from specc.language.located import Located, Scalar, Sequence
from specc.language.schema.places import where
from specc.language.schema.problems import Problem, problems
from specc.language.schema.reading import Reading
from specc.language.schema.spec import Path

Model = TypeVar("Model", bound=BaseModel)
Reporter = Callable[[Reading, Problem], None]


def read_model(
    reading: Reading, model: type[Model], value: located.Mapping, path: Path, report: Reporter
) -> Model | None:
    """`value` as a `model`; `report` is called with each problem."""
    if not _is_filled(reading, value, path):
        return None
    try:
        return model.model_validate(plain(value))
    except ValidationError as error:
        for problem in problems(model, value, path, error.errors()):
            report(reading, problem)
        return None


def _is_filled(reading: Reading, value: Located, path: Path) -> bool:
    """Whether no value is empty and no number infinite; reports those that are."""
    if isinstance(value, located.Mapping):
        return sum(not _is_filled(reading, e.value, (*path, e.name)) for e in value.entries) == 0
    if isinstance(value, Sequence):
        return sum(not _is_filled(reading, v, (*path, i)) for i, v in enumerate(value.items)) == 0
    if value.tag_kind == "null" and not value.span.text.strip():
        reading.empty(value, path, "write its value, or delete the key")
        return False
    return reading.is_finite(value, path)


def plain(value: Located) -> Any:  # noqa: ANN401
    """The value as plain Python values, with tuples for lists."""
    if isinstance(value, located.Mapping):
        return {entry.name: plain(entry.value) for entry in value.entries}
    if isinstance(value, Sequence):
        return tuple(plain(item) for item in value.items)
    return value.value


def report_problem(reading: Reading, problem: Problem) -> None:
    """Reports a problem with the general codes of the document."""
    path, value = problem.path, problem.value
    match problem.kind:
        case "unknown":
            key = Scalar(problem.key, problem.span, "plain", "str")
            reading.unknown_key(key, path[:-1], problem.choices)
        case "missing":
            reading.report(
                "E0103",
                problem.span,
                where=where(path[:-1]),
                key=problem.key,
                hint=f"write `{problem.key}: ...`",
            )
        case "choice":
            report_choice(reading, problem)
        case "range":
            reading.report(
                "E0111",
                problem.span,
                where=where(path),
                value=value.span.text,
                expected=problem.expected,
            )
        case "kind":
            reading.wrong_kind(value, path, problem.expected)


def report_choice(reading: Reading, problem: Problem) -> None:
    """Reports a word that is not allowed."""
    word = problem.word
    guess = suggested_name(word, problem.choices)
    hint = "" if guess else f"it is {problem.expected}"
    reading.report(
        "E0113",
        problem.span,
        suggestion=guess,
        where=where(problem.path),
        value=word,
        hint=hint,
    )
