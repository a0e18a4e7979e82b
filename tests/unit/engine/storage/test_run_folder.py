from __future__ import annotations

import json

import pytest

from specc.engine.storage import file_io, metrics_log, run_folder, seal
from specc.runtime.failure import RunFailure
from tests.programs import making


def test_the_first_free_folder(tmp_path):
    assert run_folder.new_folder(tmp_path / "runs", "vae").name == "vae-1"
    for name in ("vae-1", "vae-7", "vae-x", "vae_mnist-9", "other-3"):
        (tmp_path / name).mkdir()
    assert run_folder.new_folder(tmp_path, "vae").name == "vae-8"


def test_a_run_folder_is_there_as_a_whole_or_not_at_all(tmp_path, monkeypatch):
    code = making.copy("vae", tmp_path)

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(RunFailure) as failure:
        run_folder.create(tmp_path / "run", code, "text", {"name": "vae"})
    assert failure.value.code == "E0811"
    assert "No space left on device" in failure.value.message
    assert not (tmp_path / "run").exists()
    monkeypatch.undo()
    run_folder.create(tmp_path / "run", code, "text", {"name": "vae"})
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == [
        "generated",
        "run.json",
        "spec.yaml",
    ]
    assert not (tmp_path / ".run.partial").exists()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": [', '{"format": 2}', '{"seal": 2}'])
def test_a_damaged_run(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(RunFailure) as failure:
        run_folder.facts_of(tmp_path)
    assert failure.value.code == ("E0821" if text == "{}" else "E0803")


FACTS = {"format": 3, "name": "a", "seed": 0, "digests": {}, "threads": 1, "files": {}}


@pytest.mark.parametrize("name", ["../../etc", "", "/etc", "a/b", ".", "a" * 300])
def test_a_run_s_name_does_not_lead_out_of_it(tmp_path, name):
    (tmp_path / "run.json").write_text(json.dumps(seal.sealed({**FACTS, "name": name})))
    with pytest.raises(RunFailure, match="name: string should") as failure:
        run_folder.facts_of(tmp_path)
    assert failure.value.code == "E0803"


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x"])
def test_a_hashed_file_is_in_the_run(tmp_path, name):
    (tmp_path / "run.json").write_text(
        json.dumps(seal.sealed({**FACTS, "files": {name: "0" * 64}}))
    )
    with pytest.raises(RunFailure, match="it names a file") as failure:
        run_folder.facts_of(tmp_path)
    assert failure.value.code == "E0803"


def test_a_run_of_another_format(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(seal.sealed({**FACTS, "format": 4})))
    with pytest.raises(
        RunFailure, match="it has format 4, and this version reads format 3"
    ) as failure:
        run_folder.facts_of(tmp_path)
    assert (failure.value.code, failure.value.exit_code) == ("E0821", 2)
    (tmp_path / "run.json").write_text(json.dumps({"name": "vae", "seed": 0, "threads": 1}))
    with pytest.raises(RunFailure, match="it has format 1"):
        run_folder.facts_of(tmp_path)


def test_a_changed_fact_is_noticed(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(seal.sealed(FACTS)))
    assert run_folder.facts_of(tmp_path)[0]["seed"] == 0
    run_folder.add_facts(tmp_path, pieces=2)
    assert run_folder.facts_of(tmp_path)[0]["pieces"] == 2
    text = (tmp_path / "run.json").read_text()
    (tmp_path / "run.json").write_text(text.replace('"pieces": 2', '"pieces": 3'))
    with pytest.raises(RunFailure, match="its content differs from what was written"):
        run_folder.facts_of(tmp_path)


def test_no_run(tmp_path):
    with pytest.raises(RunFailure) as failure:
        run_folder.facts_of(tmp_path)
    assert failure.value.code == "E0802"


def test_a_line_of_metrics_that_was_cut_off_is_left_out(tmp_path):
    lines = [{"epoch": n, "step": 9, "loss": 1.0, "parts": {"loss": None}} for n in (1, 2)]
    written = metrics_log.MetricsLog(tmp_path, None, writes=True)
    for line in lines:
        written.append(line)
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 3, "lo')
    assert run_folder.read_metrics(tmp_path) == lines


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "3",
        '{"epoch": 1}',
        '{"epoch": "1", "step": 9, "loss": 1, "parts": {}}',
        '{"epoch": 1, "step": 9, "loss": "<b>", "parts": {}}',
        '{"epoch": 1, "step": 9, "loss": 1, "parts": {"a": []}}',
        '{"epoch": 1, "step": 9, "loss": 1, "parts": {}, "valid": 2}',
        '{"epoch": 1, "step": 9, "loss": 1, "parts": {}, "valid": {}}',
        "[" * 99999,
        f'{{"epoch": {"9" * 400}, "step": 9, "loss": 1, "parts": {{}}}}',
        f'{{"epoch": 1, "step": 9, "loss": {"9" * 400}, "parts": {{}}}}',
        f'{{"epoch": 1, "step": 9, "loss": 1, "parts": {{"a": {"9" * 5000}}}}}',
        '{"epoch": 1, "step": 9, "loss": NaN, "parts": {}}',
        '{"epoch": 1, "step": 9, "loss": 1, "parts": {"\\ud800": 1}}',
        '{"epoch": 1, "step": 9, "loss": 1, "parts": {}, "seconds": "long"}',
    ],
    ids=range(15),
)
def test_a_line_of_metrics_of_another_kind_is_left_out(tmp_path, line):
    (tmp_path / "metrics.jsonl").write_text(f"{line}\n")
    assert run_folder.read_metrics(tmp_path) == []


def test_numbers_that_are_not_finite_are_null(tmp_path):
    written = metrics_log.MetricsLog(tmp_path, None, writes=True)
    written.append({"loss": float("nan"), "parts": {"a": float("inf"), "b": [1.0]}})
    text = (tmp_path / "metrics.jsonl").read_text()
    assert text == '{"loss": null, "parts": {"a": null, "b": [1.0]}}\n'


def test_a_file_is_the_old_one_or_the_new_one(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    file_io.write_json(path, {"a": 1})

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RunFailure):
        file_io.write_json(path, {"a": 2})
    assert file_io.read_json(path) == {"a": 1}
