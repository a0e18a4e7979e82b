"""Shifts, scales, logits and their inverses, entry by entry, with numbers that the spec states."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from specc.catalog.bijection import Bijection
from specc.catalog.bijections.blocks.steps import chain, step
from specc.catalog.entry import Layer, Lowered, Reference, Shape
from specc.catalog.limits import MAX_LAYERS
from specc.catalog.link import LinkOptions, LinkShapeError
from specc.catalog.supports import REAL, Interval, Support, contains

Number = Annotated[float, Field(ge=-1e30, le=1e30)]
Inset = Annotated[float, Field(ge=0, lt=0.5)]
Factor = Annotated[float, Field(gt=1e-30, le=1e30)]
WHOLE = (-math.inf, math.inf)


class Step(BaseModel):
    """One map: a mapping with a single key."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    shift: Number | Literal["context"] | None = Field(
        None, description="x = u + shift; with `context`, x = u + h for `through: f(h)`."
    )
    scale: Factor | None = Field(None, description="x = scale u.")
    logit: Inset | None = Field(
        None, description="x = logit(a + (1 - 2 a) u), the transformation of a field `logit: a`."
    )
    sigmoid: Inset | None = Field(
        None, description="x = (sigmoid(u) - a) / (1 - 2 a), the inverse of `logit: a`."
    )

    @model_validator(mode="after")
    def _one(self) -> Step:
        if len(self.model_fields_set) != 1:
            raise ValueError("one of `shift`, `scale`, `logit` and `sigmoid`")
        return self

    @property
    def reads_context(self) -> bool:
        """Whether the step adds the context."""
        return self.shift == "context"

    def layer(self, shape: Shape) -> Layer:
        """The layer for values of a shape."""
        rank = {"rank": len(shape)}
        if self.reads_context:
            return step("fixed.Offset", shape)
        if self.shift is not None:
            return step("fixed.Shift", options={**rank, "shift": self.shift})
        if self.scale is not None:
            return step("fixed.Factor", options={**rank, "factor": self.scale})
        kind, inset = ("Logit", self.logit) if self.sigmoid is None else ("Sigmoid", self.sigmoid)
        return step(f"fixed.{kind}", options={**rank, "inset": inset})

    def end(self, u: float) -> float:
        """The image of an end of an interval."""
        if self.shift is not None:
            return u if self.reads_context else u + float(self.shift)
        if self.scale is not None:
            return u * self.scale
        return _logit(u, self.logit) if self.logit is not None else _expit(u, self.sigmoid or 0.0)

    def start(self, x: float) -> float:
        """The end of an interval of which x is the image."""
        if self.shift is not None:
            return x if self.reads_context else x - float(self.shift)
        if self.scale is not None:
            return x / self.scale
        return _expit(x, self.logit) if self.logit is not None else _logit(x, self.sigmoid or 0.0)

    def domain(self) -> Interval:
        """The numbers that the step maps."""
        if self.logit is None:
            return REAL
        return Interval(_expit(-math.inf, self.logit), _expit(math.inf, self.logit), True, True)


def _logit(u: float, inset: float) -> float:
    p = inset + (1 - 2 * inset) * u
    # The ends of the domain are exact for an inset of 0 alone.
    if p <= 1e-12 or p >= 1 - 1e-12:
        return math.copysign(math.inf, p - 0.5)
    return math.log(p) - math.log1p(-p)


def _expit(u: float, inset: float) -> float:
    p = 1 / (1 + math.exp(-u)) if u > -700 else 0.0
    return (p - inset) / (1 - 2 * inset)


Listed = Annotated[tuple[Step, ...], Field(strict=False, min_length=1, max_length=MAX_LAYERS)]


class Options(LinkOptions):
    """`{fixed: [{sigmoid: 0.05}, {scale: 256}]}`, or a single step, `{fixed: {shift: 1}}`."""

    fixed: Step | Listed = Field(description="The maps, in order, from the draw to the value.")

    @property
    def steps(self) -> tuple[Step, ...]:
        """The maps, in order."""
        return self.fixed if isinstance(self.fixed, tuple) else (self.fixed,)


def image(options: Options, support: Support) -> Support | None:
    """The image of an interval.

    Real numbers, if a step adds a context, whose numbers are not known.
    """
    found = support
    for each in options.steps:
        if not isinstance(found, Interval) or not contains(each.domain(), found):
            return None
        if each.reads_context:
            found = REAL
            continue
        low, high = each.end(found.low), each.end(found.high)
        found = Interval(
            low,
            high,
            (found.low_open or math.isinf(found.low)) and math.isfinite(low),
            (found.high_open or math.isinf(found.high)) and math.isfinite(high),
        )
    return found


def domain(options: Options) -> Support:
    """The largest interval that all steps map."""
    found = REAL
    for each in reversed(options.steps):
        own = each.domain()
        low = max(each.start(found.low), own.low)
        high = min(each.start(found.high), own.high)
        found = Interval(low, high, math.isfinite(low), math.isfinite(high))
    return found


def reads_context(options: Options) -> bool:
    """Whether a step adds the context."""
    return any(each.reads_context for each in options.steps)


def lower(options: Options, shape: Shape, context: int) -> Lowered:
    """A layer for each step."""
    wanted = math.prod(shape) if reads_context(options) else 0
    if context != wanted:
        raise LinkShapeError(
            f"adds a context with as many numbers as the value, {wanted}, and is given {context}",
            "give it a value of that shape, as in `through: f(h)`",
        )
    return Lowered((chain(tuple(each.layer(shape) for each in options.steps)),), shape)


ENTRY = Bijection(
    name="fixed",
    summary="Shifts, scales, logits and their inverses with the numbers that the spec states.",
    formula=(
        "shift b: x_i = u_i + b, log |det dx/du| = 0; shift context: x = u + h\n"
        "scale s: x_i = s u_i, log |det dx/du| = sum_i log s\n"
        "logit a: x_i = logit(p_i), p_i = a + (1 - 2 a) u_i,"
        " log |det dx/du| = sum_i log (1 - 2 a) / (p_i (1 - p_i))\n"
        "sigmoid a: x_i = (p_i - a) / (1 - 2 a), p_i = 1 / (1 + exp(-u_i)),"
        " log |det dx/du| = sum_i log p_i (1 - p_i) / (1 - 2 a)"
    ),
    references=(
        Reference(
            "Dinh, Sohl-Dickstein and Bengio (2017), Density estimation using Real NVP",
            "section 4.1, the logit of pictures",
        ),
        Reference(
            "Papamakarios, Pavlakou and Murray (2017), Masked autoregressive flow for density"
            " estimation",
            "appendix E.2, bits per pixel",
        ),
    ),
    example="{fixed: [{scale: 128}, {shift: 128}]}",
    Options=Options,
    lower=lower,
    domain=domain,
    range=lambda options: image(options, domain(options)) or REAL,
    image=image,
    conditional=reads_context,
    moves=True,
)
