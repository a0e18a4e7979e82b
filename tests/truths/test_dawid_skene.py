"""Labels of items by several people, against expectation maximization (Dawid and Skene 1979)."""

import numpy as np

from tests.house.files import ROOT
from tests.truths.gallery import trained
from tests.truths.measuring import weights

ITEMS, PEOPLE, CLASSES = 80, 5, 3
SHARES = np.array([0.5, 0.3, 0.2])
SKILLS = np.array([0.9, 0.8, 0.7, 0.6, 0.35])


def labelled(folder):
    """The labels of a CSV file: each person labels seven of ten items."""
    rng = np.random.default_rng(3)
    truth = rng.choice(CLASSES, ITEMS, p=SHARES)
    rows = []
    for item in range(ITEMS):
        for person in rng.permutation(PEOPLE)[: rng.integers(3, PEOPLE)]:
            right = rng.uniform() < SKILLS[person]
            label = truth[item] if right else (truth[item] + rng.integers(1, CLASSES)) % CLASSES
            rows.append((item, person, label))
    table = np.array(rows)[rng.permutation(len(rows))]
    path = folder / "labels.csv"
    np.savetxt(path, table, "%d", ",", header="item,person,label", comments="")
    return table


def test_the_gallery_has_these_rows(tmp_path):
    labelled(tmp_path)
    assert (tmp_path / "labels.csv").read_text() == (ROOT / "specs/labels.csv").read_text()


def log_joint(table, prior, confusion):
    """log p(z) + sum over the labels of an item of log p(y | z), [items, classes]."""
    found = np.tile(np.log(prior), (ITEMS, 1))
    item, person, label = table.T
    np.add.at(found, item, np.log(confusion[person, :, label]))
    return found


def expectation_maximization(table, steps=2000):
    """The maximum of the likelihood from the shares of the labels of each item."""
    item, person, label = table.T
    q = np.zeros((ITEMS, CLASSES))
    np.add.at(q, (item, label), 1.0)
    q /= q.sum(1, keepdims=True)
    for _ in range(steps):
        prior = q.mean(0)
        confusion = np.full((PEOPLE, CLASSES, CLASSES), 1e-12)
        for at, who, what in zip(item, person, label, strict=True):
            confusion[who, :, what] += q[at]
        confusion /= confusion.sum(-1, keepdims=True)
        joint = log_joint(table, prior, confusion)
        log_p = np.logaddexp.reduce(joint, 1)
        q = np.exp(joint - log_p[:, None])
    return prior, confusion, log_p.sum(), q


def softmax(logits):
    found = np.exp(logits - logits.max(-1, keepdims=True))
    return found / found.sum(-1, keepdims=True)


def test_maximum_likelihood_is_the_fixed_point_of_em(tmp_path):
    table = labelled(tmp_path)
    prior, confusion, best, q = expectation_maximization(table)
    found = weights(trained("dawid_skene", tmp_path / "run", data_dir=tmp_path))
    own_prior = softmax(found["model.shares_logits"])
    own = softmax(2.0 * np.eye(CLASSES) + found["model.errors"])
    joint = log_joint(table, own_prior, own)
    log_p = np.logaddexp.reduce(joint, 1)
    # The log-likelihood is flat where a probability of the maximum is 0.
    assert best - 0.05 < log_p.sum() < best + 1e-6
    assert np.abs(own_prior - prior).max() < 0.005
    assert np.abs(own - confusion).max() < 0.02
    assert np.abs(np.exp(joint - log_p[:, None]) - q).max() < 0.02
