from __future__ import annotations

import pytest

from specc.engine.schedule.scalars import Position, final_scalars, scalars_at, varying_scalars
from specc.runtime.failure import RunFailure
from specc.runtime.json_object import JsonObject
from specc.runtime.losses import Loss, Scalar, parse_loss

LOSS = Loss(
    "loss",
    ("x", "y"),
    ("model",),
    {
        "kl_weight": Scalar("kl_weight", {"warm_up": 0.5}),
        "data_size": Scalar("data_size"),
        "y_share": Scalar("observed_fraction", {"of": "y"}),
    },
)


def test_scalars_follow_from_the_position():
    weights = [
        scalars_at(LOSS, Position(step, 20, 300, {"y": 0.25}))["kl_weight"] for step in range(20)
    ]
    assert weights == [min(1.0, step / 10) for step in range(20)]
    found = scalars_at(LOSS, Position(3, 20, 300, {"y": 0.25}))
    assert found == {"kl_weight": 0.3, "data_size": 300, "y_share": 0.25}


def test_progress_is_the_fraction_of_the_run_that_is_done():
    loss = Loss("loss", ("x",), ("model",), {"progress": Scalar("progress")})
    found = [scalars_at(loss, Position(step, 8, 300))["progress"] for step in range(8)]
    assert found == [step / 8 for step in range(8)]
    assert final_scalars(loss, 300) == {"progress": 1.0}
    assert varying_scalars(loss) == ("progress",)


def test_at_the_end_divergences_count_in_full():
    assert final_scalars(LOSS, 300) == {"kl_weight": 1.0, "data_size": 300, "y_share": 1.0}
    assert varying_scalars(LOSS) == ("kl_weight",)


def test_an_unknown_kind_is_refused():
    loss = Loss("loss", ("x",), ("model",), {"t": Scalar("temper")})
    with pytest.raises(RunFailure, match="unknown kind `temper`") as failure:
        final_scalars(loss, 3)
    assert failure.value.code == "E0808"


def test_the_keys_of_former_manifests_are_read():
    former = {
        "name": "loss",
        "inputs": ["x", "y"],
        "needs_data_size": True,
        "warm_up": 0.5,
        "shares": {"y_share": "y"},
        "bound": None,
        "parameters": ["model"],
    }
    assert parse_loss(JsonObject(former, "losses[0]")) == LOSS
