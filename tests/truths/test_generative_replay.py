"""Generative replay keeps a classifier from forgetting the classes of an earlier stage."""

import pytest
import torch

from specc.runtime.noise import Noise
from tests.truths.gallery import source, trained_text

EPOCHS = "epochs: 60", ("epochs: 15", "epochs: 12")


def brief(text):
    """The text with shorter stages."""
    for short in EPOCHS[1]:
        assert EPOCHS[0] in text
        text = text.replace(EPOCHS[0], short, 1)
    return text


def without_replay(text):
    """The text whose second stage has the objective of the first one."""
    start = text.index("      minimize:")
    return text[:start] + "      elbo: {}\n" + text[text.index("      links:", start) :]


@torch.no_grad()
def accuracies(run):
    """The shares of test digits with the right class: of 0 to 4, and of 5 to 9."""
    rows, model = run.loaded.rows("test"), run.loaded.program.model
    batch = rows.batch(slice(0, len(rows)), Noise.at(0))
    right = (model.y_logits(batch["x"]).argmax(-1) == batch["y"]).double()
    early = batch["y"] < 5
    return right[early].mean().item(), right[~early].mean().item()


@pytest.fixture(scope="module")
def text():
    return brief(source("generative_replay").text)


@pytest.fixture(scope="module")
def run(text, tmp_path_factory):
    return trained_text(text, tmp_path_factory.mktemp("replay"))


def test_with_replay_it_remembers_what_it_forgets_without(text, run, tmp_path):
    """More than 20 points in the mean over both halves."""
    kept = accuracies(run)
    lost = accuracies(trained_text(without_replay(text), tmp_path))
    assert sum(kept) / 2 - sum(lost) / 2 > 0.2
    assert kept[0] > 0.8 > 0.4 > lost[0]
    assert kept[1] > 0.6


def test_what_a_stage_copies_stays_as_it_was(text, run, tmp_path):
    """The copies have the parameters of the end of the first stage, and no others."""
    first = text[: text.index("    - name: second")] + "train: {batch_size: 50}\n"
    before = trained_text(first, tmp_path).loaded.program.state_dict()
    after = run.loaded.program.state_dict()
    pairs = [(n, n.replace("replay.old_", "model.")) for n in after if "replay.old_" in n]
    assert len(pairs) == 8
    for name, original in pairs:
        assert torch.equal(after[name], before[original])
        assert not torch.equal(after[name], after[original])
