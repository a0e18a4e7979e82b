"""A first run: the summary before torch loads, runs by name, data without a test part."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from specc.cli.main import main
from tests.house.test_walls import modules_after
from tests.unit.cli.running import run

SPEC = """specc: 1
name: line
data: {source: npz, path: x.npz, fields: {x: {}}}
model:
  m: {parameter: real}
  x: {observed: normal, loc: m, scale: 1}
objective: mle
train: {epochs: 2, batch_size: 8, threads: 1}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with a trained run whose data have the part `train` alone."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "line.yaml").write_text(SPEC)
    np.savez(folder / "x.npz", x=np.arange(16, dtype=np.float32))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["train", "line.yaml", "--data-dir", ".", "--quiet"]) == 0
    return folder


@pytest.fixture(autouse=True)
def here(project, monkeypatch):
    monkeypatch.chdir(project)


def test_a_run_is_found_by_its_name_and_a_slip_leads_to_it(capsys):
    named = run(capsys, "evaluate", "line-1", "--json")

    by_path = run(capsys, "evaluate", "runs/line-1", "--json")
    assert named.code == 0
    assert json.loads(named.out)["parts"] == json.loads(by_path.out)["parts"] != {}
    assert run(capsys, "sample", "line-1", "--rows", "2", "--out", "two.npz").code == 0
    for verb in ("evaluate", "sample", "report", "impute"):
        for wrong in ("lime-1", "runs/lime-1"):
            found = run(capsys, verb, wrong)
            assert found.code == 2
            assert found.err == (
                f"specc: there is no run `{wrong}` [E0802]\n  did you mean `runs/line-1`?\n"
            )
    far = run(capsys, "evaluate", "xyzzy")
    assert far.code == 2 and "E0802" in far.err


def test_without_a_test_part_the_rows_there_are_serve_and_a_message_states_it(capsys):
    found = run(capsys, "evaluate", "line-1", "--json")
    assert found.code == 0
    assert next(iter(json.loads(found.out))) == "train"
    assert "the data has no part `test`; `train` is used instead" in found.err
    assert run(capsys, "evaluate", "line-1", "--part", "train", "--json").err == ""
    wrong = run(capsys, "evaluate", "line-1", "--part", "tset")
    assert wrong.code == 2 and "the data has no part `tset`" in wrong.err


def test_a_run_is_resumed_by_its_name(capsys):
    words = ("--data-dir", ".", "--resume", "--out", "line-1")
    found = run(capsys, "train", "line.yaml", *words)
    assert found.code == 0 and "resume:   runs/line-1\n" in found.err
    wrong = run(capsys, "train", "line.yaml", *words[:-1], "lnie-1")
    assert wrong.code == 2 and "did you mean `runs/line-1`?" in wrong.err


def test_a_list_of_runs_imports_no_torch():
    assert not modules_after("runs") & {"torch", "numpy"}


def test_the_plan_of_a_run_is_printed_before_torch_is_imported():
    script = (
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'torch': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "from specc.cli.main import main\n"
        "sys.exit(main(['train', 'line.yaml', '--data-dir', '.', *sys.argv[1:]]))\n"
    )

    def begun(*more):
        command = [sys.executable, "-c", script, *more]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = begun()
    assert done.returncode == 130
    assert done.stderr.splitlines() == [
        "model:    line, 1 parameter",
        "data:     npz, x.npz",
        "training: 2 epochs, batches of 8, adam, seed 0",
        "specc: interrupted",  # no run folder is named before there is one
    ]
    assert begun("--quiet").stderr == "specc: interrupted\n"


def test_a_spec_in_place_of_a_run_is_to_be_trained(capsys):
    for verb in ("sample", "evaluate", "report"):
        done = run(capsys, verb, "line.yaml")
        assert done.code == 2
        assert "line.yaml is a spec, not the folder of a run [E0802]" in done.err
        assert "`specc train line.yaml` makes a run of it" in done.err


@pytest.mark.parametrize(
    ("option", "device"), [("--gpu", "cuda"), ("--cuda", "cuda"), ("--cpu", "cpu")]
)
def test_an_option_of_other_programs_for_a_device(option, device, capsys):
    done = run(capsys, "train", "line.yaml", option)
    assert done.code == 2
    assert done.err.endswith(f"No such option: {option}\n  did you mean `--device {device}`?\n")


def test_a_file_is_no_run_folder(capsys):
    done = run(capsys, "train", "line.yaml", "--data-dir", ".", "--out", "x.npz")
    assert done.code == 2
    assert "the run folder x.npz is a file [E0806]\n  choose another folder" in done.err
