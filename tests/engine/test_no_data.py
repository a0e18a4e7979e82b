"""A spec without data: a guide is fitted to a density by the reverse KL divergence."""

import json

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from specc.cli.main import main
from specc.compiler import compile
from specc.diagnostics.source import Source
from specc.engine.storage import run_folder
from specc.runtime.noise import Noise
from specc.runtime.program import load
from tests.losses import computed

SPEC = """specc: 1
name: reverse
model:
  z: {latent: normal, loc: 3, scale: 0.5, shape: [2]SHARED}
guide:
  m: {parameter: real, shape: [2]}
  s: {parameter: positive, shape: [2]}
  z: {latent: FAMILY, loc: m, scale: s}
objective: elbo
train: {batch_size: 16, steps: 300, optimizer: {adam: {lr: 0.05}}}
"""


def written(folder, shared="", family="normal"):
    path = folder / "spec.yaml"
    text = SPEC.replace("SHARED", shared).replace("FAMILY", family)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("shared", ["", ", global: true"])
def test_the_guide_becomes_the_density(tmp_path, shared):
    """KL(N(m, s) || N(3, 0.5)) is 0 at m = 3, s = 0.5; Adam is within 0.01 after 300 steps."""
    spec, run = written(tmp_path, shared), tmp_path / "run"
    assert main(["train", str(spec), "--out", str(run), "--quiet"]) == 0
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 300 and json.loads(lines[-1])["step"] == 300
    from specc.engine.storage.loaded_run import load_run

    guide = load_run(run).program.guide
    assert torch.allclose(guide.m, torch.tensor(3.0), atol=0.01)
    assert torch.allclose(guide.s, torch.tensor(0.5), atol=0.01)
    for verb in (["evaluate"], ["sample", "--out", str(tmp_path / "s.npz")], ["report"]):
        assert main([verb[0], str(run), *verb[1:]]) == 0
    assert main(["train", str(spec), "--out", str(run), "--resume", "--quiet"]) == 0


@pytest.mark.parametrize("shared", ["", ", global: true"])
def test_the_loss_is_the_divergence(tmp_path, shared):
    """In closed form, and as a mean over draws within 5 standard errors."""
    for family, tolerance in (("normal", 1e-6), ("laplace", None)):
        result, _ = compile(Source("s.yaml", written(tmp_path, shared, family).read_text()))
        folder = tmp_path / f"{family}{bool(shared)}"
        folder.mkdir()
        for name, text in result.files.items():
            (folder / name).write_text(text, encoding="utf-8")
        program, rows = load(folder), 1 if shared else 20_000
        assert program.manifest.data.options == {"rows": 1 if shared else 16}
        with torch.no_grad():
            q = (Normal if family == "normal" else torch.distributions.Laplace)(
                program.guide.m, program.guide.s
            )
            p = Normal(3.0, 0.5)
            loss, *_ = computed(program, {"row": torch.arange(rows)}, Noise.at(0), rows)
            if tolerance is not None:
                assert torch.allclose(loss, kl_divergence(q, p).sum(), rtol=tolerance)
            elif not shared:
                draws = q.sample((200_000,))
                ratio = (q.log_prob(draws) - p.log_prob(draws)).sum(-1)
                error = ratio.std() * (1 / rows + 1 / len(draws)) ** 0.5
                assert abs(loss - ratio.mean()) < 5 * error


def test_data_says_that_there_are_none(tmp_path, capsys):
    assert main(["data", str(written(tmp_path))]) == 2
    assert "reads no data" in capsys.readouterr().err


NOTHING = "specc: 1\nname: nothing\n{}train: {{steps: 2}}\n"


def test_points_without_data_follow_their_prior(tmp_path):
    """Without data the objective has the log prior of the points alone."""
    text = (
        "data: {source: digits, fields: {x: {from: image}}}\n"
        "model: {w: {latent: normal, loc: 0, scale: 1, global: true}}\nobjective: map\n"
    )
    spec = tmp_path / "s.yaml"
    spec.write_text(NOTHING.format(text), encoding="utf-8")
    assert main(["train", str(spec), "--out", str(tmp_path / "run"), "--quiet"]) == 0
    assert run_folder.facts_of(tmp_path / "run")


def test_states_that_no_data_depend_on_leave_nothing_to_learn(tmp_path, capsys):
    """Their density sums to one for all parameters, so the compiler refuses the spec."""
    text = (
        "plates: {t: {scan: 4}}\n"
        "model:\n  a: {parameter: real, shape: [3, 3]}\n"
        "  z: {latent: categorical, logits: 'a[z[t-1]]', initial: 0, classes: 3, plate: t}\n"
        "objective: mle\n"
    )
    spec = tmp_path / "s.yaml"
    spec.write_text(NOTHING.format(text), encoding="utf-8")
    assert main(["train", str(spec), "--out", str(tmp_path / "run"), "--quiet"]) == 2
    assert "error[E0423]" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
