"""Updates of the elements of a plate that a batch names, against updates of all elements."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

from specc.compiler import compile
from specc.data.load import load
from specc.diagnostics.source import Source
from specc.engine.compile.compile_step import compile_step
from specc.engine.settings import settings_of
from specc.engine.step.player import players_of
from specc.engine.step.step import Step
from specc.engine.storage.loaded_run import fresh
from specc.runtime import manifest as manifests
from specc.runtime.failure import RunFailure

ROWS, USERS, ITEMS = 12, 7, 5
MODEL = """
specc: 1
name: ratings
data: {{source: npz, path: rows.npz, fields: {{rating: {{}}, user: {{}}, item: {{}}}}}}
plates: {{users: 7, items: 5}}
model:
  user: {{given: user, plate_index: users}}
  item: {{given: item, plate_index: items}}
  spread: {{parameter: positive}}
  bias: {{parameter: real, plate: items}}
  u: {{latent: normal, loc: 0, scale: spread, shape: [2], plate: users}}
  v: {{latent: normal, loc: 0, scale: 2, shape: [2], plate: items}}
  rating: {{observed: normal, loc: "sum(u[user] * v[item]) + bias[item]", scale: 0.5}}
{objective}
train: {{batch_size: {size}, epochs: 1, precision: {precision}, optimizer: {{{optimizer}}}{more}}}
"""
MAP = "objective: map"
ELBO = "guide: auto\nobjective: elbo"
SUBSAMPLE = ", subsample: [users, items]"


def step_of(
    folder: Path,
    objective: str = MAP,
    size: int = 4,
    optimizer: str = "adam: {lr: 0.1}",
    more: str = SUBSAMPLE,
    pieces: int | None = None,
    precision: str = "float64",
) -> Step:
    """The step of the spec, on rows that name all users but one and all items."""
    random = np.random.default_rng(0)
    user = np.concatenate([np.arange(USERS - 1), random.integers(USERS - 1, size=ROWS - USERS + 1)])
    item = random.permutation(np.arange(ROWS) % ITEMS)
    folder.mkdir(exist_ok=True)
    np.savez(folder / "rows.npz", rating=random.standard_normal(ROWS), user=user, item=item)
    settings = {"size": size, "optimizer": optimizer, "more": more, "precision": precision}
    text = MODEL.format(objective=objective, **settings)
    result, checked = compile(Source("ratings.yaml", text))
    assert result is not None, checked.diagnostics
    code = folder / f"code{len(list(folder.iterdir()))}" / "ratings"
    code.mkdir(parents=True)
    for name, content in result.files.items():
        (code / name).write_text(content, encoding="utf-8")
    found = manifests.read(code)
    settings, cpu = settings_of(found.train), torch.device("cpu")
    part = load(found.data, folder, settings.dtype).part("train")
    program = fresh(code, settings, cpu)
    return Step(program, players_of(program, settings, cpu), part, settings, cpu, pieces)


def gradient(step: Step, index: torch.Tensor) -> dict:
    """The gradient of the loss of some rows, by the parameter, with zeros for other elements."""
    before = {n: p.detach().clone() for n, p in step.program.named_parameters()}
    step(0, 0, index)
    # Under SGD with the rate 1 the update is minus the gradient.
    found = {n: before[n] - p.detach() for n, p in step.program.named_parameters()}
    with torch.no_grad():
        for name, parameter in step.program.named_parameters():
            parameter.copy_(before[name])
    return found


def mean_gradient(step: Step, size: int) -> dict:
    """The mean gradient over all batches of that size, each set of rows once."""
    each = [
        gradient(step, torch.tensor(rows)) for rows in itertools.combinations(range(ROWS), size)
    ]
    return {name: sum(own[name] for own in each) / len(each) for name in each[0]}


SGD = "sgd: {lr: 1.0}"


def test_the_mean_gradient_is_that_of_all_elements(tmp_path):
    sparse = step_of(tmp_path, size=2, optimizer=SGD)
    dense = step_of(tmp_path, size=ROWS, optimizer=SGD, more="")
    found = mean_gradient(sparse, 2)
    wanted = gradient(dense, torch.arange(ROWS))
    # No row names the last user, whose prior no batch sees.
    wanted["model.u"][-1] = 0.0
    for name in ("model.u", "model.v", "model.bias"):
        torch.testing.assert_close(found[name], wanted[name], rtol=0, atol=1e-12)
    missed = torch.autograd.functional.jacobian(
        lambda spread: (
            torch.distributions.Normal(0.0, spread.exp())
            .log_prob(dense.program.get_parameter("model.u")[-1])
            .sum()
            / ROWS
        ),
        dense.program.get_parameter("model.log_spread").detach(),
    )
    own = found["model.log_spread"] - missed
    torch.testing.assert_close(own, wanted["model.log_spread"], rtol=0, atol=1e-12)


def test_weights_of_one_are_noticed(tmp_path):
    """The control: without the weights the mean gradient is another."""
    sparse = step_of(tmp_path, size=2, optimizer=SGD)
    for plate in sparse.subsampled.plates:
        plate.frequency = torch.ones_like(plate.frequency) * plate.total // 2
    dense = step_of(tmp_path, size=ROWS, optimizer=SGD, more="")
    found = mean_gradient(sparse, 2)["model.u"][:-1]
    wanted = gradient(dense, torch.arange(ROWS))["model.u"][:-1]
    assert (found - wanted).abs().max() > 1e-3


@pytest.mark.parametrize("objective", [MAP, ELBO], ids=["map", "elbo"])
def test_other_elements_and_their_moments_stay(tmp_path, objective):
    step = step_of(tmp_path, objective, size=ROWS)
    step(0, 0, torch.arange(ROWS))
    named = dict(step.program.named_parameters())
    state = step.players[0].optimizer.state
    held = {n: (p.detach().clone(), state[p]["exp_avg"].clone()) for n, p in named.items()}
    index = torch.tensor([0, 3])
    batch = step.rows.batch(index, step._noise(0))
    step(0, 1, index)
    for own in step.program.manifest.losses[0].subsample:
        touched = torch.zeros(own.size, dtype=torch.bool)
        touched[torch.cat([batch[name] for name in own.indices])] = True
        for name in own.parameters:
            before, moment = held[name]
            parameter = named[name]
            assert torch.equal(parameter[~touched], before[~touched])
            assert torch.equal(state[parameter]["exp_avg"][~touched], moment[~touched])
            assert (parameter[touched] != before[touched]).all()
            assert state[parameter]["exp_avg"].shape == parameter.shape


def test_a_batch_of_all_rows_makes_the_update_of_all_elements(tmp_path):
    sparse = step_of(tmp_path, size=ROWS)
    dense = step_of(tmp_path, size=ROWS, more="")
    for number in range(3):
        own = sparse(0, number, torch.arange(ROWS))
        other = dense(0, number, torch.arange(ROWS))
    named = dict(dense.program.named_parameters())
    for name, parameter in sparse.program.named_parameters():
        rows = slice(0, USERS - 1) if name.startswith("model.u") else slice(None)
        if name != "model.log_spread":  # the prior of the user without rows
            torch.testing.assert_close(parameter[rows], named[name][rows])
    assert own.names == other.names


@pytest.mark.parametrize(
    "optimizer",
    [
        "sgd: {lr: 0.1, momentum: 0.9}",
        "adagrad: {lr: 0.1}",
        "adadelta: {lr: 0.1}",
        "adam: {lr: 0.1, amsgrad: true}",
        "rmsprop: {lr: 0.1, momentum: 0.5}",
    ],
)
def test_the_state_of_each_optimizer_is_that_of_all_elements(tmp_path, optimizer):
    step = step_of(tmp_path, optimizer=optimizer)
    for number in range(3):
        step(0, number, torch.tensor([number, number + 1]))
    for parameter, state in step.players[0].optimizer.state.items():
        for value in state.values():
            if isinstance(value, torch.Tensor) and value.dim():
                assert value.shape == parameter.shape
                assert value.abs().sum() > 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_compiled_update_computes_what_the_eager_one_does(tmp_path):
    eager, compiled = (step_of(tmp_path, ELBO, precision="float32") for _ in range(2))
    compile_step(compiled)
    for number in range(3):
        index = torch.arange(4) + 2 * number
        own, other = eager(0, number, index), compiled(0, number, index)
        torch.testing.assert_close(own.values, other.values)
    named = dict(compiled.program.named_parameters())
    for name, parameter in eager.program.named_parameters():
        torch.testing.assert_close(parameter, named[name])


def test_elements_without_rows_are_counted(tmp_path):
    users, items = step_of(tmp_path).subsampled.plates
    assert (users.unnamed, items.unnamed) == (1, 0)


def test_pieces_of_a_batch_are_refused(tmp_path):
    with pytest.raises(RunFailure, match="2 pieces") as failure:
        step_of(tmp_path, pieces=2)
    assert failure.value.code == "E0830"


def test_the_remark_names_plates_with_elements_without_rows(tmp_path):
    remark = step_of(tmp_path).subsampled.remark
    assert remark == "no training row names 1 of 7 users, which keep their initial values"
