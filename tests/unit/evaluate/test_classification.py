"""Labels against Bayes' rule written out, in models whose densities have a closed form."""

import json
import math
from pathlib import Path

import pytest
import torch

import specc
from specc.engine.storage.loaded_run import precision
from specc.evaluate import scoring
from specc.evaluate.classification import classification_metrics, label_classes
from specc.evaluate.estimate import estimate
from specc.evaluate.scoring import Request
from specc.report.classification_section import classification_section
from specc.run import Run
from specc.runtime import manifest as manifests
from specc.runtime.failure import RunFailure
from tests.unit.cli.running import run as specc_verb
from tests.unit.evaluate.test_estimate import untrained

ROOT = Path(__file__).parents[3]
GALLERY = ROOT / "generated"
ROWS = 60

CLASSES = """
specc: 1
name: classes
constants: {classes: 10}
data: {source: digits, fields: {y: {from: label}, x: {from: image}}}
plates: {digit: classes}
model:
  prior: {parameter: simplex, shape: [classes]}
  centre: {parameter: real, plate: digit, shape: [64]}
  loadings: {parameter: real, shape: [2, 64]}
  y: {observed: categorical, probs: prior}
  z: {latent: normal, loc: 0, scale: 1, shape: [2]}
  x: {observed: normal, loc: "centre[y] + z @ loadings", scale: 0.5}
guide:
  z: {latent: normal, params: "encoder(x, y)"}
links: {encoder: linear}
objective: elbo
train: {precision: float64}
"""

TWO = """
specc: 1
name: two
data: {source: digits, fields: {y: {from: label}, x: {from: image, binarize: threshold}}}
model:
  prior: {parameter: simplex, shape: [10], init: zeros}
  y: {observed: categorical, probs: prior}
  x: {observed: bernoulli, logits: 0}
objective: mle
"""

GLOBAL = """
specc: 1
name: global_weights
data: {source: digits, fields: {x: {from: image}, y: {from: label}}}
model:
  x: {given: x}
  w: {latent: normal, loc: 0, scale: 1, shape: [64, 10], global: true}
  z: {latent: normal, loc: 0, scale: 1, shape: [10]}
  y: {observed: categorical, logits: x @ w + z}
guide:
  z: {latent: normal, loc: 0, scale: 1, shape: [10]}
  m: {parameter: real, shape: [64, 10], init: zeros}
  s: {parameter: positive, shape: [64, 10]}
  w: {latent: normal, loc: m, scale: s, global: true}
objective: elbo
"""


def compiled(text, folder):
    spec = folder / "spec.yaml"
    spec.write_text(text, encoding="utf-8")
    return untrained(specc.load(spec).compile(folder / "code"))


def batch_of(opened, rows=ROWS):
    return scoring.fixed_batch(opened, opened.rows("test"), slice(0, rows), 0)


@pytest.fixture
def naive():
    """Naive Bayes whose numbers are set by hand; the classes are far from equally frequent."""
    opened = untrained(GALLERY / "naive_bayes")
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        opened.program.model.prior_logits.copy_(3.0 * torch.randn(10, generator=generator))
        opened.program.model.ink.copy_(0.5 * torch.randn(10, 64, generator=generator))
    return opened


def bayes(opened, batch):
    """log p(y = c) and log p(x | y = c), [classes] and [rows, classes], by the definitions."""
    model = opened.program.model
    with torch.no_grad():
        prior = model.prior_logits.double().log_softmax(-1)
        ink = model.ink.double().sigmoid()
        x = batch["x"].double()[:, None]
        return prior, (x * ink.log() + (1 - x) * (1 - ink).log()).sum(-1)


def test_naive_bayes_is_bayes_rule(naive):
    batch = batch_of(naive)
    prior, likelihood = bayes(naive, batch)
    truth = (prior + likelihood).softmax(-1)
    found = classification_metrics(naive, Request(rows=ROWS))["y"]
    torch.testing.assert_close(found.probabilities, truth, rtol=0, atol=1e-5)
    y = batch["y"]
    share = (truth.argmax(-1) == y).double().mean().item()
    assert found.accuracy.value == share
    assert found.accuracy.standard_error == pytest.approx(math.sqrt(share * (1 - share) / ROWS))
    score = truth.gather(-1, y[:, None]).log()
    assert found.log_score.value == pytest.approx(score.mean().item(), abs=1e-4)
    assert found.log_score.standard_error == pytest.approx(score.std().item() / ROWS**0.5, rel=1e-3)
    assert (found.estimator, found.particles, found.rows) == ("exact", 1, ROWS)


def test_what_is_not_bayes_rule_differs(naive):
    """The likelihood without the prior, and the joint density without its sum over classes."""
    batch = batch_of(naive)
    prior, likelihood = bayes(naive, batch)
    found = classification_metrics(naive, Request(rows=ROWS))["y"].probabilities
    for wrong in (likelihood.softmax(-1), (prior + likelihood).exp(), prior.exp().expand(ROWS, 10)):
        assert (found - wrong).abs().max() > 0.1
    torch.testing.assert_close(found.sum(-1), torch.ones(ROWS, dtype=torch.float64))


