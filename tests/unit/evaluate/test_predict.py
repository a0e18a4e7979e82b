"""Predictive distributions of rows, against closed forms."""

import json

import numpy as np
import pytest
import torch
from scipy import special, stats

import specc
from specc.cli.main import main
from specc.runtime.failure import RunFailure

LINEAR = """specc: 1
name: line
data:
  source: csv
  path: line.csv
  fields: {x: {from: [a, b]}, y: {from: y, standardize: STANDARDIZE}}
model:
  x: {given: x}
  w: {latent: normal, loc: 0, scale: 2, shape: [2], global: true}
  y: {observed: normal, loc: x @ w, scale: 0.5}
SEARCH
"""
NUTS = "sampler: {nuts: {chains: 2, warmup: 200, draws: 1000}}"
GUIDE = """constants: {s: [0.3, 0.1]}
guide:
  m: {parameter: real, shape: [2]}
  w: {latent: normal, loc: m, scale: s, global: true}
objective: elbo
train: {steps: 300, batch_size: 30, optimizer: {adam: {lr: 0.05}}}
"""
LABELS = """specc: 1
name: label
data:
  source: csv
  path: line.csv
  fields: {x: {from: [a, b]}, c: {from: c}}
model:
  x: {given: x}
  c: {observed: categorical, logits: net(x), classes: 3}
links: {net: {mlp: [4]}}
objective: mle
train: {epochs: 20, batch_size: 30, optimizer: {adam: {lr: 0.05}}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with 30 rows: y is a line of a and b, c its third."""
    found = tmp_path_factory.mktemp("predict")
    own = np.random.default_rng(0)
    x = own.normal(size=(30, 2))
    y = x @ [1.0, -0.5] + 0.5 * own.normal(size=30)
    rows = zip(x.tolist(), y.tolist(), np.digitize(y, [-0.5, 0.5]).tolist(), strict=True)
    lines = [f"{a!r},{b!r},{y!r},{c}" for (a, b), y, c in rows]
    (found / "line.csv").write_text("a,b,y,c\n" + "\n".join(lines) + "\n")
    (found / "new.csv").write_text("b,other,a\n1.0,7,0.5\n-2.0,7,3.0\n0.25,7,0.0\n")
    return found


def trained(folder, name, text):
    path = folder / f"{name}.yaml"
    path.write_text(text)
    return specc.load(path).train(folder / name, device="cpu", threads=1)


@pytest.fixture(scope="module")
def drawn(folder):
    """A run of NUTS for the coefficients of the line."""
    return trained(folder, "drawn", LINEAR.replace("STANDARDIZE", "false").replace("SEARCH", NUTS))


@pytest.fixture(scope="module")
def labelled(folder):
    return trained(folder, "labelled", LABELS)


def exact(folder, new):
    """Mean and deviation of y at new x: N(x m, x V x + s^2), with the posterior N(m, V) of w."""
    table = np.loadtxt(folder / "line.csv", delimiter=",", skiprows=1)
    x, y = table[:, :2], table[:, 2]
    covariance = np.linalg.inv(x.T @ x / 0.25 + np.eye(2) / 4)
    mean = covariance @ x.T @ y / 0.25
    return new @ mean, np.sqrt(np.einsum("ij,jk,ik->i", new, covariance, new) + 0.25)


NEW = np.array([[0.5, 1.0], [3.0, -2.0], [0.0, 0.25]])


def test_draws_of_a_sampler_give_the_predictive_distribution(folder, drawn):
    """Against the conjugate one: 2,000 draws, 5 standard errors, at most 1 false alarm in 10^5."""
    found = drawn.predict(folder / "new.csv", draws=2000)["y"]
    mean, sd = exact(folder, NEW)
    # The mean averages over w alone; its chains are worth at least a quarter of their draws.
    of_w = np.sqrt(sd**2 - 0.25)
    assert (np.abs(found.mean.numpy() - mean) < 5 * of_w / np.sqrt(500)).all()
    assert np.abs(found.sd.numpy() / sd - 1).max() < 5 / np.sqrt(2 * 500)
    assert np.abs(found.quantiles[0.05].numpy() - (mean - 1.645 * sd)).max() < 5 * 0.067 * sd.max()
    assert found.truth is None
    # With one draw for all rows the second row, far from the data, would be too certain.
    assert sd[1] > 1.1 * 0.5


