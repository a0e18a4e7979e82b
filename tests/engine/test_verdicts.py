"""The verdict of `diff` on a checkpoint agrees with `train --resume` and `train --from`."""

from __future__ import annotations

import shutil

import pytest
import torch

from specc.codegen.package import package
from specc.comparison.compare import compare
from specc.compiler import front
from specc.diagnostics.source import Source
from specc.engine import train
from specc.engine.order.row_order import rows_per_epoch
from specc.engine.settings import settings_of
from specc.engine.storage import checkpoint, run_folder
from specc.engine.storage.loaded_run import fresh, load_run
from specc.engine.storage.warm_start import warm_start
from specc.engine.train import Options
from specc.runtime import manifest as manifests
from specc.runtime.failure import RunFailure

GIVEN = """\
specc: 1
name: given
data:
  source: digits
  split: {valid: 0.2, test: 0.2}
  fields: {x: {from: image, binarize: sample}, y: {from: label, one_hot: 10}}
model:
  y: {given: y}
  z: {latent: normal, loc: 0, scale: 1, shape: [3]}
  x: {observed: bernoulli, logits: 'decoder(z, y)'}
guide:
  z: {latent: normal, params: 'encoder(x, y)'}
links:
  decoder: {mlp: [8, 8], activation: tanh}
  encoder: {mlp: [8], activation: tanh, init: orthogonal}
objective: elbo
train: {optimizer: adam, batch_size: 100, steps: 4, ema: 0.9}
evaluate: {test: {estimator: elbo, particles: 1, data: test}}
"""

PAIR = """\
specc: 1
name: pair
data: {source: digits, fields: {x: {from: image, scale: 0.0625}}}
model:
  wide: {parameter: positive, shape: [64], init: 1.0}
  a: {latent: normal, loc: 0, scale: 1, shape: [2]}
  b: {latent: normal, loc: 0, scale: 1, shape: [2]}
  x: {observed: normal, loc: 'left(a) + right(b)', scale: wide}
guide:
  a: {latent: normal, params: 'to_a(x)'}
  b: {latent: normal, params: 'to_b(x)'}
links:
  left: {layers: [{linear: 6}, tanh, linear]}
  right: {layers: [{linear: 6}, tanh, linear]}
  to_a: {mlp: [6]}
  to_b: {mlp: [6]}
objective: elbo
train: {optimizer: {sgd: {lr: 0.0001, momentum: 0.5}}, batch_size: 100, steps: 4, clip: 1}
"""

RESUMES, ALL, SOME, NONE = "checkpoint-resumes", "all-tensors", "some-tensors", "breaks"
SAME = "cosmetic"

