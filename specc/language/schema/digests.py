"""What each part of a spec decides, so that a digest can cover it or leave it out.

math           the programs, the links and the objective: another mathematics
parameters     names and starts of tensors: the same mathematics, another checkpoint
training       how the optimum is sought
steering       of that, what a run can change on its way: how long, how fast, what is measured
environment    where and how fast it runs
documentation  words for people
"""

from __future__ import annotations

from typing import Any, Literal, get_args

from pydantic import Field
from pydantic.fields import FieldInfo

DigestClass = Literal["math", "parameters", "training", "steering", "environment", "documentation"]
CLASSES: tuple[DigestClass, ...] = get_args(DigestClass)

_KEY = "digest"


def math(default: Any = ..., *, about: str, **limits: Any) -> Any:  # noqa: ANN401
    """A field that belongs to the mathematics of the model or its objective."""
    return _field("math", default, about, limits)


def parameters(default: Any = ..., *, about: str, **limits: Any) -> Any:  # noqa: ANN401
    """A field that changes the parameters alone: what they are called, how they start."""
    return _field("parameters", default, about, limits)


def training(default: Any = ..., *, about: str, **limits: Any) -> Any:  # noqa: ANN401
    """A field that changes how the optimum is sought, or how it is measured."""
    return _field("training", default, about, limits)


def steering(default: Any = ..., *, about: str, **limits: Any) -> Any:  # noqa: ANN401
    """A field of the training that a run can change on its way, so that it is resumed."""
    return _field("steering", default, about, limits)


def environment(default: Any = ..., *, about: str, **limits: Any) -> Any:  # noqa: ANN401
    """A field that changes where or how fast a run goes."""
    return _field("environment", default, about, limits)


def documentation(default: Any = ..., *, about: str, **limits: Any) -> Any:  # noqa: ANN401
    """A field that only people read."""
    return _field("documentation", default, about, limits)


def digest_class(field: FieldInfo) -> DigestClass | None:
    """The class that a field was declared with, or None where it has none."""
    extra = field.json_schema_extra
    found = extra.get(_KEY) if isinstance(extra, dict) else None
    return next((kind for kind in CLASSES if kind == found), None)


def _field(
    kind: DigestClass,
    default: Any,  # noqa: ANN401
    about: str,
    limits: dict[str, Any],
) -> Any:  # noqa: ANN401
    return Field(default, description=about, json_schema_extra={_KEY: kind}, **limits)
