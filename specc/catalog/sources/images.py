"""Folders of picture files."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from specc.catalog.entry import Reference
from specc.catalog.source import NONE, Column, Columns, Option, Source
from specc.catalog.supports import UNIT_INTERVAL


def given(options: Mapping[str, object]) -> Columns:
    """The columns, where the options say the size and the channels of every picture."""
    size, channels = options.get("size"), options.get("channels", 1)
    if not isinstance(size, tuple) or not isinstance(channels, int):
        return NONE
    height, width = size
    picture = (height, width) if channels == 1 else (channels, height, width)
    return MappingProxyType(
        {
            "image": Column(
                "Grey or colour values, 0 to 255 as parts of 255.",
                (channels * height * width,),
                UNIT_INTERVAL,
                picture,
            ),
            "label": Column("The number of the folder, in the order of their names.", (), None),
        }
    )


ENTRY = Source(
    name="images",
    summary="Picture files of a folder, or of a folder for each class.",
    references=(Reference("Boutell 1997", "PNG specification, RFC 2083"),),
    example=(
        "data: {source: images, path: faces, size: [28, 20], fields: {x: {from: image}}, "
        "split: {test: 0.1}}"
    ),
    given=given,
    options=(
        Option(
            "path",
            "The folder. Where it has folders in it, each is a class, and their numbers in "
            "the order of their names are the column `label`.",
            required=True,
            kind="path",
        ),
        Option(
            "size",
            "Height and width that every picture is brought to; without it all must have one size.",
            kind="sizes",
        ),
        Option("channels", "1 for grey pictures (the default), 3 for colours.", kind="number"),
    ),
)
