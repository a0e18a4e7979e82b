"""Finite latents on plates, summed element by element, against sums over all states of a plate.

With N elements of S states there are S^N terms, of which the generated code needs N S. All numbers
are in float64; an element without rows is among them, and rows of an element are not neighbours.
"""

import itertools

import pytest
import torch
from torch.distributions import Bernoulli, Categorical, Normal, kl_divergence

from specc.compiler import front
from specc.diagnostics.source import Source
from specc.engine.storage.loaded_run import precision
from specc.runtime.functions.elements import pair_weights
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.laws.estimating import gradient, settle
from tests.losses import computed

HEAD = "specc: 1\nname: elements\nplates: {items: 4, people: 2}\n"
ITEM = torch.tensor([0, 2, 0, 1, 2, 0])
WHO = torch.tensor([0, 1, 1, 0, 0, 1])
Y = torch.tensor([1, 0, 2, 2, 0, 1])
X = torch.tensor([0.3, -1.2, 2.1, 0.8, -0.5, 1.4], dtype=torch.float64)
ROWS = range(len(ITEM))


@pytest.fixture(autouse=True)
def _double():
    with precision(torch.float64):
        yield


def plates(states, elements=4):
    """All assignments of states to the elements of a plate."""
    return itertools.product(range(states), repeat=elements)


def total(values):
    return torch.stack(list(values)).logsumexp(0)


def agree(made, found, wanted):
    torch.testing.assert_close(found, wanted)
    torch.testing.assert_close(gradient(made, found), gradient(made, wanted))


# the labels of items that several people give

LABELS = """
model:
  item: {given: item, plate_index: items}
  who: {given: who, plate_index: people}
  top: {parameter: real, shape: [3]}
  seen: {parameter: real, plate: people, shape: [3, 3]}
  z: {latent: categorical, logits: top, plate: items}
  y: {observed: categorical, logits: "seen[who, z[item]]"}
objective: mle
"""
LABELLED = {"item": ITEM, "who": WHO, "y": Y}


def labels(p):
    """log sum_z p(z) prod_i p(y_i | z) over 3^4 assignments of labels to items."""
    log_z, log_y = p.model.top.log_softmax(0), p.model.seen.log_softmax(-1)
    return total(
        sum(log_z[label] for label in z) + sum(log_y[WHO[i], z[ITEM[i]], Y[i]] for i in ROWS)
        for z in plates(3)
    )


def test_all_rows_of_an_element_are_one_product_in_its_sum(tmp_path):
    made = program(HEAD + LABELS, tmp_path)
    settle(made)
    loss, *_ = computed(made, LABELLED, Noise.at(0), len(ITEM))
    agree(made, loss, -labels(made) / len(ITEM))
    by_row = made.model.log_prob(**LABELLED)
    assert by_row.shape == ITEM.shape
    torch.testing.assert_close(by_row.sum(), labels(made))


@pytest.mark.parametrize(
    "change",
    [
        (
            "log_p_by_item = sum_by_element(log_p_y, item, 4)",
            "log_p_by_item = sum_by_element((log_p_z[:, item] + log_p_y).logsumexp(0), item, 4)",
        ),
        (
            "(log_p_z + log_p_by_item).logsumexp(-2)",
            "(log_p_z.sum(-1, True) + log_p_by_item).logsumexp(-2)",
        ),
        ("share_among_rows(log_p, item)", "log_p[item]"),
    ],
    ids=["a mixture for each row", "the sum over items inside", "every row counts its item"],
)
def test_other_orders_of_the_sums_are_noticed(change, tmp_path):
    wrong = program(HEAD + LABELS, tmp_path, change, "model.py")
    settle(wrong)
    found = wrong.model.log_prob(**LABELLED).sum()
    assert (found - labels(wrong)).abs() > 0.001
    apart = gradient(wrong, found) - gradient(wrong, labels(wrong))
    assert apart.abs().max() > 0.01


# groups of rows, with a class for each group and one for each row

NESTED = """
model:
  item: {given: item, plate_index: items}
  top: {parameter: real, shape: [2]}
  kinds: {parameter: real, shape: [2, 3]}
  centre: {parameter: real, shape: [3]}
  z: {latent: categorical, logits: top, plate: items}
  b: {latent: bernoulli, logits: "top[z]", plate: items}
  c: {latent: categorical, logits: "kinds[z[item]]"}
  x: {observed: normal, loc: "centre[c] + b[item]", scale: 1}
objective: %s
"""
GROUPED = {"item": ITEM, "x": X}


