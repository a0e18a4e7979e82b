"""Missing data: bounds and gradients against enumeration of all unknown values.

The M2 model of Kingma et al. (2014, equations 6 to 9) with three classes and three bits: labelled
rows have the bound on log p(x, y), the others that on log p(x), and log q(y | x) is a mean over the
labelled ones. Each law has wrong variants that must fail.
"""

import itertools

import pytest
import torch
from torch.distributions import Bernoulli, Categorical, Normal

from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.laws.estimating import Z, gradient, settle, worst
from tests.laws.test_gradients import NODES, WEIGHTS, bits
from tests.losses import computed

HEAD = """\
specc: 1
name: tiny
data:
  source: npz
  path: d.npz
  fields: {x: {from: x, shape: [2]}, y: {from: y, shape: SHAPE}}
"""
M2 = """\
model:
  y: {observed: categorical, logits: 'offset', classes: 3, missing: DRAW}
  offset: {parameter: real, shape: [3]}
  h: {latent: bernoulli, logits: 0.3, shape: [3]}
  x: {observed: bernoulli, logits: 'down(h, y)', shape: [2]}
guide:
  y: {latent: categorical, logits: up(x)}
  h: {latent: bernoulli, logits: 'side(x, y)', draw: enumerate}
links: {up: linear, side: linear, down: linear}
objective: {minimize: '-elbo(model, guide) - 0.7 * log_prob(guide.y)'}
"""
X = torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0], [0.0, 1.0]], dtype=torch.float64)
Y = torch.tensor([2, 0, 1, 1])
H = bits(3)
MASKS = {
    "labelled": [True] * 4,
    "unlabelled": [False] * 4,
    "mixed": [True, False, False, True],
}
WRONG = {
    "log q(y) counts in labelled rows, too": (
        "log_q_y = torch.where(y_known, 0.0, log_q_y)",
        "log_q_y = log_q_y + 0.0",
    ),
    "every class weighs by q in labelled rows": ("log_q_y.exp() * y_allowed", "log_q_y.exp()"),
    "log q(y | x) is a mean over all rows": (" / y_known_fraction", ""),
    "its mean takes in rows without a label": (
        "log_q_y_known = torch.where(y_known, log_q_y_known, 0.0)",
        "log_q_y_known = log_q_y_known",
    ),
}


@pytest.fixture(autouse=True)
def doubles():
    """Sets float64 as default, the dtype of one-hot vectors of class numbers."""
    with precision(torch.float64):
        yield


def spec(draw="enumerate", shape="[]"):
    return HEAD.replace("SHAPE", shape) + M2.replace("DRAW", draw)


def batch(known, x=X, y=Y):
    known = torch.tensor(known)
    return {"x": x, "y": torch.where(known, y, torch.zeros_like(y)), "y_known": known}


def bound(p, x, y):
    """E_q(h | x, y) [log p(x, h, y) - log q(h | x, y)] of one row, by enumeration."""
    one_hot = torch.eye(3, dtype=torch.float64)[y].expand(len(H), 3)
    log_y = Categorical(logits=p.model.offset).log_prob(y)
    logits = p.guide.side(torch.cat([x.expand(len(H), 2), one_hot], -1))
    log_q = Bernoulli(logits=logits).log_prob(H).sum(-1)
    log_h = Bernoulli(logits=torch.tensor(0.3, dtype=torch.float64)).log_prob(H).sum(-1)
    down = p.model.down(torch.cat([H, one_hot], -1))
    log_x = Bernoulli(logits=down).log_prob(x).sum(-1)
    return (log_q.exp() * (log_y + log_h + log_x - log_q)).sum()


def m2(p, rows, share):
    """The mean over rows of the labelled or unlabelled bound, minus the term of the classifier."""
    total = torch.zeros((), dtype=torch.float64)
    for x, y, known in zip(rows["x"], rows["y"], rows["y_known"], strict=True):
        log_q = p.guide.up(x).log_softmax(-1)
        if known:
            total = total - bound(p, x, y) - 0.7 * log_q[y] / share
        else:
            for c in range(3):
                total = total - log_q[c].exp() * (bound(p, x, torch.tensor(c)) - log_q[c])
    return total / len(rows["x"])


