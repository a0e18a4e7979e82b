"""The picture of many chains, and the tables of latents in a terminal."""

import numpy as np

from specc.evaluate.inference_data import arviz
from specc.report import posterior
from specc.report.latent_table import latent_lines
from specc.report.posterior import (
    MOST_CHAINS,
    draw_posterior,
    left_out_in_words,
    posterior_lines,
)


def drawn(chains, tmp_path, monkeypatch):
    """The numbers of chains that the two plots of ArviZ get."""
    own, rng = arviz(), np.random.default_rng(0)
    seen = []

    class Counting:
        def plot_trace(self, data, **options):
            seen.append(data.posterior.sizes["chain"])
            return own.plot_trace(data, **options)

        def plot_rank(self, data, **options):
            seen.append(data.posterior.sizes["chain"])
            return own.plot_rank(data, **options)

    monkeypatch.setattr(posterior, "arviz", Counting)
    stats = {"diverging": np.zeros((chains, 20), bool)}
    data = own.from_dict(
        posterior={"w": rng.normal(size=(chains, 20))},
        sample_stats=stats,
        prior={"w": rng.normal(size=(1, 50))},
    )
    assert draw_posterior(tmp_path / "w.png", data)
    assert data.posterior.sizes["chain"] == chains
    return seen


def test_many_chains_are_thinned_in_the_picture(tmp_path, monkeypatch):
    assert drawn(20, tmp_path, monkeypatch) == [MOST_CHAINS] * 2
    assert drawn(3, tmp_path, monkeypatch) == [3, 3]


def test_columns_have_a_space_between_them():
    tiny = -0.0005477
    spread = {"mean": tiny, "sd": 1e-12, "5%": -1.234e-10, "50%": tiny, "95%": tiny}
    row = {"name": "w", **spread, "mcse": tiny, "ess_bulk": 123456.0, "r_hat": 26.293}
    found = {"latents": [{**row, "prior": spread}], "warnings": ["w"]}
    head, line, last = posterior_lines({**found, "chains": 1, "draws": 1, "divergences": 0}, 5)
    assert len(line.split()) == 1 + 6 + 2 and len(head) == len(line)
    assert last == "warning: w"
    _, line = latent_lines([row], ("mean", "5%", "r_hat"), 1)
    assert line.split() == ["w", "-0.0005477", "-1.234e-10", "26.293"]


def test_the_words_of_the_leave_one_out_figure():
    found = {"value": -101.954, "standard_error": 2.5, "pareto_k_above_0.7": 60}
    words = "leave-one-out log p of all rows: -101.95"
    assert left_out_in_words(found) == f"{words} +- 2.50 nats, Pareto k above 0.7 in 60 rows"
    found |= {"standard_error": None, "pareto_k_above_0.7": 1}
    assert left_out_in_words(found) == f"{words} nats, Pareto k above 0.7 in 1 row"
