"""A folder that needs torch alone, and gives the losses of the compiled package bit for bit."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from specc.codegen.standalone import standalone
from specc.compiler import compile
from specc.diagnostics.source import Source
from specc.runtime.noise import Noise
from specc.runtime.program import load
from tests.losses import computed

SPECS = Path(__file__).parents[3] / "specs"

NAMES = ("vae", "sbn", "hierarchical_vae", "gaussian_mixture")
SCRIPT = """
import sys


class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "specc":
            raise ImportError("specc is not here")


sys.meta_path.insert(0, Refuse())
import json
import os

import pytest
import torch


def losses(folder):
    # Generated modules have the same names in every folder, so each is for one process.
    os.chdir(folder)
    sys.path.insert(0, folder)
    from noise import Noise
    from objective import loss

    weights = torch.load("weights.pt", weights_only=True)
    data = torch.load("data.pt", weights_only=True)
    made = []
    for name in weights:
        module = __import__(name)
        made.append(getattr(module, name.capitalize())())
        made[-1].load_state_dict(weights[name])
    return [loss(*made, Noise.at(3, step), **data)[0].item() for step in range(3)]


torch.set_num_threads(1)
for folder in sys.argv[1:]:
    if os.fork() == 0:
        try:
            name = os.path.basename(os.path.dirname(folder))
            print(json.dumps([name, losses(folder)]), flush=True)
        finally:
            os._exit(0)
    os.wait()
"""


def written(name, folder):
    """A spec of the gallery as a package and standing alone; what losses the package computes."""
    text = (SPECS / f"{name}.yaml").read_text(encoding="utf-8")
    result, _ = compile(Source(f"specs/{name}.yaml", text))
    package, alone = folder / "package", folder / "alone"
    for to, files in ((package, result.files), (alone, standalone(result.plan))):
        to.mkdir(parents=True)
        for file, content in files.items():
            (to / file).write_text(content, encoding="utf-8")
    program = load(package)
    data = {"x": (torch.rand(20, 64) > 0.6).float()}
    parts = {n: getattr(program, n) for n in ("model", "guide") if getattr(program, n) is not None}
    torch.save({n: part.state_dict() for n, part in parts.items()}, alone / "weights.pt")
    torch.save(data, alone / "data.pt")
    assert not any("specc.runtime" in p.read_text() for p in alone.glob("*.py"))
    return [computed(program, data, Noise.at(3, s), 1)[0].item() for s in range(3)]


def test_the_losses_are_the_same_bits(tmp_path):
    """One interpreter without specc imports torch once, and has a process for each spec."""
    expected = {name: written(name, tmp_path / name) for name in NAMES}
    folders = [str(tmp_path / name / "alone") for name in NAMES]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, *folders],
        capture_output=True,
        text=True,
        check=False,
    )
    found = dict(json.loads(line) for line in done.stdout.splitlines())
    assert found == expected, done.stderr


def test_its_training_script_runs(tmp_path):
    text = (SPECS / "vae.yaml").read_text(encoding="utf-8")
    text = text.replace("epochs: 200", "steps: 20")
    _, checked = compile(Source("specs/vae.yaml", text))
    for file, content in standalone(checked.plan).items():
        (tmp_path / file).write_text(content, encoding="utf-8")
    torch.save({"x": (torch.rand(50, 64) > 0.6).float()}, tmp_path / "data.pt")
    done = subprocess.run(
        [sys.executable, "train.py", "data.pt"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "elbo" in done.stdout
    assert (tmp_path / "vae.pt").is_file()


PLAYED = """\
specc: 1
name: played
data: {source: digits, fields: {x: {from: image, binarize: threshold}}}
model:
  z: {latent: bernoulli, logits: 0, shape: [4]}
  x: {observed: bernoulli, logits: decoder(z)}
guide:
  z: {latent: bernoulli, logits: encoder(x), draw: {score: {baseline: running}}}
  b: {let: baseline(x), shape: []}
links: {decoder: linear, encoder: linear, baseline: linear}
objective:
  players:
    bound: {minimize: "-elbo(model, guide)", links: [decoder, encoder]}
    critic:
      minimize: "(stop(elbo(model, guide)) - guide.b) ** 2"
      links: [baseline]
      steps: 3
      optimizer: {adam: {lr: 0.25}}
train: {steps: 2, batch_size: 10}
"""
COUNT = """

def {name}(*args, computed={name}, **batch):
    print("update", "{name}")
    return computed(*args, **batch)
