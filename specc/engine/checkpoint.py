"""The state of a run on disk: weights, optimizers, counters; whole, or not there.

    checkpoints/<step>/weights.safetensors    parameters and buffers, by name
    checkpoints/<step>/optimizer.safetensors  what each optimizer remembers of each parameter
    checkpoints/<step>/averages.safetensors   the running mean of the weights, where there is one
    checkpoints/<step>/state.json             counters, sums, watch, hashes of these; sealed
    best/<step>/weights.safetensors           the weights of the best validation loss, for use
    best/<step>/state.json                    its counters, and the hash

Nothing in them is code: loading one executes nothing. Everything that steers what follows is in
there and hashed; a checkpoint that is not what was written is passed over for the one before.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from specc.engine import files, forms, log, record, seal
from specc.engine.forms import FORMAT, Logged, Revised, State
from specc.engine.player import Player
from specc.engine.stored import WHOLE, Stored, Whole
from specc.engine.tally import Tally
from specc.engine.watch import Watch
from specc.runtime.failure import RunFailure
from specc.verdict import module_of

FOLDER = "checkpoints"
WEIGHTS = "weights.safetensors"
OPTIMIZER = "optimizer.safetensors"
AVERAGES = "averages.safetensors"
STATE = "state.json"
BEST = "best"


@dataclass(frozen=True, slots=True)
class Counters:
    """Where a run stands: `step` steps of epoch `epoch` are done, `total` since the start."""

    epoch: int = 0
    step: int = 0
    total: int = 0
    skipped: int = 0
    seconds: float = 0.0

    def fit(self, per_epoch: int, steps: int) -> bool:
        """Whether they can be those of a run of so many steps, an epoch and in all."""
        done = self.epoch * per_epoch + self.step
        return self.step <= per_epoch and self.total == min(done, steps)

    def under(self, per_epoch: int, steps: int) -> Counters:
        """The same where the run goes on under a spec of so many steps.

        A last epoch that the end of the run cut short is under way again.
        """
        if self.step or self.total >= min(self.epoch * per_epoch, steps):
            return self
        return replace(self, epoch=self.total // per_epoch, step=self.total % per_epoch)


@dataclass(frozen=True, slots=True)
class Standing:
    """All that steers a run from here on, beside its tensors and its facts.

    `tally` has the sums of the epoch under way, `watch` what follows from validation losses, and
    `metrics` the lines of metrics.jsonl so far, as a number and a hash.
    """

    counters: Counters = field(default_factory=Counters)
    tally: Mapping[str, Any] = field(default_factory=lambda: Tally().state())
    watch: Watch = field(default_factory=Watch)
    metrics: Mapping[str, Any] = field(default_factory=lambda: log.NOTHING)

    def as_json(self, hashes: Mapping[str, str], revision: int) -> dict[str, Any]:
        """The content of state.json, beside files of these hashes."""
        return seal.sealed(
            {
                "format": FORMAT,
                "counters": asdict(self.counters),
                "tally": dict(self.tally),
                "watch": self.watch.as_json(),
                "metrics": dict(self.metrics),
                **({"revision": revision} if revision else {}),
                "hashes": dict(hashes),
            }
        )


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint that is whole; its tensors are read when they are asked for."""

    folder: Path
    counters: Counters
    tally: Mapping[str, Any]
    watch: Watch
    metrics: Logged
    weights: Stored
    optimizer: Stored
    averages: Stored

    def standing_in(self, per_epoch: int, steps: int) -> Counters:
        """Where it stands in a run of so many steps; raises RunFailure E0803 for none of it."""
        counters = self.counters
        if record.revisions_of(self.folder.parent.parent):
            counters = counters.under(per_epoch, steps)
            steps = max(steps, counters.total)
        if not counters.fit(per_epoch, steps):
            message = f"the checkpoint {self.folder} is not of a run of this length"
            raise RunFailure("E0803", message, hint="train again")
        return counters

    @property
    def useful(self) -> Stored:
        """The weights to evaluate: their running mean, where there is one."""
        return self.weights.under(self.averages)


def save(
    run: Path,
    program: nn.Module,
    players: Sequence[Player],
    standing: Standing,
    averages: Mapping[str, Tensor] | None = None,
    keep: int = 2,
    hands: Whole = WHOLE,
) -> None:
    """Writes a checkpoint, reads it back, and removes all but the last `keep`.

    All processes that save call it together.

    Raises RunFailure: E0811, where it cannot be written; the one before stays as it is.
    """
    held = {WEIGHTS: named_tensors(program), OPTIMIZER: _remembered(players, hands)}
    if averages is not None:
        held[AVERAGES] = _means(averages, program, hands)
    folder = run / FOLDER / f"{standing.counters.total:09d}"
    _write(folder, held, standing, hands)
    hands.once(lambda: _remove(_folders(run / FOLDER)[:-keep]))


