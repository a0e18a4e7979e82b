"""Several chains of states under one density: against all sequences of states, one by one.

Sums, gradients and draws of generated code are compared with the joint density at all assignments
of states to steps, and the recursion with that of one chain whose states are the tuples.
"""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import log_softmax
from torch.fx.experimental.proxy_tensor import make_fx

from specc.engine.storage.loaded_run import precision
from specc.runtime.functions import coupled_chains
from specc.runtime.functions.coupled_chains import joint_forward_algorithm
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.laws.estimating import gradient, settle

STEPS, DRAWS = 3, 5_000
HEAD = """specc: 1
name: made
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: [3, 2]}}}
plates: {t: {scan: 3}}
model:
  of_z: {parameter: real, shape: [3, 2]}
  of_w: {parameter: real, shape: [4, 3]}
  left: {parameter: real, shape: [2, 2]}
  right: {parameter: real, shape: [3, 2]}
"""
Z = '  z: {latent: categorical, logits: "of_z[z[t-1]]", initial: 2, classes: 2, plate: t}\n'
W = '  w: {latent: categorical, logits: "of_w[w[t-1]]", initial: 3, classes: 3, plate: t}\n'
PLAIN_W = "  w: {latent: categorical, logits: [0.1, 0.5, -0.3], plate: t}\n"
X = '  x: {observed: normal, loc: "left[z] + right[w] * left[z]", scale: 1, plate: t}\n'
FACTORIAL = HEAD + Z + W + X + "objective: mle\n"
RAGGED = (
    FACTORIAL.replace("[3, 2]}}", "[3, 2]}, n: {from: n, dtype: int64}}", 1)
    .replace("{scan: 3}", "{scan: 3, lengths: n}")
    .replace("model:\n", "model:\n  n: {given: n}\n")
)


def backward(text):
    return text.replace("[t-1]", "[t+1]").replace("2, plate: t}", "2, plate: t, reverse: true}")


def turned(text):
    """Both chains run from the last step to the first."""
    return backward(text).replace("3, plate: t}", "3, plate: t, reverse: true}")


def with_axes(text, name, shape):
    old = {"of_z": "of_z: {parameter: real, shape: [3, 2]}"}
    old["of_w"] = "of_w: {parameter: real, shape: [4, 3]}"
    return text.replace(old[name], f"{name}: {{parameter: real, shape: {shape}}}")