def distance(p, rows, share):
    """The largest difference of loss and gradient from the enumeration."""
    noise = Noise.at(0, dtype=torch.float64)
    loss, *_ = computed(p, rows, noise, 1, y_known_fraction=share)
    exact = m2(p, rows, share)
    away = (gradient(p, loss) - gradient(p, exact)).abs().max().item()
    return max(abs(loss.item() - exact.item()), away)


@pytest.mark.parametrize("kind", MASKS)
def test_every_row_has_its_own_bound(kind, tmp_path):
    p = program(spec(), tmp_path)
    settle(p)
    assert distance(p, batch(MASKS[kind]), 0.5) < 1e-10


@pytest.mark.parametrize("variant", WRONG)
def test_a_wrong_bound_is_noticed(variant, tmp_path):
    p = program(spec(), tmp_path, WRONG[variant])
    settle(p)
    assert distance(p, batch(MASKS["mixed"]), 0.5) > 1e-3


def test_what_stands_for_a_missing_label_does_not_matter(tmp_path):
    p = program(spec(), tmp_path)
    settle(p)
    rows = batch(MASKS["mixed"])
    losses = []
    for label in range(3):
        y = torch.where(rows["y_known"], rows["y"], torch.full_like(Y, label))
        own = {**rows, "y": y}
        losses.append(computed(p, own, Noise.at(0, dtype=torch.float64), 1)[0].item())
    assert losses[0] == losses[1] == losses[2]


# drawn values


@pytest.mark.parametrize("kind", ["labelled", "unlabelled"])
def test_the_score_of_missing_labels(kind, tmp_path):
    rows = {name: value[:1] for name, value in batch(MASKS[kind]).items()}
    right = program(spec("score"), tmp_path)
    settle(right)
    wanted = gradient(right, m2(right, rows, 1.0))
    assert worst(right, rows, wanted) < Z
    if kind == "labelled":
        change = ("y_imputed = torch.where(y_known, y, y_sampled)", "y_imputed = y_sampled")
    else:
        change = (" + surrogate_y", "")
    bad = program(spec("score"), tmp_path, change)
    settle(bad)
    assert worst(bad, rows, wanted) > Z


NUMBERS = """\
model:
  y: {observed: normal, loc: 0, scale: 1, missing: pathwise}
  x: {observed: normal, loc: down(y), scale: 1, shape: [2]}
guide:
  y: {latent: normal, params: up(x)}
links: {up: linear, down: linear}
objective: elbo
"""


@pytest.mark.parametrize("known", [True, False])
def test_the_path_of_missing_numbers(known, tmp_path):
    p = program(HEAD.replace("SHAPE", "[]") + NUMBERS, tmp_path)
    settle(p)
    y = torch.tensor([0.7], dtype=torch.float64)
    rows = {"x": X[:1], "y": y, "y_known": torch.tensor([known])}

    def joint(y):
        loc = p.model.down(y[:, None])
        return Normal(0.0, 1.0).log_prob(y) + Normal(loc, 1.0).log_prob(X[0]).sum(-1)

    loc, scale = (each[0] for each in p.guide.y_loc_scale(X[:1]))
    drawn = loc + scale * NODES
    log_q = Normal(loc, scale).log_prob(drawn)
    exact = -joint(y)[0] if known else -(WEIGHTS * (joint(drawn) - log_q)).sum()
    wanted = gradient(p, exact)
    assert worst(p, rows, wanted) < Z
    bad = program(
        HEAD.replace("SHAPE", "[]") + NUMBERS,
        tmp_path,
        ("torch.where(y_known, 0.0, log_q_y)", "torch.where(~y_known, 0.0, log_q_y)"),
    )
    settle(bad)
    assert worst(bad, rows, wanted) > Z


# vectors with single missing entries


BITS = """\
model:
  y: {observed: bernoulli, logits: offset, shape: [3], missing: DRAW}
  offset: {parameter: real, shape: [3]}
  x: {observed: bernoulli, logits: down(y), shape: [2]}
guide:
  y: {latent: bernoulli, logits: up(x)}
links: {up: linear, down: linear}
objective: elbo
"""
PARTLY = torch.tensor([[True, False, False], [False, True, True], [True] * 3, [False] * 3])


