"""The terms that a loss reports: with their signs and coefficients they add up to its value."""

import math
from functools import cache

import pytest
import torch

from specc.codegen.row_terms import is_shared
from specc.codegen.text import term_formula
from specc.compiler import compile
from specc.diagnostics.source import Source
from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from specc.runtime.program import load
from tests.house.files import ROOT
from tests.losses import computed
from tests.unit.made_data import batch_of

ROWS = 6
GALLERY = sorted(path.stem for path in (ROOT / "specs").glob("*.yaml"))


@cache
def checked(name):
    path = ROOT / "specs" / f"{name}.yaml"
    return compile(Source(f"specs/{name}.yaml", path.read_text()))[1]


def players(name):
    """The players whose loss is a sum of terms; that of a log of a mean is not."""
    found = checked(name).objective
    for player in found.players:
        plain = player.is_bound and (player.bound.how == "mean" or player.particles == 1)
        if plain and len(player.parts) > 1 and not found.is_likelihood(player):
            yield player


NAMES = [name for name in GALLERY if any(players(name))]


def batch(plan, graph):
    """Random data by the names of fields; the words of a document are as many as its length."""
    generator = torch.Generator().manual_seed(0)
    found = batch_of(graph, plan.data, ROWS, generator)
    found = {name.removeprefix("data."): value for name, value in found.items()}
    if "words" in found:
        found["length"] = found["words"].sum(-1)
    return found


def entries(name, player, result):
    """The reported value of each term of a player's loss, by the term."""
    plan = checked(name).plan
    for part in player.parts:
        shared = " / data_size" if is_shared(plan, part) else ""
        yield part, result.metrics[f"{term_formula(plan, part.term)}{shared}"].item()


@pytest.mark.parametrize("name", NAMES)
def test_the_terms_add_up_to_the_loss(name):
    plan, graph = checked(name).plan, checked(name).typed
    with precision(torch.float64):
        program = load(ROOT / "generated" / name).double()
        for player in players(name):
            noise = Noise.at(0, dtype=torch.float64)
            result = computed(program, batch(plan, graph), noise, ROWS, player.name)
            found = [*entries(name, player, result)]
            total = sum(part.coefficient * value for part, value in found)
            assert math.isfinite(total)
            assert total == pytest.approx(-result.loss.item(), rel=1e-9)
