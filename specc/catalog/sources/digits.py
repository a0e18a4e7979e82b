"""The 8x8 digits that ship with scikit-learn."""

from __future__ import annotations

from types import MappingProxyType

from specc.catalog.entry import Reference
from specc.catalog.source import Column, Source
from specc.catalog.supports import UNIT_INTERVAL, Integers

ENTRY = Source(
    name="digits",
    summary="1,797 handwritten digits of 8x8 grey values, without a download.",
    references=(
        Reference("Alpaydin and Kaynak 1998", "Optical Recognition of Handwritten Digits, UCI"),
    ),
    example="data: {source: digits, fields: {x: {from: image, binarize: sample}}}",
    fields=MappingProxyType(
        {
            "image": Column("Grey values, 0 to 16 as parts of 16.", (64,), UNIT_INTERVAL, (8, 8)),
            "level": Column("Grey levels, whole numbers 0 to 16.", (64,), Integers(0, 16), (8, 8)),
            "label": Column("The digit.", (), Integers(0, 9)),
        }
    ),
    rows=MappingProxyType({"all": 1797}),
    split=MappingProxyType({"test": 0.2}),
    needs_folder=False,
)
