"""Latents of elements that are summed out, given all training rows, against enumeration.

Frequencies of draws pass a chi-square test at the level of 1e-6; means are within 5 standard
errors, a false alarm in 2 million.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy import special, stats

import specc
from specc.cli.main import main
from specc.engine.storage.loaded_run import precision
from specc.evaluate import element_draws
from specc.evaluate.element_draws import ElementDraws
from specc.runtime.noise import Noise
from specc.runtime.program import load
from tests.engine.test_written_players import made

TWO = """\
specc: 1
name: two
data: {source: npz, path: d.npz, fields: {item: {from: item}, x: {from: x}}}
plates: {items: 4}
model:
  item: {given: item, plate_index: items}
  a: {latent: categorical, logits: [0.3, -0.2, 0.1], plate: items}
  b: {latent: bernoulli, logits: 0.4, plate: items}
  k: {latent: bernoulli, logits: -0.5}
  level: {parameter: real, shape: [3]}
  x: {observed: normal, loc: "level[a[item]] + b[item] + 2 * k", scale: 1}
objective: mle
train: {batch_size: 9}
"""
DRAWS = 2000


def joint(level, item, x):
    """Log p(a, b, rows of an element) of all six states, [6], by enumeration."""
    prior_a, found = special.log_softmax([0.3, -0.2, 0.1]), []
    for a, b in itertools.product(range(3), range(2)):
        total = prior_a[a] + np.log(special.expit(0.4 if b else -0.4))
        for each in x:
            parts = [
                np.log(special.expit(sign * -0.5)) + stats.norm(level[a] + b + 2 * k).logpdf(each)
                for k, sign in ((0, -1), (1, 1))
            ]
            total += np.logaddexp(*parts)
        found.append(total)
    return np.array(found)


def test_two_latents_of_an_element_beside_one_of_each_row(tmp_path):
    with precision(torch.float64):
        model = load(made(tmp_path, TWO)).model
        level = torch.tensor([-1.0, 0.5, 2.0])
        item = torch.tensor([0, 1, 0, 2, 2, 1, 0, 2, 2])
        x = torch.linspace(-1.5, 3.5, 9)
        with torch.no_grad():
            model.level.copy_(level)
            noise = Noise.at(0)
            drawn = model.sample_elements(noise, DRAWS, item=item, x=x)
    states = (2 * drawn["a"] + drawn["b"].long()).numpy()
    assert states.shape == (DRAWS, 4)
    for element in range(4):  # the last one has no rows, and the prior as its posterior
        rows = x[item == element].numpy()
        chance = special.softmax(joint(level.numpy(), element, rows))
        seen = np.bincount(states[:, element], minlength=6)
        assert stats.chisquare(seen, DRAWS * chance).pvalue > 1e-6
    other = special.softmax(joint(level.numpy(), 0, x[item == 2].numpy()))
    seen = np.bincount(states[:, 0], minlength=6)
    assert stats.chisquare(seen, DRAWS * other).pvalue < 1e-6


SHARED = """\
specc: 1
name: shared
data: {source: npz, path: d.npz, fields: {x: {from: x}}}
model:
  b: {latent: bernoulli, logits: 0.4, shape: [2], global: true}
  k: {latent: categorical, logits: 0, classes: 3, global: true}
  level: {parameter: real, shape: [3]}
  x: {observed: normal, loc: "level[k] + b[0] - b[1]", scale: 2}
objective: mle
train: {batch_size: 4}
"""


def test_latents_that_all_rows_share(tmp_path):
    with precision(torch.float64):
        model = load(made(tmp_path, SHARED)).model
        x, noise = torch.tensor([0.5, -1.0, 1.5, 2.0]), Noise.at(0)
        with torch.no_grad():
            model.level.copy_(torch.tensor([-1.0, 0.5, 1.0]))
            drawn = model.sample_elements(noise, DRAWS, x=x)
    assert drawn["b"].shape == (DRAWS, 2) and drawn["k"].shape == (DRAWS,)
    states, log_p = [*itertools.product(range(3), range(2), range(2))], []
    for k, first, second in states:
        prior = sum(np.log(special.expit(0.4 if bit else -0.4)) for bit in (first, second))
        level = (-1.0, 0.5, 1.0)[k] + first - second
        log_p.append(prior + stats.norm(level, 2).logpdf(x.numpy()).sum())
    seen = [(k, *map(int, b)) for k, b in zip(*(drawn[n].tolist() for n in "kb"), strict=True)]
    counts = np.array([seen.count(state) for state in states])
    assert stats.chisquare(counts, DRAWS * special.softmax(log_p)).pvalue > 1e-6
    assert stats.chisquare(counts, np.full(12, DRAWS / 12)).pvalue < 1e-6


LABELS = """\
specc: 1
name: labels
constants: {start: [[2, 0, 0], [0, 2, 0], [0, 0, 2]]}
data:
  source: csv
  path: labels.csv
  fields: {item: {from: item}, person: {from: person}, label: {from: label}}
plates: {items: 6, people: 3}
model:
  item: {given: item, plate_index: items}
  person: {given: person, plate_index: people}
  skill: {parameter: real, plate: people, init: {normal: 1}}
  truth: {latent: categorical, probs: [0.5, 0.3, 0.2], plate: items}
  label: {observed: categorical, logits: "skill[person] * start[truth[item]]"}
