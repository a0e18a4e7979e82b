"""The reference of optimizers, schedules, initializers and activations."""

from __future__ import annotations

import inspect
import re

from specc.catalog.links.blocks.activation import FORMULAS
from specc.catalog.links.blocks.initialization import STARTS, Start
from specc.language.schema.optimizers import OPTIMIZERS
from specc.language.schema.schedules import SCHEDULES
from specc.language.schema.value import Value
from specc.reference.entry import Entry, Page, Table, cited, code
from specc.reference.values import HEAD, options

INTRO = """`train:` names an optimizer and a schedule: `{optimizer: {adam: {lr: 0.001}}, schedule:
cosine}`. In the formulas g is the gradient of the loss plus weight_decay times theta, if that is an
option, t counts steps from 1, and all operations are elementwise. A link names its `init:` and its
`activation:`.
"""
UNITS = "A unit has n inputs, and a layer m outputs."
BIAS = {"default": "Biases start likewise."}
PAPER = re.compile(r"\(([A-Z][^()]*\d{4}[^()]*)\)")


def page() -> Page:
    """Return the page of optimizers, schedules, initializers and activations."""
    entries = (
        *(_named(name, "optimizer", model) for name, model in OPTIMIZERS.items()),
        *(_named(name, "schedule", model) for name, model in SCHEDULES.items()),
        *(_start(name, start) for name, start in STARTS.items()),
        *(_activation(name, formula) for name, formula in FORMULAS.items()),
    )
    return Page("training", "Training", INTRO, entries)


def _named(name: str, kind: str, model: type[Value]) -> Entry:
    summary, _, formula = inspect.cleandoc(model.__doc__ or "").partition("\n\n")
    return Entry(
        name=name,
        kind=kind,
        summary=PAPER.sub("", summary).replace(" .", "."),
        formula=inspect.cleandoc(formula),
        tables=options(model),
        example=f"train: {{{kind}: {name}}}",
        sources=tuple(PAPER.findall(summary)),
    )


def _start(name: str, start: Start) -> Entry:
    row = (code("gain"), "number > 0", code(start.gain), "A factor on every weight.")
    return Entry(
        name=name,
        kind="initializer",
        summary=start.summary,
        formula=start.formula,
        facts=(UNITS, BIAS.get(name, "Biases start at 0.")),
        tables=(Table(HEAD, (row,)),) if start.gain else (),
        example=f"links: {{f: {{mlp: [20], init: {name}}}}}",
        sources=cited(start.references),
    )


def _activation(name: str, formula: str) -> Entry:
    return Entry(
        name=name,
        kind="activation",
        summary="A function between two layers of a link, entry by entry.",
        formula=f"f(x) = {formula}",
        example=f"links: {{f: {{mlp: [20], activation: {name}}}}}",
    )
