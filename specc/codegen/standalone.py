"""A compiled spec as a folder that needs torch alone.

The runtime's own source is pasted in: every function that the code calls, and what those call, in
one file `runtime.py`, read from the installed package and never retyped.
"""

from __future__ import annotations

import ast
from importlib import resources

from specc.codegen.package import package
from specc.codegen.plan import Plan

RUNTIME = "specc.runtime"


def standalone(plan: Plan) -> dict[str, str]:
    """Every file by its name: the package without specc, the pasted runtime, a training script."""
    files = {n: t for n, t in package(plan).items() if n.endswith(".py") and n != "__init__.py"}
    wanted = sorted({m for text in files.values() for m in _imported(text)})
    modules = _closure(wanted)
    texts = {f"{_flat(module)}.py": _rewritten(_source(module)) for module in modules}
    texts |= {name: _rewritten(text) for name, text in files.items()}
    name = plan.graph.graph.spec.document.name
    texts["__init__.py"] = f'"""{name}, with all that it needs beside torch."""\n'
    texts["train.py"] = _script(plan)
    return dict(sorted(texts.items()))


def _imported(text: str) -> set[str]:
    """The modules of the run time that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(RUNTIME):
            assert node.module is not None
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if _exists(inner) else node.module)
    return found


def _exists(module: str) -> bool:
    return _file(module).is_file()


def _file(module: str) -> resources.abc.Traversable:
    parts = module.removeprefix(f"{RUNTIME}").strip(".").split(".")
    folder = resources.files(RUNTIME)
    for part in parts[:-1]:
        folder = folder / part
    return folder / f"{parts[-1]}.py"


def _source(module: str) -> str:
    return _file(module).read_text(encoding="utf-8")


def _closure(wanted: list[str]) -> list[str]:
    """The modules and all that they import."""
    found: dict[str, None] = {}
    stack = list(wanted)
    while stack:
        module = stack.pop()
        if module not in found:
            found[module] = None
            stack.extend(sorted(_imported(_source(module))))
    return sorted(found)


def _flat(module: str) -> str:
    """`specc.runtime.distributions.normal` as `distributions_normal`: one folder, no packages."""
    return module.removeprefix(f"{RUNTIME}.").replace(".", "_")


def _rewritten(text: str) -> str:
    """Imports of the run time become imports from the folder; nothing else changes."""
    lines = text.split("\n")
    found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    for node in sorted(found, key=lambda n: -n.lineno):
        new = _relative(node)
        if new is not None:
            lines[node.lineno - 1 : node.end_lineno] = new
    return "\n".join(lines)


def _relative(node: ast.ImportFrom) -> list[str] | None:
    if node.level == 1 and node.module:
        names = ", ".join(alias.name for alias in node.names)
        return [f"from {node.module} import {names}"]
    if not (node.module or "").startswith(RUNTIME):
        return None
    assert node.module is not None
    joined = []
    for alias in node.names:
        inner = f"{node.module}.{alias.name}"
        if _exists(inner):
            joined.append(f"import {_flat(inner)} as {alias.asname or alias.name}")
        else:
            renamed = f" as {alias.asname}" if alias.asname else ""
            joined.append(f"from {_flat(node.module)} import {alias.name}{renamed}")
    return joined


SCRIPT = '''"""Train {name} on tensors of your own, with torch alone.

    python train.py data.pt        a dict of tensors, one row each: {fields}
"""

import sys

import torch
{imports}
from noise import Noise
from objective import loss

STEPS, BATCH, RATE, SEED = {steps}, {batch}, {rate}, {seed}


def main(path: str) -> None:
    torch.manual_seed(SEED)
    data = torch.load(path, weights_only=True)
    rows = len(next(iter(data.values())))
{made}
    parameters = [p for m in [{models}] for p in m.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=RATE)
    for step in range(STEPS):
        index = torch.randint(rows, (min(BATCH, rows),))
        batch = {{name: values[index] for name, values in data.items()}}
        value, parts = loss({models}, Noise.at(SEED, step), **batch{size}{weight})
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        if step % 100 == 0 or step + 1 == STEPS:
            print(step, *(f"{{name}} {{part.item():.3f}}" for name, part in parts.items()))
    torch.save({saved}, "{name}.pt")


if __name__ == "__main__":
    main(sys.argv[1])
'''


def _script(plan: Plan) -> str:
    from specc.codegen.emit.objective import loss_inputs, needs_data_size

    train = plan.graph.graph.spec.document.train
    names = list(plan.programs)
    rate = train.optimizer.options["lr"]
    rising = plan.objective.warm_up
    return SCRIPT.format(
        name=plan.graph.graph.spec.document.name,
        fields=", ".join(f'"{plan.python[n]}"' for n in loss_inputs(plan)),
        imports="\n".join(f"from {n} import {plan.programs[n].class_name}" for n in sorted(names)),
        steps=train.steps or 2000,
        batch=train.batch_size,
        rate=rate,
        seed=train.seed,
        made="\n".join(f"    {n} = {plan.programs[n].class_name}()" for n in names),
        models=", ".join(names),
        size=", data_size=rows" if needs_data_size(plan) else "",
        weight=f", kl_weight=min(1.0, step / ({rising:g} * STEPS))" if rising else "",
        saved="{" + ", ".join(f'"{n}": {n}.state_dict()' for n in names) + "}",
    )