"""


@pytest.mark.parametrize("order", ["alternating", "simultaneous"])
def test_players_train_there_at_their_rates_and_as_often_as_they_do(order, tmp_path):
    text = PLAYED.replace("train:", f"  order: {order}\ntrain:")
    _, checked = compile(Source("specs/played.yaml", text))
    files = standalone(checked.plan)
    for name in ("bound", "critic"):
        files["objective.py"] += COUNT.format(name=name)
    for file, content in files.items():
        (tmp_path / file).write_text(content, encoding="utf-8")
    torch.save({"x": (torch.rand(20, 64) > 0.6).float()}, tmp_path / "data.pt")
    command = [sys.executable, "train.py", "data.pt"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    updates = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("update")]
    assert updates == ["bound", "critic", "critic", "critic"] * 2
    rates = re.findall(r"\}, ([0-9.]+), (\d)\),$", files["train.py"], re.MULTILINE)
    assert rates == [("0.001", "1"), ("0.25", "3")]


WATCH = """
computed = loss


def loss(*args, kl_weight, **batch):
    print("weight", round(kl_weight, 4))
    return computed(*args, kl_weight=kl_weight, **batch)
"""


def test_a_weight_that_rises_rises_there_too(tmp_path):
    text = (SPECS / "vae.yaml").read_text(encoding="utf-8")
    text = text.replace("objective: elbo", "objective: {elbo: {warm_up: 0.3}}")
    text = re.sub(r"epochs: \d+", "steps: 5", text)
    result, _ = compile(Source("specs/vae.yaml", text))
    for file, content in standalone(result.plan).items():
        (tmp_path / file).write_text(content, encoding="utf-8")
    watched = (tmp_path / "objective.py").read_text(encoding="utf-8") + WATCH
    (tmp_path / "objective.py").write_text(watched, encoding="utf-8")
    torch.save({"x": (torch.rand(20, 64) > 0.6).float()}, tmp_path / "data.pt")
    command = [sys.executable, "train.py", "data.pt"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    weights = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("weight")]
    assert weights == ["0.0", "0.6667", "1.0", "1.0", "1.0"]


RISING = {
    "one": """\
objective: {minimize: "-elbo(model, guide) + progress() * sum(data.x)"}""",
    "two": """\
objective:
  players:
    loss: {minimize: "-elbo(model, guide) + progress() * sum(data.x)", links: [decoder]}
    other: {minimize: "-elbo(model, guide)", links: [encoder]}""",
}


@pytest.mark.parametrize("objective", RISING.values(), ids=RISING)
def test_a_loss_gets_the_fraction_of_the_run_there_too(objective, tmp_path):
    text = (SPECS / "vae.yaml").read_text(encoding="utf-8").replace("objective: elbo", objective)
    text = re.sub(r"epochs: \d+", "steps: 4", text)
    result, _ = compile(Source("specs/vae.yaml", text))
    for file, content in standalone(result.plan).items():
        (tmp_path / file).write_text(content, encoding="utf-8")
    watched = WATCH.replace("kl_weight", "progress")
    with (tmp_path / "objective.py").open("a", encoding="utf-8") as file:
        file.write(watched)
    torch.save({"x": (torch.rand(20, 64) > 0.6).float()}, tmp_path / "data.pt")
    command = [sys.executable, "train.py", "data.pt"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    found = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("weight")]
    assert found == ["0.0", "0.25", "0.5", "0.75"]


STATEFUL = """\
specc: 1
name: played
data: {source: digits, fields: {x: {from: image, binarize: sample}}}
model:
  h: {latent: bernoulli, logits: 0, shape: [4]}
  x: {observed: bernoulli, logits: decoder(h)}
guide:
  h: {latent: bernoulli, logits: encoder(x), draw: {score: {baseline: running}}}
  b: {let: baseline(x), shape: []}
links: {decoder: linear, encoder: linear, baseline: linear}
"""
OBJECTIVES = {
    "one with state": "objective: elbo",
    "two, one with state": """\
objective:
  players:
    bound: {minimize: "-elbo(model, guide)", links: [decoder, encoder]}
    critic: {minimize: "(stop(elbo(model, guide)) - guide.b) ** 2", links: [baseline]}""",
}
OBJECTIVES["two at the same time"] = f"{OBJECTIVES['two, one with state']}\n  order: simultaneous"


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
def test_its_script_trains_players_and_hands_state_on(objective, tmp_path):
    text = f"{STATEFUL}{objective}\ntrain: {{steps: 201, optimizer: {{adam: {{lr: 0.05}}}}}}\n"
    result, checked = compile(Source("played.yaml", text))
    assert result is not None, checked.diagnostics
    for file, content in standalone(result.plan).items():
        (tmp_path / file).write_text(content, encoding="utf-8")
    torch.save({"x": torch.ones(50, 64)}, tmp_path / "data.pt")
    command = [sys.executable, "train.py", "data.pt"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    reported = [float(v) for v in re.findall(r"elbo (-?[\d.]+)", done.stdout)]
    assert len(reported) == 3 and reported[-1] > reported[0] + 30
    squares = [float(v) for v in re.findall(r"objective (-?[\d.]+)", done.stdout)]
    assert len(squares) == (3 if "critic" in objective else 0)


STAGES = """\
specc: 1
name: staged
data: {source: digits, fields: {x: {from: image, binarize: sample}}}
model:
  w: {parameter: real, shape: [4, 4], init: normal}
  u: {parameter: real, shape: [4, 4], init: normal}
  z: {latent: normal, loc: 0, scale: 1, shape: [4]}
  x: {observed: bernoulli, logits: decoder(z @ w @ u)}
