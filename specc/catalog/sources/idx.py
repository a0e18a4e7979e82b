"""Files in the format of MNIST."""

from __future__ import annotations

from specc.catalog.entry import Reference
from specc.catalog.source import Option, Source

ENTRY = Source(
    name="idx",
    summary="Pictures (`image`) and labels (`label`) in idx files, packed with gzip or not.",
    references=(Reference("LeCun, Cortes and Burges 1998", "the MNIST database, file formats"),),
    example=(
        "data: {source: idx, images: a-idx3-ubyte.gz, fields: {x: {from: image, shape: [784]}}}"
    ),
    options=(
        Option(
            "images",
            "The file of the pictures; bytes become parts of 255.",
            required=True,
            kind="path",
        ),
        Option("labels", "The file of the labels.", kind="path"),
        Option("test_images", "The pictures of a test part.", kind="path", part="test"),
        Option("test_labels", "The labels of a test part.", kind="path"),
    ),
)
