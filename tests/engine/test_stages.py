"""Stages of training: what each moves and what not, its copies, and where a run can be killed."""

from __future__ import annotations

import pytest
import torch

from specc.engine import train
from specc.engine.loop import loop
from specc.engine.loop.epochs import Epochs
from specc.engine.loop.stages import rows_of_stage
from specc.engine.options import Options
from specc.engine.step.step import Step
from specc.engine.storage import checkpoint, run_folder
from specc.engine.storage.loaded_run import load_run
from specc.runtime.failure import RunFailure
from specc.runtime.noise import Noise
from tests.engine.interruption import interrupted
from tests.engine.processes import TRAIN, ranks
from tests.engine.test_compiled import CLOSE, compiles
from tests.engine.test_courses import state_hash
from tests.engine.test_distributed import ended, start
from tests.engine.test_train import QUIET, RESUME, fails, losses, weights_hash
from tests.engine.test_written_players import made

HEAD = """\
specc: 1
name: staged
data: {source: digits, fields: {x: {from: image, binarize: sample}}, split: {valid: 0.2}}
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [4]}
  x: {observed: bernoulli, logits: decoder(z)}
guide:
  z: {latent: normal, params: encoder(x)}
links:
  decoder: {mlp: [10], activation: tanh}
  encoder: {mlp: [10], activation: tanh, normalization: batch}
"""
STAGED = (
    HEAD
    + """\
objective:
  stages:
    - {name: first, elbo: {particles: 2}, links: [decoder, encoder], epochs: 2}
    - name: second
      iwae: {particles: 3}
      freeze: [encoder]
      epochs: 3
      optimizer: {sgd: {lr: 0.01, momentum: 0.9}}
train: {optimizer: {adam: {lr: 0.01}}, batch_size: 100, epochs: 4}
"""
)
ALONE = (
    HEAD
    + """\
objective: {elbo: {particles: 2}}
train: {optimizer: {adam: {lr: 0.01}}, batch_size: 100, epochs: 2}
"""
)
EVERYTHING = STAGED.replace(
    "epochs: 4}",
    "epochs: 4, ema: 0.9, early_stopping: {patience: 2, least: 0.2}, schedule: cosine}",
).replace("epochs: 3", "epochs: 5")
PLAYED = """\
specc: 1
name: played
data: {source: toy, density: ring, rows: 200, fields: {x: {from: x}}}
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [2]}
  x: {let: generator(z), shape: [2]}
links: {generator: {mlp: [8]}, d: {mlp: [8]}, e: {mlp: [8]}}
objective:
  stages:
    - {name: warm, minimize: "sum((model.x - model.z) ** 2)", links: [generator], epochs: 2}
    - name: game
      copy: {e: d}
      order: simultaneous
      players:
        critic: {minimize: "d(model.x) - d(data.x)", links: [d], clip_weights: 0.5, steps: 2}
        generator: {minimize: "-d(model.x) - e(model.x)", links: [generator]}
      epochs: 2
train: {batch_size: 50, seed: 3}
"""
COPIED = """\
specc: 1
name: copied
data: {source: digits, fields: {x: {from: image, scale: 0.0625}}}
model:
  a: {parameter: real, shape: [8, 64], init: normal}
  b: {parameter: real, shape: [64, 8]}
  x: {given: x}
  y: {observed: normal, loc: "r(a @ x) + q(x @ b)", scale: 1, shape: [64]}
links: {q: {mlp: [6], normalization: batch}, r: {mlp: [6], normalization: batch}}
objective:
  stages:
    - {name: one, mle: {}, links: [r, a], epochs: 1}
    - {name: two, mle: {}, freeze: [a, r], copy: {q: r, b: transpose(a)}, epochs: 1}
"""
COPIED = COPIED.replace("{from: image, scale: 0.0625}}", "{from: image}, y: {from: image}}")
CLASSES = """\
specc: 1
name: classes
data:
  source: digits
  fields: {x: {from: image}, y: {from: label}}
  split: {valid: 0.2, test: 0.1}
model:
  x: {given: x}
  y: {observed: categorical, logits: classifier(x), classes: 10}
links: {classifier: linear}
objective:
  stages:
    - {name: first, mle: {}, rows: {y: [0, 1, 2]}, epochs: 2}
    - {name: second, mle: {}, rows: {y: [5]}, epochs: 2}
    - {name: third, mle: {}, epochs: 1}
train: {optimizer: {sgd: {lr: 1}}, batch_size: 50, early_stopping: {patience: 5}}
"""
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def by_module(run):
    """The tensors of a finished run by name."""
    program = load_run(run).program
    return {name: value.clone() for name, value in checkpoint.named_tensors(program).items()}


