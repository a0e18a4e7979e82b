"""Two processes with sharded parameters make the steps and the files of one process."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from specc.engine import train
from specc.engine.settings import FUSED, OPTIMIZERS
from specc.engine.storage import checkpoint, file_io, run_folder
from specc.engine.storage.loaded_run import load_run
from specc.engine.storage.sharded import BY_ELEMENT
from tests.engine.processes import ranks
from tests.engine.test_distributed import SLOWLY
from tests.engine.test_train import QUIET, RESUME, losses, wait_for
from tests.programs import making

TRAIN = """
import json, os, shutil, signal, sys
from pathlib import Path
from specc.engine import device
device.prepare()
import torch.distributed as dist
from specc.engine import train
from specc.engine.loop import loop
from specc.engine.loop.epochs import Epochs
from specc.engine.step.step import Step
from specc.engine.storage.sharded_file import Writer
from specc.runtime.failure import RunFailure
rank = int(os.environ["RANK"])
loop.READ_EVERY = 5
asked = {"stop": None, "full": False, "held": None}
valid = []

def numel(tensors):
    return sum(t.numel() for t in tensors)

validate = Epochs._validate
def measure(self, counters):
    valid.append(validate(self, counters))
    return valid[-1]
Epochs._validate = measure

finish = Epochs.finish
def count(self, storage):
    (player,) = self.players
    rows = [p.to_local() for p in self.loaded.program.parameters() if p.dim()]
    memory = [s for p in player.parameters for s in player.optimizer.state[p].values()]
    asked["held"] = {
        "parameters": numel(player.parameters),
        "gradients": numel(p.grad for p in player.parameters),
        "memory": numel(s for s in memory if s.dim()),
        "means": numel(self.ema.mean.values()) if self.ema else 0,
        "program": numel(rows),
        "valid": valid[-1] if valid else None,
    }
    return finish(self, storage)
Epochs.finish = count

step = Step.__call__
def stop(self, epoch, number, index):
    if rank == 1 and [epoch, number] == asked["stop"]:
        signal.raise_signal(signal.SIGTERM)
    return step(self, epoch, number, index)
Step.__call__ = stop

write = Writer.write_data
def fail(self, plan, planner):
    if rank == 1 and asked["full"]:
        raise OSError(28, os.strerror(28))
    return write(self, plan, planner)
Writer.write_data = fail

def once(code, run, like=None, start=None, **others):
    asked.update({"stop": None, "full": False, "held": None, **others})
    if like is not None and rank == 0:
        shutil.copytree(like, run)
        bit(run, others.get("flips"))
    start = None if start is None else Path(start)
    options = train.Options(resume=True, quiet=True, threads=1, shard=True, start=start)
    try:
        trained = train.train(Path(code), Path(run), options)
    except RunFailure as failure:
        return {"code": failure.code, "words": str(failure), "exit": failure.exit_code}
    on = {p.device.type for p in trained.loaded.program.parameters()}
    return {"code": "", "held": asked["held"], "on": sorted(on)}

def bit(run, name):
    if name is not None:
        (path,) = Path(run).glob(f"checkpoints/*/{name}")
        data = bytearray(path.read_bytes())
        data[-5] ^= 1
        path.write_bytes(data)

plan = json.loads(sys.argv[1])
if len(plan) == 1:
    print(json.dumps([once(**plan[0])]))
else:
    dist.init_process_group("gloo")
    said = []
    for turn in plan:
        said.append(once(**turn))
        dist.barrier()
    print(json.dumps(said))
    dist.destroy_process_group()
