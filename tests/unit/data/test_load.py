from __future__ import annotations

import numpy as np
import pytest
import torch

from specc.data.load import load
from specc.runtime.failure import RunFailure
from specc.runtime.fields import Data, Field, Support
from specc.runtime.noise import Noise

ANY = Support("any")
BINARY = Support("integers", 0, 1)


def field(name="x", column="x", shape=(), support=ANY, dtype="float32", **more):
    return Field(name, column, shape, dtype, support, at="a.yaml:3:9", **more)


def data(*fields, split=None):
    return Data("npz", {"path": "a.npz"}, split or {}, {f.name: f for f in fields})


def loaded(folder, *fields, dtype=torch.float32, split=None, **arrays):
    np.savez(folder / "a.npz", **arrays)
    return load(data(*fields, split=split), folder, dtype)


def batch(folder, *fields, **arrays):
    found = loaded(folder, *fields, **arrays)
    return found.part("train").batch(slice(0, 1000), Noise.at(0, 1))


def fails(code, folder, *fields, **arrays):
    with pytest.raises(RunFailure) as failure:
        loaded(folder, *fields, **arrays)
    assert failure.value.code == code
    return str(failure.value)


def test_plain_values(tmp_path):
    x = np.arange(6.0).reshape(2, 3)
    found = batch(tmp_path, field(shape=(3,)), x=x)
    torch.testing.assert_close(found["x"], torch.tensor(x, dtype=torch.float32))


def test_a_batch_is_no_window_on_the_data(tmp_path):
    found = loaded(tmp_path, field(shape=(3,), scale=2.0), x=np.ones((2, 3)))
    rows = found.part("train")
    for _ in range(2):
        assert rows.batch(slice(0, 2), Noise.at(0))["x"].unique().tolist() == [2.0]


def test_integers_stay_integers_and_numbers_take_the_precision(tmp_path):
    fields = field("y", "y", dtype="int64"), field()
    found = loaded(
        tmp_path, *fields, dtype=torch.float64, x=np.ones(4, "f4"), y=np.arange(4, dtype="u2")
    )
    values = found.part("train").batch(torch.tensor([2, 1]), Noise.at(0))
    assert values["y"].tolist() == [2, 1]
    assert values["y"].dtype == torch.int64
    assert values["x"].dtype == torch.float64


def test_shape_scale_threshold_and_one_hot(tmp_path):
    x = np.array([[0, 1, 2, 3], [4, 5, 6, 7]])
    fields = (
        field("a", shape=(2, 2), scale=0.5),
        field("b", shape=(4,), scale=0.1, binarize="threshold"),
        field("c", column="y", shape=(3,), one_hot=3, support=Support("onehot")),
    )
    found = batch(tmp_path, *fields, x=x, y=np.array([2, 0]))
    assert found["a"].tolist() == [[[0, 0.5], [1, 1.5]], [[2, 2.5], [3, 3.5]]]
    assert found["b"].tolist() == [[0, 0, 0, 0], [0, 0, 1, 1]]
    assert found["c"].tolist() == [[0, 0, 1], [1, 0, 0]]


@pytest.mark.parametrize("dtype", ["u1", "f4", "i8"])
def test_binarized_values_are_drawn_anew_with_their_own_probability(tmp_path, dtype):
    grey = np.tile(np.array([0, 51, 204, 255], dtype), (20_000, 1))
    found = loaded(
        tmp_path, field(shape=(4,), binarize="sample", support=BINARY, scale=1 / 255), x=grey
    )
    rows = found.part("train")
    first = rows.batch(slice(0, 20_000), Noise.at(0, 1))["x"]
    again = rows.batch(slice(0, 20_000), Noise.at(0, 1))["x"]
    other = rows.batch(slice(0, 20_000), Noise.at(0, 2))["x"]
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.unique().tolist() == [0, 1]
    means = first.double().mean(0)
    assert means[[0, 3]].tolist() == [0.0, 1.0]
    # Two means of 20,000 draws each: |z| < 4.5 fails a right program 7 times in a million.
    for mean, p in zip(means[1:3].tolist(), (0.2, 0.8), strict=True):
        assert abs(mean - p) < 4.5 * (p * (1 - p) / 20_000) ** 0.5