def save_best(run: Path, program: nn.Module, counters: Counters, hands: Whole = WHOLE) -> None:
    """Writes the weights as they are now as the best so far, and removes those before.

    Raises RunFailure: E0811, where they cannot be written; the best before stays as it is.
    """
    folder = run / BEST / f"{counters.total:09d}"
    _write(folder, {WEIGHTS: named_tensors(program)}, Standing(counters), hands)
    hands.once(lambda: _remove([old for old in _folders(run / BEST) if old != folder]))


def _remove(folders: Sequence[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _write(
    folder: Path,
    tensors: Mapping[str, dict[str, Tensor]],
    standing: Standing,
    hands: Whole,
) -> None:
    if hands.once(lambda: _is_there(folder)):
        return

    def describe(beside: Path) -> None:
        hashes = {name: files.hash_of(beside / name) for name in tensors}
        revision = len(record.revisions_of(folder.parent.parent))
        state = standing.as_json(hashes, revision)
        (beside / STATE).write_text(files.exact_json(state), encoding="utf-8")

    def fill(beside: Path) -> None:
        for name, values in tensors.items():
            hands.write(values, beside / name)
        hands.once(lambda: describe(beside))

    try:
        files.write_folder(folder, fill, hands.once)
    except SafetensorError as error:
        raise RunFailure("E0811", f"{folder} cannot be written: {error}") from error
    hands.once(lambda: verify(folder))


def _is_there(folder: Path) -> bool:
    """Whether a checkpoint is there and whole; one that is damaged makes room for another."""
    if not folder.exists():
        return False
    try:
        verify(folder)
    except RunFailure:
        shutil.rmtree(folder)
        return False
    return True


def best(run: Path, hands: Whole = WHOLE, known: Watch | None = None) -> Checkpoint | None:
    """The weights of the best validation loss; None where a run keeps none.

    They are those that a checkpoint has `known`, or later ones, where a run was killed after it.

    Raises RunFailure: E0803, where they are damaged.
    """
    folder = hands.once(lambda: _verified(_folders(run / BEST)[-1:]))
    found = _open(folder) if folder else None
    if known is not None and (0 if found is None else found.counters.total) < known.at:
        raise _damaged(run / BEST, f"the weights of step {known.at} are not there")
    return found


def latest(run: Path, hands: Whole = WHOLE) -> Checkpoint | None:
    """The last checkpoint of a run that is whole; None where it has none yet.

    Raises RunFailure: E0803, where there are checkpoints and every one of them is damaged.
    """
    folder = hands.once(lambda: _verified(_folders(run / FOLDER)))
    return _open(folder) if folder else None


def _verified(folders: Sequence[Path]) -> Path | None:
    """The last folder with a checkpoint that is whole; raises RunFailure E0803."""
    failure: RunFailure | None = None
    for folder in reversed(folders):
        try:
            verify(folder)
            return folder
        except RunFailure as found:
            failure = failure or found
    if failure is not None:
        raise failure
    return None


def restore(
    checkpoint: Checkpoint,
    program: nn.Module,
    players: Sequence[Player],
    means: Mapping[str, Tensor] | None = None,
    hands: Whole = WHOLE,
) -> None:
    """Puts weights, their means, and what optimizers remember back into place, to go on from there.

    Raises RunFailure: E0803, where the names or shapes are not those of the program.
    """
    _put(checkpoint.weights, named_tensors(program), checkpoint.folder, hands)
    if means is not None:
        live = _means(means, program, hands)
        _put(checkpoint.averages, live, checkpoint.folder, hands)
    for number, player in enumerate(players):
        _restore_optimizer(player, number, checkpoint, hands)


def use(checkpoint: Checkpoint, program: nn.Module, hands: Whole = WHOLE) -> None:
    """Puts the weights into place that are to be evaluated.

    Raises RunFailure: E0803, where the names or shapes are not those of the program.
    """
    _put(checkpoint.useful, named_tensors(program), checkpoint.folder, hands)


def _put(stored: Stored, live: Mapping[str, Tensor], folder: Path, hands: Whole) -> None:
    if {n: t.shape for n, t in live.items()} != {n: stored.shape(n) for n in stored}:
        different = sorted(set(live) ^ set(stored)) or ["their shapes differ"]
        raise _damaged(folder, f"its weights are not the program's: {different[0]}")
    hands.read(stored, live)


def _means(means: Mapping[str, Tensor], program: nn.Module, hands: Whole) -> dict[str, Tensor]:
    """The running means by name, as shared as the parameters are."""
    named = dict(program.named_parameters())
    return {name: hands.shared(mean, named[name]) for name, mean in means.items()}


def named_tensors(program: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name, each tensor once."""
    found: dict[str, Tensor] = dict(program.named_parameters())
    kept = set(program.state_dict())
    found.update((n, b) for n, b in program.named_buffers() if n in kept)
    return found


def _remembered(players: Sequence[Player], hands: Whole) -> dict[str, Tensor]:
    """What each optimizer remembers of each parameter."""
    return {
        f"{number}/{name}/{key}": hands.shared(torch.as_tensor(value), source)
        for number, player in enumerate(players)
        for name, own, source in zip(player.names, player.parameters, player.sources, strict=True)
        for key, value in player.optimizer.state.get(own, {}).items()
        if value is not None
    }


def _restore_optimizer(player: Player, number: int, checkpoint: Checkpoint, hands: Whole) -> None:
    stored = checkpoint.optimizer
    state: dict[int, dict[str, Tensor]] = {}
    live: dict[str, Tensor] = {}
    for index, name in enumerate(player.names):
        own, source = player.parameters[index], player.sources[index]
        prefix = f"{number}/{name}/"
        keys = [key for key in stored if key.startswith(prefix)]
        if not all(_fits(stored.shape(key), source.shape) for key in keys):
            raise _damaged(checkpoint.folder, f"the optimizer state of `{name}` has another shape")
        # A new tensor lies where torch aligns it, as in the run that wrote it: sums are the same.
        state[index] = {k.removeprefix(prefix): hands.room(stored, k, own) for k in keys}
        live |= {k: hands.shared(state[index][k.removeprefix(prefix)], source) for k in keys}
    hands.read(stored, live)
    groups = player.optimizer.state_dict()["param_groups"]
    kept = {index: values for index, values in state.items() if values}
    player.optimizer.load_state_dict({"state": kept, "param_groups": groups})


def _fits(kept: torch.Size, parameter: torch.Size) -> bool:
    """A number, as many as the parameter has, or only a row and a column of a matrix."""
    pairs = zip(kept, parameter, strict=False)
    return not kept or (len(kept) == len(parameter) and all(k in (1, p) for k, p in pairs))


def _folders(root: Path) -> list[Path]:
    if not root.is_dir() or root.is_symlink():
        return []
    return sorted(p for p in root.iterdir() if p.name.isdecimal() and p.name.isascii())


def verify(folder: Path) -> None:
    """A checkpoint must be what was written, and open; raises RunFailure E0803."""
    with _reading(folder):
        state = forms.read_sealed(State, folder / STATE)
        if f"{state['counters'].total:09d}" != folder.name:
            raise ValueError(f"it is of step {state['counters'].total}")
        for name, expected in state["hashes"].items():
            if name not in (WEIGHTS, OPTIMIZER, AVERAGES):
                raise ValueError(f"it names a file `{name}`")
            if files.hash_of(folder / name) != expected:
                raise ValueError(f"{name} is not what was written")
    _open(folder)


def _open(folder: Path) -> Checkpoint:
    """The checkpoint in a folder that was verified; raises RunFailure E0803."""
    with _reading(folder):
        state = forms.read_sealed(State, folder / STATE)
        passed = record.revisions_of(folder.parent.parent)[state.get("revision", 0) :]
        tensors = {
            name: Stored(folder / name).named(lambda key: called_now(key, passed))
            for name in state["hashes"]
        }
        return Checkpoint(
            folder,
            Counters(**state["counters"].model_dump()),
            state["tally"],
            Watch.of_json(state["watch"]),
            state["metrics"],
            tensors[WEIGHTS],
            tensors.get(OPTIMIZER, Stored()),
            tensors.get(AVERAGES, Stored()),
        )


def called_now(key: str, passed: Sequence[Revised]) -> str:
    """The name of a stored tensor after the specs that a run has gone on under since.

    What an optimizer remembers is called `<player>/<parameter>/<what>`.
    """
    before, middle, after = key.partition("/")
    name, _, what = after.partition("/")
    name = name if middle else before
    for revision in passed:
        names = {old: new for new, old in revision["names"].items()}
        module = module_of(name)
        name = names.get(module, module) + name.removeprefix(module)
    return f"{before}/{name}/{what}" if middle else name


@contextmanager
def _reading(folder: Path) -> Iterator[None]:
    """Says of any error that the checkpoint is damaged; raises RunFailure E0803."""
    try:
        yield
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise _damaged(folder, str(error)) from error


def _damaged(folder: Path, problem: str) -> RunFailure:
    hint = "train again, or remove it to use the previous one"
    return RunFailure("E0803", f"the checkpoint {folder} is damaged: {problem}", hint=hint)
