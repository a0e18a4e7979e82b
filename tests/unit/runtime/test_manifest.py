from __future__ import annotations

import json
from pathlib import Path

import pytest

from specc.runtime import manifest
from specc.runtime.failure import RunFailure
from tests.programs import making


def test_reads_every_part(tmp_path):
    found = manifest.read(making.copy("vae", tmp_path))
    assert found.name == "vae"
    assert found.data.fields["x"].column == "image"
    assert found.data.fields["x"].picture == (8, 8)
    assert (found.data.fields["x"].support.low, found.data.fields["x"].support.high) == (0, 1)
    assert found.losses[0].inputs == ("x",)
    assert found.latents("model") == ("z",)
    assert found.observed() == ("x",)
    assert found.capabilities["guide.sample_and_log_prob"] == ("x",)
    assert found.parameters["model.decoder.0.weight"] == (24, 6)


def test_the_likelihood_is_written_as_the_mathematics_writes_it():
    generated = Path(__file__).parents[3] / "generated"
    written = {
        name: manifest.read(generated / name).likelihood()
        for name in ("vae", "logistic_regression", "conditional_vae")
    }
    assert written["vae"] == "log p(x)"
    assert written["logistic_regression"] == "log p(y | x)"
    assert written["conditional_vae"].startswith("log p(x | ")


def scalar(m, declared):
    m["losses"][0]["scalars"] = {"weight": declared}


def state(m, **changes):
    baseline = {"name": "baseline", "shape": [], "dtype": "float32", "initial": 0}
    m["losses"][0]["state"] = [{**baseline, "layout": "replicated", **changes}]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda m: m.pop("nodes"), "the key `nodes` is missing"),
        (lambda m: m.update(format=7), "its format is 7"),
        (lambda m: m["losses"][0].update(inputs=["y"]), "takes `y`, which no data field gives"),
        (
            lambda m: m["losses"][0].update(inputs="x"),
            "`losses[0].inputs` is 'x', not of type list",
        ),
        (lambda m: m["data"]["fields"]["x"].update(shape=[-1]), "not a list of sizes"),
        (lambda m: m["data"]["fields"]["x"].update(shape=[True]), "not a list of sizes"),
        (lambda m: m["data"]["fields"]["x"].update(binarize="often"), "not `sample`"),
        (lambda m: m["nodes"]["model"]["z"].update({"global": 1}), "not of type bool"),
        (lambda m: m["capabilities"].update({"sample": []}), "not a program and a method"),
        (lambda m: m["capabilities"].update({"model.sample": [3]}), "not a list of names"),
        (lambda m: m["digests"].pop("math"), "`digests.math` is missing"),
        (lambda m: m.update(nodes=[]), "`nodes` is [], not of type dict"),
        (lambda m: scalar(m, {}), "`losses[0].scalars.weight.kind` is missing"),
        (lambda m: scalar(m, 1.0), "`losses[0].scalars.weight` is not an object"),
        (lambda m: state(m, layout="split"), "`losses[0].state[0].layout` is 'split', not one of"),
        (lambda m: state(m, dtype="complex64"), "`losses[0].state[0].dtype` is 'complex64'"),
        (lambda m: state(m, initial=None), "`losses[0].state[0].initial` is None, not of type"),
        (lambda m: state(m, layout="sharded"), "is sharded and has no axis to divide"),
        (lambda m: state(m, dtype="int64"), "is replicated, so it is a mean, and cannot be int64"),
    ],
)
def test_damage_is_reported_with_its_place(tmp_path, change, says):
    folder = making.copy("vae", tmp_path, change)
    with pytest.raises(RunFailure) as failure:
        manifest.read(folder)
    assert failure.value.code == "E0808"
    assert says in failure.value.message


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"format": 1'])
def test_not_a_manifest(tmp_path, text):
    folder = making.copy("vae", tmp_path)
    (folder / "manifest.json").write_text(text)
    with pytest.raises(RunFailure) as failure:
        manifest.read(folder)
    assert failure.value.code == "E0808"
    assert "damaged" in failure.value.message


def test_absent(tmp_path):
    with pytest.raises(RunFailure, match="not a folder of generated code"):
        manifest.read(tmp_path)


def test_numbers_without_bounds(tmp_path):
    folder = making.copy("linear", tmp_path)
    support = manifest.read(folder).data.fields["x"].support
    assert (support.low, support.high) == (-float("inf"), float("inf"))
    assert json.loads((folder / "manifest.json").read_text())["format"] == manifest.FORMAT
