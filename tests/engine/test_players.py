"""Several players, each with its own loss, parameters, optimizer, schedule and updates."""

from __future__ import annotations

import pytest
import torch

from specc.data.load import load
from specc.engine import train
from specc.engine.compile.compile_step import compile_step
from specc.engine.order.row_order import batches
from specc.engine.settings import settings_of
from specc.engine.step.player import players_of
from specc.engine.step.step import Step
from specc.engine.storage import checkpoint, file_io
from specc.engine.storage.loaded_run import fresh
from specc.runtime import manifest as manifests
from specc.runtime.failure import RunFailure
from tests.engine import stateful
from tests.engine.interruption import interrupted
from tests.engine.test_compiled import CLOSE, compiles
from tests.engine.test_distributed import ended, start
from tests.engine.test_train import QUIET, RESUME, fails, losses, state_hash, weights_hash
from tests.programs import making

CPU = torch.device("cpu")
PLAYERS = {
    "fit": {"schedule": {"linear": {"final": 0.5}}},
    "match": {"optimizer": {"sgd": {"lr": 0.01}}, "clip": 0.5, "steps": 2},
}
SECOND = '''

def match(
    model: Model, guide: Guide, noise: Noise, *, x: Tensor
) -> tuple[Tensor, dict[str, Tensor]]:
    """The mean square of what the guide leaves of the data."""
    z_loc, _ = guide.z_loc_scale(x)
    rest = (x - model.x_logits(z_loc).sigmoid()).square().sum(-1).mean()
    return rest, {"rest": rest}
'''
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def make(folder, players=None, **settings):
    """The model maximizes the evidence lower bound, with state; the guide minimizes a square."""

    def two(manifest):
        (loss,) = manifest["losses"]
        manifest["losses"] = [
            {**loss, "name": "fit", "parameters": ["model"]},
            {**loss, "name": "match", "parameters": ["guide"], "state": []},
        ]
        manifest["train"]["players"] = PLAYERS if players is None else players

    code = stateful.make(folder, **settings)
    making.change(code, two)
    making.edit(code, "__init__.py", '{"loss": loss}', '{"fit": loss, "match": match}')
    making.edit(code, "__init__.py", "objective import loss", "objective import loss, match")
    path = code / "objective.py"
    path.write_text(path.read_text() + SECOND)
    return code


def stepping(code):
    found = manifests.read(code)
    settings = settings_of(found.train)
    program = fresh(code, settings, CPU)
    rows = load(found.data, None, settings.dtype).part("train")
    return Step(program, players_of(program, settings, CPU), rows, settings, CPU)


INDICES = [torch.arange(100), torch.arange(700, 800)]


def test_each_player_has_its_own_settings(tmp_path):
    step = stepping(make(tmp_path))
    fit, match = step.players
    assert isinstance(fit.optimizer, torch.optim.Adam)
    assert isinstance(match.optimizer, torch.optim.SGD)
    assert (fit.settings.clip, match.settings.clip) == (None, 0.5)
    for player in step.players:
        player.set_rate(50, 100, 0)
    assert [p.optimizer.param_groups[0]["lr"] for p in (fit, match)] == [0.75 * 0.003, 0.01]


def test_players_alternate_each_with_its_cadence(tmp_path):
    """One Adam update of the model, then two SGD updates of the guide, each on different rows."""
    step = stepping(make(tmp_path))
    model, guide = step.program.model, step.program.guide
    first = [p.detach().clone() for p in guide.parameters()]
    other = stepping(make(tmp_path / "other", {"match": {"steps": 1}}))
    other(0, 0, INDICES[0])
    found = step(0, 0, *INDICES)
    pairs = zip(model.parameters(), other.program.model.parameters(), strict=True)
    assert all(torch.equal(mine, theirs) for mine, theirs in pairs)
    with torch.no_grad():
        for parameter, value in zip(guide.parameters(), first, strict=True):
            parameter.copy_(value)
    rests = []
    for index in INDICES:
        x = step.rows.batch(index, None)["x"]
        rest = (x - model.x_logits(guide.z_loc_scale(x)[0]).sigmoid()).square().sum(-1).mean()
        gradients = torch.autograd.grad(rest, list(guide.parameters()), allow_unused=True)
        kept = [(p, g) for p, g in zip(guide.parameters(), gradients, strict=True) if g is not None]
        norm = torch.stack([g.norm() for _, g in kept]).norm()
        with torch.no_grad():
            for parameter, gradient in kept:
                parameter -= 0.01 * gradient * min(1.0, 0.5 / norm)
        rests.append(rest.detach())
    again = stepping(make(tmp_path / "again"))
    again(0, 0, *INDICES)
    for mine, theirs in zip(guide.parameters(), again.program.guide.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-7)
    value = dict(zip(found.names, found.values, strict=True))["match rest"]
    torch.testing.assert_close(value, torch.stack(rests).mean())


