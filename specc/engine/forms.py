"""The forms of a run's JSON files: what every reader of them may rely on.

They are checked where a file is read, so that a damaged one is told as such, and nothing later has
to ask. Keys of later versions are let through.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NotRequired, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from specc.engine import files

T = TypeVar("T")

STRICT = ConfigDict(strict=True, extra="allow")
Count = Annotated[int, Field(ge=0, lt=2**62)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Start(TypedDict):
    """The run that another one began from."""

    run: str
    moved: dict[str, str]


@with_config(STRICT)
class Compile(TypedDict):
    """Whether the step of a run is compiled, and why."""

    compiled: bool
    reason: NotRequired[str]


@with_config(STRICT)
class Facts(TypedDict):
    """run.json."""

    name: Name
    seed: Count
    digests: dict[str, str]
    data_digest: NotRequired[str | None]
    data_record: NotRequired[dict[str, dict[str, Any]]]
    data_dir: NotRequired[str | None]
    device: NotRequired[str]
    start: NotRequired[Start | None]
    threads: Annotated[int, Field(ge=1, le=4096)]
    pieces: NotRequired[Annotated[int, Field(ge=1, le=2**20)]]
    versions: NotRequired[dict[str, str]]
    compile: NotRequired[Compile]
    carried: NotRequired[dict[str, Any]]


@with_config(STRICT)
class Figure(TypedDict):
    """A figure of result.json, in nats a row."""

    of: NotRequired[str]
    estimator: str
    rows: Count
    particles: Count
    value: Number | None
    standard_error: Number | None
    effective_sample_size: NotRequired[Number | None]
    value_per_step: NotRequired[Number | None]
    standard_error_per_step: NotRequired[Number | None]


@with_config(STRICT)
class Result(TypedDict, total=False):
    """result.json."""

    evaluate: dict[str, Figure]


@with_config(STRICT)
class Sums(TypedDict, total=False):
    """The sums of an epoch that was under way."""

    names: list[str]
    sums: list[float]
    steps: Count
    skipped: Count
    skipped_in_a_row: Count


class Counts(BaseModel):
    """Where a run stood."""

    model_config = ConfigDict(strict=True, extra="forbid")
    epoch: Count
    step: Count
    total: Count
    skipped: Count
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class State(TypedDict):
    """state.json of a checkpoint."""

    counters: Counts
    tally: Sums
    hashes: dict[str, str]


def read(form: type[T], path: Path) -> T:
    """The value of a JSON file in its form.

    Raises OSError, or ValueError with the first thing that is wrong.
    """
    try:
        return TypeAdapter(form).validate_python(files.read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "it"
        raise ValueError(f"{where}: {first['msg'][:1].lower()}{first['msg'][1:]}") from error
