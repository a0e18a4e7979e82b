"""Several players: what each loss comes to, which draws it makes, and what it trains."""

import pytest
from msgspec.structs import replace

from specc.compiler import front
from specc.diagnostics.source import Source
from specc.objective.objective import State
from specc.objective.print_objective import print_objective
from specc.objective.terms import (
    Apply,
    Detach,
    Divergence,
    Energy,
    LogProb,
    Part,
    Reduce,
    Sum,
    Value,
    trained,
    walk,
)
from specc.objective.verify import verify_objective

NVIL = """
specc: 1
name: nvil
data: {source: digits, fields: {x: {from: image, binarize: sample}}}
model:
  z: {latent: bernoulli, logits: 0, shape: [16]}
  x: {observed: bernoulli, logits: decoder(z)}
guide:
  z: {latent: bernoulli, logits: encoder(x), draw: {score: mean}}
  b: {let: baseline(x), shape: []}
links:
  decoder: {mlp: [20], activation: tanh}
  encoder: {mlp: [20], activation: tanh}
  baseline: {mlp: [10], activation: tanh}
objective:
  players:
    bound:
      minimize: -elbo(model, guide)
      links: [encoder, decoder]
    baseline:
      minimize: (stop(elbo(model, guide)) - guide.b) ** 2
      links: [baseline]
  order: simultaneous
"""
BOUND, SQUARE = "-elbo(model, guide)", "(stop(elbo(model, guide)) - guide.b) ** 2"


def objective_of(text):
    checked = front(Source("nvil.yaml", text))
    assert not [d.code for d in checked.diagnostics if d.code.startswith("E")]
    verify_objective(checked.objective)
    return checked.objective


def players_of(bound=BOUND, baseline=SQUARE):
    text = NVIL.replace(SQUARE, baseline).replace(f"minimize: {BOUND}\n", f"minimize: {bound}\n")
    return objective_of(text).players


def kinds(term):
    return {type(inner) for inner in walk(term)}


def test_the_losses_are_printed():
    assert print_objective(objective_of(NVIL)) == (
        """\
2 simultaneous players
objective elbo, 1 particle
player bound, training encoder, decoder, minimizes
  sum
    -1
      mean over particle
        sum
          +1
            log_prob model.x
          -1
            kl z
  score of z, baseline mean, weighed by
    -1
      log_prob model.x
    left out
      kl z
draw z in guide: score (mean)
decided z: score (mean), because the spec requests it
decided KL(z): closed form, because bernoulli and bernoulli, exact
decided z: score gradient on 1 of 2 terms, because the others are not downstream of it
objective elbo, 1 particle
player baseline, training baseline, minimizes
  sum
    -1
      mean over particle
        sum
          -1
            apply **
              sum
                +1
                  apply stop
                    sum
                      +1
                        log_prob model.z
                      +1
                        log_prob model.x
                      -1
                        log_prob guide.z
                -1
                  value guide.b
              value 2
draw z in guide: score (mean)
decided z: score (mean), because the spec requests it
"""
    )


def test_a_player_that_trains_no_draw_has_no_score_gradient():
    bound, baseline = players_of()
    assert [s.node for s in bound.surrogates] == ["z"]
    assert baseline.surrogates == ()


def test_a_player_draws_what_its_loss_depends_on_alone():
    _, baseline = players_of(baseline="guide.b ** 2")
    assert dict(baseline.draws) == {}
    assert baseline.particles == 1


def test_a_stopped_term_is_no_cost_of_a_draw():
    bound, _ = players_of(f"{BOUND} + stop(log_prob(model.x))")
    (surrogate,) = bound.surrogates
    assert [part.term for part in surrogate.costs] == [LogProb("model", "x")]
    assert Detach(LogProb("model", "x")) in surrogate.dropped


def test_a_product_with_a_stopped_term_is_a_cost_by_its_other_factor():
    bound, _ = players_of(f"{BOUND} + stop(guide.b) * log_prob(guide.z)")
    (surrogate,) = bound.surrogates
    assert any(isinstance(part.term, Apply) for part in surrogate.costs)


def test_no_gradient_reaches_what_is_stopped():
    _, baseline = players_of()
    assert [type(leaf) for leaf in trained(baseline.minimize)] == [Value, Value]


@pytest.mark.parametrize("expression", ["3 * guide.b / 2 - 4", "guide.b * (1 + 1/2) - 4"])
def test_a_constant_factor_is_a_coefficient(expression):
    _, baseline = players_of(baseline=expression)
    assert [part.coefficient for part in baseline.parts] == [-1.5, 1.0]
    assert kinds(baseline.minimize) == {Sum, Reduce, Value}


