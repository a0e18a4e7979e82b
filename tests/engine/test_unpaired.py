"""Two sources whose rows are not paired: their losses, and every command on their runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from specc.cli.main import main
from specc.engine import train
from specc.engine.storage.loaded_run import load_run
from specc.evaluate.sampling import sample
from specc.runtime.manifest import read as load_manifest
from specc.runtime.noise import Noise
from tests.engine.interruption import interrupted
from tests.engine.test_distributed import ended, start
from tests.engine.test_train import QUIET, RESUME, fails, losses, weights_hash
from tests.engine.test_written_players import made

SPEC = """\
specc: 1
name: unpaired
data:
  sources:
    labelled:
      source: toy
      density: moons
      rows: 30
      fields: {x: {from: x}, y: {from: label}}
      split: {valid: 6, test: {rows: 40, seed: 7}}
      batch_size: 6
    plain: {source: toy, density: moons, rows: 90, seed: 1, fields: {u: {from: x}},
      split: {valid: 10}}
model:
  x: {given: x}
  y: {observed: categorical, logits: classifier(x), classes: 2}
links:
  classifier: {mlp: [8]}
  critic: {mlp: [8]}
programs:
  moved:
    e: {latent: normal, loc: 0, scale: 0.1, shape: [2], plate: plain}
    v: {let: data.u + e}
objective:
  players:
    classifier:
      minimize: "-log_prob(model.y) + 0.5 * critic(moved.v) ** 2"
      links: [classifier]
    critic: {minimize: "critic(data.u) - critic(data.x)", links: [critic]}
train: {optimizer: {adam: {lr: 0.01}}, batch_size: 20, epochs: 4, validate_every: 1}
evaluate:
  log_p: {estimator: exact}
"""
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def settings(text=SPEC, **changes):
    """The spec with other settings of training."""
    given = ", ".join(f"{key}: {value}" for key, value in changes.items())
    return text.replace("validate_every: 1", f"validate_every: 1, {given}")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    root = tmp_path_factory.mktemp("unpaired")
    spec = root / "unpaired.yaml"
    spec.write_text(SPEC)
    assert main(["train", str(spec), "--out", str(root / "run"), "--threads=1", "--quiet"]) == 0
    return made(root, SPEC), root / "run"


def log_prob(program, x, y):
    return program.model.classifier(x).log_softmax(-1).gather(-1, y[:, None]).squeeze(-1)


def test_each_term_is_averaged_over_the_rows_of_its_own_source(finished):
    """Six labelled rows and twenty others: not a mean over all of them, nor over pairs."""
    program = load_run(finished[1]).program
    torch.manual_seed(0)
    batch = {"x": torch.randn(6, 2), "y": torch.randint(2, (6,)), "u": torch.randn(20, 2)}
    found = program.loss("critic", {}, batch, Noise.at(0, 1), {})
    values = program.networks.critic(batch["u"]), program.networks.critic(batch["x"])
    torch.testing.assert_close(found.loss, values[0].mean() - values[1].mean())
    together = torch.cat([values[0], -values[1]]).mean()
    assert not torch.allclose(found.loss, together, rtol=1e-3)

    found = program.loss("classifier", {}, batch, Noise.at(0, 1), {})
    moved = batch["u"] + 0.1 * Noise.at(0, 1).normal((20, 2))
    pulled = 0.5 * program.networks.critic(moved).square().mean()
    likelihood = log_prob(program, batch["x"], batch["y"]).mean()
    torch.testing.assert_close(found.loss, pulled - likelihood)
    torch.testing.assert_close(found.metrics["mean over labelled"], likelihood)
    torch.testing.assert_close(found.metrics["mean over plain"], -pulled)


def test_an_epoch_visits_the_longer_source_once(finished):
    """80 rows in batches of 20 and 24 in batches of 6."""
    assert [line["step"] for line in losses_of(finished[1])] == [4, 8, 12, 16]


def losses_of(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_validation_is_the_loss_on_all_held_out_rows(finished):
    loaded = load_run(finished[1])
    program, rows = loaded.program, loaded.batched("valid")
    assert [len(own) for own in rows.sources] == [6, 10]
    batch = rows.batch((slice(0, 6), slice(0, 10)), Noise.at(0, 1))
    with torch.no_grad():
        values = program.networks.critic(batch["u"]), program.networks.critic(batch["x"])
    wanted = (values[0].mean() - values[1].mean()).item()
    assert losses_of(finished[1])[-1]["valid"]["critic loss"] == pytest.approx(wanted, rel=1e-5)


def test_interrupted_and_resumed_is_uninterrupted(finished, tmp_path):
    code, run = finished
    with interrupted(epoch=1, number=2):
        fails("E0812", code, tmp_path / "run", QUIET)
    train.train(code, tmp_path / "run", RESUME)
    assert weights_hash(tmp_path / "run") == weights_hash(run)
    assert losses(tmp_path / "run") == losses(run)


def test_accumulated_batches_are_those_of_one_piece(tmp_path):
    """Without noise, micro-batches have the gradient of the batch."""
    text = SPEC.replace("scale: 0.1", "scale: 1e-8").replace("epochs: 4", "epochs: 2")
    weights = []
    for name, pieces in (("one", 1), ("two", 2)):
        code = made(tmp_path / name, settings(text, accumulate=pieces))
        train.train(code, tmp_path / name / "run", QUIET)
        program = load_run(tmp_path / name / "run").program
        weights.append(torch.cat([p.detach().flatten() for p in program.parameters()]))
    torch.testing.assert_close(*weights, rtol=1e-4, atol=1e-5)


def test_a_batch_that_has_no_equal_parts_is_refused(tmp_path):
    fails("E0826", made(tmp_path, settings(accumulate=4)), tmp_path / "run", QUIET)


def test_two_processes_make_the_steps_of_one(tmp_path):
    text = SPEC.replace("epochs: 4", "epochs: 2")
    train.train(made(tmp_path / "a", settings(text, accumulate=2)), tmp_path / "one", QUIET)
    codes, said = ended(start(made(tmp_path / "b", text), tmp_path / "two"))
    assert codes == [0, 0], said
    mine, theirs = (losses(tmp_path / name)[-1]["parts"] for name in ("one", "two"))
    assert mine.keys() == theirs.keys()
    assert all(mine[name] == pytest.approx(theirs[name], rel=1e-3, abs=1e-3) for name in mine)


def test_metrics_use_the_rows_of_the_source_of_the_model(finished, capsys):
    """`test` exists in one source alone: its 40 rows have labels."""
    assert main(["evaluate", str(finished[1])]) == 0
    printed = capsys.readouterr().out
    assert "40 rows of `test`" in printed
    assert "accuracy" in printed
    assert main(["report", str(finished[1])]) == 0


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "unpaired.yaml"
    path.write_text(SPEC)
    return path


def test_the_data_of_each_source_is_shown(spec, capsys, tmp_path):
    assert main(["data", str(spec), "--out", str(tmp_path / "data.png")]) == 0
    printed = capsys.readouterr().out
    assert "source labelled: toy" in printed
    assert "source plain: toy" in printed
    assert main(["data", str(spec), "--json"]) == 0
    sources = json.loads(capsys.readouterr().out)["sources"]
    assert sources["plain"]["parts"]["train"]["u"]["rows"] == 80
    assert set(sources["labelled"]["parts"]) == {"train", "valid", "test"}


def test_the_sources_and_the_means_are_explained(spec, capsys):
    assert main(["explain", str(spec)]) == 0
    printed = capsys.readouterr().out
    assert "    labelled  toy   6                x, y" in printed
    assert "    mean over the rows of plain: critic(data.u)" in printed


def test_two_specs_differ_in_a_source(spec, capsys):
    other = spec.with_name("other.yaml")
    other.write_text(SPEC.replace("batch_size: 6", "batch_size: 8").replace("seed: 1", "seed: 2"))
    assert main(["diff", str(spec), str(other)]) == 0
    printed = capsys.readouterr().out
    assert "the batch size of the source labelled: 6 -> 8" in printed
    assert "seed of the source plain: 1 -> 2" in printed


GIVEN = """\
specc: 1
name: given
data:
  sources:
    upright: {source: toy, density: clusters, rows: 20, fields: {a: {from: x}}}
    turned: {source: toy, density: clusters, rows: 50, rotate: 90, fields: {b: {from: x}}}
