"""The squared maximum mean discrepancy between samples and data, as a loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.metric import NoOptions
from specc.catalog.registry import KERNELS
from specc.catalog.shorthand import (
    NodeName,
    NodeNames,
    NoLongForm,
    Outline,
    Shorthand,
    long_form,
    node_of,
    number,
    player,
    trainable_for,
)


class Conditional(NoOptions):
    """The kernel of the conditions: `{bandwidth: 0.1}`."""

    bandwidth: float = Field(
        1.0,
        description="The bandwidth b of the Gaussian kernel of `given`; class numbers with a "
        "small one are compared within their class.",
        gt=0,
        allow_inf_nan=False,
    )
    regularization: float = Field(
        1.0,
        description="The number r that is added to the diagonal of its matrix.",
        gt=0,
        allow_inf_nan=False,
    )


class Options(NoOptions):
    """`{mmd: {sample: model.x, kernel: energy}}`."""

    sample: NodeName = Field("model.x", description="The node whose draws are compared with data.")
    data: NodeName | None = Field(
        None, description="The data; by default those with the name of the node."
    )
    given: NodeNames = Field(
        (),
        description="Nodes that are part of both compared values, such as `[data.y]` of a "
        "conditional model.",
    )
    conditional: Conditional | None = Field(
        None,
        description="Compares the conditional distributions given `given` in place of the joint "
        "ones.",
    )
    kernel: Any = Field("rbf", description="The kernel.")
    bandwidth: float = Field(
        1.0, description="The bandwidth h of a kernel that has one.", gt=0, allow_inf_nan=False
    )


def expand(options: Mapping[str, Any], outline: Outline) -> str:
    """One player, which minimizes the discrepancy between samples and data."""
    sample = options["sample"]
    trained = trainable_for(outline, sample)
    ((kernel, own),) = options["kernel"].items()
    compared = [sample, options["data"] or f"data.{node_of(sample)}"]
    given, conditional = ", ".join(options["given"]), options["conditional"]
    if conditional is not None and not given:
        raise NoLongForm("a conditional distribution needs `given`", "conditional")
    scale = [options["bandwidth"]] if KERNELS[kernel].scaled else []
    numbers = [*map(number, [*scale, *_numbers(own)])]
    if conditional is not None:
        condition = given if len(options["given"]) == 1 else f"concat({given})"
        weights = map(number, (conditional["regularization"], conditional["bandwidth"]))
        loss = f"{kernel}_conditional_mmd({', '.join([*compared, condition, *weights, *numbers])})"
    else:
        values = [f"concat({value}, {given})" if given else value for value in compared]
        loss = f"{kernel}_mmd({', '.join([*values, *numbers])})"
    return long_form({"generator": player(loss, trained)})


def _numbers(options: Mapping[str, Any]) -> Iterator[float]:
    """The numbers in the options of a kernel, in order."""
    for value in options.values():
        yield from value if isinstance(value, (tuple, list)) else (value,)


ENTRY = Shorthand(
    name="mmd",
    title="squared maximum mean discrepancy",
    summary="One player: the generator of the samples minimizes the unbiased estimate of MMD^2 "
    "between samples and data, over the rows of a batch. With `given` the joint distributions are "
    "compared, with `conditional` the conditional ones. The kernels are those of the metric.",
    formula="MMD^2 = E k(x, x') + E k(y, y') - 2 E k(x, y), x sampled, y data; conditional: "
    "|C(x | c) - C(y | c)|^2, C the operators of conditional mean embeddings",
    references=(
        Reference("Li, Swersky and Zemel 2015, Generative moment matching networks", "eq. 3"),
        Reference("Dziugaite, Roy and Ghahramani 2015, Training generative networks", "eq. 3"),
        Reference("Gretton et al. 2012, A kernel two-sample test", "equation 4"),
        Reference("Ren et al. 2016, Conditional generative moment-matching", "section 3.1"),
    ),
    example="objective: {mmd: {sample: model.x, kernel: {rbf: {widths: [0.5, 1, 2]}}}}",
    expand=expand,
    Options=Options,
    named={"kernel": KERNELS},
)