EDITS = [
    ("identical", GIVEN, [], "identical"),
    ("words", GIVEN, [("name: given", "name: given\ndoc: other words")], SAME),
    ("another name", GIVEN, [("name: given", "name: other")], SAME),
    ("a default written out", GIVEN, [("optimizer: adam", "optimizer: {adam: {lr: 0.001}}")], SAME),
    (
        "an objective's default",
        GIVEN,
        [("objective: elbo", "objective: {elbo: {particles: 1}}")],
        SAME,
    ),
    ("a rate that stays", GIVEN, [("steps: 4", "steps: 4, schedule: constant")], SAME),
    ("more steps", GIVEN, [("steps: 4", "steps: 6")], RESUMES),
    ("fewer steps", GIVEN, [("steps: 4", "steps: 2")], RESUMES),
    ("epochs for steps", GIVEN, [("steps: 4", "epochs: 1")], RESUMES),
    ("another rate", GIVEN, [("optimizer: adam", "optimizer: {adam: {lr: 0.01}}")], RESUMES),
    (
        "other betas",
        GIVEN,
        [("optimizer: adam", "optimizer: {adam: {betas: [0.5, 0.9]}}")],
        RESUMES,
    ),
    ("a schedule", GIVEN, [("steps: 4", "steps: 6, schedule: {cosine: {warmup: 0.1}}")], RESUMES),
    ("clipping", GIVEN, [("steps: 4", "steps: 6, clip: 1")], RESUMES),
    ("validation", GIVEN, [("steps: 4", "steps: 6, validate_every: 1")], RESUMES),
    ("early stopping", GIVEN, [("steps: 4", "steps: 6, early_stopping: {patience: 2}")], RESUMES),
    ("another figure", GIVEN, [("particles: 1", "particles: 2")], RESUMES),
    ("a renamed link", GIVEN, [("decoder", "gen")], RESUMES),
    (
        "two links exchange names",
        PAIR,
        [("left", "tmp"), ("right", "left"), ("tmp", "right")],
        RESUMES,
    ),
    ("a renamed node", PAIR, [("  a:", "  c:"), ("left(a)", "left(c)")], RESUMES),
    ("a renamed parameter", PAIR, [("wide", "spread")], RESUMES),
    (
        "all at once",
        GIVEN,
        [("decoder", "gen"), ("steps: 4", "steps: 6"), ("name: given", "name: new")],
        RESUMES,
    ),
    ("another seed", GIVEN, [("steps: 4", "steps: 4, seed: 1")], ALL),
    ("other batches", GIVEN, [("batch_size: 100", "batch_size: 50")], ALL),
    ("another optimizer", GIVEN, [("optimizer: adam", "optimizer: adamw")], ALL),
    ("amsgrad", GIVEN, [("optimizer: adam", "optimizer: {adam: {amsgrad: true}}")], ALL),
    ("momentum", PAIR, [("momentum: 0.5", "momentum: 0.9")], ALL),
    ("no mean of the weights", GIVEN, [(", ema: 0.9", "")], ALL),
    ("another precision", GIVEN, [("steps: 4", "steps: 4, precision: float64")], ALL),
    ("another split", GIVEN, [("test: 0.2", "test: 0.3")], ALL),
    ("another start", GIVEN, [("orthogonal", "zeros")], ALL),
    ("another start of a parameter", PAIR, [("init: 1.0", "init: 2.0")], ALL),
    ("another activation", GIVEN, [("tanh", "relu")], ALL),
    ("another objective", GIVEN, [("objective: elbo", "objective: {iwae: {particles: 2}}")], ALL),
    ("a warm-up", GIVEN, [("objective: elbo", "objective: {elbo: {warm_up: 0.5}}")], ALL),
    ("another prior", GIVEN, [("scale: 1", "scale: 2")], ALL),
    ("swapped arguments", GIVEN, [("decoder(z, y)", "decoder(y, z)")], ALL),
    ("swapped data", GIVEN, [("encoder(x, y)", "encoder(y, x)")], ALL),
    ("dropout", GIVEN, [("tanh", "tanh, dropout: 0.1")], ALL),
    ("dropout in a list", PAIR, [("tanh, linear", "tanh, dropout: 0.1, linear")], ALL),
    ("a list without its function", PAIR, [("tanh, linear", "linear")], ALL),
    ("a renamed link with another activation", GIVEN, [("decoder", "gen"), ("tanh", "relu")], SOME),
    (
        "that, and moved",
        GIVEN,
        [
            ("decoder", "gen"),
            ("tanh", "relu"),
            ("objective:", "moved: {model.decoder: model.gen}\nobjective:"),
        ],
        ALL,
    ),
    ("more dimensions", GIVEN, [("shape: [3]", "shape: [4]")], SOME),
    ("a normalization", GIVEN, [("tanh", "tanh, normalization: layer")], SOME),
    ("a layer less", GIVEN, [("[8, 8]", "[8]")], SOME),
    ("another model", PAIR, [], NONE),
]


def edited(text, changes):
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def planned(text):
    checked = front(Source("specs/spec.yaml", text), ())
    assert checked.plan is not None, checked.diagnostics
    return checked.plan


class Work:
    """A spec, its generated code, and a finished run of it."""

    def __init__(self, text, root):
        self.plan, self.run = planned(text), root / "run"
        train.train(written(self.plan, root), self.run, options(self.plan))


def written(plan, root):
    code = root / plan.graph.graph.spec.document.name
    code.mkdir(parents=True)
    for name, text in package(plan).items():
        (code / name).write_text(text, encoding="utf-8")
    return code


def options(plan, **more):
    document = plan.graph.graph.spec.document
    return Options(
        spec=plan.graph.graph.spec.source.text,
        quiet=True,
        threads=1,
        moved=document.moved,
        **more,
    )


@pytest.fixture(scope="module")
def works(tmp_path_factory):
    return {text: Work(text, tmp_path_factory.mktemp("work")) for text in (GIVEN, PAIR)}


@pytest.mark.parametrize(("name", "text", "changes", "verdict"), EDITS, ids=[e[0] for e in EDITS])
def test_diff_and_train_agree(works, tmp_path, name, text, changes, verdict):
    work = works[GIVEN if verdict == NONE else text]
    plan = planned(edited(text, changes))
    found = compare(work.plan, plan)
    assert found.verdict == verdict, found
    code = written(plan, tmp_path)
    shutil.copytree(work.run, tmp_path / "run")
    if verdict in (SAME, "identical", RESUMES):
        trained = train.train(code, tmp_path / "run", options(plan, resume=True))
        wanted = trained.loaded.settings.length(rows_per_epoch(trained.loaded.rows("train")))[1]
        assert trained.counters.total == max(4, wanted)
    else:
        before = checkpoint.latest(tmp_path / "run").counters
        with pytest.raises(RunFailure) as failure:
            train.train(code, tmp_path / "run", options(plan, resume=True))
        assert failure.value.code == "E0801"
        assert ("--from" in str(failure.value)) == (verdict != NONE)
        assert checkpoint.latest(tmp_path / "run").counters == before
    assert carried(work.run, code, plan) == (found.carried, found.tensors)


