"""Tables of latents have the names of the spec, though Python names and attributes may differ.

`beta` and `noise` are names of modules in generated code, where they are `beta_` and `noise_`;
`training` is an attribute of `torch.nn.Module`, and its tensor is `training_`.
"""

import pytest

import specc
from specc.evaluate.inference_data import arviz
from specc.report.page import page

SPEC = """\
specc: 1
name: named
data: {source: csv, path: d.csv, fields: {x: {from: x}}}
model:
  beta: {latent: normal, loc: 0, scale: 1, global: true}
  training: {latent: normal, loc: 0, scale: 1, global: true}
  noise: {latent: gamma, concentration: 2, rate: 1, global: true}
  x: {observed: normal, loc: beta + training, scale: noise}
"""
SAMPLED = "sampler: {nuts: {chains: 2, warmup: 100, draws: 100}}\n"
OF_ROWS = SPEC.replace("beta + training", "score").replace(
    "  x:", "  score: {latent: normal, loc: beta + training, scale: 1}\n  x:"
)
GUIDED = """\
guide:
  place: {parameter: real, shape: [2]}
  beta: {latent: normal, loc: "place[0]", scale: 0.5, global: true}
  training: {latent: normal, loc: "place[1]", scale: 0.5, global: true}
  noise: {latent: log_normal, loc: 0, scale: 0.5, global: true}
objective: elbo
train: {epochs: 1, batch_size: 6}
"""
NAMES = ["beta", "training", "noise"]


def trained(folder, text):
    (folder / "d.csv").write_text("x\n0.5\n1.5\n-0.2\n0.9\n2.0\n0.1\n")
    (folder / "named.yaml").write_text(text)
    return specc.load(folder / "named.yaml").train(folder / "run", device="cpu", threads=1)


def entries(rows, names):
    """The rows of a table that are of these latents, without the entries in brackets."""
    return [row for row in rows if row["name"].partition("[")[0] in names]


@pytest.mark.parametrize(
    ("text", "key", "of_rows"),
    [
        (SPEC + SAMPLED, "posterior", []),
        (OF_ROWS + SAMPLED, "posterior", ["score"]),
        (SPEC + GUIDED, "guide", []),
    ],
    ids=["chains", "chains_with_rows", "guide"],
)
def test_tables_have_the_names_of_the_spec(tmp_path, text, key, of_rows):
    run = trained(tmp_path, text)
    rows = run.result[key]["latents"]
    assert {row["name"].partition("[")[0] for row in rows} == {*NAMES, *of_rows}
    assert all("prior" in row for row in entries(rows, NAMES))
    html = page(run.loaded)
    assert all(f"<td>{name}</td>" in html for name in NAMES)
    groups = arviz().from_netcdf(str(run.folder / "posterior.nc"))
    assert {*groups.posterior.data_vars} == {*NAMES, *of_rows}
    assert {*NAMES} <= {*groups.prior.data_vars}
    assert groups.log_likelihood["rows"].shape[-1] == 6
    for name in of_rows:
        assert groups.posterior[name].dims == ("chain", "draw", "row")


SUMMED = """\
specc: 1
name: named
data: {source: csv, path: d.csv, fields: {x: {from: x}}}
model:
  beta: {latent: bernoulli, probs: 0.5, global: true}
  place: {parameter: real}
  x: {observed: normal, loc: place + beta, scale: 1}
objective: mle
train: {epochs: 1, batch_size: 6}
"""


def test_probabilities_of_what_is_summed_out_do_too(tmp_path):
    assert list(trained(tmp_path, SUMMED).result["shared"]) == ["beta"]
