"""A few steps of each energy of the gallery: every command works on their runs."""

import json
from pathlib import Path

import numpy as np
import pytest

from specc.cli.main import main
from specc.engine.order.streams import Stream, noise_at
from specc.evaluate.sampling import Chain
from specc.evaluate.scoring import fixed_batch
from specc.run import open_run
from tests.engine.interruption import interrupted
from tests.engine.test_train import state_hash, weights_hash

SPECS = Path(__file__).parents[2] / "specs"
NAMES = [
    "conditional_rbm",
    "conv_rbm",
    "potts",
    "rbm",
    "rbm_classifier",
    "rbm_counts",
    "rbm_gaussian",
    "rbm_spins",
]
PICTURED = ("conditional_rbm", "conv_rbm", "rbm", "rbm_gaussian", "rbm_spins")
SMALL = ["--set=train.epochs=2", "--threads=1", "--quiet"]
WORDS = 2000


STAGES = [f"objective.stages.{number}.epochs=1" for number in range(3)]
FEW = ["evaluate.test.temperatures=3", "evaluate.test.rows=20"]
OTHERS = {
    "conv_dbn": STAGES[:2],
    "dbn": [*STAGES, *FEW],
    "deep_boltzmann": ["train.epochs=1"],
    "deep_boltzmann_3": ["train.epochs=1", *FEW],
    "ebm_2d": ["train.steps=5", "evaluate.sliced.rows=20"],
    "hopfield": ["train.epochs=1", *FEW],
    "ising": ["train.epochs=1", *FEW],
    "score_2d": ["train.steps=5", "evaluate.sliced.rows=20"],
}
"""Further energies, which a single run of each checks."""
LONG = ("conv_dbn", "ebm_2d", "score_2d")
"""Those with chains that take some seconds; `test_moved_units` has small ones like the last two."""
CASES = [pytest.param(n, marks=pytest.mark.slow) if n in LONG else n for n in OTHERS]


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    """A folder with 200 short documents, of which every fourth one is a test document."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    indices = [np.sort(rng.choice(WORDS, 30, replace=False)) for _ in range(200)]
    (folder / "news20").mkdir()
    np.savez(
        folder / "news20/news20_bydate.npz",
        indptr=np.arange(201) * 30,
        indices=np.concatenate(indices),
        counts=rng.integers(1, 4, 6000),
        shape=np.array([200, WORDS]),
        is_test=np.arange(200) % 4 == 0,
    )
    return folder


@pytest.fixture(scope="module", params=NAMES)
def trained(request, tmp_path_factory, documents):
    """A run of two epochs."""
    out = tmp_path_factory.mktemp("runs") / request.param
    assert train(request.param, out, documents) == 0
    return out


def train(name, out, documents, *more):
    data = ["--data-dir", str(documents)] if name == "rbm_counts" else []
    data += ["--set=evaluate.test.temperatures=20"] if name in ("conv_rbm", "potts") else []
    return main(["train", str(SPECS / f"{name}.yaml"), "--out", str(out), *SMALL, *data, *more])


def test_interrupted_and_resumed_is_uninterrupted(trained, documents, tmp_path):
    """The weights are the same, and so is the state, with the persistent chains."""
    out = tmp_path / "run"
    with interrupted(epoch=1, number=0):
        assert train(trained.name, out, documents) != 0
    assert weights_hash(out) != weights_hash(trained)
    assert train(trained.name, out, documents, "--resume") == 0
    for hash_of in (weights_hash, state_hash):
        assert hash_of(out) == hash_of(trained)


def test_its_samples_have_the_shape_of_the_data(trained, tmp_path):
    out = tmp_path / "drawn.npz"
    assert main(["sample", str(trained), "--rows", "7", "--out", str(out)]) == 0
    shapes = {"rbm_counts": (WORDS,), "potts": (8, 8, 4), "rbm_classifier": (10,)}
    shapes["conv_rbm"] = (1, 8, 8)
    drawn = np.load(out)[{"potts": "x", "rbm_classifier": "y"}.get(trained.name, "v")]
    assert drawn.shape == (7, *shapes.get(trained.name, (64,)))
    assert np.isfinite(drawn).all()


@pytest.mark.parametrize("name", CASES)
def test_a_short_run(name, tmp_path):
    """Its losses, its figures and its samples are finite numbers."""
    sets = [f"--set={setting}" for setting in OTHERS[name]]
    out, spec = tmp_path / "run", str(SPECS / f"{name}.yaml")
    assert main(["train", spec, "--out", str(out), "--threads=1", "--quiet", *sets]) == 0
    lines = (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    figures = json.loads((out / "result.json").read_text(encoding="utf-8")).get("evaluate", {})
    numbers = [json.loads(line)["loss"] for line in lines]
    assert np.isfinite([*numbers, *(own["value"] for own in figures.values())]).all()
    assert main(["sample", str(out), "--rows=3", "--steps=2", f"--out={tmp_path / 's.npz'}"]) == 0
    drawn = np.load(tmp_path / "s.npz")
    assert all(len(drawn[key]) == 3 and np.isfinite(drawn[key]).all() for key in drawn)


def test_a_chain_starts_at_the_data(trained, tmp_path):
    """After one step it is where the transition of the model leads from rows of the test data."""
    if trained.name == "rbm_counts":
        pytest.skip("its data folder is that of another run")
    out = tmp_path / "drawn.npz"
    options = ["--rows", "7", "--start", "data", "--steps", "1", "--out", str(out)]
    assert main(["sample", str(trained), *options]) == 0
    loaded = open_run(trained).loaded
    rows = loaded.rows(loaded.held_out, loaded.manifest.observed())
    batch = fixed_batch(loaded, rows, slice(0, 7), 0)
    model, noise = loaded.program.model, noise_at(0, Stream.SAMPLE, device=loaded.device)
    given = loaded.program.inputs("model.gibbs", batch)
    wanted = model.gibbs(noise, **given, steps=1)
    found, again = np.load(out), open_run(trained).sample(7, chain=Chain(1, at_data=True))
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value.detach().numpy())
        np.testing.assert_array_equal(found[name], again[name].numpy())


def test_a_chain_is_asked_of_a_model_without_one(tmp_path, capsys):
    spec = str(SPECS / "linear_vae.yaml")
    out = tmp_path / "run"
    assert main(["train", spec, "--out", str(out), "--set=train.epochs=1", "--quiet"]) == 0
    for options in (["--steps", "3"], ["--start", "data"]):
        assert main(["sample", str(out), *options]) == 2
        assert "has no such chain: no chain samples it [E0840]" in capsys.readouterr().err


def test_the_report_shows_the_filters(trained):
    assert main(["report", str(trained)]) == 0
    page = (trained / "report.html").read_text(encoding="utf-8")
    without = ("potts", "rbm_counts")
    name = "model.filters" if trained.name == "conv_rbm" else "model.w"
    assert (f"The weights of {name} as pictures" in page) == (trained.name not in without)
    assert (trained / "samples.png").is_file() == (trained.name in ("potts", *PICTURED))
