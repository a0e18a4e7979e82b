"""MNIST, from its four idx files."""

from __future__ import annotations

from types import MappingProxyType

from specc.catalog.entry import Reference
from specc.catalog.source import Column, Source
from specc.catalog.supports import UNIT_INTERVAL, Integers

ENTRY = Source(
    name="mnist",
    summary="70,000 handwritten digits of 28x28 grey values, with the published test part.",
    references=(
        Reference("LeCun, Bottou, Bengio and Haffner 1998", "Gradient-based learning, section III"),
    ),
    example=(
        "data: {source: mnist, fields: {x: {from: image, binarize: sample}}, split: {valid: 5000}}"
    ),
    fields=MappingProxyType(
        {
            "image": Column(
                "Grey values, 0 to 255 as parts of 255.", (784,), UNIT_INTERVAL, (28, 28)
            ),
            "label": Column("The digit.", (), Integers(0, 9)),
        }
    ),
    rows=MappingProxyType({"train": 60000, "test": 10000}),
)