def partly(p, x, y, known):
    """The bound on log p(x, y_known) of one row: a sum over all y with those known entries."""
    fits = H[((y == H) | ~known).all(-1)]
    log_q = Bernoulli(logits=p.guide.up(x)).log_prob(fits)
    log_q = torch.where(known, 0.0, log_q).sum(-1)
    log_y = Bernoulli(logits=p.model.offset).log_prob(fits).sum(-1)
    log_x = Bernoulli(logits=p.model.down(fits)).log_prob(x).sum(-1)
    return (log_q.exp() * (log_y + log_x - log_q)).sum()


def test_some_entries_of_a_vector_are_summed_over(tmp_path):
    text = HEAD.replace("SHAPE", "[3]") + BITS.replace("DRAW", "enumerate")
    p = program(text, tmp_path)
    settle(p)
    y = H[[5, 3, 6, 0]]
    rows = {"x": X, "y": torch.where(PARTLY, y, 0.0), "y_known": PARTLY}
    loss, *_ = computed(p, rows, Noise.at(0, dtype=torch.float64), 1)
    exact = -sum(partly(p, *row) for row in zip(X, y, PARTLY, strict=True)) / 4
    assert loss.item() == pytest.approx(exact.item(), abs=1e-12)
    assert (gradient(p, loss) - gradient(p, exact)).abs().max() < 1e-10


def test_some_entries_of_a_vector_are_drawn(tmp_path):
    text = HEAD.replace("SHAPE", "[3]") + BITS.replace("DRAW", "score")
    p = program(text, tmp_path)
    settle(p)
    rows = {"x": X[:1], "y": H[5:6] * PARTLY[:1], "y_known": PARTLY[:1]}
    wanted = gradient(p, -partly(p, X[0], H[5], PARTLY[0]))
    assert worst(p, rows, wanted) < Z


# without a guide: missing entries have no term


MIXTURE = """\
model:
  y: {observed: categorical, logits: offset, classes: 3, missing: enumerate}
  offset: {parameter: real, shape: [3]}
  x: {observed: bernoulli, logits: down(y), shape: [2]}
links: {down: linear}
objective: mle
"""


def test_a_class_that_is_known_in_some_rows_is_summed_out_of_the_others(tmp_path):
    p = program(HEAD.replace("SHAPE", "[]") + MIXTURE, tmp_path)
    settle(p)
    rows = batch(MASKS["mixed"])
    loss, *_ = computed(p, rows, Noise.at(0, dtype=torch.float64), 1)
    every = torch.eye(3, dtype=torch.float64)
    log_x = Bernoulli(logits=p.model.down(every)).log_prob(X[:, None]).sum(-1)
    log_p = log_x + p.model.offset.log_softmax(-1)
    rows_log_p = [
        row[y] if known else row.logsumexp(-1)
        for row, y, known in zip(log_p, Y, rows["y_known"], strict=True)
    ]
    exact = -torch.stack(rows_log_p).mean()
    assert loss.item() == pytest.approx(exact.item(), abs=1e-12)
    assert (gradient(p, loss) - gradient(p, exact)).abs().max() < 1e-10
    values = p.model.log_prob(**rows)
    assert torch.allclose(values, torch.stack(rows_log_p), atol=1e-12)


LEFT_OUT = """\
model:
  k: {latent: categorical, logits: 0, classes: 3}
  y: {observed: bernoulli, logits: up(k), shape: [4], missing: integrate}
  x: {observed: bernoulli, logits: down(k), shape: [2]}
links: {up: linear, down: linear}
objective: mle
"""


def test_known_entries_have_the_sum_over_all_completions(tmp_path):
    p = program(HEAD.replace("SHAPE", "[4]") + LEFT_OUT, tmp_path)
    settle(p)
    y = torch.tensor([1.0, 0.0, 1.0, 1.0], dtype=torch.float64)
    for pattern in itertools.product([True, False], repeat=4):
        known = torch.tensor(pattern)
        fits = bits(4)[((bits(4) == y) | ~known).all(-1)]
        whole = torch.ones_like(fits, dtype=torch.bool)
        some = p.model.log_prob(y=y[None], y_known=known[None], x=X[:1])
        every = p.model.log_prob(y=fits, y_known=whole, x=X[:1].expand(len(fits), 2))
        assert some.item() == pytest.approx(every.logsumexp(0).item(), abs=1e-12)


