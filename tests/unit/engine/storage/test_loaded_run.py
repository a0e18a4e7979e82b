from __future__ import annotations

import numpy as np
import pytest
import torch

from specc.engine.settings import settings_of
from specc.engine.storage import checkpoint
from specc.engine.storage.loaded_run import fresh, load_run
from specc.engine.train import Options, train
from specc.runtime import manifest as manifests
from specc.runtime.failure import RunFailure
from tests.programs import making
from tests.programs.sealing import reseal

OPTIONS = Options(quiet=True, threads=1)


def test_parameters_follow_the_seed_and_leave_torch_s_generator_alone(tmp_path):
    code = making.copy("vae", tmp_path)
    settings = settings_of(manifests.read(code).train)
    state = torch.get_rng_state()
    first, second = (fresh(code, settings, torch.device("cpu")) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), state)
    for name, value in first.named_parameters():
        assert torch.equal(value, second.get_parameter(name))


def test_a_run_in_double_precision(tmp_path):
    code = making.copy("linear", tmp_path)
    data = making.linear_data(tmp_path / "data")
    trained = train(code, tmp_path / "run", Options(data_dir=data, quiet=True, threads=1))
    assert {p.dtype for p in trained.loaded.program.parameters()} == {torch.float64}
    assert torch.get_default_dtype() == torch.float32
    opened = load_run(tmp_path / "run")
    for name, value in opened.program.named_parameters():
        assert torch.equal(value, trained.loaded.program.get_parameter(name))


def test_a_run_that_never_saved(tmp_path):
    code = making.copy("vae", tmp_path)
    train(code, tmp_path / "run", OPTIONS)
    for folder in (tmp_path / "run/checkpoints").iterdir():
        folder.rename(tmp_path / folder.name)
    with pytest.raises(RunFailure) as failure:
        load_run(tmp_path / "run")
    assert failure.value.code == "E0802"


@pytest.mark.parametrize("name", ["weights.safetensors", "optimizer.safetensors"])
def test_a_checkpoint_of_other_tensors_is_refused(tmp_path, name):
    run = tmp_path / "run"
    train(making.copy("vae", tmp_path), run, OPTIONS)
    other = making.copy("vae", tmp_path / "other", lambda m: m.update(parameters=[]))
    making.edit(other, "model.py", "24", "12")
    train(other, tmp_path / "second", OPTIONS)
    (mine,), (theirs,) = ((r / "checkpoints").iterdir() for r in (run, tmp_path / "second"))
    (mine / name).write_bytes((theirs / name).read_bytes())
    reseal(run)
    found = checkpoint.latest(run)
    assert found is not None
    if name == checkpoint.WEIGHTS:
        with pytest.raises(RunFailure, match="its weights are not the program's"):
            load_run(run)
    else:
        with pytest.raises(RunFailure, match="damaged"):
            train(tmp_path / "vae", run, Options(quiet=True, threads=1, resume=True))


@pytest.mark.parametrize("data", [b"", b"junk" * 100, b"\xff" * 8 + b"{}"])
def test_weights_that_are_no_tensors(tmp_path, data):
    run = tmp_path / "run"
    train(making.copy("vae", tmp_path), run, OPTIONS)
    (folder,) = (run / "checkpoints").iterdir()
    (folder / "weights.safetensors").write_bytes(data)
    reseal(run)
    with pytest.raises(RunFailure) as failure:
        load_run(run)
    assert failure.value.code == "E0803"


def test_other_rows_are_standardized_as_the_training_rows_were(tmp_path):
    """Evaluated on data of another mean, a run still takes off the mean that it learnt."""

    def standardized(manifest):
        manifest["data"]["fields"]["x"]["standardize"] = True

    first, second = making.linear_data(tmp_path / "a"), making.linear_data(tmp_path / "b")
    with np.load(second / "linear.npz") as arrays:
        moved = {**arrays, "x": arrays["x"] + 100.0}
    np.savez(second / "linear.npz", **moved)
    code = making.copy("linear", tmp_path, standardized, epochs=1)
    train(code, tmp_path / "run", Options(quiet=True, threads=1, data_dir=first))
    here = load_run(tmp_path / "run").rows("test").batch(slice(0, 5), None)["x"]
    there = load_run(tmp_path / "run", data_dir=second).rows("test").batch(slice(0, 5), None)["x"]
    assert here.abs().max() < 5
    assert (there - here).min() > 20
