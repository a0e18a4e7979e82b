"""One interleaved run: specc's training step beside hand-written PyTorch and Pyro, as ratios.

    python -m benchmarks.step --rounds 20 --threads 1

Every round times each contender in turn for a few steps on the same batches; a ratio is taken
within a round, and the median over rounds is quoted with the smallest and the largest, so that a
machine whose speed drifts does not decide. Denormal numbers are flushed for all.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from specc.engine import device

device.prepare()

from typing import TYPE_CHECKING  # noqa: E402

import torch  # noqa: E402 - after prepare(), which must come first

from benchmarks.peers import Step, by_hand, in_pyro  # noqa: E402

if TYPE_CHECKING:
    from specc.runtime.program import Program

SPEC = """
specc: 1
name: bench
data: {{source: mnist, fields: {{x: {{from: image, shape: [{data}], binarize: threshold}}}}}}
model:
  z: {{latent: normal, loc: 0, scale: 1, shape: [{latent}]}}
  x: {{observed: bernoulli, logits: decoder(z)}}
guide:
  z: {{latent: normal, params: encoder(x)}}
links:
  decoder: {{mlp: [{hidden}, {hidden}], activation: relu}}
  encoder: {{mlp: [{hidden}, {hidden}], activation: relu}}
objective: {objective}
"""

CASES = {
    "VAE 784-500-500-40, batch 128": (784, 500, 40, 1, 128),
    "IWAE K=50 784-200-200-50, batch 20": (784, 200, 50, 50, 20),
    "tiny VAE 8-16-16-2, batch 128": (8, 16, 2, 1, 128),
}


def program_of(data: int, hidden: int, latent: int, particles: int) -> Program:
    """The generated code of a case."""
    from specc.compiler import compile
    from specc.diagnostics.source import Source
    from specc.runtime.program import load

    objective = "elbo" if particles == 1 else f"{{iwae: {{particles: {particles}}}}}"
    text = SPEC.format(data=data, hidden=hidden, latent=latent, objective=objective)
    result, checked = compile(Source("bench.yaml", text))
    assert result is not None, checked.diagnostics
    folder = Path(tempfile.mkdtemp()) / "bench"
    folder.mkdir()
    for name, content in result.files.items():
        (folder / name).write_text(content, encoding="utf-8")
    return load(folder)


def in_specc(data: int, hidden: int, latent: int, particles: int) -> Step:
    """The generated code under the optimizer that the engine chooses."""
    from specc.runtime.noise import Noise

    program = program_of(data, hidden, latent, particles)
    optimizer = torch.optim.Adam(program.parameters(), lr=1e-3, fused=True)
    count = 0

    def step(x: torch.Tensor) -> torch.Tensor:
        nonlocal count
        count += 1
        loss, _ = program.loss("loss", {"x": x}, Noise.at(0, count), 60000)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss

    return step


def in_specc_compiled(data: int, hidden: int, latent: int, particles: int) -> Step:
    """The engine's compiled step, with its draws, its update and its look for bad numbers."""
    from specc.engine.compiled import CompiledUpdate
    from specc.engine.player import players_of
    from specc.engine.settings import settings_of
    from specc.runtime.noise import Noise

    program = program_of(data, hidden, latent, particles)
    settings = settings_of({"optimizer": {"adam": {"lr": 1e-3}}, "batch_size": 1, "epochs": 1})
    (player,) = players_of(program, settings, torch.device("cpu"))
    made: list[CompiledUpdate] = []
    count = 0

    def step(x: torch.Tensor) -> object:
        nonlocal count
        count += 1
        batch, noise = {"x": x}, Noise.at(0, count)
        if not made:
            made.append(CompiledUpdate(program, player, batch, noise, 60000))
        return made[0](batch, noise)

    return step


def measure(
    case: tuple[int, int, int, int, int], rounds: int, steps: int
) -> dict[str, list[float]]:
    """Seconds a step of each contender, a number a round."""
    data, hidden, latent, particles, batch = case
    contenders = {
        "specc": in_specc,
        "specc compiled": in_specc_compiled,
        "by hand": by_hand,
        "Pyro": in_pyro,
    }
    made = {name: make(data, hidden, latent, particles) for name, make in contenders.items()}
    batches = [(torch.rand(batch, data) > 0.8).float() for _ in range(8)]
    for step in made.values():
        for x in batches[:4]:
            step(x)
    found: dict[str, list[float]] = {name: [] for name in made}
    for _ in range(rounds):
        for name, step in made.items():
            began = time.perf_counter()
            for number in range(steps):
                step(batches[number % 8])
            found[name].append((time.perf_counter() - began) / steps)
    return found


def main() -> None:
    """Print a table, and JSON for those who want it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    answer = {}
    for name, case in CASES.items():
        seconds = measure(case, chosen.rounds, chosen.steps)
        print(f"{name}, {chosen.threads} thread(s)")
        answer[name] = {"seconds": seconds}
        for mine in ("specc", "specc compiled"):
            ratios = {}
            for peer in ("by hand", "Pyro"):
                each = [a / b for a, b in zip(seconds[mine], seconds[peer], strict=True)]
                ratios[peer] = (statistics.median(each), min(each), max(each))
            own = statistics.median(seconds[mine]) * 1e3
            shown = ", ".join(
                f"{m:.3f} ({a:.2f} to {b:.2f}) of {p}" for p, (m, a, b) in ratios.items()
            )
            print(f"    {mine}: {own:.2f} ms a step, {shown}", flush=True)
            answer[name][mine] = ratios
    if chosen.json:
        chosen.json.write_text(json.dumps(answer, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