guide:
  z: {latent: normal, params: encoder(x)}
links:
  decoder: {mlp: [5]}
  encoder: {mlp: [5], normalization: batch}
objective:
  stages:
    - {name: first, elbo: {warm_up: 0.5}, links: [decoder, encoder]}
    - name: second
      copy: {u: transpose(w)}
      order: simultaneous
      players:
        model: {minimize: "-elbo(model, guide)", links: [decoder], steps: 2}
        prior: {minimize: "-elbo(model, guide) + sum(model.w ** 2)", links: [w]}
train: {steps: 2}
"""


def test_its_script_goes_through_stages(tmp_path):
    """With their copies; what a stage does not train stays as it is, statistics included."""
    result, checked = compile(Source("staged.yaml", STAGES))
    assert result is not None, checked.diagnostics
    for file, content in standalone(result.plan).items():
        (tmp_path / file).write_text(content, encoding="utf-8")
    script = (tmp_path / "train.py").read_text(encoding="utf-8")
    saving = "        optimizers = ["
    note = (
        '        torch.save({k: v.clone() for k, v in root.state_dict().items()}, f"{title}.pt")\n'
    )
    (tmp_path / "train.py").write_text(script.replace(saving, note + saving), encoding="utf-8")
    torch.save({"x": (torch.rand(20, 64) > 0.6).float()}, tmp_path / "data.pt")
    command = [sys.executable, "train.py", "data.pt"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    said = [line.split()[:2] for line in done.stdout.splitlines()]
    assert said == [["first", "0"], ["first", "1"], *[["second", "0"]] * 3, *[["second", "1"]] * 3]
    first, second = (torch.load(tmp_path / f"{name}.pt") for name in ("first", "second"))
    parts = torch.load(tmp_path / "staged.pt")
    last = {f"{part}.{name}": own for part, named in parts.items() for name, own in named.items()}
    assert torch.equal(second["model.u"], second["model.w"].mT)
    assert torch.equal(first["model.w"], second["model.w"])
    moved = {name for name, value in last.items() if not torch.equal(second[name], value)}
    assert moved == {name for name in last if name.startswith(("model.decoder", "model.w"))}
    assert any("running_mean" in name for name in last)
    assert not torch.equal(first["guide.encoder.0.weight"], second["guide.encoder.0.weight"])


CLASSES = """\
specc: 1
name: classes
data: {source: digits, fields: {x: {from: image}, y: {from: label}}}
model:
  x: {given: x}
  y: {observed: categorical, logits: "w @ x + b", classes: 10}
  w: {parameter: real, shape: [10, 64]}
  b: {parameter: real, shape: [10]}
objective:
  stages:
    - {name: first, mle: {}, rows: {y: [0]}}
    - {name: second, mle: {}, rows: {y: [1, 2]}}
train: {steps: 30}
"""


def test_its_script_takes_the_rows_of_a_stage(tmp_path):
    """Of pictures without ink the bias of a class moves up where it has rows, else down."""
    result, checked = compile(Source("classes.yaml", CLASSES))
    assert result is not None, checked.diagnostics
    for file, content in standalone(result.plan).items():
        (tmp_path / file).write_text(content, encoding="utf-8")
    data = {"x": torch.zeros(30, 64), "y": torch.arange(30) % 3}
    torch.save(data, tmp_path / "data.pt")
    command = [sys.executable, "train.py", "data.pt"]
    first = (
        (tmp_path / "train.py")
        .read_text(encoding="utf-8")
        .replace(
            """        copy(root, copies)\n""",
            """        print(model.b.tolist())\n        copy(root, copies)\n""",
        )
    )
    (tmp_path / "train.py").write_text(first, encoding="utf-8")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("[")]
    start, between = (json.loads(line) for line in lines)
    end = torch.load(tmp_path / "classes.pt")["model"]["b"].tolist()
    assert between[0] > start[0] and all(between[k] < start[k] for k in range(1, 10))
    assert end[0] < between[0] and end[1] > between[1] and end[2] > between[2]


@pytest.mark.parametrize(("name", "drawn"), [("vae", "randint"), ("dawid_skene", "arange")])
def test_rows_that_depend_on_each_other_are_all_in_a_batch(name, drawn):
    source = Source(f"specs/{name}.yaml", (SPECS / f"{name}.yaml").read_text(encoding="utf-8"))
    _, checked = compile(source)
    assert f"index = torch.{drawn}(rows" in standalone(checked.plan)["train.py"]
