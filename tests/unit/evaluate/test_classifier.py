"""A run that tells classes: what it predicts, its layers, and runs that are of no use."""

import pytest
import torch
from torch.nn import functional

import specc
from specc.evaluate.classifier import Classifier
from specc.evaluate.compared import Compared
from specc.evaluate.featured import Rows, featured
from specc.evaluate.metrics.label_accuracy import compute
from specc.runtime.failure import RunFailure
from tests.unit.evaluate.test_estimate import untrained

PLANE = """
specc: 1
name: plane
data: {source: toy, density: moons, fields: {x: {from: x, STANDARDIZE}, y: {from: label}}}
model:
  x: {given: x}
  y: {observed: categorical, logits: net(x), classes: 2}
links: {net: {mlp: [5]}}
objective: mle
"""
TWO = """
specc: 1
name: digits_two
data: {source: digits, fields: {x: {from: image}, y: {from: label}, again: {from: label}}}
model:
  x: {given: x}
  y: {observed: categorical, logits: net(x), classes: 10}
  again: {observed: categorical, logits: net(x), classes: 10}
links: {net: {mlp: [5]}}
objective: mle
"""
SHARED = """
specc: 1
name: weights
data: {source: digits, fields: {x: {from: image}, y: {from: label}}}
model:
  x: {given: x}
  w: {latent: normal, loc: 0, scale: 1, shape: [64, 10], global: true}
  y: {observed: categorical, logits: x @ w}
guide:
  m: {parameter: real, shape: [64, 10]}
  w: {latent: normal, loc: m, scale: 0.1, global: true}
objective: elbo
"""
BAYES = """
specc: 1
name: bayes
data: {source: digits, fields: {x: {from: image, binarize: threshold}, y: {from: label}}}
model:
  y: {observed: categorical, logits: 0, classes: 10}
  x: {observed: bernoulli, logits: net(y)}
links: {net: linear}
objective: mle
"""


def opened(text, folder):
    spec = folder / "spec.yaml"
    spec.write_text(text, encoding="utf-8")
    return untrained(specc.load(spec).compile(folder / "code"))


@pytest.fixture
def plane(tmp_path):
    return opened(PLANE.replace(", STANDARDIZE", ""), tmp_path)


def points(rows=20):
    return torch.randn(rows, 2, generator=torch.Generator().manual_seed(0))


def linear_layers(run):
    return [own for own in run.program.modules() if isinstance(own, torch.nn.Linear)]


def by_hand(run, x):
    first, last = linear_layers(run)
    hidden = functional.relu(first(x))
    return hidden, last(hidden).log_softmax(-1)


def test_the_probabilities_are_those_of_the_network(plane):
    _, expected = by_hand(plane, points())
    found = Classifier.of(plane, "x").log_probs(points())
    torch.testing.assert_close(found, expected.detach())


def test_rows_are_standardized_as_the_run_was(tmp_path):
    run = opened(PLANE.replace("STANDARDIZE", "standardize: true"), tmp_path)
    found = Classifier.of(run, "x").log_probs(points())
    record = run.data.record["x"]
    mean, deviation = (torch.tensor(record[key]) for key in ("mean", "deviation"))
    _, expected = by_hand(run, ((points() - mean) / deviation).float())
    torch.testing.assert_close(found, expected.detach(), rtol=1e-5, atol=1e-6)
    assert not torch.allclose(found, by_hand(run, points())[1], rtol=1e-3)


def test_the_density_of_each_class_gives_them_too(tmp_path):
    """Where the class comes first, by Bayes' rule."""
    run = opened(BAYES, tmp_path)
    rows = torch.rand(7, 64).round()
    (net,) = linear_layers(run)
    logits = net(torch.eye(10))
    joint = -functional.binary_cross_entropy_with_logits(
        logits[None].expand(7, 10, 64), rows[:, None].expand(7, 10, 64), reduction="none"
    ).sum(-1)
    found = Classifier.of(run, "x").log_probs(rows)
    torch.testing.assert_close(found, joint.log_softmax(-1).detach(), rtol=1e-5, atol=1e-5)


def test_the_layer_before_the_last_is_the_default(plane):
    hidden, _ = by_hand(plane, points())
    found, name = Classifier.of(plane, "x").layer(points(), "")
    torch.testing.assert_close(found, hidden.detach())
    assert name.startswith("input of model.")


