from __future__ import annotations

import sys

import pytest
import torch

from specc.runtime import program
from specc.runtime.failure import RunFailure
from specc.runtime.noise import Noise
from specc.runtime.source_map import located
from tests.losses import computed
from tests.programs import making


def test_loss_takes_what_the_manifest_lists(tmp_path):
    loaded = program.load(making.copy("vae", tmp_path))
    batch = {"x": torch.ones(4, 64), "label": torch.zeros(4)}
    loss, _, parts = computed(loaded, batch, Noise.at(0, 1), 100)
    assert loss.shape == ()
    assert set(parts) == {"elbo", "log p(x | z)", making.KL}
    torch.testing.assert_close(loss, parts[making.KL] - parts["log p(x | z)"])


def takes_data_size(manifest):
    manifest["losses"][0]["scalars"] = {"data_size": {"kind": "data_size"}}


def test_data_size_is_passed_where_it_is_needed(tmp_path):
    folder = making.copy("vae", tmp_path, takes_data_size)
    making.edit(folder, "objective.py", "*, x: Tensor\n", "*, x: Tensor, data_size: int\n")
    making.edit(folder, "objective.py", "    return -elbo,", "    return -elbo * data_size,")
    loaded = program.load(folder)
    batch = {"x": torch.ones(4, 64)}
    one, *_ = computed(loaded, batch, Noise.at(0, 1), 1)
    ten, *_ = computed(loaded, batch, Noise.at(0, 1), 10)
    torch.testing.assert_close(ten, 10 * one)


def without_guide(manifest):
    del manifest["capabilities"]["guide.sample_and_log_prob"]
    known = manifest["parameters"]
    manifest["parameters"] = [own for own in known if own["name"].startswith("model.")]


def test_a_program_without_a_guide(tmp_path):
    folder = making.copy("linear", tmp_path, without_guide)
    making.edit(folder, "__init__.py", ", guide=Guide()", "")
    making.edit(folder, "objective.py", "model: Model, guide: Guide, noise", "model: Model, noise")
    making.edit(
        folder,
        "objective.py",
        "    z_loc, z_scale = guide.z_loc_scale(x) ",
        "    z_loc, z_scale = x[:, :2], 1.0 ",
    )
    loaded = program.load(folder)
    assert loaded.guide is None
    loss, *_ = computed(loaded, {"x": torch.ones(3, 5)}, Noise.at(0, 1), 3)
    assert loss.isfinite()


def test_a_missing_capability_is_named(tmp_path):
    loaded = program.load(making.copy("vae", tmp_path))
    with pytest.raises(RunFailure) as failure:
        loaded.require("model.energy", "annealing")
    assert failure.value.code == "E0805"
    assert "`vae` has no `model.energy`, which annealing needs" in failure.value.message
    assert "model.sample" in failure.value.hint


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda m: m["losses"][0].update(name="other"), "no loss `other`"),
        (lambda m: m["capabilities"].update({"model.energy": []}), "no method `model.energy`"),
        (lambda m: m["parameters"][0].update(shape=[9, 9]), "is (24, 6) in the code, not (9, 9)"),
        (lambda m: m["parameters"][0].update(name="model.w"), "`model.w` is absent in the code"),
    ],
)
def test_code_that_does_not_fit_its_manifest(tmp_path, change, says):
    with pytest.raises(RunFailure) as failure:
        program.load(making.copy("vae", tmp_path, change))
    assert failure.value.code == "E0808"
    assert says in failure.value.message


@pytest.mark.parametrize(
    ("old", "new"),
    [("from torch import", "from tortch import"), ("import annotations", "import annotations\n(")],
)
def test_code_that_cannot_be_imported(tmp_path, old, new):
    folder = making.copy("vae", tmp_path)
    making.edit(folder, "model.py", old, new)
    with pytest.raises(RunFailure, match="cannot be loaded") as failure:
        program.load(folder)
    assert failure.value.code == "E0808"


def test_two_copies_do_not_meet(tmp_path):
    path = list(sys.path)
    first = program.load(making.copy("vae", tmp_path / "a"))
    second = program.load(making.copy("vae", tmp_path / "b"))
    assert type(first.model) is not type(second.model)
    assert sys.path == path
    assert "vae" not in sys.modules


def test_a_failure_inside_names_the_node_and_the_line(tmp_path):
    loaded = program.load(making.copy("vae", tmp_path))
    with pytest.raises(RunFailure) as failure, located(loaded.folder):
        loaded.model.log_joint(z=torch.zeros(3, 7), x=torch.zeros(3, 64))
    assert failure.value.code == "E0809"
    assert failure.value.place == "vae.yaml:10:3"
    place = making.place("return self.decoder(z)")
    assert f"node `model.x` ({place})" in failure.value.message
    assert "mat1 and mat2" in failure.value.message
    assert isinstance(failure.value.__cause__, RuntimeError)


def test_a_failure_in_a_line_without_a_span_is_reported_at_its_caller(tmp_path):
    folder = making.copy("vae", tmp_path)
    making.edit(
        folder,
        "model.py",
        "        return self.decoder(z)\n",
        "        a = 1\n        return self.decoder(z) / []\n",
    )
    loaded = program.load(folder)
    with pytest.raises(RunFailure) as failure, located(loaded.folder):
        loaded.model.x_logits(torch.zeros(3, 6))
    assert failure.value.place == ""
    assert making.place("return self.decoder(z)", after=1) in failure.value.message


def test_a_failure_elsewhere_passes(tmp_path):
    folder = making.copy("vae", tmp_path)
    with pytest.raises(ZeroDivisionError), located(folder):
        _ = 1 / 0