"""

EVERYTHING = {
    "epochs": 3,
    "clip": 5.0,
    "ema": 0.9,
    "validate_every": 1,
    "early_stopping": {"patience": 9},
}
GAIN = "        self.gain = nn.Parameter(torch.ones(()))\n"


def start(plan, size=2):
    """Starts processes as torchrun does, which train once for each entry of a plan."""
    return ranks(TRAIN, json.dumps(plan, default=str), size=size)


def answers(processes):
    """The result of each process for each entry."""
    said = [process.communicate(timeout=600) for process in processes]
    assert [p.returncode for p in processes] == [0] * len(processes), said
    return [json.loads(out) for out, _ in said]


def odd(root, **settings):
    """A program with two links, two separate layers, and a parameter without dimensions."""

    def with_gain(manifest):
        manifest["parameters"].append({"name": "model.gain", "shape": []})

    code = making.copy("vae", root, with_gain, **settings)
    making.edit(code, "model.py", "from torch import", "import torch\nfrom torch import")
    making.edit(code, "model.py", "        )\n\n", f"        )\n{GAIN}\n")
    making.edit(code, "model.py", "return self.decoder(z)", "return self.decoder(z) * self.gain")
    return code


def tensors(run):
    """All tensors of the last checkpoint."""
    found = checkpoint.latest(run)
    kept = {"weights": found.weights, "means": found.averages, "memory": found.optimizer}
    return {f"{kind} {n}": t for kind, stored in kept.items() for n, t in stored.items()}


def hashes(run):
    folder = checkpoint.latest(run).folder
    return {path.name: file_io.hash_of(path) for path in folder.glob("*.safetensors")}


def distance(run, other):
    mine, theirs = tensors(run), tensors(other)
    assert {n: t.shape for n, t in mine.items()} == {n: t.shape for n, t in theirs.items()}
    return max((mine[n] - theirs[n]).abs().max().item() for n in theirs)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A run of one process with two micro-batches per batch."""
    root = tmp_path_factory.mktemp("alone")
    train.train(odd(root, accumulate=2, **EVERYTHING), root / "run", QUIET)
    return root / "run"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("together")


def no_parameters(manifest):
    """The manifest lists no parameters, so that the code may have layers of other sizes."""
    manifest["parameters"] = []


@pytest.fixture(scope="module")
def results(root):
    """The results of two processes with sharded parameters, for several runs by name."""
    code = odd(root, **EVERYTHING)
    broken = making.copy("vae", root / "codes" / "broken")
    making.edit(broken, "model.py", "return self.decoder(z)", "return self.decoder(z) / 0.0 * 0.0")
    other = making.copy("vae", root / "codes" / "other", optimizer={"adafactor": {"lr": 0.01}})
    normed = making.copy("vae", root / "codes" / "normed", no_parameters, validate_every=1)
    making.edit(normed, "model.py", "nn.Linear(6, 24),", "nn.Linear(6, 24), nn.BatchNorm1d(24),")
    half = {"code": code, "like": root / "half"}
    plan = {
        "whole": {"code": code},
        "half": {"code": code, "stop": [1, 3]},
        "resumed": half,
        "flipped": half | {"flips": checkpoint.OPTIMIZER},
        "full": half | {"full": True},
        "carried": {"code": code, "start": root / "whole"},
        "normed": {"code": normed},
        "broken": {"code": broken},
        "other": {"code": other},
    }
    entries = [{"run": root / name, **entry} for name, entry in plan.items()]
    first, second = answers(start(entries))
    return {name: (first[i], second[i]) for i, name in enumerate(plan)}


def failed(results, code, exit_code):
    """The message of a run that failed, which is the same in both processes."""
    assert [(one["code"], one["exit"]) for one in results] == [(code, exit_code)] * 2
    assert results[0]["words"] == results[1]["words"]
    return results[0]["words"]


def test_two_with_parts_make_the_steps_of_one(alone, results, root):
    assert [one["code"] for one in results["whole"]] == ["", ""]
    run = root / "whole"
    assert distance(run, alone) <= 1e-6
    lines, wanted = losses(run), losses(alone)
    assert [m["loss"] for m in lines] == pytest.approx([m["loss"] for m in wanted], rel=1e-6)
    assert [m["valid"]["loss"] for m in lines] == pytest.approx(
        [m["valid"]["loss"] for m in wanted], rel=1e-6
    )
    mine, theirs = checkpoint.best(run), checkpoint.best(alone)
    assert mine.counters.total == theirs.counters.total
    assert all(torch.allclose(mine.weights[n], theirs.weights[n], atol=1e-6) for n in mine.weights)


def test_each_has_half_of_everything(results, root):
    count = sum(p.numel() for p in load_run(root / "whole").program.parameters())
    for one in results["whole"]:
        for what in ("parameters", "gradients", "means", "program"):
            assert one["held"][what] == pytest.approx(count / 2, rel=0.01), what
        assert one["held"]["memory"] == pytest.approx(count, rel=0.01)


def test_the_first_goes_on_with_all_and_the_other_with_nothing(results):
    assert [one["on"] for one in results["whole"]] == [["cpu"], ["meta"]]


def test_the_files_are_those_of_one(results, root, tmp_path):
    """The files equal those of safetensors byte for byte, with scalars and all rows."""
    found = checkpoint.latest(root / "whole")
    kept = {checkpoint.WEIGHTS: found.weights, checkpoint.OPTIMIZER: found.optimizer}
    for name, stored in kept.items():
        save_file(dict(stored), tmp_path / name)
        assert (tmp_path / name).read_bytes() == (found.folder / name).read_bytes()
    assert found.optimizer["0/model.gain/step"] == 39
    names = {*kept, checkpoint.EMA_WEIGHTS, checkpoint.STATE}
    assert {path.name for path in found.folder.iterdir()} == names