def nested(p):
    """Two latents of each item, and one of each row, which is summed inside."""
    log_z, log_c = p.model.top.log_softmax(0), p.model.kinds.log_softmax(-1)

    def row(i, z, b):
        each = [log_c[z, c] + Normal(p.model.centre[c] + b, 1.0).log_prob(X[i]) for c in range(3)]
        return total(each)

    def item(k, z, b):
        prior = log_z[z] + Bernoulli(logits=p.model.top[z]).log_prob(torch.tensor(float(b)))
        return prior + sum(row(i, z, b) for i in ROWS if ITEM[i] == k)

    states = list(itertools.product((0, 1), (0, 1)))
    known = [[item(k, *state) for state in states] for k in range(4)]
    return total(sum(known[k][s] for k, s in enumerate(found)) for found in plates(4))


@pytest.mark.parametrize("objective", ["mle", '{minimize: "-mle(model)"}'])
def test_latents_of_rows_are_summed_inside_those_of_their_element(objective, tmp_path):
    made = program(HEAD + NESTED % objective, tmp_path)
    settle(made)
    loss, *_ = computed(made, GROUPED, Noise.at(0), len(ITEM))
    agree(made, loss, -nested(made) / len(ITEM))


# a mixture as the prior of a latent of each element

EFFECTS = """
model:
  item: {given: item, plate_index: items}
  top: {parameter: real, shape: [2]}
  mean: {parameter: real, shape: [2]}
  z: {latent: categorical, logits: top, plate: items, draw: enumerate}
  m: {latent: normal, loc: "mean[z]", scale: 0.7, plate: items}
  x: {observed: normal, loc: "%s", scale: 1}
guide:
  at: {parameter: real, plate: items}
  m: {latent: normal, loc: at, scale: 0.5}
objective: {elbo: {particles: 2}}
"""
EFFECT = {"of the effects alone": "m[item]", "of the rows, too": "m[item] * mean[z[item]]"}


def joint(p, loc, m):
    """log p(m) and log p(x, m), a sum over the classes of all elements."""
    log_z = p.model.top.log_softmax(0)

    def state(z, *, rows):
        known = sum(log_z[s] + Normal(p.model.mean[s], 0.7).log_prob(m[k]) for k, s in enumerate(z))
        for i in ROWS if rows else ():
            k = ITEM[i]
            centre = m[k] * p.model.mean[z[k]] if "z" in loc else m[k]
            known = known + Normal(centre, 1.0).log_prob(X[i])
        return known

    return [total(state(z, rows=rows) for z in plates(2)) for rows in (False, True)]


@pytest.mark.parametrize("loc", EFFECT.values(), ids=EFFECT)
def test_a_mixture_prior_of_the_latents_of_elements(loc, tmp_path):
    made = program(HEAD + EFFECTS % loc, tmp_path)
    settle(made)
    m = torch.tensor([0.2, -0.4, 1.1, 0.6], dtype=torch.float64)
    agree(made, made.model.log_prior(m=m), joint(made, loc, m)[0])
    found = made.model.log_prior(m=m) + made.model.log_joint(m=m, **GROUPED).sum()
    agree(made, found, joint(made, loc, m)[1])
    noise = Noise.at(0, dtype=torch.float64)
    loss, *_ = computed(made, GROUPED, noise, len(ITEM))
    drawn, log_q = made.guide.sample_global_and_log_prob(Noise.at(0, dtype=torch.float64), 2)
    bounds = [joint(made, loc, m)[1] - q for m, q in zip(drawn["m"], log_q.flatten(), strict=True)]
    agree(made, loss, -sum(bounds) / 2 / len(ITEM))


# expectations under a guide

GUIDED = """
model:
  item: {given: item, plate_index: items}
  top: {parameter: real, shape: [2]}
  centre: {parameter: real, shape: [2, 3]}
  z: {latent: categorical, logits: top, plate: items}
  c: {latent: categorical, logits: "centre[z[item]]"}
  x: {observed: normal, loc: "c - z[item]", scale: 1}
guide:
  own: {parameter: real, plate: items, shape: [2]}
  z: {latent: categorical, logits: own, plate: items, draw: enumerate}
  c: {latent: categorical, logits: "x * centre2[z[item]]"}
  centre2: {parameter: real, shape: [2, 3]}
objective: elbo
"""


