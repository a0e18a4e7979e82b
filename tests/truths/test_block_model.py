"""A network of three blocks: a mean-field guide is a fixed point of coordinate ascent."""

import itertools

import numpy as np

from tests.house.files import ROOT
from tests.truths.gallery import trained
from tests.truths.measuring import weights

PEOPLE, BLOCKS = 36, 3
INSIDE, BETWEEN = 0.7, 0.1


def network(folder):
    """The blocks of people, and all pairs of a CSV file with their ties."""
    rng = np.random.default_rng(7)
    block = rng.permutation(np.repeat(np.arange(BLOCKS), PEOPLE // BLOCKS))
    pairs = np.array(list(itertools.combinations(range(PEOPLE), 2)))
    alike = block[pairs[:, 0]] == block[pairs[:, 1]]
    tie = rng.uniform(size=len(pairs)) < np.where(alike, INSIDE, BETWEEN)
    table = np.column_stack([pairs, tie])[rng.permutation(len(pairs))]
    path = folder / "ties.csv"
    np.savetxt(path, table, "%d", ",", header="i,j,tie", comments="")
    return block, table


def test_the_gallery_has_these_rows(tmp_path):
    network(tmp_path)
    assert (tmp_path / "ties.csv").read_text() == (ROOT / "specs/ties.csv").read_text()


def softmax(logits):
    found = np.exp(logits - logits.max(-1, keepdims=True))
    return found / found.sum(-1, keepdims=True)


def test_the_guide_is_a_fixed_point_of_coordinate_ascent(tmp_path):
    block, table = network(tmp_path)
    found = weights(trained("block_model", tmp_path / "run", data_dir=tmp_path))
    q, shares = softmax(found["guide.own"]), softmax(found["model.shares_logits"])
    logits = 2.0 * np.eye(BLOCKS) - 1.0 + found["model.ties"] + found["model.ties"].T
    log_p = -np.logaddexp(0.0, np.stack([logits, -logits]))  # of no tie, and of a tie
    score = np.tile(np.log(shares), (PEOPLE, 1))
    for i, j, tie in table:
        score[i] += log_p[tie] @ q[j]
        score[j] += log_p[tie] @ q[i]
    assert np.abs(softmax(score) - q).max() < 0.02
    assert np.abs(q.mean(0) - shares).max() < 0.02
    own = q.argmax(1)
    pairs = set(zip(block, own, strict=True))  # the same blocks, by other names
    assert len(pairs) == len(set(own)) == BLOCKS
