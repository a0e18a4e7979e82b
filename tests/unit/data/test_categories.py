"""`categories: true`: numbers of texts that the training rows teach, and that a run keeps."""

from __future__ import annotations

import json

import numpy as np
import pytest

import specc
from specc.data.categories import KEY
from specc.data.load import load
from specc.report.export import as_csv
from specc.runtime.failure import RunFailure
from specc.runtime.fields import Data, Field, Missing, Support
from specc.runtime.noise import Noise
from tests.unit.cli.running import run as specc_verb

THREE = Support("integers", 0, 2)
ROWS = ["rose", "tulip", "aster", "rose", "tulip", "aster", "rose", "rose"]


def field(support=THREE, shape=(), **more):
    return Field("y", "y", shape, "int64", support, categories=True, at="a.yaml:4:9", **more)


def read(folder, name, texts, own=None, split=None, record=None):
    source = name.partition(".")[2]
    if source == "csv":
        lines = "".join(f"{text},{n}\n" for n, text in enumerate(texts))
        (folder / name).write_text(f"y,n\n{lines}")
    elif source == "npz":
        np.savez(folder / name, y=np.array(texts))
    elif source == "json":
        (folder / name).write_text(json.dumps([{"y": text} for text in texts]))
    else:
        pyarrow = pytest.importorskip("pyarrow", reason="parquet is optional")
        parquet = pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pyarrow.table({"y": texts}), folder / name)
    data = Data(source, {"path": name}, split or {}, {"y": own or field()})
    return load(data, folder, record=record)


def values(found, part="train"):
    return found.part(part).batch(slice(0, 100), Noise.at(0))["y"].numpy()


@pytest.mark.parametrize("name", ["a.csv", "a.npz", "a.json", "a.parquet"])
def test_texts_are_numbered_in_their_order(tmp_path, name):
    found = read(tmp_path, name, ROWS)
    np.testing.assert_array_equal(values(found), [1, 2, 0, 1, 2, 0, 1, 1])
    assert found.record == {KEY.format("y"): {"values": ["aster", "rose", "tulip"]}}


@pytest.mark.parametrize("name", ["a.csv", "a.npz"])
def test_numbers_are_in_the_order_of_numbers(tmp_path, name):
    found = read(tmp_path, name, [10, 9, 100, 10])
    np.testing.assert_array_equal(values(found), [1, 0, 2, 1])
    assert found.record == {KEY.format("y"): {"values": ["9", "10", "100"]}}


def test_one_hot_vectors(tmp_path):
    own = field(Support("onehot"), (3,), one_hot=3)
    found = read(tmp_path, "a.csv", ROWS, own)
    np.testing.assert_array_equal(values(found).argmax(1), [1, 2, 0, 1, 2, 0, 1, 1])


def test_the_training_rows_alone_teach(tmp_path):
    found = read(tmp_path, "a.csv", ["b", "c", "b", "c", "b", "c"], split={"test": 2})
    np.testing.assert_array_equal(values(found, "test"), [0, 1])
    with pytest.raises(RunFailure) as failure:
        read(tmp_path, "a.csv", ["b", "c", "b", "c", "a", "a"], split={"test": 2})
    assert failure.value.code == "E0523"
    assert "`y` is 'a' in 2 rows of `test`, and in no training row" in failure.value.message
    assert "its categories are b, c" in failure.value.message


def test_a_record_decides_for_later_rows(tmp_path):
    record = {KEY.format("y"): {"values": ["tulip", "rose"]}}
    found = read(tmp_path, "a.csv", ["rose", "rose", "tulip"], record=record)
    np.testing.assert_array_equal(values(found), [1, 1, 0])
    assert found.record == record
    with pytest.raises(RunFailure, match="'aster' in 2 rows, and in no"):
        read(tmp_path, "a.csv", ROWS, record=record)
    with pytest.raises(RunFailure, match=r"run.json is damaged"):
        read(tmp_path, "a.csv", ROWS, record={})