objective: mle
train: {batch_size: 20, steps: 20, optimizer: {adam: {lr: 0.1}}}
"""


@pytest.fixture(scope="module")
def rows():
    own = np.random.default_rng(2)
    item, person = own.integers(0, 5, 20), own.integers(0, 3, 20)
    return item, person, own.integers(0, 3, 20)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("labels")
    lines = [",".join(map(str, row)) for row in zip(*rows, strict=True)]
    (folder / "labels.csv").write_text("\n".join(["item,person,label", *lines]) + "\n")
    (folder / "new.csv").write_text("person,item\n0,0\n1,4\n2,5\n")
    path = folder / "labels.yaml"
    path.write_text(LABELS)
    return specc.load(path).train(folder / "run", device="cpu", threads=1)


def test_labels_of_new_rows_depend_on_the_rows_of_their_element(labelled, rows):
    skill = labelled.program.model.skill.detach().numpy().astype(float)
    item, person, label = rows
    log_p = special.log_softmax(skill[:, None, None] * 2 * np.eye(3), axis=-1)
    found = labelled.predict(labelled.folder.parent / "new.csv", draws=2000)["label"]
    for row, (who, what) in enumerate([(0, 0), (1, 4), (2, 5)]):
        own = item == what
        posterior = np.log([0.5, 0.3, 0.2]) + log_p[person[own], :, label[own]].sum(0)
        posterior = special.softmax(posterior)
        each = np.exp(log_p[who])
        wanted = posterior @ each
        error = np.sqrt((posterior @ (each - wanted) ** 2) / 2000)
        assert (abs(found.probabilities[row].numpy() - wanted) < 5 * error + 1e-6).all()
        of_prior = np.array([0.5, 0.3, 0.2]) @ each
        if row < 2:  # the last element has no rows
            assert (abs(of_prior - wanted) > 10 * error).any()


def test_samples_have_the_elements_of_the_posterior(labelled, rows, capsys, tmp_path):
    found = labelled.sample(300)
    assert found["truth"].shape == (300, 6)
    elements = ElementDraws.of(labelled.loaded)
    assert elements.draw(Noise.at(0), 7)["truth"].shape == (7, 6)
    out = tmp_path / "rows.csv"
    assert main(["sample", str(labelled.folder), "--rows", "3", "--out", str(out)]) == 0
    assert out.read_text().splitlines()[0].split(",")[-1] == "label"
    capsys.readouterr()
    # The sixth element has no rows: its labels are those of the prior (chi-square, level 1e-6).
    seen = np.bincount(found["truth"][:, 5].numpy(), minlength=3)
    assert stats.chisquare(seen, 300 * np.array([0.5, 0.3, 0.2])).pvalue > 1e-6


def test_the_posterior_is_computed_once_for_many_draws(labelled, monkeypatch):
    """Without a sampler the parameters stay the same, so that draws share a pass over the rows.

    If few draws fit into memory, they are all made nevertheless, in several passes.
    """
    model, counts = labelled.program.model, []
    method = model.sample_elements

    def counted(noise, draws, **given):
        counts.append(draws)
        return method(noise, draws, **given)

    monkeypatch.setattr(model, "sample_elements", counted)
    labelled.predict(labelled.folder.parent / "new.csv", draws=200)
    labelled.sample(30)
    assert counts == [1, 199, 1, 29]
    monkeypatch.setattr(element_draws, "MOST_NUMBERS", 6 * 12)
    counts.clear()
    assert labelled.sample(30)["truth"].shape == (30, 6)
    assert counts == [1, 12, 12, 5]


SIGNS = """\
specc: 1
name: signs
data: {source: csv, path: signs.csv, fields: {item: {from: item}, x: {from: x}}}
plates: {items: 3}
model:
  item: {given: item, plate_index: items}
  mu: {latent: normal, loc: 1, scale: 1, global: true}
  up: {latent: bernoulli, probs: 0.5, plate: items}
  x: {observed: normal, loc: "mu * (2 * up[item] - 1)", scale: 1.5}
sampler: {nuts: {chains: 2, warmup: 300, draws: 1000}}
"""


def test_elements_beside_latents_that_chains_draw(tmp_path):
    """E[x | item, all rows] by quadrature over mu: 2,000 draws are worth at least 500."""
    item, x = np.array([0, 0, 1, 1]), np.array([1.2, 0.4, -1.5, 0.2])
    lines = [f"{i},{v}" for i, v in zip(item, x, strict=True)]
    (tmp_path / "signs.csv").write_text("\n".join(["item,x", *lines]) + "\n")
    (tmp_path / "new.csv").write_text("item\n0\n1\n2\n")
    (tmp_path / "signs.yaml").write_text(SIGNS)
    run = specc.load(tmp_path / "signs.yaml").train(tmp_path / "run", device="cpu", threads=1)
    found = run.predict(tmp_path / "new.csv", draws=2000)["x"]
    mu = np.linspace(-6, 8, 4001)
    log_p, means = stats.norm(1, 1).logpdf(mu), []
    for element in range(3):
        up, down = (
            sum((stats.norm(sign * mu, 1.5).logpdf(v) for v in x[item == element]), np.zeros(4001))
            for sign in (1, -1)
        )
        log_p = log_p + np.logaddexp(up, down)
        means.append(mu * np.tanh((up - down) / 2))
    chance = special.softmax(log_p)
    wanted = np.array([chance @ own for own in means])
    squares = chance @ mu**2 - wanted**2  # those of draws of mu and of the sign
    assert (abs(found.mean.numpy() - wanted) < 5 * np.sqrt(squares / 500)).all()
    assert wanted[0] > 0.3 and wanted[1] < -0.1  # with the prior of the signs both are 0
    sd = np.sqrt(squares + 1.5**2)
    assert (abs(found.sd.numpy() / sd - 1) < 5 / np.sqrt(2 * 500)).all()