@pytest.mark.parametrize(
    ("support", "values", "says"),
    [
        (BINARY, [0, 1, 0.5], "`x`: row 2 of a.npz is 0.5, but the model needs 0 or 1"),
        (
            Support("integers", 0, 9),
            [1, 10],
            "row 1 of a.npz is 10, but the model needs an integer 0 to 9",
        ),
        (Support("integers", 0), [1, -1], "is -1, but the model needs an integer >= 0"),
        (
            Support("interval", 0, low_open=True),
            [1, 0],
            "row 1 of a.npz is 0, but the model needs a number > 0",
        ),
        (Support("interval", 0, 1), [0, 1, 1.5], "needs a number in [0, 1]"),
        (Support("interval", 0, 1, True, True), [0.5, 1], "needs a number in (0, 1)"),
        (Support("counts"), [1, 2.5], "a count 0, 1, 2"),
    ],
)
def test_the_first_value_out_of_the_support(tmp_path, support, values, says):
    message = fails("E0508", tmp_path, field(support=support), x=np.array(values))
    assert says in message
    assert message.startswith("a.yaml:3:9")


def test_a_bad_value_is_reported_by_row_and_column(tmp_path, monkeypatch):
    monkeypatch.setattr("specc.data.table.CHUNK", 1000)
    x = np.zeros((700, 3))
    x[699, 1] = 2
    message = fails("E0508", tmp_path, field(shape=(3,), support=BINARY), x=x)
    assert "row 699, column 1" in message


def test_grey_values_for_a_binary_node_get_a_way_out(tmp_path):
    message = fails("E0508", tmp_path, field(support=BINARY), x=np.array([0, 0.5]))
    assert "add `binarize: sample`" in message


def test_binarize_takes_probabilities_only(tmp_path):
    wanted = field(support=BINARY, binarize="sample")
    assert "a probability in [0, 1]" in fails("E0508", tmp_path, wanted, x=np.array([0.5, 2.0]))


def test_a_probability_may_miss_one_by_a_rounding_only(tmp_path):
    wanted = field(support=BINARY, binarize="sample", scale=0.1)
    assert len(loaded(tmp_path, wanted, x=np.array([0.0, 10.0000001])).part("train")) == 2
    assert "is 1.001" in fails("E0508", tmp_path, wanted, x=np.array([0, 10.01]))


def test_one_hot_classes_are_checked(tmp_path):
    wanted = field(shape=(3,), one_hot=3)
    assert "an integer 0 to 2" in fails("E0508", tmp_path, wanted, x=np.array([1, 3]))


def test_lists_of_numbers_become_ones_in_a_vector(tmp_path):
    """Rows of unequal length, with steps that have no number, one, and one twice."""
    notes = np.array([[21, 23], [-1, -1], [22, 22], [23, -1]], "i2")
    wanted = field(shape=(4, 3), many_hot=(21, 3), support=BINARY)
    found = batch(tmp_path, wanted, x=notes, x_lengths=np.array([3, 1]))["x"]
    assert found.dtype == torch.float32
    assert found[0].tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert found[1, 0].tolist() == [0, 0, 1]


@pytest.mark.parametrize("value", [20, 24, -2, 21.5])
def test_numbers_beyond_the_vector_are_refused(tmp_path, value):
    wanted = field(shape=(3,), many_hot=(21, 3))
    text = fails("E0508", tmp_path, wanted, x=np.array([[21.0, -1.0], [value, 22.0]]))
    assert "row 1, column 0" in text
    assert "an integer 21 to 23, or -1 for none" in text


def test_what_is_filled_up_behind_a_row_is_zero(tmp_path):
    """Not the entry of the number 0, where numbers begin at 0."""
    wanted = field(shape=(2, 3), many_hot=(0, 3), support=BINARY)
    x, lengths = np.array([[1], [2], [2]], "i2"), np.array([2, 1])
    assert batch(tmp_path, wanted, x=x, x_lengths=lengths)["x"][1, 1].tolist() == [0, 0, 0]


@pytest.mark.parametrize("kind", ["simplex", "onehot"])
def test_vectors_that_sum_to_one(tmp_path, kind):
    wanted = field(shape=(2,), support=Support(kind))
    assert len(loaded(tmp_path, wanted, x=np.eye(2)).part("train")) == 2
    fails("E0508", tmp_path, wanted, x=np.array([[1.0, 0.0], [0.4, 0.4]]))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_not_finite(tmp_path, value):
    x = np.array([[0.0, 1.0], [1.0, value]])
    assert "row 1, column 1 of a.npz is" in fails("E0512", tmp_path, field(shape=(2,)), x=x)


@pytest.mark.parametrize(
    "value, more, hint",
    [
        (np.nan, {}, ""),
        (
            np.nan,
            {"distribution": "normal"},
            "; or state in the node `x` how missing values are treated: `missing: ...`",
        ),
        (
            np.nan,
            {"distribution": "normal", "whole": "xu"},
            ": `x` is a part of `xu`, of which none can be missing",
        ),
        (np.inf, {"distribution": "normal"}, ""),
    ],
)
def test_what_to_do_where_a_value_is_not_finite(tmp_path, value, more, hint):
    """A part of a joint draw has no `missing`, and a value that is infinite is not missing."""
    with pytest.raises(RunFailure) as failure:
        loaded(tmp_path, field(**more), x=np.array([1.0, value]))
    assert failure.value.hint == "remove the row, or fill in the value" + hint