def test_interrupted_and_resumed_is_uninterrupted(results, root):
    words = failed(results["half"], "E0812", 75)
    assert words.startswith("interrupted after step 18 of 39; the run is saved")
    assert hashes(root / "resumed") == hashes(root / "whole")
    assert losses(root / "resumed") == losses(root / "whole")


def test_one_goes_on_alone(alone, results, root, tmp_path):
    run = shutil.copytree(root / "half", tmp_path / "run")
    train.train(root / "vae", run, RESUME)
    assert distance(run, alone) <= 1e-6


def test_three_go_on_with_two_pieces(alone, results, root, tmp_path):
    """The third process takes part in the computation with weight 0."""
    run = shutil.copytree(root / "half", tmp_path / "run")
    answers(start([{"code": root / "vae", "run": run}], size=3))
    assert distance(run, alone) <= 1e-6


def test_another_runs_weights(results, root, tmp_path):
    """They are read in parts, too, and are the final moving average of the other run."""
    assert [one["code"] for one in results["carried"]] == ["", ""]
    code = odd(tmp_path, accumulate=2, **EVERYTHING)
    train.train(code, tmp_path / "run", replace(QUIET, start=root / "whole"))
    assert distance(root / "carried", tmp_path / "run") <= 1e-6
    facts = [run_folder.facts_of(run)[0]["carried"] for run in (root / "carried", tmp_path / "run")]
    assert facts[0] == facts[1] and facts[0]["fresh"] == []


def test_means_that_a_layer_keeps_are_those_of_the_first(results, root):
    first, second = (one["held"]["valid"] for one in results["normed"])
    assert first == second
    weights = checkpoint.latest(root / "normed").weights
    assert weights["model.decoder.1.num_batches_tracked"] == 39


def test_a_flipped_bit_is_found(results):
    assert "differs from what was written" in failed(results["flipped"], "E0803", 3)


def test_a_full_disk_of_one_stops_all(results, root):
    words = failed(results["full"], "E0811", 3)
    assert "No space left on device" in words
    assert hashes(root / "full") == hashes(root / "half")
    assert not list((root / "full").rglob(".*.partial"))


def test_numbers_that_are_not_finite_are_traced(results):
    words = failed(results["broken"], "E0804", 3)
    place = making.place("return self.decoder(z)")
    assert f"an infinite number first came from node `model.x` ({place})" in words


def test_an_optimizer_that_needs_whole_parameters_is_refused(results, root):
    assert "adam" in failed(results["other"], "E0818", 2)
    assert not (root / "other").exists()


def test_one_of_two_is_killed(results, root, tmp_path):
    code = odd(tmp_path, **EVERYTHING)
    making.edit(code, "objective.py", SLOWLY, "    __import__('time').sleep(0.05)\n")
    processes = start([{"code": code, "run": tmp_path / "run"}])
    wait_for(lambda: run_folder.read_metrics(tmp_path / "run"))
    processes[1].kill()
    (out, _), _ = [process.communicate(timeout=600) for process in processes]
    (said,) = json.loads(out)
    assert said["code"] == "E0815" and said["exit"] == 3


def made(name, *parameters):
    """The parameters after three steps of the engine."""
    fast = {"fused": True} if name in FUSED else {"foreach": True}
    optimizer = OPTIMIZERS[name]([torch.nn.Parameter(p.clone()) for p in parameters], **fast)
    found = optimizer.param_groups[0]["params"]
    for _ in range(3):
        for parameter in found:
            parameter.grad = parameter.detach().sin()
        optimizer.step()
    return torch.cat([p.detach() for p in found])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_of_parts_does_what_one_of_the_whole_does(name):
    """With four parts, one of them empty; exactly the optimizers for which it fails are refused."""
    whole = torch.linspace(-2.0, 2.0, 42).reshape(7, 6)
    parts = [whole[:4], whole[4:5], whole[5:]]
    if name in BY_ELEMENT:
        parts.append(whole[7:])
    same = torch.allclose(made(name, whole), made(name, *parts), rtol=1e-6, atol=1e-7)
    assert same == (name in BY_ELEMENT)


def test_without_torchrun_it_makes_no_difference(alone, tmp_path):
    code = odd(tmp_path, accumulate=2, **EVERYTHING)
    train.train(code, tmp_path / "run", train.Options(quiet=True, threads=1, shard=True))
    assert hashes(tmp_path / "run") == hashes(alone)