def of(tensors, *prefixes):
    return {name: value for name, value in tensors.items() if name.startswith(prefixes)}


def assert_same(mine, theirs):
    assert mine.keys() == theirs.keys()
    different = [name for name in mine if not torch.equal(mine[name], theirs[name])]
    assert not different


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    root = tmp_path_factory.mktemp("stages")
    code = made(root, STAGED)
    train.train(code, root / "run", QUIET)
    train.train(made(root / "alone", ALONE), root / "alone run", QUIET)
    return code, root / "run", root / "alone run"


def test_the_first_stage_is_a_run_of_that_objective_alone(finished):
    _, run, alone = finished
    mine, theirs = losses(run), losses(alone)
    assert [m["loss"] for m in mine[:2]] == [m["loss"] for m in theirs]
    first = checkpoint._open(run / "checkpoints" / f"{theirs[-1]['step']:09d}")
    assert_same(dict(first.weights), dict(checkpoint.latest(alone).weights))


def test_the_second_one_does_not_move_what_it_freezes(finished):
    """Bit for bit, with the statistics of the normalization in the frozen link."""
    _, run, alone = finished
    mine, theirs = by_module(run), by_module(alone)
    frozen = of(theirs, "guide.encoder", "guide.z_")
    assert any("running_mean" in name for name in frozen) and len(frozen) > 6
    assert_same(of(mine, "guide.encoder", "guide.z_"), frozen)
    moved = of(theirs, "model.decoder")
    assert not any(torch.equal(mine[name], value) for name, value in moved.items())


def test_the_metrics_name_the_stage_and_count_on(finished):
    lines = run_folder.read_metrics(finished[1])
    assert [line["stage"] for line in lines] == ["first"] * 2 + ["second"] * 3
    assert [line["epoch"] for line in lines] == [1, 2, 3, 4, 5]
    assert [line["lr"] for line in lines] == [0.01] * 5
    assert "iwae" in lines[-1]["parts"] and "elbo" in lines[0]["parts"]


def test_the_optimizer_of_a_stage_is_its_own_and_starts_without_state(finished):
    _, run, _ = finished
    stored = checkpoint.latest(run).optimizer
    assert {name.rpartition("/")[2] for name in stored} == {"momentum_buffer"}
    assert all("/model.decoder" in name for name in stored)


@pytest.mark.parametrize("text", [STAGED, EVERYTHING], ids=["plain", "everything"])
def test_a_run_resumes_after_every_epoch_to_the_same_end(tmp_path, monkeypatch, text):
    code = made(tmp_path, text)
    whole = train.train(code, tmp_path / "whole", QUIET)
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    for epoch in range(1, whole.counters.epoch + 1):
        run, ends = tmp_path / f"run {epoch}", []
        with monkeypatch.context() as patch:
            patch.setattr(Epochs, "end_epoch", _killing(Epochs.end_epoch, ends, epoch))
            with pytest.raises(KeyboardInterrupt):
                train.train(code, run, QUIET)
        same_end(code, run, tmp_path / "whole")