def test_texts_and_complex_numbers_are_no_data(tmp_path):
    assert "not numbers" in fails("E0508", tmp_path, field(), x=np.array(["a", "b"]))
    assert "not numbers" in fails("E0508", tmp_path, field(), x=np.array([1j]))


def test_shapes_that_do_not_fit(tmp_path):
    message = fails("E0511", tmp_path, field(shape=(5,)), x=np.zeros((2, 2, 3)))
    assert (
        "has values of shape [2, 3] a row in a.npz, and the model takes values of shape [5]"
        in message
    )
    assert "write `shape: [2, 3]`" in message


def test_a_column_that_is_not_there(tmp_path):
    assert "a.npz has y, z" in fails("E0503", tmp_path, field(), y=np.ones(2), z=np.ones(2))


def test_rows_that_disagree(tmp_path):
    wanted = field(), field("y", "y")
    message = fails("E0507", tmp_path, *wanted, x=np.ones(3), y=np.ones(2))
    assert "`y` has 2 rows in a.npz, but `x` has 3" in message


def test_a_part_that_is_not_there(tmp_path):
    found = loaded(tmp_path, field(), x=np.ones(10), split={"test": 0.5})
    with pytest.raises(RunFailure) as failure:
        found.part("valid")
    assert failure.value.code == "E0509"
    assert "it has train, test" in str(failure.value)


def test_the_digest_follows_the_values(tmp_path):
    first = loaded(tmp_path, field(), x=np.array([1.0, 2.0])).digest
    assert first == loaded(tmp_path, field(), x=np.array([1.0, 2.0])).digest
    assert first != loaded(tmp_path, field(), x=np.array([1.0, 2.5])).digest


def files(folder, **tables):
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text)


def from_files(folder, split):
    return load(Data("csv", {"path": "a.csv"}, split, {"x": field()}), folder, torch.float32)


def rows_of(found):
    return {
        name: rows.batch(slice(0, 99), Noise.at(0))["x"].tolist()
        for name, rows in found.parts.items()
    }


def test_a_part_from_a_file_of_its_own(tmp_path):
    files(tmp_path, a="x\n1\n2\n3\n4\n", b="x\n5\n6\n")
    found = from_files(tmp_path, {"test": {"path": "b.csv"}})
    assert rows_of(found) == {"train": [1, 2, 3, 4], "test": [5, 6]}
    mixed = from_files(tmp_path, {"test": {"path": "b.csv"}, "valid": 1})
    assert rows_of(mixed) == {"train": [1, 2, 3], "valid": [4], "test": [5, 6]}
    files(tmp_path, b="x\n5\n7\n")
    assert from_files(tmp_path, {"test": {"path": "b.csv"}}).digest != found.digest


def test_a_part_from_a_file_that_does_not_fit(tmp_path):
    files(tmp_path, a="x\n1\n2\n", b="y\n5\n6\n")
    with pytest.raises(RunFailure, match=r"b\.csv has y") as failure:
        from_files(tmp_path, {"test": {"path": "b.csv"}})
    assert failure.value.code == "E0503"
    with pytest.raises(RunFailure) as failure:
        from_files(tmp_path, {"test": {"path": "../b.csv"}})
    assert failure.value.code == "E0506"


def test_a_part_that_the_data_has_already(tmp_path):
    np.savez(tmp_path / "a.npz", train_x=np.ones(3), test_x=np.ones(2))
    np.savez(tmp_path / "b.npz", x=np.ones(2))
    wanted = data(field(), split={"test": {"path": "b.npz"}})
    with pytest.raises(RunFailure, match="has that part already"):
        load(wanted, tmp_path, torch.float32)
    wanted = data(field(), split={"valid": {"path": "b.npz"}})
    assert {n: len(r) for n, r in load(wanted, tmp_path, torch.float32).parts.items()} == {
        "train": 3,
        "test": 2,
        "valid": 2,
    }
    wanted = data(field(), split={"valid": {"path": "a.npz"}})
    with pytest.raises(RunFailure, match="has several parts"):
        load(wanted, tmp_path, torch.float32)


