"""Comparison of two versions of specc, bit for bit.

    python -m benchmarks.unchanged record OUT [--random 300] [--compiled 40] [--jobs 2]
    python -m benchmarks.unchanged against REVISION [--random 300] [--compiled 40] [--jobs 2]

A record has, for all specs in `specs/` and for random specs: a digest of each generated file, the
loss with its parts, a digest of each gradient, and digests of the weights after each of ten steps
of the engine; for the first `--compiled` specs of both kinds also those of ten compiled steps. All
random numbers have fixed seeds. `against` checks out another revision, records the same specs with
both versions, and prints all differences. If numbers differ and generated files do not, the cause
is in the engine or the run time. Gradients are compared by position, so names of parameters may
differ. The comparison is valid on one machine: other processors round differently.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import zip_longest
from multiprocessing import get_context
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ROWS = 6
STEPS = 10
MOST = 4_000_000
"""The maximum number of weights; steps of larger programs would take too long."""


def random_texts(count: int) -> list[str]:
    """Random valid specs, the same in each call."""
    from hypothesis import HealthCheck, Phase, given, settings

    from specc.compiler import compile
    from specc.diagnostics.source import Source
    from tests.unit.random_specs import specs

    found: dict[str, None] = {}

    def collect(steps: int, wanted: int) -> None:
        @settings(
            max_examples=8 * count,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(specs(steps=steps))
        def each(text: str) -> None:
            if len(found) < wanted and compile(Source("made.yaml", text))[0] is not None:
                found[text] = None

        each()

    collect(0, (count + 1) // 2)
    collect(100, count)
    return list(found)


def texts(count: int) -> list[tuple[str, str]]:
    """All specs of `specs/` by name, followed by random specs by number."""
    gallery = [(p.stem, p.read_text(encoding="utf-8")) for p in sorted(ROOT.glob("specs/*.yaml"))]
    return gallery + [(f"random {n}", text) for n, text in enumerate(random_texts(count))]


@dataclass(frozen=True, slots=True)
class Task:
    """A spec, and whether its compiled steps are recorded."""

    name: str
    text: str
    compiled: bool


def recorded(task: Task) -> dict[str, Any]:
    """The record of a spec, or the exception that it causes."""
    try:
        return _recorded(task)
    except Exception as fault:  # noqa: BLE001
        return {"fault": f"{type(fault).__name__}: {fault}"}


def _recorded(task: Task) -> dict[str, Any]:
    from specc.compiler import compile
    from specc.diagnostics.source import Source

    result, checked = compile(Source(f"specs/{task.name.replace(' ', '_')}.yaml", task.text))
    if result is None:
        return {"refused": sorted(d.code for d in checked.diagnostics)}
    found: dict[str, Any] = {"files": {n: digest(t.encode()) for n, t in result.files.items()}}
    with tempfile.TemporaryDirectory() as folder:
        code = Path(folder) / "made"
        code.mkdir()
        for file, content in result.files.items():
            (code / file).write_text(content, encoding="utf-8")
        return found | _numbers(code, checked, compiled=task.compiled)


def _numbers(code: Path, checked: Any, *, compiled: bool) -> dict[str, Any]:  # noqa: ANN401
    import torch

    from specc.runtime.program import load
    from tests.unit.made_data import batch_of

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    if sum(p.numel() for p in load(code).parameters()) > MOST:
        return {"numbers": "too large"}
    generator = torch.Generator().manual_seed(0)
    made = batch_of(checked.typed, checked.plan.data, ROWS, generator)
    batch = {n: v.float() if v.is_floating_point() else v for n, v in made.items()}
    found = {"eager": _steps(code, batch, compiled=False), **_gradients(code, batch)}
    return {**found, "compiled": _steps(code, batch, compiled=True)} if compiled else found


def _fresh(code: Path) -> Any:  # noqa: ANN401
    import torch

    from specc.runtime.program import load

    torch.manual_seed(0)
    return load(code)


def _gradients(code: Path, batch: dict[str, Any]) -> dict[str, Any]:
    """The losses of all players with their parts, and the gradients of all parameters."""
    import torch

    from specc.engine.schedule.scalars import final_scalars
    from specc.runtime.failure import RunFailure
    from specc.runtime.noise import Noise

    program, found = _fresh(code), {}
    for loss in program.manifest.losses:
        try:
            torch.manual_seed(1)  # dropout
            scalars = final_scalars(loss, 10 * ROWS)
            value, _, parts = program.loss(loss.name, {}, batch, Noise.at(0), scalars)
        except RunFailure as failure:
            found[loss.name] = {"failure": failure.code}
            continue
        if value.requires_grad:
            value.backward()
        grads = {n: p.grad for n, p in program.named_parameters() if p.grad is not None}
        found[loss.name] = {
            "loss": value.item().hex(),
            "parts": {name: part.item().hex() for name, part in parts.items()},
            "gradients": {name: _digest([grad]) for name, grad in grads.items()},
        }
        program.zero_grad()
    return {"losses": found}


def _steps(code: Path, batch: dict[str, Any], *, compiled: bool) -> Any:  # noqa: ANN401
    """Digests of the state of the program and of the results after each of ten steps."""
    import torch

    from specc.data.load import Rows
    from specc.engine.compile.compile_step import compile_step
    from specc.engine.settings import settings_of
    from specc.engine.step.player import NotCompiled, players_of
    from specc.engine.step.step import Step
    from specc.runtime.failure import RunFailure

    class Made(Rows):
        """A part of the data with fixed rows."""

        def __len__(self) -> int:
            return ROWS

        @property
        def count(self) -> int:
            """The same number, which the step asks for."""
            return ROWS

        def batch(self, index: Any, noise: Any) -> dict[str, Any]:  # noqa: ANN401
            del noise
            return {name: value[index] for name, value in batch.items()}

        def observed_fractions(self, visits: bool = False) -> dict[str, float]:
            del visits
            return {name.removesuffix("_known"): 0.5 for name in batch if name.endswith("_known")}

    program, cpu = _fresh(code), torch.device("cpu")
    settings = replace(settings_of(program.manifest.train), batch_size=ROWS, accumulate=1)
    settings = replace(settings, epochs=STEPS, steps=None, precision="float32")
    step = Step(program, players_of(program, settings, cpu), Made("train", {}), settings, cpu)
    index, found = torch.arange(ROWS), []
    try:
        step.start(index)
        if compiled:
            compile_step(step)
        for number in range(STEPS):
            made = step(number, 0, *[index] * step.updates)
            kept = [made.values, made.skipped.reshape(-1), *program.state_dict().values()]
            found.append(_digest(kept))
    except (NotCompiled, RunFailure) as failure:
        return f"{type(failure).__name__}: {failure}"
    return found


def digest(content: bytes) -> str:
    """The first 16 hexadecimal digits of the SHA-256."""
    return hashlib.sha256(content).hexdigest()[:16]


def _digest(tensors: Sequence[Any]) -> str:
    return digest(b"".join(t.detach().contiguous().numpy().tobytes() for t in tensors))


def record(out: Path, options: argparse.Namespace) -> None:
    """Write the specs and their records to files."""
    if options.specs is not None:
        found = [(name, text) for name, text in json.loads(options.specs.read_text())]
    else:
        found = texts(options.random)
    out.mkdir(parents=True, exist_ok=True)
    (out / "specs.json").write_text(json.dumps(found))
    kinds = {"gallery": 0, "random": 0}
    tasks = []
    for name, text in found:
        kind = "random" if name.startswith("random ") else "gallery"
        kinds[kind] += 1
        tasks.append(Task(name, text, kinds[kind] <= options.compiled))
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        every = pool.map(recorded, tasks)
        lines = {task.name: result for task, result in zip(tasks, every, strict=True)}
    (out / "record.json").write_text(json.dumps(lines, indent=1))


def differences(before: Any, after: Any, where: str = "") -> Iterator[str]:  # noqa: ANN401
    """The paths of the values that differ in two records."""
    if where.endswith(" / gradients") and before and after:
        pairs = zip_longest(before.values(), after.values())
        yield from (where for one, other in pairs if one != other)
    elif isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            yield from differences(before.get(key), after.get(key), f"{where} / {key}".strip(" /"))
    elif before != after:
        yield where


def _is_text(place: str) -> bool:
    return " / files / " in place


def compare(before: Path, after: Path) -> int:
    """Print the differences of two records; return 1 if a number differs."""
    first, second = (json.loads((f / "record.json").read_text()) for f in (before, after))
    found = list(differences(first, second))
    texts, numbers = [f for f in found if _is_text(f)], [f for f in found if not _is_text(f)]
    for place in found:
        print(place)
    steps = [v for r in first.values() for v in (r.get("eager"), r.get("compiled")) if v]
    ran = sum(isinstance(v, list) for v in steps)
    grads = sum(
        len(loss.get("gradients", ()))
        for r in first.values()
        for loss in (r.get("losses") or {}).values()
    )
    faults = [name for name, r in second.items() if "fault" in r]
    print(f"{len(first)} specs, {grads:,} gradients, {ran} times ten steps")
    print("".join(f"{name}: {second[name]['fault']}\n" for name in faults), end="")
    print(f"{len(numbers)} numbers and {len(texts)} generated files differ")
    return 1 if numbers or faults else 0


def against(revision: str, options: argparse.Namespace) -> int:
    """Record another revision in a separate folder, and this one on the same specs, and compare."""
    with tempfile.TemporaryDirectory() as name:
        tree, out = Path(name) / "tree", Path(name)
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(tree), revision], check=True)
        own = ["--jobs", str(options.jobs), "--compiled", str(options.compiled)]
        command = [sys.executable, "-m", "benchmarks.unchanged", "record"]
        try:
            before = [*command, str(out / "before"), "--random", str(options.random), *own]
            subprocess.run(before, cwd=tree, env=_paths(tree), check=True)
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)
        after = [*command, str(out / "after"), "--specs", str(out / "before" / "specs.json"), *own]
        subprocess.run(after, cwd=ROOT, env=_paths(ROOT), check=True)
        return compare(out / "before", out / "after")


def _paths(tree: Path) -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(tree)}


def main() -> int:
    """Record, compare, or both."""
    parser = argparse.ArgumentParser()
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, place in (("record", "out"), ("against", "revision")):
        own = verbs.add_parser(verb)
        own.add_argument(place)
        own.add_argument("--random", type=int, default=300)
        own.add_argument("--compiled", type=int, default=40)
        own.add_argument("--jobs", type=int, default=2)
        own.add_argument("--specs", type=Path, help="a specs.json of another record")
    two = verbs.add_parser("compare")
    two.add_argument("before", type=Path)
    two.add_argument("after", type=Path)
    options = parser.parse_args()
    if options.verb == "compare":
        return compare(options.before, options.after)
    if options.verb == "against":
        return against(options.revision, options)
    record(Path(options.out), options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