TOLD = """\
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [2]}
  y: {observed: bernoulli, logits: down(z), shape: [4], missing: integrate}
  x: {observed: bernoulli, logits: side(z), shape: [2]}
GIVEN
guide:
  h: {let: "up(y, MASK, x, WHOLE)", shape: [3]}
  z: {latent: normal, params: "head(h, MASK)"}
links: {down: linear, side: linear, up: linear, head: linear}
objective: {iwae: {particles: 3}}
"""


def test_a_guide_receives_the_mask_of_known_data(tmp_path):
    """`known(y)` is like a data field with the mask; `known(x)` is 1, since x is never missing."""
    told = TOLD.replace("GIVEN\n", "").replace("MASK", "known(y)").replace("WHOLE", "known(x)")
    given = TOLD.replace("GIVEN", "  m: {given: m}\n  w: {given: w}")
    given = given.replace("MASK", "m").replace("WHOLE", "w")
    fields = "y: {from: y, shape: SHAPE}, m: {from: m, shape: [4]}, w: {from: w, shape: [2]}"
    head = HEAD.replace("y: {from: y, shape: SHAPE}", fields).replace("SHAPE", "[4]")
    one = program(HEAD.replace("SHAPE", "[4]") + told, tmp_path)
    other = program(head + given, tmp_path)
    settle(one)
    other.load_state_dict(one.state_dict())
    known = bits(4)[[3, 7, 15, 0]].bool()
    batch = {"y": bits(4)[[1, 5, 10, 4]] * known, "y_known": known, "x": X}
    more = {**batch, "m": known.double(), "w": torch.ones_like(X)}
    with precision(torch.float64):
        (loss,) = one.manifest.losses
        found = computed(one, batch, Noise.at(3), 4, name=loss.name)[0]
        wanted = computed(other, more, Noise.at(3), 4, name=loss.name)[0]
        drawn = one.guide.sample_and_log_prob(
            Noise.at(4), 2, **one.inputs("guide.sample_and_log_prob", batch)
        )
        expected = other.guide.sample_and_log_prob(
            Noise.at(4), 2, **other.inputs("guide.sample_and_log_prob", more)
        )
        full = computed(one, {**batch, "y_known": known | True}, Noise.at(3), 4, name=loss.name)[0]
    assert found.item() == pytest.approx(wanted.item(), abs=1e-12)
    assert torch.equal(drawn[1], expected[1])
    assert full.item() != pytest.approx(found.item(), abs=1e-3)


def test_a_guide_without_known_receives_no_mask(tmp_path):
    told = TOLD.replace("GIVEN\n", "").replace(", WHOLE", "").replace(", MASK", "")
    silent = program(HEAD.replace("SHAPE", "[4]") + told, tmp_path)
    assert silent.capabilities["guide.sample_and_log_prob"] == ("y", "x")


UNUSED = """\
model:
  z: {latent: normal, loc: 0, scale: 1}
  y: {observed: poisson, rate: 'softplus(z) + 0.1', missing: score}
  x: {observed: normal, loc: z, scale: 1, shape: [2]}
guide:
  y: {latent: poisson, rate: 'softplus(up(x)) + 0.1'}
  z: {latent: normal, loc: code(x), scale: 1}
links: {up: linear, code: linear}
objective: {minimize: '0.5 * kl(guide.z, model.z) - log_prob(model.x)'}
"""


def test_what_no_term_depends_on_is_neither_drawn_nor_an_input(tmp_path):
    made = program(HEAD.replace("SHAPE", "[]") + UNUSED, tmp_path)
    loss, *_ = computed(made, {"x": X}, Noise.at(0, dtype=torch.float64), 4)
    assert torch.isfinite(loss)
    assert made.manifest.losses[0].inputs == ("x",)
