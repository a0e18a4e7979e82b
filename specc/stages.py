"""The stages of the compiler by name, each printed as text, for `specc compile --emit STAGE`."""

from __future__ import annotations

from collections.abc import Callable

from specc.codegen.package import package
from specc.codegen.plan import Plan
from specc.codegen.print_plan import print_plan
from specc.compiler import Checked
from specc.graph.print_graph import print_graph, print_typed
from specc.language.print_located import print_located
from specc.language.schema.print_spec import print_spec
from specc.objective.print_objective import print_objective


def print_files(plan: Plan) -> str:
    """Return the text of all files of the generated package, one after the other."""
    name = plan.experiment.name
    return "\n".join(f"# {name}/{path}\n\n{text}" for path, text in package(plan).items())


STAGES: dict[str, Callable[[Checked], str | None]] = {
    "located": lambda checked: None if checked.located is None else print_located(checked.located),
    "spec": lambda checked: None if checked.spec is None else print_spec(checked.spec),
    "graph": lambda checked: None if checked.graph is None else print_graph(checked.graph),
    "typed": lambda checked: (
        None if checked.typed is None or not checked.ok else print_typed(checked.typed)
    ),
    "objective": lambda checked: (
        None if checked.objective is None else print_objective(checked.objective)
    ),
    "plan": lambda checked: None if checked.plan is None else print_plan(checked.plan),
    "files": lambda checked: None if checked.plan is None else print_files(checked.plan),
}
"""Functions from the results of the compiler to text, or to None if a stage before it failed."""