def test_more_categories_than_classes(tmp_path):
    with pytest.raises(RunFailure) as failure:
        read(tmp_path, "a.csv", ["a", "b", "c", "d"])
    assert failure.value.code == "E0523"
    assert "has 4 categories in the training rows (a, b, c, d), and the model has 3 classes" in str(
        failure.value
    )


def test_missing_texts(tmp_path):
    with pytest.raises(RunFailure, match=r"row 3 of a\.csv is missing"):
        read(tmp_path, "a.csv", ["a", "", "b"])
    own = field(missing=Missing("y_known", (), filled=True))
    found = read(tmp_path, "a.csv", ["a", "NA", "b", "a"], own)
    rows = found.part("train").batch(slice(0, 4), Noise.at(0))
    np.testing.assert_array_equal(rows["y_known"], [True, False, True, True])
    np.testing.assert_array_equal(rows["y"][rows["y_known"]], [0, 1, 0])


def test_the_digest_knows_the_texts(tmp_path):
    first, second = (read(tmp_path, "a.csv", rows) for rows in (["a", "b"], ["a", "c"]))
    assert first.digest != second.digest


SPEC = """
specc: 1
name: flowers
data:
  source: flowers.csv
  fields: {x: {from: x, shape: []}, y: {from: y, shape: [], categories: true}}
model:
  x: {given: x}
  y: {observed: categorical, logits: net(x), classes: 3}
links: {net: linear}
objective: mle
train: {epochs: 1}
"""


def test_a_run_keeps_them_and_predicts_other_files(tmp_path, capsys):
    lines = "".join(f"{n % 7},{text}\n" for n, text in enumerate(ROWS))
    (tmp_path / "flowers.csv").write_text(f"x,y\n{lines}")
    (tmp_path / "flowers.yaml").write_text(SPEC)
    run = specc.load(tmp_path / "flowers.yaml").train(tmp_path / "run", device="cpu")
    (tmp_path / "new.csv").write_text("x,y\n1,tulip\n2,rose\n")
    found = run.predict(tmp_path / "new.csv", draws=5)["y"]
    np.testing.assert_array_equal(found.truth, [2, 1])
    assert specc_verb(capsys, "predict", tmp_path / "run", "--data", tmp_path / "new.csv").code == 0
    header, *lines = (tmp_path / "run" / "predictions.csv").read_text().splitlines()
    assert header == "x,y,y_p.aster,y_p.rose,y_p.tulip"
    best = found.mean.long().tolist()
    assert [line.split(",")[0] for line in lines] == ["1", "2"]
    assert [line.split(",")[1] for line in lines] == [["aster", "rose", "tulip"][n] for n in best]
    done = specc_verb(capsys, "sample", tmp_path / "run", "--out", tmp_path / "s.csv")
    assert done.code == 0
    drawn = {line.split(",")[-1] for line in (tmp_path / "s.csv").read_text().splitlines()[1:]}
    assert drawn <= {"aster", "rose", "tulip"} and drawn
    again = specc.load(tmp_path / "flowers.yaml")
    assert again.train(tmp_path / "run", resume=True, device="cpu").loaded.data.record


def test_labels_from_one_are_predicted_and_drawn_from_one(tmp_path):
    lines = "".join(f"{n % 7},{n % 3 + 1}\n" for n in range(9))
    (tmp_path / "flowers.csv").write_text(f"x,y\n{lines}")
    (tmp_path / "flowers.yaml").write_text(SPEC.replace("categories: true", "base: 1"))
    run = specc.load(tmp_path / "flowers.yaml").train(tmp_path / "run", device="cpu")
    found = run.predict(part="train", draws=5)["y"]
    np.testing.assert_array_equal(found.truth, np.arange(9) % 3 + 1)
    np.testing.assert_array_equal(found.mean, found.probabilities.argmax(1) + 1)
    assert set(run.sample(50)["y"].tolist()) == {1, 2, 3}
    assert set(run.sample(50, units="model")["y"].tolist()) == {0, 1, 2}


