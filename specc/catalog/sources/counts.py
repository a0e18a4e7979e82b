"""A bag of words, stored sparsely: how often each word of a vocabulary stands in each document."""

from __future__ import annotations

from types import MappingProxyType

from specc.catalog.entry import Reference
from specc.catalog.source import Option, Source

ENTRY = Source(
    name="counts",
    summary="Documents as counts of words, from an npz file in compressed sparse rows.",
    references=(Reference("Harris et al. 2020", "Array programming with NumPy"),),
    example=(
        "data: {source: counts, path: ap_counts.npz, fields: "
        "{words: {from: counts, shape: [10473]}, length: {from: length}}, split: {test: is_test}}"
    ),
    fields=MappingProxyType({}),
    options=(
        Option(
            "path",
            "The file: `indptr`, `indices`, `counts` and `shape`. The columns are `counts` "
            "(a row a document, a number a word) and `length` (the words of each document).",
            required=True,
            kind="path",
        ),
    ),
)
