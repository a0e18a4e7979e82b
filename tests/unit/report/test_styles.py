"""Grids of classes by styles, and ways between draws of the prior."""

import math

import pytest
import torch

import specc
from specc.report.final_evaluation import picture_field
from specc.report.page import page
from specc.report.styles import MOST_CLASSES, class_grid, great_circle, prior_interpolations
from specc.report.training import losses, parts_of, players_of, training
from tests.unit.evaluate.test_estimate import untrained

GIVEN = """
specc: 1
name: given
data: {source: digits, fields: {x: {from: image, binarize: sample}, FIELD}}
model:
  y: {given: y}
  z: {latent: normal, loc: 0, scale: 1, shape: [3]}
  x: {observed: bernoulli, logits: "decoder(z, y)"}
guide:
  z: {latent: normal, params: encoder(x)}
links: {decoder: {mlp: [5]}, encoder: {mlp: [5]}}
objective: elbo
"""


def opened(text, folder):
    spec = folder / "spec.yaml"
    spec.write_text(text, encoding="utf-8")
    return untrained(specc.load(spec).compile(folder / "code"))


def test_a_great_circle_goes_from_end_to_end_at_an_even_pace_and_length():
    first = torch.tensor([[3.0, 0.0], [0.0, 2.0]]).double()
    second = torch.tensor([[0.0, 3.0], [2.0, 0.0]]).double()
    found = great_circle(first, second, 4)
    torch.testing.assert_close(found[:, 0], first)
    torch.testing.assert_close(found[:, -1], second)
    torch.testing.assert_close(found[0].norm(dim=-1), torch.full((4,), 3.0).double())
    angles = torch.atan2(found[0, :, 1], found[0, :, 0])
    expected = torch.linspace(0, math.pi / 2, 4).double()
    torch.testing.assert_close(angles, expected)


def test_vectors_of_one_direction_are_joined_too():
    same = torch.ones(1, 3).double()
    assert great_circle(same, same, 5).isfinite().all()
    assert great_circle(same, -same, 5).isfinite().all()


@pytest.mark.parametrize("field", ["y: {from: label}", "y: {from: label, one_hot: 10}"])
def test_each_row_is_a_class_and_each_column_a_style(tmp_path, field):
    run = opened(GIVEN.replace("FIELD", field), tmp_path)
    shown = picture_field(run)
    pixels, name = class_grid(run, shown)
    assert name == "y"
    from specc.evaluate.sampling import sample

    style = sample(run, 12).values["z"][4:5]
    value = torch.eye(10)[7:8] if "one_hot" in field else torch.tensor([7])
    mean = run.program.model.conditional_mean(z=style, y=value)["x"].reshape(8, 8)
    zoom = pixels.shape[0] // (10 * 9 + 1)
    small = pixels[::zoom, ::zoom, 0]
    cell = small[1 + 7 * 9 : 9 + 7 * 9, 1 + 4 * 9 : 9 + 4 * 9]
    expected = (mean.detach() * 255).round()
    assert (torch.as_tensor(cell.astype(float)) - expected).abs().max() <= 1


def test_a_page_has_the_grid_and_no_ways_where_a_class_is_needed(tmp_path):
    run = specc.load(_written(tmp_path)).train(tmp_path / "run")
    text = page(run.loaded)
    assert "A row for each value of y" in text and "Great circles" not in text
    assert prior_interpolations(run.loaded, picture_field(run.loaded)) is None


def _written(folder):
    spec = folder / "spec.yaml"
    short = "train: {epochs: 1, threads: 1}\n"
    spec.write_text(GIVEN.replace("FIELD", "y: {from: label}") + short, encoding="utf-8")
    return spec


def test_many_classes_make_no_grid(tmp_path):
    run = opened(GIVEN.replace("FIELD", "y: {from: label, one_hot: 40}"), tmp_path)
    assert MOST_CLASSES < 40 and class_grid(run, picture_field(run)) is None


def line(epoch, **parts):
    return {
        "epoch": epoch,
        "loss": 1.0,
        "parts": {k.replace("_", " "): v for k, v in parts.items()},
    }


def test_the_losses_of_all_players_are_in_one_chart():
    metrics = [line(n, critic_loss=1.0 * n, actor_loss=2.0, actor_fit=3.0) for n in (1, 2)]
    assert players_of(metrics) == {"critic": "critic loss", "actor": "actor loss"}
    assert losses(metrics) == {"critic": [(1, 1.0), (2, 2.0)], "actor": [(1, 2.0), (2, 2.0)]}
    assert parts_of(metrics) == ["actor fit"]


def test_a_single_player_has_its_loss_on_both_kinds_of_rows():
    metrics = [line(n, elbo=-1.0) | {"valid": {"loss": 5.0}} for n in (1, 2)]
    assert players_of(metrics) == {}
    assert losses(metrics)["held-out rows"] == [(1, 5.0), (2, 5.0)]


def test_each_stage_has_curves_of_its_own():
    """The epochs count on, and a metric of one stage is not looked for in another."""
    metrics = [
        {"epoch": 1, "stage": "one", "loss": 3.0, "parts": {"loss": 3.0, "a": 1.0}},
        {"epoch": 2, "stage": "one", "loss": 2.0, "parts": {"loss": 2.0, "a": 2.5}},
        {
            "epoch": 3,
            "stage": "game",
            "loss": 1.0,
            "parts": {"critic loss": 1.0, "actor loss": 0.5},
        },
    ]
    assert losses(metrics) == {
        "one, training rows": [(1, 3.0), (2, 2.0)],
        "game, critic": [(3, 1.0)],
        "game, actor": [(3, 0.5)],
    }
    page = training(metrics)
    assert "a of stage one" in page and "stage game" not in page