def test_a_regression_is_its_softmax(tmp_path):
    opened = untrained(GALLERY / "logistic_regression")
    with torch.no_grad():
        opened.program.model.w.mul_(10.0)
    model, batch = opened.program.model, batch_of(opened)
    found = classification_metrics(opened, Request(rows=ROWS))["y"]
    with torch.no_grad():
        truth = (batch["x"] @ model.w + model.b).double().softmax(-1)
    torch.testing.assert_close(found.probabilities, truth, rtol=0, atol=1e-5)
    # Its log p(x) is that of the label alone.
    same = estimate(opened, Request(rows=ROWS))
    assert found.log_score.value == pytest.approx(same.value, abs=1e-5)
    assert found.log_score.standard_error == pytest.approx(same.standard_error, rel=1e-4)


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    """A Gaussian for each class with a latent, and a guide that is the posterior given y."""
    opened = compiled(CLASSES, tmp_path_factory.mktemp("classes"))
    model, guide = opened.program.model, opened.program.guide
    with torch.no_grad(), precision(torch.float64):
        loadings = torch.zeros(2, 64)
        loadings[0, 20:28], loadings[1, 36:44] = 0.4, -0.3  # orthogonal, as the guide's noise is
        model.loadings.copy_(loadings)
        model.centre.mul_(3.0)
        model.prior_logits.mul_(10.0)
        variance = 1 / (1 + loadings.square().sum(-1) / 0.25)
        gain = variance[:, None] * loadings / 0.25
        guide.z_loc_head.weight.copy_(torch.cat([gain, -gain @ model.centre.T], -1))
        guide.z_loc_head.bias.zero_()
        guide.z_log_scale_head.weight.zero_()
        guide.z_log_scale_head.bias.copy_(variance.log() / 2)
    return opened


def gaussian(opened, batch):
    """log p(y = c) + log N(x; centre_c, L'L + 0.25 I): [rows, classes]."""
    model = opened.program.model
    with torch.no_grad():
        covariance = model.loadings.T @ model.loadings + 0.25 * torch.eye(64, dtype=torch.float64)
        normal = torch.distributions.MultivariateNormal(model.centre, covariance)
        return model.prior_logits.log_softmax(-1) + normal.log_prob(batch["x"][:, None])


@pytest.mark.parametrize("estimator", ["iwae", "elbo"])
def test_a_posterior_as_guide_makes_the_bound_exact(classes, estimator):
    """Whatever the draws: the guide has to see the class that is asked for, not the row's own."""
    truth = gaussian(classes, batch_of(classes)).softmax(-1)
    found = classification_metrics(classes, Request(estimator, 3, rows=ROWS))["y"]
    torch.testing.assert_close(found.probabilities, truth, rtol=0, atol=1e-9)
    assert (found.estimator, found.particles) == (estimator, 3)


def test_many_particles_of_another_guide_come_close(classes):
    weight = classes.program.guide.z_loc_head.weight
    truth = gaussian(classes, batch_of(classes, 20)).softmax(-1)
    before, errors = weight.detach().clone(), []
    with torch.no_grad():
        weight[:, 64:] += 0.5 * torch.randn(2, 10, generator=torch.Generator().manual_seed(0))
        for particles in (1, 1000):
            found = classification_metrics(classes, Request("iwae", particles, rows=20))["y"]
            errors.append((found.probabilities - truth).abs().max().item())
        weight.copy_(before)
    assert errors[1] < 0.05 < 0.2 < errors[0]


def test_the_classes_have_the_same_draws(tmp_path):
    """Where y tells nothing of z and x, no noise may come between the classes."""
    text = CLASSES.replace("centre[y] + ", "").replace(", y)", ")")
    text = text.replace("  centre: {parameter: real, plate: digit, shape: [64]}\n", "")
    opened = compiled(text, tmp_path)
    prior = opened.program.model.prior.detach()
    found = classification_metrics(opened, Request("iwae", 2, rows=5))["y"]
    torch.testing.assert_close(found.probabilities, prior.expand(5, 10))


def test_pieces_change_nothing(naive, monkeypatch):
    whole = classification_metrics(naive, Request(rows=ROWS))["y"].probabilities
    monkeypatch.setattr(scoring, "BUDGET", 1 << 12)
    pieces = classification_metrics(naive, Request(rows=ROWS))["y"].probabilities
    torch.testing.assert_close(pieces, whole, rtol=0, atol=1e-6)


