"""Probabilities of latents that are summed out: rows of a user, of a part, and in parts."""

import json

import numpy as np
import pytest
import torch

import specc
from specc.runtime.failure import RunFailure
from tests.unit.cli.running import run as specc_verb

MIXTURE = """\
specc: 1
name: mixture
data: {{source: npz, path: d.npz, fields: {{x: {{from: x}}}}}}
model:
  mean: {{parameter: real, shape: [2], init: [-1, 2]}}
  {latent}
  x: {{observed: normal, loc: "{loc}", scale: 1}}
objective: mle
train: {{optimizer: {{sgd: {{lr: 1.0e-12}}}}, batch_size: 3000, epochs: 1}}
"""
OF_ROWS = "z: {latent: categorical, probs: [0.3, 0.7]}"
OF_ALL = "z: {latent: categorical, probs: [0.3, 0.7], global: true}"


def trained(folder, latent, count=2500, loc="mean[z]", spec=MIXTURE, x=None):
    drawn = np.random.default_rng(0).normal(size=count).astype(np.float32)
    np.savez(folder / "d.npz", x=drawn if x is None else x)
    (folder / "mixture.yaml").write_text(spec.format(latent=latent, loc=loc))
    model = specc.load(folder / "mixture.yaml")
    return model.train(folder / "run", data_dir=folder)


def log_joint(x):
    """log p(z) + log p(x | z) of each row and value, but for a constant."""
    means, prior = torch.tensor([-1.0, 2.0]), torch.tensor([0.3, 0.7])
    return prior.log() - (x[:, None] - means) ** 2 / 2


def test_rows_of_a_user(tmp_path):
    run = trained(tmp_path, OF_ROWS)
    x = torch.tensor([0.4, -3.0, 5.0])
    found = run.posterior_probs(x)["z"]
    assert torch.allclose(found, log_joint(x).softmax(-1), atol=1e-6)
    with pytest.raises(RunFailure) as failure:
        run.posterior_probs({"y": x})
    assert failure.value.code == "E0510"


def test_a_part_in_several_batches(tmp_path, capsys):
    run = trained(tmp_path, OF_ROWS)
    out = tmp_path / "z.npz"
    told = specc_verb(
        capsys, "impute", run.folder, "--latents", "--part", "train", "--data-dir", tmp_path,
        "--out", out,
    )  # fmt: skip
    assert told.code == 0, told.err
    x = torch.as_tensor(np.load(tmp_path / "d.npz")["x"])
    rows = np.load(out)["z"]
    assert f"z: probabilities [{len(rows)}, 2]" in told.out
    wanted = log_joint(x).softmax(-1).numpy()
    order = np.lexsort(rows.T)
    assert len(rows) <= len(x)
    nearest = np.abs(rows[order][:, None, 0] - wanted[None, :, 0]).min(1)
    assert nearest.max() < 1e-6  # each row is one of the data
    assert "shared" not in run.result


def test_a_latent_of_all_rows_is_in_the_result(tmp_path, capsys):
    run = trained(tmp_path, OF_ALL, count=4)
    rows = run.loaded.rows("train", run.loaded.manifest.observed())
    x = torch.as_tensor(np.load(tmp_path / "d.npz")["x"])
    found = torch.tensor(run.result["shared"]["z"])
    assert abs(found.sum() - 1) < 1e-6
    assert len(rows) == len(x)
    assert torch.allclose(found, log_joint(x).sum(0).add(
        -(len(x) - 1) * torch.tensor([0.3, 0.7]).log()).softmax(-1), atol=1e-5)  # fmt: skip
    told = specc_verb(
        capsys, "impute", run.folder, "--latents", "--part", "train", "--data-dir", tmp_path,
        "--json",
    )  # fmt: skip
    assert json.loads(told.out)["latents"] == {"z": [2]}


def test_a_program_without_sums_is_refused(tmp_path):
    run = trained(tmp_path, "z: {let: 0, shape: []}", count=4, loc="mean[0] + z")
    with pytest.raises(RunFailure) as failure:
        run.posterior_probs(torch.zeros(2))
    assert failure.value.code == "E0805"


def test_a_file_in_either_units(tmp_path, capsys):
    """A standardized field of a file is converted from the units of the data, or not at all."""
    far = np.random.default_rng(0).normal(5, 3, size=400).astype(np.float32)
    scaled = MIXTURE.replace("{{from: x}}", "{{from: x, standardize: true}}")
    run = trained(tmp_path, OF_ROWS, spec=scaled, x=far)
    ours = torch.tensor([0.4, -1.5, 2.0])
    given = tmp_path / "rows.npz"
    record = run.loaded.data.record["x"]
    data = record["deviation"] * ours + record["mean"]
    for units, x in {"model": ours, "data": data}.items():
        np.savez(given, x=x.numpy())
        out = tmp_path / f"{units}.npz"
        told = specc_verb(
            capsys, "impute", run.folder, "--latents", "--file", given, "--units", units,
            "--data-dir", tmp_path, "--out", out,
        )  # fmt: skip
        assert told.code == 0, told.err
        found = torch.as_tensor(np.load(out)["z"])
        assert torch.allclose(found, log_joint(ours).softmax(-1), atol=1e-5), units


@pytest.mark.parametrize(
    "option",
    [("--draws", 16), ("--sweeps", 100), ("--seed", 0), ("--units", "model")],
    ids=lambda option: option[0],
)
def test_an_option_without_use_is_refused(option, tmp_path, capsys):
    (tmp_path / "run").mkdir()
    told = specc_verb(capsys, "impute", tmp_path / "run", "--latents", *option)
    assert told.code == 2
    assert f"{option[0]} has no use with --latents" in told.err


class Elsewhere(torch.Tensor):
    """A tensor of another device, as far as it must be moved before it is written."""

    def cpu(self):
        return self.as_subclass(torch.Tensor)


def test_probabilities_are_moved_to_the_cpu(tmp_path, monkeypatch):
    run = trained(tmp_path, OF_ROWS, count=4)
    method = run.program.model.posterior_probs

    def elsewhere(**given):
        return {name: value.as_subclass(Elsewhere) for name, value in method(**given).items()}

    monkeypatch.setattr(run.program.model, "posterior_probs", elsewhere)
    assert type(run.posterior_probs(torch.zeros(2))["z"]) is torch.Tensor


GUIDED = """
specc: 1
name: guided
data: {source: npz, path: d.npz, fields: {x: {from: x}}}
model:
  beta: {latent: categorical, logits: 0, classes: 2, draw: enumerate}
  z: {latent: normal, loc: "3 * beta", scale: 1}
  x: {observed: normal, loc: z, scale: 1}
guide: {z: {latent: normal, params: net(x)}}
links: {net: linear}
objective: elbo
train: {steps: 1, batch_size: 4, threads: 1}
"""


def test_sums_given_draws_of_a_guide_are_refused_with_the_reason(tmp_path, capsys):
    np.savez(tmp_path / "d.npz", x=np.arange(4.0))
    (tmp_path / "guided.yaml").write_text(GUIDED)
    run = specc.load(tmp_path / "guided.yaml").train(tmp_path / "run", device="cpu")
    with pytest.raises(RunFailure, match="`beta` is summed out given `z`, which") as failure:
        run.posterior_probs(torch.zeros(2))
    assert failure.value.code == "E0845"
    told = specc_verb(capsys, "impute", run.folder, "--latents")
    assert told.code == 2 and "E0845" in told.err and not (run.folder / "latents.npz").exists()