def weighed(p, rows, size):
    """E_q[log p(x, c, z) - log q(c, z)], the terms of elements divided by the number of rows."""
    q_z, found = Categorical(logits=p.guide.own), 0.0
    for i in rows:
        k = ITEM[i]
        for z in range(2):
            log_p_c = p.model.centre[z].log_softmax(0)
            log_q_c = (X[i] * p.guide.centre2[z]).log_softmax(0)
            seen = Normal(torch.arange(3.0) - z, 1.0).log_prob(X[i])
            value = (log_q_c.exp() * (log_p_c + seen - log_q_c)).sum()
            found = found + q_z.probs[k, z] * value / len(rows)
    return found - kl_divergence(q_z, Categorical(logits=p.model.top)).sum() / size


def test_expectations_over_elements_are_sums_over_rows(tmp_path):
    made = program(HEAD + GUIDED, tmp_path)
    settle(made)
    loss, *_ = computed(made, GROUPED, Noise.at(0), len(ITEM))
    wanted = -weighed(made, ROWS, len(ITEM))
    agree(made, loss, wanted)
    parts = [{name: value[at] for name, value in GROUPED.items()} for at in ([0, 3, 4], [1, 2, 5])]
    batches = [computed(made, part, Noise.at(0), len(ITEM))[0] for part in parts]
    torch.testing.assert_close(torch.stack(batches).mean(), wanted)
    change = ("index_select(log_q_z, item, 0)", "log_q_z.mean(-1, keepdim=True)")
    wrong = program(HEAD + GUIDED, tmp_path, change)
    settle(wrong)
    found, *_ = computed(wrong, GROUPED, Noise.at(0), len(ITEM))
    assert (found - wanted).abs() > 0.01


# what is refused

DATA = "\n  i: {given: i, plate_index: items}\n  j: {given: j, plate_index: items}"
Z = "\n  z: {latent: bernoulli, logits: 0.3, plate: items}"
X_OF = '\n  x: {observed: normal, loc: "%s", scale: m}\n  m: {parameter: positive}'
Q = "\n  l: {parameter: real, plate: items}\n  z: {latent: bernoulli, logits: l, draw: enumerate}"
SBM = f"\nguide:{Q}"
W = "\n  w: {latent: bernoulli, logits: 0.3, plate: people}"
OTHER = f"\n  who: {{given: who, plate_index: people}}{W}"
K = "\n  k: {latent: categorical, logits: 0, classes: 4}"
REFUSED = {
    "two elements in a row": (DATA + Z + X_OF % "z[i] * z[j]", "mle", "E0357"),
    "three elements under a guide": (
        DATA + "\n  h: {given: h, plate_index: items}" + Z + X_OF % "z[h] * z[i] * z[j]" + SBM,
        "elbo", "E0357",
    ),
    "two elements of which others depend on the values": (
        DATA + Z + '\n  b: {latent: bernoulli, logits: 0, plate: items}'
        + X_OF % "z[i] * z[j] + b[i]" + SBM
        + '\n  b: {latent: bernoulli, logits: "2 * z - 1", draw: enumerate}',
        "elbo", "E0357",
    ),
    "elements of two plates": (DATA + OTHER + Z + X_OF % "z[i] * w[who]", "mle", "E0357"),
    "an element that is latent": (K + Z + X_OF % "z[k]", "mle", "E0357"),
    "the same element for all": (Z + X_OF % "z[2]", "mle", "E0357"),
    "all elements": (Z + X_OF % "sum(z, items)", "mle", "E0357"),
    "a log of a mean for each row": (
        DATA + Z + "\n  u: {latent: normal, loc: 0, scale: 1}" + X_OF % "z[i] + u"
        + "\nguide:\n  u: {latent: normal, loc: l, scale: 1}\n  l: {parameter: real}",
        "{iwae: {particles: 2}}", "E0428",
    ),
    "a score gradient of a row": (
        DATA + Z + "\n  u: {latent: poisson, rate: 2}" + X_OF % "z[i] + u"
        + "\nguide:\n  u: {latent: poisson, rate: l}\n  l: {parameter: positive}",
        "elbo", "E0358",
    ),
}  # fmt: skip