SPECS = {
    "factorial": FACTORIAL,
    "backward": turned(FACTORIAL),
    "ragged": RAGGED,
    "ragged backward": turned(RAGGED),
    "coupled": with_axes(FACTORIAL, "of_w", "[4, 2, 3, 3]").replace(
        "of_w[w[t-1]]", "of_w[w[t-1], z, z[t-1]]"
    ),
    "three": FACTORIAL.replace(
        X,
        Z.replace("z", "u").replace("of_u", "of_z") + X.replace("left[z]", "left[z] - left[u]", 1),
    ),
    "a value of each step": FACTORIAL.replace(W, PLAIN_W),
    "a value of each step that moves a chain": with_axes(FACTORIAL, "of_z", "[3, 3, 2]").replace(
        Z + W, PLAIN_W + Z.replace("z[t-1]]", "z[t-1], w]")
    ),
    "two chains and a value of each step": RAGGED.replace(
        X,
        "  k: {latent: bernoulli, logits: 0.4, plate: t}\n"
        + X.replace("left[z]", "left[z] * (1 - 2 * k)", 1),
    ),
    "a class of the row": FACTORIAL.replace(
        Z, "  c: {latent: bernoulli, logits: 0.2}\n" + Z.replace("z[t-1]]", "z[t-1]] * (1 - 2 * c)")
    ),
}
STATES = {"z": 2, "w": 3, "u": 2, "k": 2}
X_ROWS = torch.randn((3, STEPS, 2), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
LENGTHS = torch.tensor([3, 1, 2])


@pytest.fixture(autouse=True)
def _float64():
    with precision(torch.float64):
        yield


def data_of(text):
    return {"x": X_ROWS, **({"n": LENGTHS} if "n: {given" in text else {})}


def assignments(text, length=STEPS):
    """All values of the latents of a row, [paths, steps] each; padding has the first state."""
    names = [name for name in STATES if f"  {name}: {{latent" in text]
    paths = itertools.product(*[itertools.product(range(STATES[n]), repeat=length) for n in names])
    every = torch.tensor(list(paths))
    padded = torch.nn.functional.pad(every, (0, STEPS - length))
    found = {name: padded[:, place] for place, name in enumerate(names)}
    found |= {"k": found["k"].double()} if "k" in found else {}
    if "  c: " in text:
        found = {name: value.repeat(2, 1) for name, value in found.items()}
        found["c"] = torch.arange(2.0).repeat_interleave(len(every))
    return found


def log_joint(model, text, row, data):
    """log p of a row with every assignment of states."""
    taken = {name: value[row : row + 1] for name, value in data.items()}
    length = int(taken["n"]) if "n" in taken else STEPS
    states = assignments(text, length)
    count = len(next(iter(states.values())))
    repeated = {n: v.expand(count, *v.shape[1:]) for n, v in taken.items()}
    return states, model.log_joint(**states, **repeated), length


@pytest.mark.parametrize("tuples", [0, coupled_chains.MOST_TUPLES])
@pytest.mark.parametrize("name", SPECS)
def test_a_sum_over_several_chains_is_that_over_all_sequences(name, tuples, tmp_path, monkeypatch):
    """By the recursion of one chain after the other, and as one chain of tuples."""
    text = SPECS[name]
    monkeypatch.setattr(coupled_chains, "MOST_TUPLES", tuples)
    made, data = program(text, tmp_path), data_of(text)
    settle(made)
    found = made.model.log_prob(**data)
    each = [log_joint(made.model, text, row, data)[1].logsumexp(0) for row in range(3)]
    wanted = torch.stack(each)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-10)
    slopes = [gradient(made, value.sum()) for value in (found, wanted)]
    torch.testing.assert_close(*slopes, rtol=0, atol=1e-9)
    alone = made.model.log_prob(**{n: v[1:2] for n, v in data.items()})
    torch.testing.assert_close(alone, wanted[1:2], rtol=0, atol=1e-10)
    moved = torch.stack(
        [
            log_joint(made.model, text, r, {**data, "x": -data["x"]})[1].logsumexp(0)
            for r in range(3)
        ]
    )
    assert (moved - wanted).abs().max() > 0.1


def agrees(made, text, *, wrong=False):
    """Whether draws of the latents of each row have the enumerated frequencies."""
    data, found = data_of(text), []
    for row in range(3):
        repeated = {n: v[row : row + 1].expand(DRAWS, *v.shape[1:]) for n, v in data.items()}
        drawn = made.model.sample_posterior(Noise.at(row), **repeated)
        shifted = {**data, "x": data["x"] + 0.7} if wrong else data
        states, log_p, length = log_joint(made.model, text, row, shifted)
        whole, seen = (
            torch.cat([v.reshape(len(v), -1)[:, :length] for v in values], 1).long()
            for values in (list(states.values()), [drawn[name] for name in states])
        )
        places = {tuple(path): place for place, path in enumerate(whole.tolist())}
        counts = np.bincount([places[tuple(path)] for path in seen.tolist()], minlength=len(whole))
        chance = log_p.softmax(0).detach().numpy() * DRAWS
        keep = chance > 10
        observed = np.array([*counts[keep], counts[~keep].sum()])
        wanted = np.array([*chance[keep], max(chance[~keep].sum(), 1e-9)])
        if wanted[-1] < 10:
            observed, wanted = observed[:-1], wanted[:-1] * observed[:-1].sum() / wanted[:-1].sum()
        found.append(stats.chisquare(observed, wanted).pvalue > 1e-6)
    return found


@pytest.mark.parametrize("name", [name for name in SPECS if name != "a class of the row"])
def test_states_of_several_chains_are_drawn_from_their_posterior(name, tmp_path):
    """A chi-square test of three rows at the level of 1e-6 each."""
    made = program(SPECS[name], tmp_path)
    settle(made)
    with torch.no_grad():
        assert all(agrees(made, SPECS[name]))
        assert not all(agrees(made, SPECS[name], wrong=True))