def carried(run, code, plan):
    """The number of tensors that `--from` copies, and the number of all tensors."""
    settings = settings_of(manifests.read(code).train)
    program = fresh(code, settings, torch.device("cpu"))
    try:
        taken = warm_start(run, program, plan.graph.graph.spec.document.moved)
    except RunFailure as failure:
        assert failure.code == "E0814"
        return 0, len(list(program.parameters()))
    return len(taken.loaded), len(taken.loaded) + len(taken.fresh)


# the resumed run is the same under other names


def resumed(work, folder, changes, text=GIVEN):
    """A copy of the run, resumed under an edited spec."""
    plan = planned(edited(text, changes))
    code = written(plan, folder)
    shutil.copytree(work.run, folder / "run")
    return code, train.train(code, folder / "run", options(plan, resume=True))


def stored(run, back):
    """Every tensor of the last checkpoint, under its previous name."""
    found = checkpoint.latest(run)
    return {
        edited_back(name, back): value
        for part in (found.weights, found.optimizer, found.averages)
        for name, value in part.items()
    }


def edited_back(name, back):
    for new, old in back:
        name = name.replace(new, old)
    return name


@pytest.mark.parametrize("steps", [2, 6])
def test_a_renamed_link_makes_the_same_steps(works, tmp_path, steps):
    """Weights, optimizer state and moving averages are equal bit for bit."""
    longer = [("steps: 4", f"steps: {steps}")]
    resumed(works[GIVEN], tmp_path / "a", longer)
    resumed(works[GIVEN], tmp_path / "b", [*longer, ("decoder", "gen")])
    one = stored(tmp_path / "a" / "run", [])
    other = stored(tmp_path / "b" / "run", [(".gen.", ".decoder.")])
    assert one.keys() == other.keys()
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_exchanged_names_exchange_tensors(works, tmp_path):
    swap = [("left", "tmp"), ("right", "left"), ("tmp", "right"), ("steps: 4", "steps: 2")]
    code, _ = resumed(works[PAIR], tmp_path, swap, PAIR)
    before = load_run(works[PAIR].run).program.state_dict()
    after = load_run(tmp_path / "run", code=code).program.state_dict()
    assert torch.equal(after["model.left.0.weight"], before["model.right.0.weight"])
    assert torch.equal(after["model.right.0.weight"], before["model.left.0.weight"])


def test_a_run_says_which_spec_it_was_under(works, tmp_path):
    resumed(works[GIVEN], tmp_path, [("steps: 4", "steps: 6"), ("decoder", "gen")])
    run = tmp_path / "run"
    facts, code = run_folder.facts_of(run)
    assert facts["revisions"] == [
        {
            "step": 4,
            "was": "given",
            "names": {"model.gen": "model.decoder"},
            "changes": ["model.decoder is now model.gen", "train.steps: 4 -> 6"],
        }
    ]
    assert code == run / "revisions/1/generated/given"
    assert "gen(z, y)" in (run / "revisions/1/spec.yaml").read_text()
    assert "decoder(z, y)" in (run / "spec.yaml").read_text()
    assert manifests.read(code).train["steps"] == 6


def test_a_change_that_was_killed_before_it_counted_is_made_anew(works, tmp_path):
    shutil.copytree(works[GIVEN].run, tmp_path / "start" / "run")
    left = tmp_path / "start" / "run" / "revisions" / "1"
    left.mkdir(parents=True)
    (left / "spec.yaml").write_text("half")
    work = type("Left", (), {"run": tmp_path / "start" / "run"})
    _, trained = resumed(work, tmp_path / "again", [("steps: 4", "steps: 6")])
    assert trained.counters.total == 6
    assert "steps: 6" in (tmp_path / "again" / "run" / "revisions/1/spec.yaml").read_text()


def test_the_rate_follows_the_new_schedule_from_the_step_reached(works, tmp_path):
    changes = [("steps: 4", "steps: 8, schedule: {linear: {final: 0.5}}")]
    resumed(works[GIVEN], tmp_path, changes)
    last = run_folder.read_metrics(tmp_path / "run")[-1]
    assert (last["step"], last["lr"]) == (8, pytest.approx(0.001 * (1 - 0.5 * 7 / 8)))


def test_columns_follow_their_arguments(works, tmp_path):
    """The density is unchanged, since each argument keeps its columns of the weight."""
    plan = planned(
        edited(GIVEN, [("decoder(z, y)", "decoder(y, z)"), ("encoder(x, y)", "encoder(y, x)")])
    )
    code = written(plan, tmp_path)
    program = fresh(code, settings_of(manifests.read(code).train), torch.device("cpu"))
    found = warm_start(works[GIVEN].run, program, {})
    assert "columns follow their arguments: model.decoder.0.weight" in found.sentence()
    before = load_run(works[GIVEN].run).program
    torch.manual_seed(0)
    x, y, z = torch.rand(5, 64).round(), torch.rand(5, 10), torch.randn(5, 3)
    with torch.no_grad():
        one, other = (p.model.log_joint(x=x, y=y, z=z) for p in (before, program))
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)
        pairs = zip(before.guide.z_loc_scale(x, y), program.guide.z_loc_scale(y, x), strict=True)
        for one, other in pairs:
            torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)