def test_a_guide_of_shared_latents_gives_draws(folder):
    spec = LINEAR.replace("STANDARDIZE", "false").replace("SEARCH", GUIDE)
    run = trained(folder, "guided", spec)
    found = run.predict(folder / "new.csv", draws=4000)["y"]
    mean = NEW @ run.program.guide.m.detach().numpy()
    sd = np.sqrt(np.square(NEW) @ np.square([0.3, 0.1]) + 0.25)
    assert (np.abs(found.mean.numpy() - mean) < 5 * sd / np.sqrt(4000)).all()
    assert np.abs(found.sd.numpy() / sd - 1).max() < 5 / np.sqrt(2 * 4000)


def test_predictions_are_in_the_units_of_the_data(folder):
    search = NUTS.replace("draws: 1000", "draws: 100")
    spec = LINEAR.replace("STANDARDIZE", "true").replace("SEARCH", search)
    run = trained(folder, "standardized", spec)
    y = np.loadtxt(folder / "line.csv", delimiter=",", skiprows=1)[:, 2]
    own, model = (run.predict(folder / "line.csv", units=units)["y"] for units in ("data", "model"))
    for data, units in ((own.mean, model.mean), (own.quantiles[0.5], model.quantiles[0.5])):
        assert np.allclose(data, units * y.std() + y.mean())
    assert np.allclose(own.sd, model.sd * y.std())
    assert np.allclose(own.truth, y)
    assert own.summary()["rmse"] == pytest.approx(model.summary()["rmse"] * y.std())


def test_a_label_has_its_exact_probabilities(folder, labelled):
    found = labelled.predict(folder / "new.csv", draws=3)["c"]
    with torch.no_grad():
        logits = labelled.program.model.c_logits(torch.tensor(NEW, dtype=torch.float32))
    assert torch.allclose(found.probabilities.float(), logits.softmax(-1), atol=1e-6)
    assert (found.mean == logits.argmax(-1)).all()


def test_a_label_is_averaged_over_draws_of_a_guide(folder):
    """Exact probabilities at each of 2,000 draws, against their mean by other draws."""
    spec = LABELS.replace(
        "links: {net: {mlp: [4]}}\nobjective: mle", "guide: auto\nobjective: elbo"
    )
    latent = "  w: {latent: normal, loc: 0, scale: 1, shape: [2, 3], global: true}\n"
    spec = spec.replace("  c: {observed", f"{latent}  c: {{observed").replace("net(x)", "x @ w")
    run = trained(folder, "averaged", spec)
    found = run.predict(folder / "new.csv", draws=2000)["c"].probabilities
    guide = run.program.guide
    with torch.no_grad():
        w = guide.w_loc + guide.w_scale * torch.randn(2000, 2, 3, generator=torch.manual_seed(1))
        each = (torch.tensor(NEW, dtype=torch.float32) @ w).softmax(-1)
    error = (each.std(0) / 2000**0.5).double()
    assert ((found - each.mean(0).double()).abs() < 5 * 2**0.5 * error).all()
    at_mean = (torch.tensor(NEW, dtype=torch.float32) @ guide.w_loc).softmax(-1)
    assert ((found - at_mean.double()).abs() > 10 * error).any()


def test_the_parts_of_the_data_are_predicted(labelled):
    found = labelled.predict(part="train", rows=7, draws=2)["c"]
    assert len(found.mean) == 7
    right = (found.probabilities.argmax(-1) == found.truth).double().mean()
    assert found.summary() == {"rows": 7, "accuracy": right.item()}


def test_chunks_of_rows_do_not_matter(folder, drawn, monkeypatch):
    """The mean does not depend on the draws of y, and their spread only by chance."""
    whole = drawn.predict(folder / "line.csv", draws=400)["y"]
    monkeypatch.setattr("specc.evaluate.predict.BUDGET", 8 * 400 * 11)
    pieces = drawn.predict(folder / "line.csv", draws=400)["y"]
    assert torch.allclose(whole.mean, pieces.mean)
    assert (whole.sd / pieces.sd - 1).abs().max() < 5 / np.sqrt(400)
    assert len(pieces.mean) == 30