def product_chain(moves, starts, log_x):
    """log p(x) of one chain whose states are the pairs: the scaled recursion of Rabiner (1989)."""
    move = np.exp(np.add.outer(moves[0], moves[1]).transpose(0, 2, 1, 3).reshape(6, 6))
    alpha, total = np.exp(np.add.outer(*starts).reshape(6)), 0.0
    for t, single in enumerate(log_x.reshape(len(log_x), 6)):
        alpha = (alpha if t == 0 else alpha @ move) * np.exp(single)
        total += np.log(alpha.sum())
        alpha /= alpha.sum()
    return total


def test_two_chains_are_one_chain_of_pairs(tmp_path):
    """The recursion over pairs of states in numpy, to 1e-10; with other moves it differs."""
    made = program(FACTORIAL, tmp_path)
    settle(made)
    found = made.model.log_prob(x=X_ROWS).detach().numpy()
    w = {n: v.detach().numpy() for n, v in made.model.named_parameters()}
    z, v = log_softmax(w["of_z"], -1), log_softmax(w["of_w"], -1)
    loc = w["left"][:, None] + w["right"][None] * w["left"][:, None]

    def exact(moves):
        for x in X_ROWS.numpy():
            log_x = stats.norm(loc[None], 1).logpdf(x[:, None, None]).sum(-1)
            yield product_chain(moves, (z[2], v[3]), log_x)

    np.testing.assert_allclose(found, list(exact((z[:2], v[:3]))), rtol=0, atol=1e-10)
    assert np.abs(found - list(exact((z[:2].T, v[:3])))).max() > 1e-3


@pytest.mark.parametrize("tuples", [0, coupled_chains.MOST_TUPLES])
def test_impossible_moves_and_states_have_finite_gradients(tuples, monkeypatch):
    """Chains that stay where they are, and states that the data exclude, at all of 40 steps."""
    monkeypatch.setattr(coupled_chains, "MOST_TUPLES", tuples)
    states, steps, rows = 3, 40, 2
    stay = torch.full((states, states), -math.inf).fill_diagonal_(0.0)
    pair = stay[..., None].expand(states, states, steps).clone()
    pair[..., 0] = -math.log(states)
    single = 50 * torch.randn(
        (states, 1, states, rows, steps), generator=torch.Generator().manual_seed(0)
    )
    single[0, 0, 0] = -math.inf
    single = single.requires_grad_()
    moves = [pair[:, :, None, None, None], pair[:, :, None]]
    found = joint_forward_algorithm(moves, single, axes=(-5, -3))
    wanted = single.sum(-1).logsumexp((0, 2)) - 2 * math.log(states)
    torch.testing.assert_close(found.flatten(), wanted.flatten(), rtol=1e-12, atol=0.0)
    slopes = torch.autograd.grad(found.sum(), single, retain_graph=True)[0]
    assert slopes.isfinite().all()
    torch.testing.assert_close(slopes.sum(), torch.tensor(float(steps * rows)))
    never = torch.full_like(single, -math.inf).requires_grad_()
    nothing = joint_forward_algorithm(moves, never, axes=(-5, -3))
    assert (nothing == -math.inf).all()
    assert torch.autograd.grad(nothing.sum(), never)[0].isfinite().all()


@pytest.mark.parametrize("tuples", [0, coupled_chains.MOST_TUPLES])
def test_several_positions_are_computed_at_once_and_as_a_graph(tuples, monkeypatch):
    """As chains of a sampler have it: both agree with one position to 1e-12."""
    monkeypatch.setattr(coupled_chains, "MOST_TUPLES", tuples)
    generator = torch.Generator().manual_seed(0)
    pairs = [
        torch.randn(shape, generator=generator) for shape in ((2, 2, 1, 1, 1, 5), (3, 3, 1, 5))
    ]
    for pair in pairs:
        pair[..., 0] = pair[:1, ..., 0]
    single = torch.randn((2, 1, 3, 4, 5), generator=generator)

    def total(first, last):
        return joint_forward_algorithm([first, pairs[1]], last, axes=(-5, -3))

    wanted = total(pairs[0], single)
    both = torch.vmap(total)(torch.stack([pairs[0], 0 * pairs[0]]), torch.stack([single, single]))
    torch.testing.assert_close(both[0], wanted, rtol=1e-12, atol=1e-12)
    assert (both[1] - wanted).abs().max() > 1e-3
    graph = make_fx(total)(0 * pairs[0], 0 * single)
    torch.testing.assert_close(graph(pairs[0], single), wanted, rtol=1e-12, atol=1e-12)
