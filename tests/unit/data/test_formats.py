"""Tables as spreadsheets and other programs write them: read, or refused with what to do."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from specc.data.check import kind
from specc.data.read import tables_of
from specc.data.sources import reader
from specc.data.table import ALL
from specc.runtime.failure import RunFailure
from specc.runtime.fields import Data, Field, Support
from tests.unit.data.test_parquet import needs_arrow

ANY = Support("any")


def field(name="x", column="x", shape=(), **more):
    return Field(name, column, shape, "float32", ANY, at="a.yaml:3:9", **more)


def read(folder, name, *fields, split=None, source="csv", **options):
    """The columns of the fields, as numbers."""
    data = Data(source, {"path": name, **options}, split or {}, {f.name: f for f in fields})
    table = tables_of(data, folder)[""]
    return {n: c.raw.tolist() for n, c in table.parts[ALL].items()}


def csv(folder, text, *fields, encoding="utf-8", pack=lambda data: data, **options):
    (folder / "a.csv").write_bytes(pack(text.encode(encoding)))
    return read(folder, "a.csv", *(fields or (field(),)), **options)


def fails(code, read, *arguments, **options):
    with pytest.raises(RunFailure) as failure:
        read(*arguments, **options)
    assert failure.value.code == code
    assert failure.value.exit_code == 2
    return str(failure.value)


# what stands between two values


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_header_shows_the_delimiter(tmp_path, mark):
    assert csv(tmp_path, f"x{mark}y\n1.5{mark}2\n") == {"x": [1.5]}


def test_a_comma_in_quotes_is_none_of_the_header(tmp_path):
    text = 'x;"weight, kg"\n1.5;2\n'
    assert csv(tmp_path, text, field("w", "weight, kg")) == {"w": [2]}


def test_a_first_line_that_names_the_delimiter(tmp_path):
    assert csv(tmp_path, "sep=;\r\nx;y\r\n1.5;2\r\n") == {"x": [1.5]}
    message = fails("E0505", csv, tmp_path, "sep=;\nx;y\n1.5;2\na;2\n")
    assert "line 4, column `x`: 'a' is not a number" in message


def test_decimal_commas(tmp_path):
    text = "x;y\n1,5;2\n-,25;3\n7;4\n"
    message = fails("E0505", csv, tmp_path, text)
    assert 'with `decimal: ","` under `data:`' in message
    assert csv(tmp_path, text, decimal=",") == {"x": [1.5, -0.25, 7]}
    assert "'1.5' is not a number" in fails("E0505", csv, tmp_path, "x;y\n1.5;2\n", decimal=",")
    assert "no delimiter" in fails("E0505", csv, tmp_path, "x,y\n1,2\n", decimal=",")


# encodings


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_encodings(tmp_path, encoding, pack):
    text = "Größe,x\n1,2.5\n"
    assert csv(tmp_path, text, field("g", "Größe"), encoding=encoding, pack=pack) == {"g": [1]}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("Größe,x\n1,2\n".encode("latin1"), "not UTF-8 text: byte 0xf6"),
        ("x,y\n1,2\n".encode("utf-16-le"), "null bytes"),
        (b"PK\x03\x04rest", "an Excel sheet"),
        (b"BZh91AY", "packed with bzip2"),
        (gzip.compress(b"x\n1\n", mtime=0)[:-9], "end-of-stream"),
    ],
)
def test_what_is_no_text(tmp_path, data, says):
    (tmp_path / "a.csv").write_bytes(data)
    assert says in fails("E0505", read, tmp_path, "a.csv", field())


@pytest.mark.parametrize("source", ["csv", "json"])
def test_a_packed_file_that_is_larger_than_the_memory(tmp_path, monkeypatch, source):
    monkeypatch.setattr("specc.data.text.free_memory", lambda: 1 << 20)
    (tmp_path / "a").write_bytes(gzip.compress(b'{"x": 1}\n' * 100_000))
    assert "of memory" in fails("E0513", read, tmp_path, "a", field(), source=source)


# cells


@pytest.mark.parametrize("cell", ["1_700", "1_7.5", "\u0661\u0662", "0x1f", "1e", "--1", "1 700"])
def test_what_is_not_a_number(tmp_path, cell):
    message = fails("E0505", csv, tmp_path, f"x,y\n1,2\n{cell},3\n")
    assert f"line 3, column `x`: {cell!r} is not a number" in message


def test_hints_for_cells(tmp_path):
    for cell, hint in {
        "1_700": "without a mark between thousands",
        '"1,700"': "without a mark between thousands",
        "2024-01-31": "a date is not a number",
        "Ann": "write `categories: true` in the field, or in an order of yours `classes: {x: [Ann",
    }.items():
        assert hint in fails("E0505", csv, tmp_path, f"x,y\n{cell},2\n")


def test_texts_that_are_classes(tmp_path):
    text = "kind,x\nrose,1\n lily ,2\nNA,3\nrose,4\n"
    classes = {"kind": ["lily", "rose"]}
    found = csv(tmp_path, text, field("y", "kind"), field(), classes=classes)
    np.testing.assert_array_equal(found["y"], [1, 0, np.nan, 1])
    assert found["x"] == [1, 2, 3, 4]
    assert csv(tmp_path, text, classes=classes) == {"x": [1, 2, 3, 4]}
    other = {"kind": ["lily", "tulip"]}
    message = fails("E0505", csv, tmp_path, text, field("y", "kind"), classes=other)
    assert "line 2, column `kind`: 'rose' is not one of its classes lily, tulip" in message
    wrong = {"king": ["lily", "rose"]}
    message = fails("E0505", csv, tmp_path, text, field("y", "kind"), classes=wrong)
    assert "`classes` names the column `king`" in message


def test_classes_keep_their_names(tmp_path):
    (tmp_path / "a.csv").write_text("kind\nrose\nlily\n")
    options = {"path": "a.csv", "classes": {"kind": ["lily", "rose"]}}
    data = Data("csv", options, {}, {"y": field("y", "kind")})
    assert tables_of(data, tmp_path)[""].parts[ALL]["y"].classes == ("lily", "rose")


def test_truths_and_what_is_missing(tmp_path):
    found = csv(tmp_path, "x,y\nTrue,1\nfalse,2\n,3\nNA,4\n")["x"]
    np.testing.assert_array_equal(found, [1, 0, np.nan, np.nan])


def test_quotes_ends_of_lines_and_empty_lines(tmp_path):
    text = '"x", note \r\n"1.5","two\nlines, and ""more"""\r\n\r\n2,b\r\n   \r\n\r\n'
    assert csv(tmp_path, text) == {"x": [1.5, 2]}
    assert csv(tmp_path, "x,y\r1,2\r3,4\r") == {"x": [1, 3]}
    message = fails("E0505", csv, tmp_path, text + "a,b\r\n")
    assert "line 8, column `x`: 'a'" in message
    assert "does not end" in fails("E0505", csv, tmp_path, 'x,y\n1,"a\n2,b\n')


