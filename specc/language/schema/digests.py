"""Digest classes: which digests of a spec depend on a field.

math           the programs, the links and the objective: the mathematics
parameters     names and initial values of tensors: the same mathematics, another checkpoint
training       settings of the optimization and the evaluation
steering       the settings of the optimization that a resumed run may change
environment    device, threads and other settings without an effect on the mathematics
documentation  text for readers
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, get_args

from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo

DigestClass = Literal["math", "parameters", "training", "steering", "environment", "documentation"]
CLASSES: tuple[DigestClass, ...] = get_args(DigestClass)

_KEY = "digest"


def math(default: Any = ..., *, about: str, **limits: Any) -> Any:  # noqa: ANN401
    """A field of the mathematics of the model or its objective."""
    return _field("math", default, about, limits)


def parameters(default: Any = ..., *, about: str, **limits: Any) -> Any:  # noqa: ANN401
    """A field of the parameters alone: their names and initial values."""
    return _field("parameters", default, about, limits)


def training(default: Any = ..., *, about: str, late: bool = False, **limits: Any) -> Any:  # noqa: ANN401
    """A field of the optimization or the evaluation.

    Digests omit a `late` one, of a later version, where it has its default: so they are those of
    earlier versions.
    """
    found = _field("training", default, about, limits)
    found.json_schema_extra |= {"digested": "where set"} if late else {}
    return found


def steering(default: Any = ..., *, about: str, **limits: Any) -> Any:  # noqa: ANN401
    """A field of the training that a resumed run may change."""
    return _field("steering", default, about, limits)


def environment(default: Any = ..., *, about: str, **limits: Any) -> Any:  # noqa: ANN401
    """A field of the environment of a run."""
    return _field("environment", default, about, limits)


def documentation(default: Any = ..., *, about: str, **limits: Any) -> Any:  # noqa: ANN401
    """A field with text for readers."""
    return _field("documentation", default, about, limits)


def digest_class(field: FieldInfo) -> DigestClass | None:
    """The digest class of a field, or None if it has none."""
    extra = field.json_schema_extra
    found = extra.get(_KEY) if isinstance(extra, dict) else None
    return next((kind for kind in CLASSES if kind == found), None)


def is_digested(model: BaseModel, name: str) -> bool:
    """Whether digests include a field: a late one only where it is set."""
    field = type(model).model_fields[name]
    extra = field.json_schema_extra
    is_late = isinstance(extra, dict) and extra.get("digested") == "where set"
    return not is_late or getattr(model, name) != field.default


@cache
def digest_classes(model: type[BaseModel]) -> Mapping[str, DigestClass | None]:
    """The digest class of each field of a model by name."""
    return {name: digest_class(field) for name, field in model.model_fields.items()}


def _field(
    kind: DigestClass,
    default: Any,  # noqa: ANN401
    about: str,
    limits: dict[str, Any],
) -> Any:  # noqa: ANN401
    return Field(default, description=about, json_schema_extra={_KEY: kind}, **limits)
