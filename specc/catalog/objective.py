"""What a named objective and a draw say of themselves. The compiler reads traits, never names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from specc.catalog.entry import Reference


@dataclass(frozen=True, slots=True)
class Objective:
    """A short name for an expression over the programs.

    The bound is the `reduction` over particles of the sum of the model's log-densities, less the
    guide's where `guided`. `finite` and `continuous` name the draw of a guided latent of that
    kind (`refuse` where none fits), `shared` that of a continuous global latent without a guide.
    `variable` is the bound's name in generated code and in metrics. `options` are the defaults of
    its options, and `meanings` what each of them does.
    """

    name: str
    title: str
    summary: str
    formula: str
    references: tuple[Reference, ...]
    example: str
    guided: bool
    variable: str
    reduction: Literal["mean", "logmeanexp"] = "mean"
    options: Mapping[str, int | float] = field(default_factory=lambda: MappingProxyType({}))
    meanings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    continuous: str = "pathwise"
    finite: str = "choose"
    shared: str = "refuse"


@dataclass(frozen=True, slots=True)
class Draw:
    """A way in which a random node's value comes about, and what it asks of the distribution.

    `options` lists the values of the draw's one option, the default first, and `meaning` what
    they decide. `leaves_out` says that
    data whose entries may be missing can ask for it, and that nothing is drawn then at all.
    """

    name: str
    summary: str
    formula: str
    references: tuple[Reference, ...]
    example: str
    option: str = ""
    options: tuple[str, ...] = ("",)
    meaning: str = ""
    needs_reparameterized: bool = False
    needs_finite: bool = False
    needs_continuous: bool = False
    needs_gaussian: bool = False
    samples: bool = False
    learns_point: bool = False
    leaves_out: bool = False
    under_logmeanexp: bool = True