# what is used


def test_only_the_columns_that_are_used_are_read(tmp_path):
    text = "id,name,born,x,x2,x2\n7,Ann,2001-02-03,1.5,1,2\n8,Bob,?,2.5,1,2\n"
    assert csv(tmp_path, text) == {"x": [1.5, 2.5]}
    assert csv(tmp_path, text, split={"test": 0.5}) == {"x": [1.5, 2.5]}
    message = fails("E0505", csv, tmp_path, text, field("y", "name"))
    assert "line 2, column `name`: 'Ann' is not a number" in message
    assert "names `x2` at the columns 5 and 6" in fails(
        "E0505", csv, tmp_path, text, field("x2", "x2")
    )
    message = fails("E0503", csv, tmp_path, text, field("h", "height"))
    assert "a.csv has born, id, name, x" in message
    assert message.startswith("a.yaml:3:9: ")


def test_several_columns_are_one_field(tmp_path):
    text = "name,b,a,c\nAnn,1,2.5,0\nBob,3,4,1\n"
    assert csv(tmp_path, text, field("x", ("a", "b"), (2,))) == {"x": [[2.5, 1], [4, 3]]}
    options = {"columns": {"all": "*", "other": ["name"]}}
    message = fails("E0503", csv, tmp_path, text, field("x", ("a", "d"), (2,)))
    assert "has no `d`" in message
    assert csv(tmp_path, text, field("x", "all", (3,)), **options)["x"] == [[1, 2.5, 0], [3, 4, 1]]


