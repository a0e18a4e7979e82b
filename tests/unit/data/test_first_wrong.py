"""The first wrong value is named: field, row, column, file, what it is, and what the node holds."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from specc.data.load import load
from specc.runtime.failure import RunFailure
from specc.runtime.fields import Data, Field, Support

BINARY = Support("integers", 0, 1)


def field(shape=(), support=BINARY, **more):
    more = {"distribution": "bernoulli", **more}
    return Field("x", "x", shape, more.pop("dtype", "float32"), support, **more)


def fails(folder, source, options, wanted, split=None):
    with pytest.raises(RunFailure) as failure:
        load(Data(source, options, split or {}, {"x": wanted}), folder, torch.float32)
    return failure.value


def in_npz(folder, x, wanted):
    np.savez(folder / "a.npz", x=x)
    return fails(folder, "npz", {"path": "a.npz"}, wanted)


def in_csv(folder, text, wanted, **options):
    (folder / "a.csv").write_text(text)
    return fails(folder, "csv", {"path": "a.csv", **options}, wanted)


def test_row_column_file_and_node(tmp_path):
    x = np.zeros((40, 5))
    x[17, 3], x[20, 0] = -0.5, 9
    failure = in_npz(tmp_path, x, field((5,)))
    assert failure.message == (
        "`x`: row 17, column 3 of a.npz is -0.5, but a bernoulli node holds 0 or 1"
    )
    assert (failure.code, failure.exit_code) == ("E0508", 2)


@pytest.mark.parametrize("name", ["exponential", "uniform"])
def test_articles(tmp_path, name):
    wanted = field(support=Support("interval", 0), distribution=name)
    article = {"exponential": "an", "uniform": "a"}[name]
    assert f"but {article} {name} node holds" in str(in_npz(tmp_path, np.array([-1.0]), wanted))


def test_rows_of_a_csv_file_are_its_lines_and_columns_have_names(tmp_path):
    text = 'a,b\n1,0\n\n1,1\n"1",7\n'
    wanted, columns = field((2,)), {"x": ["a", "b"]}
    message = str(in_csv(tmp_path, text, wanted, columns=columns))
    assert "row 5, column 1 (`b`) of a.csv is 7" in message


def test_every_other_column_of_a_csv_file(tmp_path):
    columns = {"x": "*", "y": ["c"]}
    message = str(in_csv(tmp_path, "a,b,c\n1,3,0\n", field((2,)), columns=columns))
    assert "row 2, column 1 (`b`)" in message


@pytest.mark.parametrize("cell", ["", "NA", "nan", " null ", "?"])
def test_a_cell_without_a_value(tmp_path, cell):
    failure = in_csv(tmp_path, f"x,y\n1,1\n{cell},1\n", field())
    assert failure.code == "E0512"
    assert "`x`: row 3 of a.csv is missing (not a number)" in failure.message
    assert (
        failure.hint.startswith("remove the row, or fill in the value")
        and "`missing:" in failure.hint
    )


def test_a_missing_cell_in_a_column_that_no_field_takes(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,\n0,1\n")
    data = Data("csv", {"path": "a.csv"}, {}, {"x": field()})
    assert len(load(data, tmp_path, torch.float32).part("train")) == 2


def test_a_missing_value_in_json(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"x": 1}\n{"x": null}\n')
    failure = fails(tmp_path, "json", {"path": "a.jsonl"}, field())
    assert "row 2 of a.jsonl is missing" in failure.message


def test_a_part_of_its_own_is_checked_and_named(tmp_path):
    (tmp_path / "a.csv").write_text("x\n1\n0\n")
    (tmp_path / "b.csv").write_text("x\n1\n5\n")
    split = {"test": {"path": "b.csv"}}
    failure = fails(tmp_path, "csv", {"path": "a.csv"}, field(), split)
    assert "row 3 of b.csv is 5" in failure.message


@pytest.mark.parametrize(
    ("dtype", "values", "says"),
    [
        (
            "int64",
            [1, 2, 2.5],
            "row 2 of a.npz is 2.5, but a poisson node holds what fits the type",
        ),
        ("uint8", [1, 256], "row 1 of a.npz is 256"),
        ("uint8", [1, -1], "row 1 of a.npz is -1"),
        ("bool", [1, 2], "row 1 of a.npz is 2"),
    ],
)
def test_values_that_do_not_fit_their_type(tmp_path, dtype, values, says):
    wanted = field(support=Support("any"), dtype=dtype, distribution="poisson")
    assert says in str(in_npz(tmp_path, np.array(values), wanted))


def test_the_shown_value_is_the_one_that_the_node_would_get(tmp_path):
    wanted = field(support=Support("interval", 0, 1), scale=0.5)
    assert "row 1 of a.npz is 1.5" in str(in_npz(tmp_path, np.array([1, 3]), wanted))