@pytest.mark.parametrize(
    ("field", "model", "source"),
    [
        ("categories: true", "categorical, logits: net(x), classes: 3, shape: []", ""),
        ("base: 1", "categorical, logits: net(x), classes: 3, shape: []", ""),
        ("one_hot: 3", "one_hot_categorical, logits: net(x), shape: [3]", ""),
        ("one_hot: 3, categories: true", "one_hot_categorical, logits: net(x), shape: [3]", ""),
        ("one_hot: 3, base: 1", "one_hot_categorical, logits: net(x), shape: [3]", ""),
        (
            "shape: []",
            "categorical, logits: net(x), classes: 3, shape: []",
            "classes: {y: [c, a, b]}",
        ),
    ],
)
def test_the_labels_of_a_table_are_those_of_the_data(field, model, source, tmp_path, capsys):
    """Whatever a field does with them; `npz` keeps one-hot vectors of samples."""
    names = ["c", "a", "b"] if source else ["1", "2", "3"] if "base" in field else ["a", "b", "c"]
    if field == "one_hot: 3":
        names = ["0", "1", "2"]
    rows = [names[n % 3] for n in range(9)]
    lines = "".join(f"{n % 3},{text}\n" for n, text in enumerate(rows))
    (tmp_path / "flowers.csv").write_text(f"x,y\n{lines}")
    spec = (
        "specc: 1\nname: flowers\n"
        f"data: {{source: csv, path: flowers.csv, {source}{source and ', '}"
        f"fields: {{x: {{from: x}}, y: {{from: y, {field}}}}}}}\n"
        f"model: {{x: {{given: x, shape: [1]}}, y: {{observed: {model}}}}}\n"
        "links: {net: {mlp: [8]}}\nobjective: mle\n"
        "train: {steps: 100, batch_size: 9, threads: 1, optimizer: {adam: {lr: 0.2}}}\n"
    )
    (tmp_path / "flowers.yaml").write_text(spec)
    specc.load(tmp_path / "flowers.yaml").train(tmp_path / "run", device="cpu")
    words = ["predict", tmp_path / "run", "--part", "train", "--draws", 2, "--out"]
    head, *lines = specc_verb(capsys, *words, "-").out.splitlines()
    assert head == "x.0,y," + ",".join(f"y_p.{name}" for name in names)
    assert [line.split(",")[:2] for line in lines] == [[str(n % 3), rows[n]] for n in range(9)]
    assert specc_verb(capsys, *words, tmp_path / "p.npz").code == 0
    with np.load(tmp_path / "p.npz") as found:
        assert found["y"].astype(str).tolist() == rows and found["y_p"].shape == (9, 3)
    words = ["sample", tmp_path / "run", "--part", "train", "--rows", 9, "--out"]
    head, *lines = specc_verb(capsys, *words, "-").out.splitlines()
    assert head == "x.0,y"
    agree = sum(line == f"{n % 3},{rows[n]}" for n, line in enumerate(lines))
    assert agree >= 7 and {line.split(",")[1] for line in lines} <= set(names)
    assert specc_verb(capsys, *words, tmp_path / "s.npz").code == 0
    with np.load(tmp_path / "s.npz") as found:
        assert found["y"].shape == ((9, 3) if "one_hot" in field else (9,))


def test_texts_with_a_comma_are_in_quotes():
    found = as_csv({"y": np.array(["a,b", 'c"d', "e"])})
    assert found.decode().splitlines() == ["y", '"a,b"', '"c""d"', "e"]


def test_texts_from_python(tmp_path):
    (tmp_path / "flowers.yaml").write_text(SPEC)
    data = {"x": np.arange(8.0), "y": np.array(ROWS, dtype=object)}
    run = specc.load(tmp_path / "flowers.yaml").train(tmp_path / "run", data=data, device="cpu")
    record = json.loads((tmp_path / "run" / "run.json").read_text())["data_record"]
    assert record == {KEY.format("y"): {"values": ["aster", "rose", "tulip"]}}
    assert run.loaded.rows("train").fields["y"].raw.tolist() == [1, 2, 0, 1, 2, 0, 1, 1]