def test_all_columns_are_those_of_numbers(tmp_path):
    """Text is left out; a column of numbers with a text in it is a slip of the file."""
    options = {"columns": {"all": "*"}}
    text = "name,b,a\nAnn,1,2.5\nBob,3,4\n"
    assert csv(tmp_path, text, field("x", "all", (2,)), **options)["x"] == [[1, 2.5], [3, 4]]
    slip = text + "Eve,l,5\n"
    message = fails("E0505", csv, tmp_path, slip, field("x", "all", (2,)), **options)
    assert "line 4, column `b`: 'l' is not a number" in message


def test_json_reads_what_is_used(tmp_path):
    (tmp_path / "a.json").write_text('[{"x": 1, "n": "Ann", "t": {"a": 1}, "m": [1, "b"]}]')
    assert read(tmp_path, "a.json", field(), source="json") == {"x": [1]}
    message = fails("E0503", read, tmp_path, "a.json", field("y", "z"), source="json")
    assert "a.json has m, n, t, x" in message


# parquet


def parquet(folder, arrays, *fields, **options):
    from pyarrow import Table
    from pyarrow import parquet as files

    names, values = zip(*arrays, strict=True)
    files.write_table(Table.from_arrays(list(values), list(names)), folder / "a.parquet")
    return read(folder, "a.parquet", *fields, source="parquet", **options)


@needs_arrow
def test_parquet_names_what_is_no_number(tmp_path):
    from decimal import Decimal

    import pyarrow as pa

    arrays = [
        ("x", pa.array([1, None, 3], pa.int8())),
        ("half", pa.array(np.array([1, 2.5, 6e4], "f2"))),
        ("codes", pa.array([7, 7, 9]).dictionary_encode()),
        ("dec", pa.array([Decimal("1.50"), None, Decimal("2.25")])),
        ("day", pa.array([1, 2, 3], pa.date32())),
        ("name", pa.array(["a", "b", "a"]).dictionary_encode()),
        ("deep", pa.array([[[1], [2]], [[3]], []])),
        ("both", pa.array([{"a": 1}] * 3)),
        ("none", pa.nulls(3)),
        ("twice", pa.array([1, 2, 3])),
        ("twice", pa.array([1, 2, 3])),
    ]
    found = parquet(tmp_path, arrays, field(), field("h", "half"), field("c", "codes"))
    np.testing.assert_array_equal(found["x"], [1, np.nan, 3])
    assert found["h"] == [1, 2.5, 6e4]
    assert found["c"] == [7, 7, 9]
    for name, holds in {
        "dec": "decimal numbers (decimal128(3, 2))",
        "day": "dates (date32[day])",
        "name": "texts (dictionary<",
        "deep": "lists (list<",
        "both": "records (struct<",
        "none": "no value at all (null)",
    }.items():
        message = fails("E0508", parquet, tmp_path, arrays, field("y", name))
        assert f"the field `y` is `{name}` of a.parquet, which holds {holds}" in message
    message = fails("E0505", parquet, tmp_path, arrays, field("y", "twice"))
    assert "two columns `twice`" in message


# numpy