def test_a_factor_of_0_leaves_a_term_out():
    bound, baseline = players_of(f"{BOUND} + 0 * kl(guide.z, model.z)", "guide.b - 0 * guide.b / 2")
    assert bound.minimize == players_of()[0].minimize
    assert [part.coefficient for part in baseline.parts] == [-1.0]


@pytest.mark.parametrize("divisor", ["0", "(1 - 1)"])
def test_nothing_is_divided_by_0(divisor):
    text = NVIL.replace(SQUARE, f"guide.b / {divisor}")
    found = front(Source("nvil.yaml", text)).diagnostics
    assert [(d.code, d.span.text) for d in found] == [("E0425", f"guide.b / {divisor}")]


@pytest.mark.parametrize(
    ("expression", "op"),
    [
        ("softplus(guide.b)", "softplus"),
        ("guide.b * guide.b", "*"),
        ("guide.b / (1 + exp(guide.b))", "/"),
        ("log_prob(model.x) ** 2", "**"),
    ],
)
def test_functions_apply_to_values(expression, op):
    links = "[baseline]" if "guide.b" in expression else "[decoder]"
    text = NVIL.replace(SQUARE, expression).replace("links: [baseline]", f"links: {links}")
    _, player = objective_of(text).players
    assert next(t for t in walk(player.minimize) if isinstance(t, Apply)).op == op


def test_what_is_enumerated_weighs_a_stopped_term_inside_of_it():
    text = NVIL.replace(
        "z: {latent: bernoulli, logits: 0, shape: [16]}", "z: {latent: bernoulli, logits: 0}"
    )
    text = text.replace(", draw: {score: mean}", "").replace(
        f"minimize: {BOUND}\n", f"minimize: {BOUND} + stop(log_prob(model.x))\n"
    )
    bound, _ = objective_of(text).players
    stopped = next(part.term for part in bound.parts if isinstance(part.term, Detach))
    assert stopped == Detach(Reduce("weighted", ("z",), LogProb("model", "x")))


def test_a_bound_alone_is_compiled_and_is_what_minimize_is():
    single = NVIL[: NVIL.index("objective:")].replace("  b: {let: baseline(x), shape: []}\n", "")
    single = single.replace("  baseline: {mlp: [10], activation: tanh}\n", "")
    one = front(Source("one.yaml", single + "objective: elbo\n"))
    players = "objective: {players: {all: {minimize: '-elbo(model, guide)'}}}\n"
    other = front(Source("other.yaml", single + players))
    assert one.ok and other.ok
    assert one.objective.players[0].minimize == other.objective.players[0].minimize
    assert other.objective.players[0].name == "all"


def made(*terms):
    """An objective of the first player with other terms."""
    objective = objective_of(NVIL)
    inner = Sum(tuple(Part(1.0, term) for term in terms))
    minimize = Sum((Part(-1.0, Reduce("mean", ("particle",), inner)),))
    player = replace(objective.players[0], minimize=minimize, surrogates=(), links=None)
    return replace(objective, players=(player,))


def test_an_energy_is_printed_and_verified():
    objective = made(Energy("model", "x"), Detach(Energy("guide", "z")))
    verify_objective(objective)
    assert "energy model" in print_objective(objective)
    with pytest.raises(AssertionError):
        verify_objective(made(Energy("model", "nothing")))


def test_a_divergence_of_a_node_that_is_not_drawn_is_noticed():
    with pytest.raises(AssertionError):
        verify_objective(made(Divergence("x")))


def test_two_players_of_one_name_are_noticed():
    objective = objective_of(NVIL)
    twice = replace(objective, players=objective.players[:1] * 2)
    with pytest.raises(AssertionError):
        verify_objective(twice)


def test_state_is_printed():
    objective = objective_of(NVIL)
    stateful = replace(objective.players[0], state=(State("baseline", (3,), 0.5),))
    shown = print_objective(replace(objective, players=(stateful,)))
    assert "state baseline of shape [3], at first 0.5\n" in shown


def test_a_plateau_of_a_player_needs_rows_to_validate_on():
    text = NVIL.replace("links: [baseline]", "links: [baseline]\n      schedule: plateau")
    text = text.replace("  order: simultaneous\n", "")
    held_out = text.replace("source: digits,", "source: digits, split: {valid: 0.1},")
    assert not front(Source("nvil.yaml", held_out)).diagnostics
    (found,) = front(Source("nvil.yaml", text)).diagnostics
    assert (found.code, found.span.text) == ("E0509", "schedule")
    assert text[found.span.start :].startswith("schedule: plateau")
