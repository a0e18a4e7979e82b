"""The time of `specc compile` by the number of nodes, and its ratio to that of another revision.

    python -m benchmarks.compiling [--nodes 2000] [--rounds 5] [--case chain]
    python -m benchmarks.compiling --against REVISION
    python -m benchmarks.compiling --growth

The time is that of a whole process, user and system, so that other processes matter little; the
least of several rounds is printed. `--against` checks out another revision and alternates between
the two in each round; a ratio below 1 means that this tree is faster. `--growth` doubles the number
of nodes twice: a ratio of about 2 means that the time is linear.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

START = """specc: 1
name: {name}
data: {{source: csv, path: rows.csv, fields: {fields}}}
"""


def chain(count: int) -> str:
    """A model and a guide of half the nodes each, a chain of latents from the data and back."""
    half = count // 2
    model, guide = ["model:"], ["guide:"]
    for i in range(half):
        prior = f"dec(z_{i - 1})" if i else "0"
        posterior = f"enc(z_{i - 1})" if i else "enc(x)"
        model.append(f"  z_{i}: {{latent: normal, loc: {prior}, scale: 1, shape: [2]}}")
        guide.append(f"  z_{i}: {{latent: normal, loc: {posterior}, scale: 1}}")
    model.append(f"  x: {{observed: normal, loc: dec(z_{half - 1}), scale: 1}}")
    links = ["links:", "  dec: {mlp: [4]}", "  enc: {mlp: [4]}"]
    return _spec("chain", "{x: {from: [a, b]}}", [*model, *guide, *links], "elbo")


def heads(count: int) -> str:
    """Half of the nodes independent latents, and half of them in a guide with heads for each."""
    half = count // 2
    model, guide = ["model:"], ["guide:"]
    for i in range(half):
        model.append(f"  z_{i}: {{latent: normal, loc: 0, scale: 1, shape: [2]}}")
        guide.append(f"  z_{i}: {{latent: normal, params: enc(x)}}")
    used = ", ".join(f"z_{i}" for i in range(min(half, 500)))  # an expression has a limit
    model += ["  x:", "    observed: normal", f"    loc: dec({used})", "    scale: 1"]
    links = ["links:", "  dec: {mlp: [4]}", "  enc: {mlp: [4]}"]
    return _spec("heads", "{x: {from: [a, b]}}", [*model, *guide, *links], "elbo")


def networks(count: int) -> str:
    """Half of the nodes latents, each with a link of its own, and half of them in a guide."""
    half = count // 2
    model, guide, links = ["model:"], ["guide:"], ["links:"]
    for i in range(half):
        prior = f"dec_{i}(z_{i - 1})" if i else "0"
        model.append(f"  z_{i}: {{latent: normal, loc: {prior}, scale: 1, shape: [2]}}")
        guide.append(f"  z_{i}: {{latent: normal, params: enc_{i}(x)}}")
        links += [f"  dec_{i}: {{mlp: [4]}}"] if i else []
        links += [f"  enc_{i}: {{mlp: [4]}}"]
    model.append(f"  x: {{observed: normal, loc: z_{half - 1}, scale: 1}}")
    return _spec("networks", "{x: {from: [a, b]}}", [*model, *guide, *links], "elbo")


def observed(count: int) -> str:
    """One latent with many observed nodes."""
    names = [f"x_{i}" for i in range(count)]
    fields = "{" + ", ".join(f"{name}: {{from: {name}}}" for name in names) + "}"
    lines = ["model:", "  z: {latent: normal, loc: 0, scale: 1}"]
    lines += [f"  {name}: {{observed: normal, loc: z, scale: 1}}" for name in names]
    lines += ["guide:", "  z: {latent: normal, params: enc(x_0)}", "links:", "  enc: {mlp: [4]}"]
    return _spec("observed", fields, lines, "elbo")


def parameters(count: int) -> str:
    """One observed node for each pair of learnable parameters."""
    half = count // 2
    fields = "{" + ", ".join(f"x_{i}: {{from: x_{i}}}" for i in range(half)) + "}"
    lines = ["model:"]
    for i in range(half):
        lines.append(f"  loc_{i}: {{parameter: real}}")
        lines.append(f"  scale_{i}: {{parameter: positive}}")
        lines.append(f"  x_{i}: {{observed: normal, loc: loc_{i}, scale: scale_{i}}}")
    return _spec("parameters", fields, lines, "mle")


def deterministic(count: int) -> str:
    """A chain of deterministic nodes from a latent to the data."""
    lines = ["model:", "  h_0: {latent: normal, loc: 0, scale: 1}"]
    lines += [f"  h_{i}: {{let: tanh(h_{i - 1}) + 0.5 * h_{i - 1}}}" for i in range(1, count)]
    lines += [f"  x: {{observed: normal, loc: h_{count - 1}, scale: 1}}"]
    lines += ["guide:", "  h_0: {latent: normal, params: enc(x)}", "links:", "  enc: {mlp: [4]}"]
    return _spec("deterministic", "{x: {from: a}}", lines, "elbo")


def _spec(name: str, fields: str, lines: list[str], objective: str) -> str:
    start = START.format(name=name, fields=fields)
    return "\n".join([start.rstrip(), *lines, f"objective: {objective}"]) + "\n"


CASES: dict[str, Callable[[int], str]] = {
    each.__name__: each for each in (chain, heads, networks, observed, parameters, deterministic)
}


def seconds(tree: Path, spec: Path, out: Path) -> float:
    """The processor time of `specc compile` in a process of the source in `tree`."""
    without = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
    environment = {key: value for key, value in os.environ.items() if key not in without}
    environment |= {"PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "specc", "compile", str(spec), "--out", str(out), "--force"]
    process = subprocess.Popen(
        command, cwd=tree, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    message = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, message.decode()
    return usage.ru_utime + usage.ru_stime


def least(trees: list[Path], case: str, nodes: int, rounds: int, folder: Path) -> list[float]:
    """The least time of each tree; each round runs all trees in turn, after one that is dropped."""
    spec = folder / f"{case}.yaml"
    spec.write_text(CASES[case](nodes), encoding="utf-8")
    times = [[seconds(tree, spec, folder / "out") for tree in trees] for _ in range(rounds + 1)]
    return [min(own) for own in zip(*times[1:], strict=True)]


@contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """A folder with the source of another revision."""
    with tempfile.TemporaryDirectory() as name:
        tree, git = Path(name) / "tree", ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(tree), revision], check=True)
        try:
            yield tree
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)


def against(revision: str, options: argparse.Namespace, folder: Path) -> None:
    """Print the times of this tree and of another revision, and their ratio."""
    print(f"{'case':14} {'nodes':>6} {'before':>8} {'after':>8} {'ratio':>6}")
    with checked_out(revision) as tree:
        for case in options.case or CASES:
            trees = [tree, ROOT]
            before, after = least(trees, case, options.nodes, options.rounds, folder)
            shown = f"{before:6.2f} s {after:6.2f} s {after / before:6.2f}"
            print(f"{case:14} {options.nodes:6} {shown}", flush=True)


def growth(options: argparse.Namespace, folder: Path) -> None:
    """Print the times of half, of all and of twice the nodes, without that of a tiny spec."""
    sizes = [options.nodes // 2, options.nodes, 2 * options.nodes]
    print(f"{'case':14} {' '.join(f'{size:>8}' for size in sizes)}   ratios")
    for case in options.case or CASES:
        (start,) = least([ROOT], case, 2, options.rounds, folder)
        times = [least([ROOT], case, n, options.rounds, folder)[0] - start for n in sizes]
        ratios = [after / before for before, after in pairwise(times)]
        shown = " ".join(f"{time:6.2f} s" for time in times)
        print(f"{case:14} {shown}   {' '.join(f'{r:.2f}' for r in ratios)}", flush=True)


def main() -> None:
    """Print the table of the options."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--nodes", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--case", action="append", choices=CASES)
    parser.add_argument("--against", metavar="REVISION")
    parser.add_argument("--growth", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if options.against:
            return against(options.against, options, Path(name))
        if options.growth:
            return growth(options, Path(name))
        for case in options.case or CASES:
            (time,) = least([ROOT], case, options.nodes, options.rounds, Path(name))
            print(f"{case:14} {options.nodes:6} {time:6.2f} s", flush=True)
    return None


if __name__ == "__main__":
    main()