def test_a_player_leaves_no_gradient_at_the_others_parameters(tmp_path):
    step = stepping(make(tmp_path, {}))
    for player in step.players:
        player.zero_grad()
    loss = step.program.loss(
        "match", {}, step.rows.batch(INDICES[0], None), step._noise(1, 0), {}
    ).loss
    step.players[1].backward(loss)
    assert all(p.grad is None for p in step.program.model.parameters())
    assert any(p.grad is not None for p in step.program.guide.parameters())


def test_every_update_visits_each_row_once_an_epoch():
    order, updates = torch.randperm(73, generator=torch.Generator().manual_seed(0)), 3
    steps = [batches(order, 10, step, updates) for step in range(8)]
    for update in range(updates):
        rows = torch.cat([step[update] for step in steps])
        assert sorted(rows.tolist()) == list(range(73))
    for step in steps:
        assert len(torch.cat(step).unique()) == sum(map(len, step))
    assert torch.equal(torch.cat([step[0] for step in steps]), order)
    assert [len(rows) for rows in batches(order, 100, 0, 3)] == [73, 73, 73]


@compiles
def test_compiled_players_compute_what_eager_ones_compute(tmp_path):
    eager, compiled = (stepping(make(tmp_path / name)) for name in "ab")
    compile_step(compiled)
    for number in range(3):
        mine, theirs = compiled(0, number, *INDICES), eager(0, number, *INDICES)
        assert mine.names == theirs.names
        assert torch.allclose(mine.values, theirs.values, atol=CLOSE)
    pairs = zip(compiled.program.parameters(), eager.program.parameters(), strict=True)
    assert all(torch.allclose(a, b, atol=CLOSE) for a, b in pairs)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    root = tmp_path_factory.mktemp("players")
    code = make(root, epochs=2, accumulate=2)
    train.train(code, root / "run", QUIET)
    return code, root / "run"


def states_hash(run):
    return file_io.hash_of(checkpoint.latest(run).folder / checkpoint.LOSSES)


def test_interrupted_and_resumed_is_uninterrupted(finished, tmp_path):
    code, run = finished
    with interrupted(epoch=0, number=7):
        fails("E0812", code, tmp_path / "run", QUIET)
    train.train(code, tmp_path / "run", RESUME)
    for hash_of in (weights_hash, state_hash, states_hash):
        assert hash_of(tmp_path / "run") == hash_of(run)
    assert losses(tmp_path / "run") == losses(run)


def test_two_processes_make_the_steps_of_one(finished, tmp_path):
    code = make(tmp_path, epochs=2)
    codes, said = ended(start(code, tmp_path / "run"))
    assert codes == [0, 0], said
    mine, theirs = (checkpoint.latest(run).weights for run in (tmp_path / "run", finished[1]))
    assert all(torch.allclose(mine[name], theirs[name], atol=1e-5) for name in theirs)


@pytest.mark.parametrize(
    ("players", "says"),
    [
        ({"critic": {}}, "settings for `critic`, which is no player"),
        ({"fit": {"steps": 0}}, "is wrong"),
        ({"fit": {"optimizer": {"best": {}}}}, "is wrong"),
        (
            {
                "fit": {"schedule": {"plateau": {"patience": 3}}},
                "match": {"schedule": {"plateau": {}}},
            },
            "more than one patience",
        ),
    ],
)
def test_settings_that_fit_no_player_are_refused(tmp_path, players, says):
    with pytest.raises(RunFailure, match=says) as failure:
        stepping(make(tmp_path, players))
    assert failure.value.code == "E0808"