def test_a_layer_by_its_name(plane):
    names = [n for n, own in plane.program.named_modules() if own is linear_layers(plane)[0]]
    expected = linear_layers(plane)[0](points()).detach()
    for name in (names[0], names[0].removeprefix("model.")):
        found, shown = Classifier.of(plane, "x").layer(points(), name)
        torch.testing.assert_close(found, expected)
        assert shown == names[0]


def test_a_figure_states_the_run_and_the_layer(plane):
    x = points()
    rows = Rows("x", (x, x), (x, x), None, lambda word: plane)
    chosen = {"classifier": {"run": "plane-1", "layer": ""}}
    data, samples, words = featured(rows, chosen)
    assert data.shape == samples.shape == (20, 5) and data.dtype == torch.float64
    assert words.startswith("input of model.") and str(plane.folder) in words


@pytest.mark.parametrize("one_hot", [False, True])
def test_accuracy_is_the_share_of_requested_classes(plane, one_hot):
    x = points(50)
    right = by_hand(plane, x)[1].argmax(-1)
    wanted = torch.where(torch.arange(50) < 15, 1 - right, right)
    wanted = functional.one_hot(wanted, 2).float() if one_hot else wanted
    drawn = {"x": x, "y": wanted}
    compared = Compared("x", x, x, drawn, 0, lambda word: plane)
    (found,) = compute(compared, run="plane-1", label="y").values()
    assert found.value == pytest.approx(0.7)
    assert found.standard_error == pytest.approx((0.7 * 0.3 / 50) ** 0.5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TWO, "it has to have one label, and has y, again"),
        (SHARED, "its log p is a mean over draws of latents of all rows"),
    ],
)
def test_a_run_that_is_no_classifier(tmp_path, text, words):
    with pytest.raises(RunFailure, match=words) as failure:
        Classifier.of(opened(text, tmp_path), "x")
    assert failure.value.code == "E0824"


def test_rows_of_another_size(plane):
    with pytest.raises(RunFailure, match="its `x` has 2 numbers a row, not 3") as failure:
        Classifier.of(plane, "x").classes(torch.zeros(4, 3))
    assert failure.value.code == "E0824"


def test_a_layer_that_there_is_not(plane):
    with pytest.raises(RunFailure, match=r"it has no layer `net\.99`") as failure:
        Classifier.of(plane, "x").layer(points(), "net.99")
    assert failure.value.code == "E0824"


def test_inception_features_need_their_package_and_weights(tmp_path, monkeypatch):
    x = torch.zeros(2, 64)
    rows = Rows("x", (x, x), (x, x), (8, 8), lambda word: None)
    chosen = {"inception": {"weights": str(tmp_path / "none.pth"), "layer": 64}}
    monkeypatch.setitem(__import__("sys").modules, "torchmetrics.image.fid", None)
    with pytest.raises(RunFailure, match="need torchmetrics and torch-fidelity") as failure:
        featured(rows, chosen)
    assert failure.value.code == "E0825" and "specc[inception]" in failure.value.hint


def test_inception_features_are_of_pictures_as_bytes(tmp_path, monkeypatch):
    """With another network in its place: three channels of bytes come in, vectors go out."""
    seen = []

    def network_type(**options):
        assert options["features_list"] == ["64"]
        return lambda part: seen.append(part) or part.float().mean((2, 3))

    weights = tmp_path / "weights.pth"
    fake = type("fid", (), {"NoTrainInceptionV3": staticmethod(network_type)})
    monkeypatch.setitem(__import__("sys").modules, "torchmetrics.image.fid", fake)
    x = torch.linspace(-0.5, 1.0, 64).expand(3, 64)
    rows = Rows("x", (x, x), (x, x), (8, 8), lambda word: None)
    chosen = {"inception": {"weights": str(weights), "layer": 64}}
    with pytest.raises(RunFailure, match="there is no file") as failure:
        featured(rows, chosen)
    assert failure.value.code == "E0825"
    weights.write_bytes(b"")
    data, _, words = featured(rows, chosen)
    assert data.shape == (3, 3) and words == "Inception v3, 64 features"
    assert seen[0].dtype == torch.uint8 and seen[0].shape == (3, 3, 8, 8)
    assert seen[0].min() == 0 and seen[0].max() == 255
    with pytest.raises(RunFailure, match="holds no pictures"):
        featured(Rows("x", (x, x), (x, x), None, lambda word: None), chosen)
