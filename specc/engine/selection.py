"""Selection of the run to train: a new or an existing folder, its weights, its spec."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.distributed as dist

from specc.data.load import LoadedData, load_sources
from specc.data.required_parts import VALID, missing_parts
from specc.engine import device
from specc.engine.coupled_rows import require_all_rows
from specc.engine.distributed import world
from specc.engine.loop.ema import EMA
from specc.engine.options import Options
from specc.engine.samplers.draws import require_arviz
from specc.engine.settings import Settings, settings_of
from specc.engine.step.loss_state import LossState
from specc.engine.step.player import players_of
from specc.engine.storage import checkpoint, run_folder
from specc.engine.storage.checkpoint import TrainingState
from specc.engine.storage.initial_facts import initial_facts
from specc.engine.storage.latents_of_rows import count_of, set_columns, set_rows
from specc.engine.storage.loaded_run import LoadedRun, data_folder, fresh, load_run, outline
from specc.engine.storage.replicated import REPLICATED, Replicated
from specc.engine.storage.revision import apply_revision, revision
from specc.engine.storage.warm_start import warm_start
from specc.runtime import manifest as manifests
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.manifest import Manifest
from specc.runtime.sampler import Sampler


@dataclass(frozen=True, slots=True)
class Selected:
    """A run without its program: the folder of its code, its settings, data and threads."""

    code: Path
    settings: Settings
    where: torch.device
    data: LoadedData
    threads: int

    def load(self, run: Path, storage: Replicated) -> LoadedRun:
        """The run with its program; all processes load it together, as they may share tensors."""
        program = fresh(self.code, self.settings, self.where, storage)
        set_rows(program, count_of(self.data))
        set_columns(program, self.data, self.settings.seed, self.where)
        return LoadedRun(run, program, self.data, self.settings, self.where, storage)


def new_run(code: Path, run: Path, options: Options) -> Selected:
    """A new run, whose folder is created after all checks."""
    manifest = manifests.read(code)
    settings, where = settings_of(manifest.train), device.choose(options.device)
    data = _training_data(manifest, settings, options.data_dir, where, options.parts)
    require_all_rows(manifest, settings, count_of(data))
    trial = outline(code, settings)
    if manifest.sampler is not None:
        _check_sampler(manifest.sampler, options)
        set_rows(trial, count_of(data))
    if options.start is not None:
        warm_start(options.start, trial, options.moved)
    count = sum(p.numel() for p in trial.parameters())
    threads = options.threads or settings.threads or device.threads_for(count, settings.batch_size)
    timed = settings.auto_threads and manifest.sampler is None and _may_time(options, where)
    facts = initial_facts(manifest, settings, data, where, threads) | options.facts()
    facts |= {"auto_threads": True} if timed else {}
    run_folder.create(run, code, options.spec, facts, options.extras)
    # The run trains the copy of the code in its folder, so it depends on no other file.
    return Selected(run_folder.facts_of(run)[1], settings, where, data, threads)


def _may_time(options: Options, where: torch.device) -> bool:
    """Whether the number of threads may be chosen by time."""
    return options.threads is None and where.type == "cpu" and world().size == 1


def keep_threads(loaded: LoadedRun, options: Options) -> None:
    """Records that the number of threads is not chosen by time, if it may not be any more."""
    facts, _ = run_folder.facts_of(loaded.folder)
    if facts.get("auto_threads") and not _may_time(options, loaded.device):
        run_folder.add_facts(loaded.folder, auto_threads=False)


def _check_sampler(sampler: Sampler, options: Options) -> None:
    """Checks that a sampler can run, before its folder is created.

    Raises RunFailure: E0814 if it is to start from another run; E0828 without ArviZ.
    """
    require_arviz()
    if options.start is not None:
        message = f"the chains of `{sampler.name}` start at random points"
        hint = "leave out `--from`; `--resume` continues the chains of a run"
        raise RunFailure("E0814", message, hint=hint, exit_code=USAGE)


def existing_run(code: Path, run: Path, options: Options) -> Selected:
    """The run in the folder, which must fit the data and the spec."""
    facts, _ = run_folder.facts_of(run)
    manifest = manifests.read(code)
    revision(run, manifest, options.moved)
    settings, where = settings_of(manifest.train), device.choose(options.device)
    folder = data_folder(run, facts, options.data_dir)
    data = _training_data(manifest, settings, folder, where, options.parts)
    require_all_rows(manifest, settings, count_of(data))
    if facts.get("data_digest") != data.digest:
        raise RunFailure("E0801", f"the data differs from that of the run in {run}")
    return Selected(code, settings, where, data, options.threads or int(facts["threads"]))


def storage_of(code: Path, options: Options) -> Replicated:
    """The storage of tensors: sharded if the options request it, else replicated."""
    if not (options.shard and dist.is_initialized()):
        return REPLICATED
    # Torch's sharding takes a second to import, so it is imported where it is needed.
    from specc.engine.storage.sharded import Sharded, check

    check(settings_of(manifests.read(code).train))
    return Sharded(device.choose(options.device))


def start_warm(loaded: LoadedRun, options: Options) -> None:
    """Loads the weights of another run and writes a checkpoint, so that a resumed run has them."""
    facts, _ = run_folder.facts_of(loaded.folder)
    start, storage = facts.get("start"), loaded.storage
    if start is None or checkpoint.latest(loaded.folder, storage) is not None:
        return
    carried = warm_start(Path(start["run"]), loaded.program, start["moved"], storage)
    if world().writes:
        options.say(carried.sentence())
        run_folder.add_facts(loaded.folder, carried=carried.facts())
    stage = loaded.manifest.stages[0]
    own = loaded.settings.of_stage(stage)
    players = players_of(loaded.program, own, loaded.device, stage.losses)
    means = EMA(loaded.program, loaded.settings.ema).mean if loaded.settings.ema else None
    count = len(loaded.batched("train"))
    losses, dtype = loaded.manifest.losses, loaded.settings.dtype
    state = LossState(losses, dtype, loaded.device, rows=count).named()
    folder, program = loaded.folder, loaded.program
    checkpoint.save(folder, program, players, TrainingState(), means, storage=storage, losses=state)


def revise(code: Path, loaded: LoadedRun, options: Options) -> None:
    """Records another spec, under which the run continues from its last checkpoint."""
    found = revision(loaded.folder, loaded.manifest, options.moved)
    if found is not None:
        step = apply_revision(loaded.folder, code, options.spec, options.extras, found)
        options.say(f"the spec changes from step {step} on: {'; '.join(found.changes)}")


def in_one_process(code: Path, loaded: LoadedRun, options: Options) -> LoadedRun:
    """A run of sharded training, loaded in the process of rank 0 alone.

    Metrics and pictures need the complete program, from its last checkpoint. Other processes get
    an outline of it.
    """
    run, settings = loaded.folder, loaded.settings
    if world().writes:
        return load_run(run, code=code, data_dir=options.data_dir, device_name=options.device)
    return replace(loaded, program=outline(code, settings), storage=REPLICATED)


def _training_data(
    manifest: Manifest,
    settings: Settings,
    folder: Path | None,
    where: torch.device,
    parts: tuple[str, ...],
) -> LoadedData:
    """The data, with every part that training and the metrics at the end need."""
    if manifest.data is None or not manifest.losses:
        what = "loss" if manifest.data else "data"
        raise RunFailure("E0805", f"the program `{manifest.name}` has no {what} to train on")
    data = load_sources(manifest.sources, folder, settings.dtype)
    for name, failure in missing_parts(manifest, [own.parts for own in data.sources]):
        if name == VALID or name in parts:
            raise failure
    for name in parts:
        if name not in data.names:
            data.part(name)
    return data.to(where)