@pytest.mark.parametrize(
    ("values", "holds"),
    [
        (np.zeros(2, "M8[ns]"), "dates (datetime64[ns])"),
        (np.zeros(2, "m8[s]"), "spans of time (timedelta64[s])"),
        (np.array(["a", "b"]), "texts (<U1)"),
        (np.array([b"a", b"b"]), "texts (|S1)"),
        (np.array([1j, 2]), "complex numbers (complex128)"),
        (np.zeros(2, [("a", "f4"), ("b", "M8[s]")]), "records ("),
    ],
)
@pytest.mark.parametrize("source", ["npz", "npy"])
def test_arrays_without_numbers(tmp_path, values, holds, source):
    path = tmp_path / f"a.{source}"
    np.save(path, values) if source == "npy" else np.savez(path, values=values)
    assert kind(values).startswith(holds)
    parts = {"x": field("x", "values")}
    from specc.data.read import failures

    table = tables_of(Data(source, {"path": path.name}, {}, parts), tmp_path)
    (failure,) = failures(table, Data(source, {}, {}, parts))
    assert failure.code == "E0508"
    assert f"the field `x` is `values` of {path.name}, which holds {holds}" in str(failure)


def test_arrays_that_are_not_used_are_not_read(tmp_path):
    objects = np.array([{"a": 1}, None], dtype=object)
    np.savez(tmp_path / "a.npz", x=np.ones(2), o=objects, is_test=np.array([True, False]))
    assert read(tmp_path, "a.npz", field(), source="npz") == {"x": [1, 1]}
    message = fails("E0505", read, tmp_path, "a.npz", field("y", "o"), source="npz")
    assert "`o` holds Python objects" in message
    message = fails("E0503", read, tmp_path, "a.npz", field("y", "z"), source="npz")
    assert "a.npz has is_test, o, x" in message
    table = reader("npz")({"path": "a.npz"}, tmp_path, {"x", "is_test"})
    assert set(table.masks) == {"is_test"}


@pytest.mark.parametrize("shape", [(0,), (0, 3)])
@pytest.mark.parametrize("source", ["npz", "idx"])
def test_no_rows(tmp_path, shape, source):
    from tests.unit.data.files import idx_bytes

    values = np.zeros(shape, np.uint8)
    np.savez(tmp_path / "a.npz", image=values)
    (tmp_path / "a.idx").write_bytes(idx_bytes(values))
    data = Data(source, {"path": "a.npz", "images": "a.idx"}, {}, {"x": field("x", "image", (3,))})
    assert "has no rows" in fails("E0505", tables_of, data, tmp_path)


def test_sizes_that_are_truths(tmp_path):
    head = b"{'descr': '<f4', 'fortran_order': False, 'shape': (True, 3), }".ljust(117) + b"\n"
    magic = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little")
    (tmp_path / "a.npy").write_bytes(magic + head + bytes(12))
    message = fails("E0505", read, tmp_path, "a.npy", field("x", "values", (3,)), source="npy")
    assert "shape (True, 3)" in message


# several lines as one row


def test_lines_that_are_one_row(tmp_path):
    fields = (field("x", shape=(2, 1)), field("y", "y", shape=(2,)), field("z", "z", shape=(2, 2)))
    text = "x,y\n1,5\n2,6\n3,7\n4,8.5\n"
    found = csv(tmp_path, text, *fields, columns={"z": ["x", "y"]}, lines_per_row=2)
    assert found["x"] == [[1, 2], [3, 4]] and found["y"] == [[5, 6], [7, 8.5]]
    assert found["z"] == [[[1, 5], [2, 6]], [[3, 7], [4, 8.5]]]


def test_lines_that_do_not_fill_the_rows(tmp_path):
    text = "x\n1\n2\n3\n"
    message = fails("E0505", csv, tmp_path, text, field(shape=(2,)), lines_per_row=2)
    assert "3 lines, which are not rows of 2 lines" in message and "lines_per_row" in message
