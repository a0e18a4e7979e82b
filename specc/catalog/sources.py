"""The sources of data: files of several formats, digits, and densities on the plane."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from specc.catalog.entry import Reference
from specc.catalog.source import NONE, Column, Columns, Option, Source
from specc.catalog.supports import REAL, UNIT_INTERVAL, Integers

PARTS = {
    "checkerboard": 4,
    "circles": 2,
    "clusters": 3,
    "moons": 2,
    "pinwheel": 5,
    "ring": 8,
    "spirals": 2,
}
"""The densities of `toy`, with the number of components of each."""


def _curves_given(options: Mapping[str, object]) -> Columns:
    """The columns, with the numbers of points of a curve; empty for invalid ones."""
    context, points = options.get("context", 10), options.get("points", 20)
    if not isinstance(context, int) or not isinstance(points, int):
        return NONE
    known = "; the first `known` entries count, the rest are zeros."
    return MappingProxyType(
        {
            "context_x": Column("The places of points that are known" + known, (context,), REAL),
            "context_y": Column("The values of points that are known" + known, (context,), REAL),
            "known": Column("The number of known points.", (), Integers(1, context)),
            "x": Column("The places of points to predict.", (points,), REAL),
            "y": Column("The values of points to predict.", (points,), REAL),
        }
    )


def _images_given(options: Mapping[str, object]) -> Columns:
    """The columns if the options state the size of the pictures; empty otherwise."""
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
            "label": Column("The number of the folder, in alphabetical order.", (), None),
        }
    )


def _point_clouds_given(options: Mapping[str, object]) -> Columns:
    """The columns, with the number of points of a cloud; empty for an invalid one."""
    points = options.get("points", 24)
    if not isinstance(points, int):
        return NONE
    return MappingProxyType(
        {
            "x": Column("The points of a cloud.", (points, 2), REAL),
            "label": Column(
                "The outline: 0 for a circle, 1 a square, 2 a diamond.", (), Integers(0, 2)
            ),
        }
    )


def _text_given(options: Mapping[str, object]) -> Columns:
    """The columns, with the number of characters in a row; empty for an invalid one."""
    length = options.get("length", 128)
    if not isinstance(length, int):
        return NONE
    return MappingProxyType(
        {
            "characters": Column("The characters of a row, as texts.", (length,), None),
            "start": Column("The place of the first character in the text.", (), Integers(0)),
        }
    )


def _toy_given(options: Mapping[str, object]) -> Columns:
    """The columns, with the number of components of the density; empty for an unknown one."""
    parts = PARTS.get(str(options.get("density")))
    if parts is None:
        return NONE
    return MappingProxyType(
        {
            "x": Column("A point of the plane.", (2,), REAL),
            "label": Column("The component of the density.", (), Integers(0, parts - 1)),
        }
    )


ENTRIES: tuple[Source, ...] = (
    Source(
        name="counts",
        summary="Documents as word counts, from an npz file in compressed sparse row format.",
        references=(Reference("Harris et al. 2020", "Array programming with NumPy"),),
        example=(
            "data: {source: counts, path: ap_counts.npz, fields: "
            "{words: {from: counts, shape: [10473]}, length: {from: length}}, split: "
            "{test: is_test}}"
        ),
        fields=MappingProxyType({}),
        options=(
            Option(
                "path",
                "The file: `indptr`, `indices`, `counts` and `shape`. The columns are `counts` "
                "(a row for each document, an entry for each word) and `length` (the number of "
                "words of each document).",
                required=True,
                kind="path",
            ),
        ),
    ),
    Source(
        name="csv",
        summary="The columns of a table with a header line, optionally compressed with gzip.",
        references=(Reference("Shafranovich 2005", "RFC 4180"),),
        example="data: {source: csv, path: a.csv, fields: {age: {from: age, shape: []}}}",
        options=(
            Option("path", "The file.", required=True, kind="path"),
            Option(
                "delimiter",
                "The separator of values; by default the first of comma, semicolon, tab and bar "
                "that the header contains.",
            ),
            Option("decimal", "The decimal mark: `.`, or `,` as in 1,5.", choices=(".", ",")),
            Option(
                "columns",
                "Columns of several numbers for each row: `{features: [age, height]}`, or "
                "`{features: '*'}` for all columns that no other list contains.",
                kind="columns",
            ),
            Option(
                "classes",
                "Columns of text that are read as class numbers, each with its texts in the "
                "order of the numbers 0, 1, ...: `{species: [setosa, versicolor]}`.",
                kind="classes",
            ),
            Option(
                "lines_per_row",
                "The number of lines that are one row: a column has a vector of that size in each "
                "row. With the number of all lines the row is the whole table, whose lines may "
                "depend on each other.",
                kind="number",
            ),
        ),
        endings=("csv",),
    ),
    Source(
        name="curves",
        summary="Curves drawn from a Gaussian process (length scale 1, noise 0.1), each with "
        "points that are known and points to predict, without a download.",
        references=(
            Reference("Garnelo et al. 2018, Conditional neural processes", "section 4.1.1"),
        ),
        example="data: {source: curves, fields: {x: {from: x}, y: {from: y}}}",
        given=_curves_given,
        options=(
            Option(
                "rows", "The number of curves, by default 20,000.", kind="number", most=1_000_000
            ),
            Option(
                "context",
                "The largest number of known points of a curve, by default 10.",
                kind="number",
                most=1000,
            ),
            Option(
                "points",
                "The number of points of a curve to predict, by default 20.",
                kind="number",
                most=1000,
            ),
            Option("seed", "The random seed of the curves, by default 0.", kind="number", least=0),
        ),
        split=MappingProxyType({"test": 0.2}),
        needs_folder=False,
    ),
    Source(
        name="digits",
        summary="1,797 handwritten digits of 8x8 grey values, without a download.",
        references=(
            Reference("Alpaydin and Kaynak 1998", "Optical Recognition of Handwritten Digits, UCI"),
        ),
        example="data: {source: digits, fields: {x: {from: image, binarize: sample}}}",
        fields=MappingProxyType(
            {
                "image": Column(
                    "Grey values, 0 to 16 as parts of 16.", (64,), UNIT_INTERVAL, (8, 8)
                ),
                "level": Column("Grey levels, integers 0 to 16.", (64,), Integers(0, 16), (8, 8)),
                "shade": Column("Four steps of grey, 0 to 3.", (64,), Integers(0, 3), (8, 8)),
                "label": Column("The digit.", (), Integers(0, 9)),
            }
        ),
        rows=MappingProxyType({"all": 1797}),
        split=MappingProxyType({"test": 0.2}),
        needs_folder=False,
    ),
    Source(
        name="idx",
        summary="Images (`image`) and labels (`label`) in idx files, optionally in gzip.",
        references=(
            Reference("LeCun, Cortes and Burges 1998", "the MNIST database, file formats"),
        ),
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
    ),
    Source(
        name="images",
        summary="Image files in a folder, or in one folder for each class.",
        references=(Reference("Boutell 1997", "PNG specification, RFC 2083"),),
        example=(
            "data: {source: images, path: faces, size: [28, 20], fields: {x: {from: image}}, "
            "split: {test: 0.1}}"
        ),
        given=_images_given,
        options=(
            Option(
                "path",
                "The folder. If it contains folders, each is a class, and the column `label` is "
                "the number of the folder in alphabetical order.",
                required=True,
                kind="path",
            ),
            Option(
                "size",
                "Height and width to which all pictures are scaled; without it all must have "
                "the same size.",
                kind="sizes",
            ),
            Option("channels", "1 for grey pictures (the default), 3 for colours.", kind="number"),
        ),
    ),
    Source(
        name="json",
        summary="The keys of a list of records, or of one record per line.",
        references=(Reference("Bray 2017", "RFC 8259"),),
        example="data: {source: json, path: a.jsonl, fields: {x: {from: scores, shape: [4]}}}",
        options=(
            Option(
                "path",
                "The file. A value is a number, true or false, or a list of numbers; lists of "
                "unequal length are padded with zeros, and the column `NAME_lengths` is their "
                "length.",
                required=True,
                kind="path",
            ),
        ),
        endings=("json", "jsonl"),
    ),
    Source(
        name="mnist",
        summary="70,000 handwritten digits of 28x28 grey values, with the published test set.",
        references=(
            Reference(
                "LeCun, Bottou, Bengio and Haffner 1998", "Gradient-based learning, section III"
            ),
        ),
        example=(
            "data: {source: mnist, fields: {x: {from: image, binarize: sample}}, split: "
            "{valid: 5000}}"
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
    ),
    Source(
        name="npy",
        summary="One array in an npy file, which is memory-mapped and read batch by batch.",
        references=(Reference("Harris et al. 2020", "Array programming with NumPy"),),
        example="data: {source: npy, path: a.npy, fields: {x: {from: values, shape: [13]}}}",
        options=(
            Option(
                "path", "The file; its array is the column `values`.", required=True, kind="path"
            ),
            Option("labels", "A second file with the same rows: the column `label`.", kind="path"),
        ),
        endings=("npy",),
    ),
    Source(
        name="npz",
        summary="The arrays of an npz file; nothing is unpickled.",
        references=(Reference("Harris et al. 2020", "Array programming with NumPy"),),
        example=(
            "data: {source: npz, path: a.npz, fields: {x: {from: features, shape: [13]}}, "
            'split: {test: "is_test[0]"}}'
        ),
        options=(
            Option(
                "path",
                "The file. Arrays `train`, `valid` and `test` (or `train_x`, ...) are parts of "
                "the column `values` (or `x`). If `x_lengths` (or `lengths`) has numbers of "
                "steps, the steps in `x` are split into rows and padded with zeros.",
                required=True,
                kind="path",
            ),
        ),
        endings=("npz",),
        publishes=True,
    ),
    Source(
        name="parquet",
        summary="The columns of a Parquet file; needs pyarrow, the extra `parquet`.",
        references=(Reference("Apache Parquet", "file format"),),
        example="data: {source: parquet, path: a.parquet, fields: {age: {from: age, shape: []}}}",
        options=(
            Option("path", "The file.", required=True, kind="path"),
            Option(
                "columns",
                "Columns of several numbers for each row: `{features: [age, height]}`, or "
                "`{features: '*'}` for all columns that no other list contains.",
                kind="columns",
            ),
        ),
        endings=("parquet",),
    ),
    Source(
        name="point_clouds",
        summary="Clouds of points on circles, squares and diamonds of random size around the "
        "origin, without a download. The points of a cloud are in random order.",
        references=(
            Reference(
                "Li et al. 2018, Point Cloud GAN", "section 4: point clouds of several shapes"
            ),
        ),
        example="data: {source: point_clouds, points: 24, fields: {x: {from: x}}}",
        given=_point_clouds_given,
        options=(
            Option(
                "rows", "The number of clouds, by default 20,000.", kind="number", most=1_000_000
            ),
            Option(
                "points",
                "The number of points in a cloud, by default 24.",
                kind="number",
                most=1000,
            ),
            Option("seed", "The random seed of the points, by default 0.", kind="number", least=0),
        ),
        split=MappingProxyType({"test": 0.2}),
        needs_folder=False,
    ),
    Source(
        name="text_file",
        summary="Windows of a text file, a character each, optionally compressed with gzip.",
        references=(
            Reference(
                "Graves 2013, Generating sequences with recurrent neural networks",
                "section 3, text a character at a time",
            ),
        ),
        example=(
            "data: {source: text_file, path: a.txt, length: 64, fields: "
            "{x: {from: characters, categories: true}}, split: {test: 100}}"
        ),
        given=_text_given,
        options=(
            Option("path", "The file.", required=True, kind="path"),
            Option(
                "length",
                "The number of characters in a row, by default 128.",
                kind="number",
                most=65_536,
            ),
            Option(
                "stride",
                "The number of characters from the start of a row to that of the next, by default "
                "`length`; with fewer characters rows overlap.",
                kind="number",
            ),
        ),
        endings=("txt",),
    ),
    Source(
        name="toy",
        summary="Points from a density on the plane, without a download.",
        references=(
            Reference(
                "Grathwohl et al. 2019",
                "FFJORD, section 4.1: the checkerboard, pinwheel and spirals",
            ),
        ),
        example="data: {source: toy, density: checkerboard, rows: 20000, fields: {x: {from: x}}}",
        given=_toy_given,
        options=(
            Option("density", "The density.", required=True, choices=tuple(PARTS)),
            Option(
                "rows", "The number of points, by default 20,000.", kind="number", most=10_000_000
            ),
            Option(
                "seed",
                "The random seed of the points, by default 0.",
                kind="number",
                least=0,
            ),
            Option(
                "rotate",
                "The angle in degrees by which all points are rotated around the origin.",
                kind="number",
                most=359,
            ),
        ),
        split=MappingProxyType({"test": 0.2}),
        needs_folder=False,
    ),
)
