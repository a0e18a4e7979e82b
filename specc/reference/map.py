"""`python -m specc.reference.map docs/architecture.md` draws the imports between packages.

The picture is a Mermaid graph between two marks of the page. It is computed from all imports in the
source, also those inside functions and for types. Transitive arrows are omitted.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import networkx as nx

ROOT = Path(__file__).parents[1]
START, END = "<!-- map: start -->", "<!-- map: end -->"
COMPILER = "diagnostics catalog language graph objective codegen diff infer reference"
RUN_TIME = "runtime data engine evaluate report"
TOWERS = {
    "compiler, without torch": COMPILER.split(),
    "run time, on torch": RUN_TIME.split(),
}
INSIDE = ("codegen", "engine")
"""Packages whose modules are drawn, too."""


def imported(source: str) -> Iterator[str]:
    """Yield the full names of the modules of the package that a Python source imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("specc."):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("specc."))


def packages(below: str = "") -> nx.DiGraph[str]:
    """Return the imports between parts of a package: edges from the importing part."""
    prefix = f"specc.{below}." if below else "specc."
    folder = ROOT / below if below else ROOT
    parts = {p.stem for p in folder.iterdir() if (p / "__init__.py").exists() or p.suffix == ".py"}
    found: nx.DiGraph[str] = nx.DiGraph()
    for path in sorted(folder.rglob("*.py")):
        package = path.relative_to(folder).parts[0].removesuffix(".py")
        for name in imported(path.read_text(encoding="utf-8")):
            other = name.removeprefix(prefix).partition(".")[0]
            if name.startswith(prefix) and other in parts - {package, "__init__"}:
                found.add_edge(package, other)
    return found


def reduced(graph: nx.DiGraph[str], names: set[str]) -> list[tuple[str, str]]:
    """Return the edges between some nodes, without transitive ones if there is no circle."""
    between = graph.subgraph(sorted(names & set(graph)))
    if nx.is_directed_acyclic_graph(between):
        between = nx.transitive_reduction(between)
    return sorted(between.edges)


def picture() -> str:
    """Return the map as Mermaid text: two towers, and the modules of the packages in `INSIDE`."""
    lines = ["```mermaid", "graph BT"]
    for number, (title, names) in enumerate(TOWERS.items()):
        lines += [f'  subgraph tower{number}["{title}"]', *(f"    {name}" for name in names)]
        lines.append("  end")
    everything = {name for names in TOWERS.values() for name in names}
    lines += [f"  {user} --> {used}" for user, used in reduced(packages(), everything)]
    lines.append('  generated["generated/NAME"] --> runtime')
    lines += ["  codegen -. writes .-> generated", "```"]
    for below in INSIDE:
        graph = packages(below)
        lines += ["", f"Inside `specc/{below}`:", "", "```mermaid", "graph BT"]
        lines += [f"  {user} --> {used}" for user, used in reduced(graph, set(graph))]
        lines.append("```")
    return "\n".join(lines)


def drawn(page: str) -> str:
    """Return the page with a new picture between its marks."""
    before, _, rest = page.partition(START)
    return f"{before}{START}\n{picture()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(drawn(target.read_text(encoding="utf-8")), encoding="utf-8")