model:
  x: {given: a}
  y: {given: b}
  b: {let: f(x), shape: [2]}
  a: {let: f(y), shape: [2]}
links: {f: {mlp: [8]}}
objective: {minimize: "mse(model.a, data.b) + mse(model.b, data.a)"}
train: {batch_size: 10, epochs: 1}
"""


def test_samples_have_given_rows_of_both_sources(tmp_path):
    """Of four and ten rows of `test`, repeated to twelve."""
    train.train(made(tmp_path, GIVEN), tmp_path / "run", QUIET)
    drawn = sample(load_run(tmp_path / "run"), 12)
    assert drawn.values["a"].shape == drawn.values["b"].shape == (12, 2)
    assert torch.equal(drawn.given["x"][:4], drawn.given["x"][8:])
    assert torch.equal(drawn.given["y"][:2], drawn.given["y"][10:])
    assert not torch.equal(drawn.given["y"][:4], drawn.given["y"][4:8])


def test_the_rows_of_a_draw_without_data_are_counted(tmp_path):
    """A loss with noise for each row of a source takes data of it, which say how many there are."""
    text = SPEC.replace("{let: data.u + e}", "{let: 2 * e}")
    found = load_manifest(made(tmp_path, text))
    assert [loss.inputs for loss in found.losses] == [("x", "y", "u"), ("x", "u")]


SPECS = Path(__file__).parents[2] / "specs"
FEW = [f"--set=data.sources.{name}.rows=200" for name in ("upright", "turned")]


def test_the_gallery_trains_a_few_steps(tmp_path):
    """Translations are drawn beside the data of their set."""
    steps = ["--set=train.steps=5", "--set=train.batch_size=20", "--threads=1", "--quiet"]
    out = tmp_path / "run"
    assert main(["train", str(SPECS / "cyclegan.yaml"), "--out", str(out), *FEW, *steps]) == 0
    found = json.loads((out / "result.json").read_text())["evaluate"]
    assert set(found) == {"sliced_a", "sliced_b"}
    assert (out / "plane.png").is_file()


def test_pictures_are_translated(tmp_path):
    """The pictures of the run are translations of rows of the other source."""
    steps = ["--set=train.steps=3", "--set=train.batch_size=20", "--threads=1", "--quiet"]
    out = tmp_path / "run"
    assert main(["train", str(SPECS / "cyclegan_digits.yaml"), "--out", str(out), *steps]) == 0
    assert list(json.loads((out / "result.json").read_text())["evaluate"]) == ["sliced"]
    assert (out / "samples.png").is_file()
    assert (out / "samples/epoch-000001.png").is_file()