def test_a_stage_trains_on_the_rows_of_its_classes(tmp_path):
    """Also its epochs count these rows, and so does its validation."""
    code = made(tmp_path, CLASSES)
    whole = train.train(code, tmp_path / "whole", QUIET)
    rows, stages = whole.loaded.rows("train"), whole.loaded.manifest.stages
    sizes = [len(rows_of_stage(whole.loaded, stage, "train")) for stage in stages]
    labels = rows.batch(slice(0, len(rows)), Noise.at(0))["y"]
    assert sizes == [int((labels < 3).sum()), int((labels == 5).sum()), len(rows)]
    steps = [-(-size // 50) for size in sizes]
    ends = [steps[0], 2 * steps[0], 2 * steps[0] + steps[1], 2 * (steps[0] + steps[1])]
    lines = run_folder.read_metrics(tmp_path / "whole")
    assert [line["step"] for line in lines] == [*ends, ends[-1] + steps[2]]
    losses_of = [line["valid"]["loss"] for line in lines]
    assert losses_of[1] < 0.3 and losses_of[3] < 0.1 < losses_of[4]


def test_a_run_whose_stages_have_rows_resumes_to_the_same_end(tmp_path, monkeypatch):
    code = made(tmp_path, CLASSES)
    train.train(code, tmp_path / "whole", QUIET)
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    for epoch in (1, 3):
        run, ends = tmp_path / f"run {epoch}", []
        with monkeypatch.context() as patch:
            patch.setattr(Epochs, "end_epoch", _killing(Epochs.end_epoch, ends, epoch))
            with pytest.raises(KeyboardInterrupt):
                train.train(code, run, QUIET)
        same_end(code, run, tmp_path / "whole")


def _killing(end_epoch, ends, epoch):
    def end(self, counters):
        ends.append(counters.epoch)
        if counters.epoch == epoch:
            raise KeyboardInterrupt
        return end_epoch(self, counters)

    return end


def same_end(code, run, whole):
    again = train.train(code, run, RESUME)
    assert losses(run) == losses(whole)
    assert weights_hash(run) == weights_hash(whole)
    assert state_hash(run) == state_hash(whole)
    assert_same(by_module(run), by_module(whole))
    mine = checkpoint.named_tensors(again.loaded.program)
    assert_same({name: value.detach() for name, value in mine.items()}, by_module(whole))


@pytest.mark.parametrize("where", ["save", "finish", "restore", "prepare", "begun", "middle"])
@pytest.mark.parametrize("every", [0.0, 30.0], ids=["saved often", "saved seldom"])
def test_a_run_killed_at_the_boundary_comes_to_the_same_end(tmp_path, monkeypatch, where, every):
    """Also where the weights of the best validation of the next stage are there already."""
    code = made(tmp_path, EVERYTHING)
    train.train(code, tmp_path / "whole", QUIET)
    monkeypatch.setattr(loop, "SAVE_EVERY", every)
    with monkeypatch.context() as patch:
        if where in ("begun", "middle"):
            patch.setattr(Step, "__call__", _killing_in_the_second(1 if where == "begun" else 38))
        else:
            patch.setattr(Epochs, where, _killing_at_the_boundary(where))
        with pytest.raises(KeyboardInterrupt):
            train.train(code, tmp_path / "run", QUIET)
    same_end(code, tmp_path / "run", tmp_path / "whole")


def _killing_in_the_second(count, step=Step.__call__):
    """A step that is killed as step `count` of the second stage, of 15 in an epoch."""
    made = []

    def stop(self, epoch, number, *rows):
        made.extend([number] if self.stage.number else [])
        if len(made) == count:
            raise KeyboardInterrupt
        return step(self, epoch, number, *rows)

    return stop


def _killing_at_the_boundary(where):
    """A method that is killed where the first stage ends or the second one starts."""
    original = getattr(Epochs, where)

    def kill(self, *args):
        ends = self.is_over or (where == "save" and args[0].in_stage.total == self.total)
        if self.stage.number == 1 or (where == "finish") or (where == "save" and ends):
            raise KeyboardInterrupt
        return original(self, *args)

    return kill


def test_a_stage_ends_early_and_the_next_one_starts_with_its_best_weights(tmp_path):
    text = STAGED.replace("epochs: 4}", "epochs: 4, early_stopping: {patience: 1, least: 1e9}}")
    code = made(
        tmp_path, text.replace("epochs: 2}", "epochs: 9}").replace("epochs: 3", "epochs: 9")
    )
    trained = train.train(code, tmp_path / "run", QUIET)
    # The first validation of each stage remains its best one, since none improves by 10^9.
    lines = run_folder.read_metrics(tmp_path / "run")
    assert [line["stage"] for line in lines] == ["first"] * 2 + ["second"] * 2
    first, second = (checkpoint.best(tmp_path / "run", stage=stage) for stage in (0, 1))
    assert [own.counters.total for own in (first, second)] == [lines[0]["step"], lines[2]["step"]]
    assert_same(of(dict(second.weights), "guide"), of(dict(first.weights), "guide"))
    final = checkpoint.named_tensors(trained.loaded.program)
    assert_same({n: v.detach() for n, v in final.items()}, dict(second.weights))
    assert_same(by_module(tmp_path / "run"), dict(second.weights))


def test_copies_are_made_where_the_stage_starts(tmp_path):
    code = made(tmp_path, COPIED)
    train.train(code, tmp_path / "run", QUIET)
    steps = run_folder.read_metrics(tmp_path / "run")[0]["step"]
    before = checkpoint._open(tmp_path / "run" / "checkpoints" / f"{steps:09d}").weights
    after = by_module(tmp_path / "run")
    assert_same(of(after, "model.a", "model.r"), of(dict(before), "model.a", "model.r"))
    starts = {}

    def note(loaded, stage, original=Epochs.__init__):
        def create(self, found, own):
            original(self, found, own)
            if own.number == 1:
                tensors = checkpoint.named_tensors(found.program)
                starts.update({n: t.detach().clone() for n, t in tensors.items()})

        return create

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Epochs, "__init__", note(None, None))
        train.train(code, tmp_path / "again", QUIET)
    assert torch.equal(starts["model.b"], starts["model.a"].mT)
    links = {n.removeprefix("model.r."): t for n, t in starts.items() if n.startswith("model.r.")}
    assert len(links) > 6 and any("running_var" in name for name in links)
    assert all(torch.equal(starts[f"model.q.{name}"], t) for name, t in links.items())
    assert not torch.equal(after["model.b"], starts["model.b"])


def test_a_copy_of_what_is_not_there_is_refused(tmp_path):
    code = made(tmp_path, COPIED)
    path = code / "manifest.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"source": "model.r"', '"source": "model.s"'), encoding="utf-8")
    with pytest.raises(RunFailure) as failure:
        train.train(code, tmp_path / "run", QUIET)
    assert failure.value.code == "E0808" and "model.s" in failure.value.message


def test_a_stage_of_players(tmp_path):
    """Also with another order of updates than the stage before."""
    code = made(tmp_path, PLAYED)
    train.train(code, tmp_path / "whole", QUIET)
    lines = run_folder.read_metrics(tmp_path / "whole")
    assert [
        set(line["parts"]) >= {"game_critic loss", "game_generator loss"} for line in lines
    ] == [
        False,
        False,
        True,
        True,
    ]
    steps = lines[1]["step"]
    before = checkpoint._open(tmp_path / "whole" / "checkpoints" / f"{steps:09d}").weights
    after = by_module(tmp_path / "whole")
    assert_same(
        {n.replace(".e.", ".d."): t for n, t in of(after, "networks.e.").items()},
        of(dict(before), "networks.d."),
    )
    with interrupted(epoch=2, number=1):
        fails("E0812", code, tmp_path / "half", QUIET)
    same_end(code, tmp_path / "half", tmp_path / "whole")


def test_the_interruption_names_the_stage(tmp_path):
    code = made(tmp_path, STAGED)
    with interrupted(epoch=3, number=4), pytest.raises(RunFailure) as failure:
        train.train(code, tmp_path / "run", QUIET)
    wanted = "interrupted in stage 2 of 2, second, after step 20 of 45;"
    assert failure.value.message.startswith(wanted)


def test_the_progress_names_the_stage(tmp_path, capsys):
    train.train(made(tmp_path, STAGED), tmp_path / "run", Options())
    said = capsys.readouterr().err
    assert "stage 1 of 2, first: epoch 2/2" in said
    assert "stage 2 of 2, second: epoch 3/3" in said


@pytest.mark.slow
@compiles
def test_a_compiled_stage_computes_what_the_eager_one_does(tmp_path):
    text = STAGED.replace(", normalization: batch", "")
    code = made(tmp_path, text.replace("train: {", "train: {compile: on, "))
    train.train(code, tmp_path / "compiled", QUIET)
    train.train(made(tmp_path / "eager", text), tmp_path / "plain", QUIET)
    facts, _ = run_folder.facts_of(tmp_path / "compiled")
    assert {name: own["compiled"] for name, own in facts["compile_stages"].items()} == {
        "first": True,
        "second": True,
    }
    mine, theirs = by_module(tmp_path / "compiled"), by_module(tmp_path / "plain")
    assert all(torch.allclose(mine[name], theirs[name], atol=CLOSE) for name in theirs)


def test_two_processes_go_through_the_stages_of_one(tmp_path):
    text = STAGED.replace(", normalization: batch", "")
    code = made(tmp_path, text)
    codes, said = ended(start(code, tmp_path / "run"))
    assert codes == [0, 0], said
    alone = made(tmp_path / "alone", text.replace("train: {", "train: {accumulate: 2, "))
    train.train(alone, tmp_path / "alone run", QUIET)
    mine, theirs = by_module(tmp_path / "run"), by_module(tmp_path / "alone run")
    assert all(torch.allclose(mine[name], theirs[name], atol=1e-5) for name in theirs)


def test_sharded_parameters_are_copied_and_frozen(tmp_path):
    """Two processes with rows of each parameter, also of the transposed one."""
    sharded = TRAIN.replace("quiet=True", "quiet=True, shard=True")
    text = COPIED.replace(", normalization: batch", "")
    codes, said = ended(ranks(sharded, made(tmp_path, text), tmp_path / "run"))
    assert codes == [0, 0], said
    alone = text.replace("objective:", "train: {accumulate: 2}\nobjective:")
    train.train(made(tmp_path / "alone", alone), tmp_path / "alone run", QUIET)
    mine, theirs = by_module(tmp_path / "run"), by_module(tmp_path / "alone run")
    assert all(torch.allclose(mine[name], theirs[name], atol=1e-5) for name in theirs)