def test_folders_of_classes_must_agree(tmp_path):
    from PIL import Image

    for path in ("a/cat", "a/dog", "b/cat", "b/cow"):
        (tmp_path / path).mkdir(parents=True)
        Image.new("L", (2, 2)).save(tmp_path / path / "x.png")
    labels = {"y": Field("y", "label", (), "int64", Support("integers", 0, 1))}
    wanted = Data("images", {"path": "a"}, {"test": {"path": "b"}}, labels)
    with pytest.raises(RunFailure, match="classes of `y` are cat, cow, and cat, dog") as failure:
        load(wanted, tmp_path, torch.float32)
    assert failure.value.code == "E0509"
    (tmp_path / "b" / "cow").rename(tmp_path / "b" / "dog")
    assert len(load(wanted, tmp_path, torch.float32).part("test")) == 2


def test_bytes_stay_bytes(tmp_path):
    grey = np.zeros((4, 3), np.uint8)
    found = loaded(tmp_path, field(shape=(3,), scale=1 / 255), x=grey, dtype=torch.float64)
    rows = found.to(torch.device("cpu")).part("train")
    assert rows.fields["x"].raw.dtype == torch.uint8
    assert rows.batch(slice(0, 2), Noise.at(0))["x"].dtype == torch.float64


@pytest.mark.parametrize("dtype", [">f8", ">i4", "u2", "u4", "f2", "g", "?"])
def test_numbers_of_every_type(tmp_path, dtype):
    x = np.array([[0, 1], [1, 0]]).astype(dtype)
    assert batch(tmp_path, field(shape=(2,)), x=x)["x"].tolist() == [[0, 1], [1, 0]]


def test_unsigned_words_take_twice_their_bytes_and_no_more(tmp_path):
    found = loaded(tmp_path, field(dtype="int64"), x=np.array([0, 65535], "u2")).part("train")
    assert found.fields["x"].raw.dtype == torch.int32
    assert found.batch(slice(0, 2), Noise.at(0))["x"].tolist() == [0, 65535]


@pytest.mark.parametrize("flat", [False, True])
def test_a_matrix_of_data_is_a_cholesky_factor(tmp_path, flat):
    factors = np.array([[[1.0, 0], [0.5, 2]], [[2.0, 0], [-3, 0.1]]])
    stored = factors.reshape(2, 4) if flat else factors
    own = field(shape=(2, 2), support=Support("choleskyfactor"))
    assert batch(tmp_path, own, x=stored)["x"].shape == (2, 2, 2)
    for place, value in (((1, 0, 1), 0.5), ((1, 1, 1), -0.1), ((1, 1, 1), 0.0)):
        wrong = factors.copy()
        wrong[place] = value
        message = fails("E0508", tmp_path, own, x=wrong.reshape(stored.shape))
        assert "row 1" in message and "a Cholesky factor" in message


def test_a_matrix_of_data_is_positive_definite(tmp_path):
    own = field(shape=(2, 2), support=Support("positivedefinite"))
    good = [[2.0, 1.0], [1.0, 2.0]]
    assert batch(tmp_path, own, x=np.array([good, good]))["x"].shape == (2, 2, 2)
    for bad in ([[1.0, 2.0], [2.0, 1.0]], [[2.0, 1.0], [0.9, 2.0]], [[1.0, 1.0], [1.0, 1.0]]):
        message = fails("E0508", tmp_path, own, x=np.array([good, bad]))
        assert "row 1" in message and "positive eigenvalues" in message


def test_a_matrix_of_data_is_a_factor_of_correlations(tmp_path):
    own = field(shape=(2, 2), support=Support("corrcholesky"))
    batch(tmp_path, own, x=np.array([[[1.0, 0.0], [0.6, 0.8]]]))
    message = fails("E0508", tmp_path, own, x=np.array([[[1.0, 0.0], [0.6, 0.7]]]))
    assert "rows of norm 1" in message


def test_a_vector_of_data_rises(tmp_path):
    own = field(shape=(3,), support=Support("ordered"))
    batch(tmp_path, own, x=np.array([[-1.0, 0.5, 2.0]]))
    message = fails("E0508", tmp_path, own, x=np.array([[-1.0, 0.5, 0.5]]))
    assert "row 0, column 2" in message and "more than the entry before it" in message


def test_every_vector_of_a_field_is_on_the_simplex(tmp_path):
    """Two distributions in a row of four numbers."""
    own = field(shape=(2, 2), support=Support("simplex"))
    batch(tmp_path, own, x=np.array([[0.2, 0.8, 0.5, 0.5]]))
    message = fails("E0508", tmp_path, own, x=np.array([[0.1, 0.4, 0.2, 0.3]]))
    assert "part of a vector that sums to one" in message


def test_what_a_field_states_is_named(tmp_path):
    own = field(support=Support("interval", 0, low_open=True), constrain="positive")
    message = fails("E0508", tmp_path, own, x=np.array([1.0, -1.0]))
    assert "row 1 of a.npz is -1, but `constrain: positive` states" in message