def test_the_table_has_a_line_for_each_row(folder, drawn, capsys):
    words = ["predict", str(drawn.folder), "--data", str(folder / "new.csv"), "--out", "-"]
    assert main([*words, "--quantiles", "0.9,0.1", "--draws", "100"]) == 0
    printed = capsys.readouterr()
    head, *lines = printed.out.splitlines()
    assert head == "x.0,x.1,y_mean,y_sd,y_10%,y_90%"
    assert len(lines) == 3
    assert [line.split(",")[:2] for line in lines] == [["0.5", "1"], ["3", "-2"], ["0", "0.25"]]
    assert "y: 3 rows" in printed.err
    out = folder / "out.npz"
    assert main(["predict", str(drawn.folder), "--out", str(out), "--part", "train", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["file"] == str(out)
    assert 0.6 < answer["nodes"]["y"]["coverage"] <= 1
    with np.load(out) as table:
        assert sorted(table) == ["x", "y_5%", "y_50%", "y_95%", "y_mean", "y_sd"]


def test_wrong_rows_are_refused_by_name(folder, labelled, drawn, capsys):
    (folder / "less.csv").write_text("a\n1\n")
    (folder / "rows.txt").write_text("a,b\n1,2\n")
    for file, code in (("less.csv", "E0503"), ("rows.txt", "E0501")):
        with pytest.raises(RunFailure) as failure:
            labelled.predict(folder / file)
        assert failure.value.code == code
    for words, message in (
        (("--quantiles", "5"), "not a list of numbers between 0 and 1"),
        (("--out", "table.xls"), "names no format"),
        (("--out", "table.png"), "does not end in .csv or .npz"),
        (("--data", str(folder / "new.csv"), "--part", "train"), "is another file"),
    ):
        assert main(["predict", str(drawn.folder), *words]) == 2
        assert message in capsys.readouterr().err


OF_ROWS = """specc: 1
name: rows
data:
  source: csv
  path: line.csv
  fields: {x: {from: a}, y: {from: y}, c: {from: c}}
model:
  x: {given: x}
  a: {latent: normal, loc: x, scale: 0.2}
  k: {latent: bernoulli, probs: 0.3}
  wide: {parameter: positive, init: WIDE}
  NODE
objective: mle
train: {steps: 1, batch_size: 30}
"""
"""A normal latent, integrated out, and a finite one, summed out, of each row."""


def test_means_average_over_latents_of_rows_and_not_over_noise(folder):
    """E[y | x] at draws of a and k: the noise of y, 50 times as wide, is not in its error."""
    node = 'y: {observed: normal, loc: "a + 4 * k", scale: wide}'
    spec = OF_ROWS.replace(", c: {from: c}", "").replace("NODE", node).replace("WIDE", "100")
    run = trained(folder, "of_rows", spec)
    wide = run.program.model.wide.item()
    found = run.predict(folder / "new.csv", draws=2000)["y"]
    inside = np.sqrt(0.2**2 + 16 * 0.3 * 0.7)
    away = np.abs(found.mean.numpy() - NEW[:, 0] - 1.2)
    assert (away < 5 * inside / np.sqrt(2000)).all()
    total = np.sqrt(inside**2 + wide**2)
    assert np.abs(found.sd.numpy() / total - 1).max() < 5 / np.sqrt(2 * 2000)
    assert 5 * inside < 0.1 * wide  # the mean of draws of y has the error of its noise


def test_quantiles_are_those_of_a_mixture(folder):
    """Normal latents and noise in two components: the distribution function at each quantile."""
    node = 'y: {observed: normal, loc: "a + 4 * k", scale: wide}'
    spec = OF_ROWS.replace(", c: {from: c}", "").replace("NODE", node).replace("WIDE", "0.5")
    run = trained(folder, "mixed", spec)
    found = run.predict(folder / "new.csv", draws=4000)["y"]
    wide = np.sqrt(0.2**2 + run.program.model.wide.item() ** 2)
    for level, at in found.quantiles.items():
        own = stats.norm(NEW[:, 0], wide), stats.norm(NEW[:, 0] + 4, wide)
        below = 0.7 * own[0].cdf(at.numpy()) + 0.3 * own[1].cdf(at.numpy())
        assert (np.abs(below - level) < 5 * np.sqrt(level * (1 - level) / 4000)).all()


@pytest.mark.parametrize("guided", [False, True])
def test_labels_average_over_latents_of_rows(folder, guided):
    """p(c | x) of a logistic and a softmax model by quadrature over a latent of the row.

    The error is that of the probability at a draw of the latent, and not of a draw of the label.
    """
    node = "c: {observed: categorical, logits: a * slope + k * shift}"
    spec = OF_ROWS.replace("y: {from: y}, ", "").replace("NODE", node)
    spec = spec.replace("  wide: {parameter: positive, init: WIDE}\n", "")
    spec = spec.replace("model:", "constants: {slope: [0, 1, 2], shift: [1, 0, 0]}\nmodel:")
    rest = "sampler: {mala: {chains: 1, warmup: 50, draws: 500}}\n"
    if guided:
        rest = "guide: auto\nobjective: elbo\ntrain: {steps: 1, batch_size: 30}\n"
    spec = spec.split("objective:")[0] + rest
    run = trained(folder, f"labels_{guided}", spec)
    found = run.predict(folder / "new.csv", draws=2000)["c"].probabilities.numpy()
    a = NEW[:, :1] + 0.2 * np.linspace(-6, 6, 401)
    weight = stats.norm(NEW[:, :1], 0.2).pdf(a)
    weight /= weight.sum(1, keepdims=True)
    slope, shift = np.array([0, 1, 2]), np.array([1, 0, 0])
    each = np.stack([special.softmax(a[..., None] * slope + k * shift, -1) for k in (0, 1)])
    wanted = np.einsum("k,rn,krnc->rc", [0.7, 0.3], weight, each)
    squares = np.einsum("k,rn,krnc->rc", [0.7, 0.3], weight, (each - wanted[:, None]) ** 2)
    error = np.sqrt(squares / (2000 if guided else 500))
    assert (np.abs(found - wanted) < 5 * error + 1e-9).all()
    # The fractions of labels would be less certain, at least for one of them.
    assert (error < 0.5 * np.sqrt(wanted * (1 - wanted) / 2000)).any()


OF_SETS = """specc: 1
name: sets
data:
  source: csv
  path: line.csv
  fields: {x: {from: [a, b]}, y: {from: [y, c]}}
plates: {t: {PLATE: 2}}
model:
  x: {given: x, plate: t}
  w: {parameter: real, init: 1.5}
  y: {observed: normal, loc: w * x, scale: 2, plate: t}
objective: mle
train: {steps: 1, batch_size: 30}
"""


@pytest.mark.parametrize("plate", ["size", "scan"])
def test_the_elements_of_a_plate_are_predicted_one_by_one(folder, plate):
    """Their means are exact, and their quantiles those of normal draws."""
    run = trained(folder, plate, OF_SETS.replace("PLATE", plate))
    found = run.predict(folder / "new.csv", draws=4000)["y"]
    wanted = run.program.model.w.item() * NEW
    assert np.abs(found.mean.numpy() - wanted).max() < 1e-5
    assert np.abs(found.sd.numpy() / 2 - 1).max() < 5 / np.sqrt(2 * 4000)
    for level, at in found.quantiles.items():
        below = stats.norm(wanted, 2).cdf(at.numpy())
        assert (np.abs(below - level) < 5 * np.sqrt(level * (1 - level) / 4000)).all()


def test_a_model_of_all_of_its_values_predicts_nothing(folder):
    spec = LABELS.replace("x: {given: x}", "x: {observed: normal, loc: 0, scale: 1}")
    with pytest.raises(RunFailure) as failure:
        trained(folder, "whole", spec).predict()
    assert failure.value.code == "E0838"


def test_given_values_of_unpaired_sources_are_refused(folder):
    """The rows of the sources have no order in common."""
    spec = """specc: 1
name: pairs
data:
  sources:
    one: {source: csv, path: line.csv, fields: {x: {from: a}}}
    two: {source: csv, path: line.csv, fields: {u: {from: b}}}
model:
  x: {given: x, shape: []}
  u: {given: u, shape: []}
  y: {let: f(x), shape: []}
  v: {let: g(u), shape: []}
links: {f: linear, g: linear}
objective: {minimize: "(model.y - 1) ** 2 + (model.v - 1) ** 2"}
train: {steps: 1, batch_size: 4, threads: 1}
"""
    with pytest.raises(RunFailure, match="`u` and `x`, of sources whose rows") as failure:
        trained(folder, "pairs", spec).predict()
    assert failure.value.code == "E0838"
