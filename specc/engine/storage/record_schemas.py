"""Schemas of the JSON files of a run.

A file is checked when it is read, so a damaged one is reported there and later code need not check
again. Unknown keys of later versions are allowed. The files that a resumed run depends on (run.json
and the state.json of a checkpoint) are sealed and have one format.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypeAliasType, TypedDict

from specc.engine.storage import file_io, seal

T = TypeVar("T")

FORMAT = 3
"""The format of run folders. A folder of another format is refused (E0821)."""

STRICT = ConfigDict(strict=True, extra="allow")
Count = Annotated[int, Field(ge=0, lt=2**53)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Numbers = TypeAliasType("Numbers", "Number | list[Numbers]")
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Start(TypedDict):
    """The run whose weights another run starts from."""

    run: str
    moved: dict[str, str]


@with_config(STRICT)
class Compile(TypedDict):
    """Whether the step of a run is compiled, and why."""

    compiled: bool
    reason: NotRequired[str]


@with_config(STRICT)
class Standardization(TypedDict):
    """The mean and the standard deviation of the training rows of a field."""

    mean: Numbers
    deviation: Numbers


@with_config(STRICT)
class Categories(TypedDict):
    """The categories of a field, in the order of their numbers."""

    values: list[str]


@with_config(STRICT)
class Revised(TypedDict):
    """A change of the spec of a run: its step, and the differences from the previous spec.

    `names` has the old names of renamed modules by their new names; `was` is the name of the
    previous spec.
    """

    step: Count
    was: Name
    names: dict[str, str]
    changes: list[str]


@with_config(STRICT)
class Facts(TypedDict):
    """run.json. `files` has the SHA-256 of every file that the run started with, by its path."""

    format: Literal[3]
    name: Name
    files: dict[str, Sha256]
    seed: Count
    digests: dict[str, str]
    data_digest: NotRequired[str | None]
    data_record: NotRequired[dict[str, Standardization | Categories]]
    data_dir: NotRequired[str | None]
    device: NotRequired[str]
    start: NotRequired[Start | None]
    threads: Annotated[int, Field(ge=1, le=4096)]
    auto_threads: NotRequired[bool]
    pieces: NotRequired[Annotated[int, Field(ge=1, le=2**20)]]
    versions: NotRequired[dict[str, str]]
    compile: NotRequired[Compile]
    compile_stages: NotRequired[dict[str, Compile]]
    carried: NotRequired[dict[str, Any]]
    revisions: NotRequired[list[Revised]]


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
    log_scale: NotRequired[Number | None]
    statement: NotRequired[str]
    log_z: NotRequired[dict[str, Any]]
    impossible: NotRequired[bool]


@with_config(STRICT)
class Quantity(TypedDict):
    """A number with its standard error, if it has one."""

    value: Number | None
    standard_error: Number | None


@with_config(STRICT)
class SampleFigure(TypedDict):
    """A figure of samples in result.json: all its numbers, and the first of them again."""

    metric: str
    of: str
    data: str
    rows: Count
    samples: Count
    value: Number | None
    standard_error: Number | None
    values: dict[str, Quantity]
    features: str


LatentSpread = TypedDict(
    "LatentSpread",
    {
        "mean": Number | None,
        "sd": Number | None,
        "5%": Number | None,
        "50%": Number | None,
        "95%": Number | None,
    },
)
"""The mean, the deviation and quantiles of draws of a number, in result.json."""


LatentRow = TypedDict(
    "LatentRow",
    {
        "name": str,
        "mean": Number | None,
        "sd": Number | None,
        "5%": NotRequired[Number | None],
        "50%": NotRequired[Number | None],
        "95%": NotRequired[Number | None],
        "prior": NotRequired[LatentSpread],
        "mcse": NotRequired[Number | None],
        "ess_bulk": NotRequired[Number | None],
        "ess_tail": NotRequired[Number | None],
        "r_hat": NotRequired[Number | None],
    },
)
"""A number of the latents in result.json, by chains or by a guide, without what is not known."""

LeaveOneOut = TypedDict(
    "LeaveOneOut",
    {"value": Number | None, "standard_error": Number | None, "pareto_k_above_0.7": Count},
)
"""The leave-one-out estimate, in result.json."""


class Posterior(TypedDict):
    """The diagnostics of a sampler, in result.json."""

    chains: Count
    draws: Count
    divergences: Count
    latents: list[LatentRow]
    warnings: list[str]
    loo: NotRequired[LeaveOneOut]


class GuideFigures(TypedDict):
    """What a guide says of latents that rows share, in result.json.

    The figures of weights are absent if the draws have none; `particles` are those of the latents
    of each row, absent if rows have none. `values` has the fraction of draws with each value of
    discrete latents, absent if none is discrete.
    """

    draws: Count
    latents: list[LatentRow]
    values: NotRequired[dict[str, dict[str, Number]]]
    warnings: list[str]
    weighted_draws: NotRequired[Count]
    particles: NotRequired[Count]
    bound: NotRequired[Number | None]
    log_evidence: NotRequired[Number | None]
    pareto_k: NotRequired[Number | None]
    loo: NotRequired[LeaveOneOut]


class Result(TypedDict, total=False):
    """result.json. `captions` are those of pictures, by their files."""

    evaluate: dict[str, Figure | SampleFigure]
    posterior: Posterior
    guide: GuideFigures
    shared: dict[str, list[Any]]
    captions: dict[str, str]
    steps: Count


@with_config(STRICT)
class Valid(TypedDict):
    """The validation losses of an epoch."""

    loss: Number | None


@with_config(STRICT)
class Line(TypedDict):
    """A line of metrics.jsonl: an epoch."""

    epoch: Count
    step: Count
    stage: NotRequired[Name]
    loss: Number | None
    parts: dict[str, Number | None]
    valid: NotRequired[Valid]
    lr: NotRequired[Number | None]
    skipped: NotRequired[Count]
    seconds: NotRequired[Number]
    memory: NotRequired[Count | None]


@with_config(STRICT)
class Sums(TypedDict, total=False):
    """The sums of metrics of an epoch that is not complete."""

    names: list[str]
    sums: list[float]
    steps: Count
    skipped: Count
    skipped_in_a_row: Count


class CounterRecord(BaseModel):
    """The counters of a run."""

    model_config = ConfigDict(strict=True, extra="forbid")
    epoch: Count
    step: Count
    total: Count
    skipped: Count
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    stage: Count = 0
    first_epoch: Count = 0
    first_step: Count = 0


@with_config(STRICT)
class EarlyStoppingRecord(TypedDict):
    """The record of validation losses; `best` is null before the first one."""

    best: Number | None
    at: Count
    since: Count
    falls: Count
    since_fall: Count


@with_config(STRICT)
class Logged(TypedDict):
    """The lines of metrics.jsonl up to a checkpoint: how many, and the hash of their bytes."""

    lines: Count
    sha256: Sha256


@with_config(STRICT)
class State(TypedDict):
    """state.json of a checkpoint. `hashes` has the SHA-256 of the files beside it.

    `revision` counts the changes of the spec before the checkpoint, which decide its names.
    """

    format: Literal[3]
    counters: CounterRecord
    tally: Sums
    watch: EarlyStoppingRecord
    metrics: Logged
    revision: NotRequired[Count]
    hashes: dict[str, Sha256]


_ADAPTERS: dict[object, TypeAdapter[Any]] = {}
"""A cache: creating an adapter takes longer than many checks."""


def checked(form: type[T], value: object) -> T:
    """The JSON value, checked against a schema; raises ValueError with the first mistake."""
    try:
        if form not in _ADAPTERS:
            _ADAPTERS[form] = TypeAdapter(form)
        found: T = _ADAPTERS[form].validate_python(value)
        return found
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "it"
        raise ValueError(f"{where}: {first['msg'][:1].lower()}{first['msg'][1:]}") from error


def read(form: type[T], path: Path) -> T:
    """The value of a JSON file, checked against a schema.

    Raises OSError, or ValueError with the first mistake.
    """
    return checked(form, file_io.read_json(path))


def read_sealed(form: type[T], path: Path) -> T:
    """The value of a sealed JSON file, checked against a schema.

    Raises OSError, `OtherFormat`, or ValueError with the first mistake.
    """
    value = file_io.read_json(path)
    if isinstance(value, dict) and seal.KEY not in value and "format" not in value:
        raise OtherFormat(1)  # the first format had neither
    seal.verify(value)
    found = value.get("format")
    if found != FORMAT:
        raise OtherFormat(found)
    return checked(form, value)


class OtherFormat(ValueError):
    """A record of another version of specc."""

    def __init__(self, found: object) -> None:
        super().__init__(f"it has format {found}, and this version reads format {FORMAT}")