def test_progress_runs_to_the_end(classes):
    shares = []
    classification_metrics(classes, Request("iwae", 5, rows=ROWS), shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0 and len(set(shares)) >= 10


def test_a_broken_program_is_never_right(naive):
    with torch.no_grad():
        naive.program.model.ink.fill_(math.nan)
    found = classification_metrics(naive, Request(rows=ROWS))["y"]
    assert found.accuracy.value == 0.0
    assert math.isnan(found.log_score.value) and math.isnan(found.calibration_error)
    assert sum(own.rows for own in found.bins) == ROWS


# which nodes are labels


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("naive_bayes", {"y": range(10)}),
        ("logistic_regression", {"y": range(10)}),
        ("conditional_vae", {}),
        ("vae", {}),
        ("unigram", {}),
    ],
)
def test_labels_of_the_gallery(name, expected):
    assert label_classes(manifests.read(GALLERY / name)) == expected


@pytest.mark.parametrize(
    ("shape", "support", "expected"),
    [
        ([], {"kind": "integers", "low": 0, "high": 1}, {"y": range(2)}),
        ([], {"kind": "integers", "low": 3, "high": 7}, {"y": range(3, 8)}),
        ([1], {"kind": "integers", "low": 0, "high": 1}, {}),
        ([], {"kind": "integers", "low": 0}, {}),
        ([], {"kind": "integers", "low": 4, "high": 4}, {}),
        ([], {"kind": "integers", "low": 0, "high": 1e6}, {}),
        ([], {"kind": "interval", "low": 0, "high": 1}, {}),
        ([], {"kind": "any"}, {}),
    ],
)
def test_labels_are_one_number_out_of_a_few(shape, support, expected):
    manifest = json.loads((GALLERY / "naive_bayes" / "manifest.json").read_text())
    manifest["data"]["fields"]["y"].update({"shape": shape, "support": support})
    assert label_classes(manifests.parse(manifest)) == expected


def test_no_labels_cost_nothing(tmp_path):
    assert classification_metrics(untrained(GALLERY / "vae"), Request(part="nowhere")) == {}


UNUSED = GLOBAL.replace(
    "objective: elbo", "objective:\n  players:\n    fit: {minimize: norm(guide.m), links: [m]}"
)
UNUSED = UNUSED.replace("  w: {latent: normal, loc: m, scale: s, global: true}\n", "")
"""A loss without densities, and a guide without the latent that all rows share."""


def test_a_program_that_has_no_log_p(tmp_path):
    opened = compiled(UNUSED, tmp_path)
    with pytest.raises(RunFailure) as failure:
        classification_metrics(opened, Request())
    assert failure.value.code == "E0813"
    assert classification_section(opened, "test").startswith(
        "<p>Not measured: the estimate `iwae` cannot be made"
    )


# what is printed


def test_the_page_makes_a_bound_of_fewer_particles(classes):
    shown = classification_section(classes, "test")
    assert "Of 359 test rows, given their other fields, by a bound (iwae, 100 particles)." in shown
    assert shown.count("<svg") == 1


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    root = tmp_path_factory.mktemp("naive")
    model = specc.load(ROOT / "specs/naive_bayes.yaml", {"train.epochs": 20, "train.threads": 1})
    return model.train(root / "run")


def test_the_command_line_prints_labels(trained, capsys):
    done = specc_verb(capsys, "evaluate", trained.folder)
    found = trained.labels()["y"]
    *_, head, line = done.out.splitlines()
    assert head == "labels, given the other fields (exact, 359 rows of `test`):"
    assert line.startswith(f"  y: accuracy {found.accuracy.value:.3f} +- ")
    assert line.endswith(f"calibration error {found.calibration_error:.3f}")
    assert found.accuracy.value > 0.8


def test_the_command_line_as_json(trained, capsys):
    asked = ("--json", "--part", "train", "--rows", "50")
    answer = json.loads(specc_verb(capsys, "evaluate", trained.folder, *asked).out)
    found = answer["labels"]["y"]
    same = trained.labels(part="train", rows=50)["y"]
    assert found["accuracy"]["value"] == same.accuracy.value
    assert (found["data"], found["rows"], found["classes"]) == ("train", 50, 10)
    assert sum(own["rows"] for own in found["bins"]) == 50
    assert len(found["bins"]) == 15 and found["bins"][0]["confidence"] is None


def test_nothing_is_printed_without_labels(tmp_path, capsys):
    short = {"train.epochs": 1, "evaluate.test.particles": 2, "train.threads": 1}
    run = specc.load(ROOT / "specs/vae.yaml", short).train(tmp_path / "run")
    assert "labels" not in specc_verb(capsys, "evaluate", run.folder).out
    assert json.loads(specc_verb(capsys, "evaluate", run.folder, "--json").out)["labels"] == {}
    assert run.labels() == {}


def test_a_label_that_the_rest_says_nothing_of(tmp_path):
    """Only the prior is left, and equal classes make the confidence 1 / 10."""
    found = Run(compiled(TWO, tmp_path)).labels()["y"]
    torch.testing.assert_close(found.probabilities, torch.full((359, 10), 0.1).double())
    assert found.log_score.value == pytest.approx(-math.log(10))
    (only,) = [own for own in found.bins if own.rows]
    assert found.bins.index(only) == 1
    assert found.calibration_error == pytest.approx(abs(only.accuracy - 0.1))