@pytest.mark.parametrize("nodes, objective, code", REFUSED.values(), ids=REFUSED)
def test_elements_that_are_not_independent_are_refused(nodes, objective, code):
    if objective != "mle" and "draw: enumerate" not in nodes:
        nodes = nodes.replace("plate: items}", "plate: items, draw: enumerate}", 3)
        nodes = nodes.replace("plate_index: items, draw: enumerate", "plate_index: items")
    checked = front(Source("spec.yaml", f"{HEAD}model:{nodes}\nobjective: {objective}\n"))
    assert [d.code for d in checked.diagnostics if d.code.startswith("E")] == [code]
    assert checked.plan is None


# pairs of elements

PAIRS = """
model:
  i: {given: i, plate_index: items}
  j: {given: j, plate_index: items}
  top: {parameter: real, shape: [3]}
  ties: {parameter: real, shape: [3, 3]}
  pull: {parameter: real, plate: items}
  z: {latent: categorical, logits: top, plate: items}
  c: {latent: bernoulli, logits: "pull[i] - pull[j]"}
  y: {observed: bernoulli, logits: "ties[z[i], z[j]] + c + pull[i] * pull[j]"}
guide:
  own: {parameter: real, plate: items, shape: [3]}
  z: {latent: categorical, logits: own, draw: enumerate}
  c: {latent: bernoulli, logits: y - 0.3}
objective: elbo
"""
LEFT, RIGHT = torch.tensor([0, 2, 1, 3, 2]), torch.tensor([1, 0, 3, 3, 2])
TIED = torch.tensor([1.0, 0.0, 1.0, 1.0, 0.0], dtype=torch.float64)


def paired(p, rows):
    """E_q over the states of all elements; two rows are of one element and itself."""
    q_z, total = Categorical(logits=p.guide.own), 0.0
    log_z = p.model.top.log_softmax(0)
    for z in plates(3):
        chance = torch.stack([q_z.probs[k, s] for k, s in enumerate(z)]).prod()
        prior = sum(log_z[s] - q_z.logits[k, s] for k, s in enumerate(z)) / len(TIED)
        seen = 0.0
        for row in rows:
            i, j, y = LEFT[row], RIGHT[row], TIED[row]
            p_c, q_c = Bernoulli(logits=p.model.pull[i] - p.model.pull[j]), y - 0.3
            q_c = Bernoulli(logits=q_c)
            for c in (0.0, 1.0):
                at = torch.tensor(c)
                logit = p.model.ties[z[i], z[j]] + c + p.model.pull[i] * p.model.pull[j]
                known = Bernoulli(logits=logit).log_prob(y) + p_c.log_prob(at) - q_c.log_prob(at)
                seen = seen + q_c.log_prob(at).exp() * known / len(rows)
        total = total + chance * (prior + seen)
    return total


def test_pairs_of_elements_under_a_guide_of_each_of_them(tmp_path):
    """The expectation needs the states of two elements, not of all, and may be of some rows."""
    batch = {"i": LEFT, "j": RIGHT, "y": TIED}
    made = program(HEAD + PAIRS, tmp_path)
    settle(made)
    loss, *_ = computed(made, batch, Noise.at(0), len(TIED))
    agree(made, loss, -paired(made, range(5)))
    some = {name: value[1:4] for name, value in batch.items()}
    found, *_ = computed(made, some, Noise.at(0), len(TIED))
    torch.testing.assert_close(found, -paired(made, range(1, 4)))
    change = ("pair_weights(log_q_z, i, j,", "pair_weights(log_q_z, j, i,")
    wrong = program(HEAD + PAIRS, tmp_path, change)
    settle(wrong)
    found, *_ = computed(wrong, batch, Noise.at(0), len(TIED))
    assert (found + paired(wrong, range(5))).abs() > 0.001


def test_an_element_beside_itself_has_the_weights_of_one():
    log_q = torch.randn(3, 4, dtype=torch.float64).log_softmax(0)
    found = pair_weights(log_q[:, None], LEFT, RIGHT, axes=(-5, -4, -3)).squeeze()
    torch.testing.assert_close(found.sum((0, 1)), torch.ones(5, dtype=torch.float64))
    q = log_q.exp()
    for row, (i, j) in enumerate(zip(LEFT, RIGHT, strict=True)):
        wanted = q[:, i].diag() if i == j else torch.outer(q[:, i], q[:, j])
        torch.testing.assert_close(found[:, :, row], wanted)
