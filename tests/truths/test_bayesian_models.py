"""The log-posteriors of the Bayesian models of the gallery equal their formulas in SciPy.

Each is compared at random latents, for all rows of its data, to 1e-9.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import special, stats

from specc.runtime.program import Program, load
from tests.truths.gallery import SPECS

GENERATED = SPECS.parent / "generated"
Arrays = dict[str, np.ndarray]
Posterior = Callable[[Arrays, Arrays], float]


def table(file: str) -> Arrays:
    """The columns of a file of comma-separated numbers."""
    rows = np.genfromtxt(SPECS / file, delimiter=",", names=True)
    return {name: rows[name] for name in rows.dtype.names}


def regression(target: str) -> Arrays:
    columns = table("regression.csv")
    return {"x": np.stack([columns["x1"], columns["x2"]], -1), "y": columns[target]}


def series(name: str) -> Arrays:
    record = json.loads((SPECS / "series.jsonl").read_text(encoding="utf-8"))
    return {"y": np.array([record[name]])}


def hares() -> Arrays:
    record = json.loads((SPECS / "hares.jsonl").read_text(encoding="utf-8"))
    return {"y0": np.array([record["first"]]), "y": np.array([record["later"]])}


def columns(file: str, **names: str) -> Arrays:
    found = table(file)
    return {own: found[name] for own, name in names.items()}


def normal(x: np.ndarray, loc: object, scale: object) -> float:
    return float(stats.norm.logpdf(x, loc, scale).sum())


def half_normal(x: np.ndarray, scale: float) -> float:
    return float(stats.halfnorm.logpdf(x, scale=scale).sum())


def half_cauchy(x: np.ndarray, scale: float) -> float:
    return float(stats.halfcauchy.logpdf(x, scale=scale).sum())


def bernoulli(y: np.ndarray, logits: np.ndarray) -> float:
    return float((y * logits - np.logaddexp(0, logits)).sum())


def linear_regression(w: Arrays, d: Arrays) -> float:
    prior = normal(w["w"], 0, 2) + normal(w["b"], 0, 2)
    return prior + normal(d["y"], d["x"] @ w["w"] + w["b"], 0.7)


def bayesian_logistic_regression(w: Arrays, d: Arrays) -> float:
    prior = normal(w["w"], 0, 2.5) + normal(w["b"], 0, 2.5)
    return prior + bernoulli(d["y"], d["x"] @ w["w"] + w["b"])


def poisson_regression(w: Arrays, d: Arrays) -> float:
    rate = np.exp(d["x"] @ w["w"] + w["b"])
    prior = normal(w["w"], 0, 1) + normal(w["b"], 0, 2)
    return prior + float(stats.poisson.logpmf(d["y"], rate).sum())


def student_regression(w: Arrays, d: Arrays) -> float:
    loc = d["x"] @ w["w"] + w["b"]
    prior = normal(w["w"], 0, 2) + normal(w["b"], 0, 2) + half_normal(w["sigma"], 1)
    prior += float(stats.gamma.logpdf(w["df"], 2, scale=10))
    return prior + float(stats.t.logpdf(d["y"], w["df"], loc, w["sigma"]).sum())


def survival(w: Arrays, d: Arrays) -> float:
    prior = normal(w["effect"], 0, 1) + normal(w["level"], 0, 2)
    prior += float(stats.gamma.logpdf(w["shape"], 4, scale=1 / 3))
    frozen = stats.weibull_min(w["shape"], scale=np.exp(w["level"] + w["effect"] * d["x"]))
    each = np.where(d["event"] == 1, frozen.logpdf(d["time"]), frozen.logsf(d["time"]))
    return prior + float(each.sum())


def horseshoe(w: Arrays, d: Arrays) -> float:
    weights = w["tau"] * w["widths"] * w["e"]
    prior = half_cauchy(w["tau"], 1) + half_cauchy(w["widths"], 1) + normal(w["e"], 0, 1)
    prior += normal(w["b"], 0, 2) + half_normal(w["sigma"], 1)
    return prior + normal(d["y"], d["x"] @ weights + w["b"], w["sigma"])


def eight_schools_centered(w: Arrays, d: Arrays) -> float:
    prior = normal(w["mu"], 0, 5) + half_cauchy(w["tau"], 5) + normal(w["theta"], w["mu"], w["tau"])
    return prior + normal(d["y"], w["theta"][d["school"].astype(int)], d["sigma"])


def radon(w: Arrays, d: Arrays) -> float:
    prior = normal(w["mu"], 0, 10) + half_normal(w["tau"], 1) + normal(w["e"], 0, 1)
    prior += normal(w["slope"], 0, 10) + half_normal(w["sigma"], 1)
    of_county = w["mu"] + w["tau"] * w["e"][d["county"].astype(int)]
    return prior + normal(d["y"], of_county + w["slope"] * d["floor"], w["sigma"])


def item_response(w: Arrays, d: Arrays) -> float:
    student, item = d["student"].astype(int), d["item"].astype(int)
    prior = normal(w["ability"], 0, 1) + normal(w["difficulty"], 0, 2)
    prior += float(stats.lognorm.logpdf(w["discrimination"], 0.5).sum())
    away = w["ability"][student] - w["difficulty"][item]
    return prior + bernoulli(d["y"], w["discrimination"][item] * away)


def matrix_factorization(w: Arrays, d: Arrays) -> float:
    products = w["u"][d["user"].astype(int)] * w["v"][d["item"].astype(int)]
    return normal(w["u"], 0, 1) + normal(w["v"], 0, 1) + normal(d["rating"], products.sum(-1), 0.5)


def garch(w: Arrays, d: Arrays) -> float:
    variance, last, total = 1.0, float(w["mu"]), 0.0
    for y in d["y"][0]:
        variance = w["alpha0"] + w["shares"][0] * (last - w["mu"]) ** 2 + w["shares"][1] * variance
        total, last = total + normal(y, w["mu"], np.sqrt(variance)), y
    flat = float(special.gammaln(3))  # the density of a uniform simplex of three shares
    return total + normal(w["mu"], 0, 1) + half_normal(w["alpha0"], 1) + flat


def truncated_normal(x: np.ndarray, loc: float, scale: float) -> float:
    return normal(x, loc, scale) - x.size * float(stats.norm.logsf(0, loc, scale))


def lotka_volterra(w: Arrays, d: Arrays) -> float:
    """By four steps of Runge and Kutta a year, written out."""

    def rate(z: np.ndarray) -> np.ndarray:
        hares = (w["alone"][0] - 0.05 * w["e"][0] * z[1]) * z[0]
        return np.array([hares, (0.05 * w["e"][1] * z[0] - w["alone"][1]) * z[1]])

    state, states, h = 10 * w["level"], [], 0.25
    for step in range(80):
        k1 = rate(state)
        k2 = rate(state + h / 2 * k1)
        k3 = rate(state + h / 2 * k2)
        state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + rate(state + h * k3))
        states += [state] if step % 4 == 3 else []

    def log_normal(y: np.ndarray, loc: object, scale: object) -> float:
        return normal(np.log(y), loc, scale) - float(np.log(y).sum())

    prior = truncated_normal(w["alone"], 1, 0.5) + truncated_normal(w["e"], 1, 1)
    prior += log_normal(w["sigma"], -1, 1) + log_normal(w["level"], 0, 1)
    prior += log_normal(d["y0"], np.log(10 * w["level"]), w["sigma"])
    return prior + log_normal(d["y"], np.log(np.array(states)), w["sigma"])


def ar_k(w: Arrays, d: Arrays) -> float:
    padded = np.concatenate([[0.0, 0.0], d["y"][0]])
    loc = w["alpha"] + w["beta"][0] * padded[1:-1] + w["beta"][1] * padded[:-2]
    prior = normal(w["alpha"], 0, 1) + normal(w["beta"], 0, 1) + half_normal(w["sigma"], 1)
    return prior + normal(d["y"][0], loc, w["sigma"])


def hmm_bayes(w: Arrays, d: Arrays) -> float:
    means = np.array([w["low"], w["low"] + w["gap"]])
    densities = stats.norm.logpdf(d["y"][0][:, None], means, w["sigma"])
    forward = np.log(w["table"][0]) + densities[0]
    for density in densities[1:]:
        forward = special.logsumexp(forward[:, None] + np.log(w["table"]), 0) + density
    prior = normal(w["low"], 0, 2) + half_normal(w["gap"], 3) + half_normal(w["sigma"], 1)
    prior += sum(float(stats.dirichlet.logpdf(row, [2, 2])) for row in w["table"])
    return prior + float(special.logsumexp(forward))


def gaussian_mixture_bayes(w: Arrays, d: Arrays) -> float:
    means = np.array([w["low"], w["low"] + w["gap"]])
    parts = stats.norm.logpdf(d["y"][:, None], means, w["sigma"]) + np.log(w["weights"])
    prior = normal(w["low"], 0, 3) + half_normal(w["gap"], 4) + half_normal(w["sigma"], 2)
    prior += float(stats.dirichlet.logpdf(w["weights"], [5, 5]))
    return prior + float(special.logsumexp(parts, -1).sum())


def funnel(w: Arrays, d: Arrays) -> float:
    x = np.exp(0.5 * w["v"]) * w["e"][d["group"].astype(int)]
    return normal(w["v"], 0, 3) + normal(w["e"], 0, 1) + normal(d["y"], x, 1)


SCHOOLS = {"y": "effect", "sigma": "error", "school": "school"}
MODELS: list[tuple[Posterior, Arrays]] = [
    (linear_regression, regression("y")),
    (bayesian_logistic_regression, regression("success")),
    (poisson_regression, regression("count")),
    (student_regression, regression("y")),
    (survival, columns("survival.csv", x="treated", time="time", event="event")),
    (horseshoe, regression("y")),
    (eight_schools_centered, columns("schools.csv", **SCHOOLS)),
    (radon, columns("radon.csv", y="log_radon", floor="floor", county="county")),
    (item_response, columns("answers.csv", y="correct", student="student", item="item")),
    (matrix_factorization, columns("ratings.csv", rating="rating", user="user", item="item")),
    (garch, series("returns")),
    (lotka_volterra, hares()),
    (ar_k, series("autoregression")),
    (hmm_bayes, series("states")),
    (gaussian_mixture_bayes, columns("mixture.csv", y="y")),
    (funnel, columns("schools.csv", y="effect", group="school")),
]


def log_posterior(program: Program, data: Arrays) -> tuple[float, Arrays]:
    """The log-posterior without the log-determinant, and the latents."""
    model = program.model
    # A latent such as `beta` has another name among the functions of Python code.
    names = {key: key.removesuffix("_") for key in inspect.signature(model.log_prior).parameters}
    latents = {key: getattr(model, name).detach() for key, name in names.items()}
    integers = {"school", "county", "student", "item", "user", "group"}
    given = {k: torch.as_tensor(v.astype(int) if k in integers else v) for k, v in data.items()}
    with torch.no_grad():
        total = model.log_prob(**given).sum() + model.log_prior(**latents)
    return float(total), {names[key]: value.numpy() for key, value in latents.items()}


@pytest.mark.parametrize(("exact", "data"), MODELS, ids=[m[0].__name__ for m in MODELS])
def test_the_posterior_is_its_formula(exact: Posterior, data: Arrays) -> None:
    program = load(GENERATED / exact.__name__).double()
    random = torch.Generator().manual_seed(3)
    for parameter in program.parameters():
        noise = torch.randn(parameter.shape, generator=random, dtype=torch.float64)
        parameter.data.copy_(0.7 * noise)
    found, latents = log_posterior(program, data)
    assert found == pytest.approx(exact(latents, data), abs=1e-9, rel=1e-12)


def test_factors_of_a_user_are_ridge_regression() -> None:
    """Given the factors of the items, the mode of those of a user is (V'V + s^2 I)^-1 V'r."""
    program = load(GENERATED / "matrix_factorization").double()
    data = columns("ratings.csv", rating="rating", user="user", item="item")
    item, rating = data["item"].astype(int), data["rating"]
    v = program.model.v.detach().numpy() * 5
    program.model.v.data.copy_(torch.as_tensor(v))
    for user in range(15):
        rows = data["user"] == user
        factors = v[item[rows]]
        mode = np.linalg.solve(factors.T @ factors + 0.25 * np.eye(2), factors.T @ rating[rows])
        program.model.u.data[user] = torch.as_tensor(mode)
    given = {k: torch.as_tensor(x if k == "rating" else x.astype(int)) for k, x in data.items()}
    model = program.model
    total = model.log_prob(**given).sum() + model.log_prior(u=model.u, v=model.v)
    (slope,) = torch.autograd.grad(total, model.u)
    assert slope.abs().max() < 1e-9
