"""A compiled spec as a folder that depends on torch alone.

The modules of the run time that the code imports, and all that these import, are copied from the
installed package, with changed imports.
"""

from __future__ import annotations

import ast
import textwrap
from importlib import resources

from specc.codegen.package import made, package
from specc.codegen.plan import Plan
from specc.codegen.tensors import after_updates, copied, trained
from specc.objective.objective import Player, Stage, State

RUNTIME = "specc.runtime"
AFTER_UPDATE = f"{RUNTIME}.after_update"


def standalone(plan: Plan) -> dict[str, str]:
    """Return the text of each file: the generated code, the run time, and a training script."""
    files = {n: t for n, t in package(plan).items() if n.endswith(".py") and n != "__init__.py"}
    wanted = {m for text in files.values() for m in _imported(text)}
    wanted |= {AFTER_UPDATE} if after_updates(plan) else set()
    modules = _closure(sorted(wanted))
    texts = {f"{_flat(module)}.py": _rewritten(_source(module)) for module in modules}
    texts |= {name: _rewritten(text) for name, text in files.items()}
    name = plan.experiment.name
    texts["__init__.py"] = f'"""{name}, with all its dependencies except torch."""\n'
    texts["train.py"] = _script(plan)
    return dict(sorted(texts.items()))


def _imported(text: str) -> set[str]:
    """Return the modules of the run time that a file imports."""
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
    """Return the modules and all modules that they import, directly or not."""
    found: dict[str, None] = {}
    stack = list(wanted)
    while stack:
        module = stack.pop()
        if module not in found:
            found[module] = None
            stack.extend(sorted(_imported(_source(module))))
    return sorted(found)


def _flat(module: str) -> str:
    """Return the name of a copied module: `distributions_normal`, since the folder is flat."""
    return module.removeprefix(f"{RUNTIME}.").replace(".", "_")


def _rewritten(text: str) -> str:
    """Replace the imports of the run time by imports from the folder."""
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


SCRIPT = '''"""Train {name} on your own tensors; needs torch only.

    python train.py data.pt        a dict of tensors, one row each: {fields}
"""

import sys

import torch
{imports}{following}
from noise import Noise
from objective import loss

STEPS, BATCH, RATE, SEED = {steps}, {batch}, {rate}, {seed}
{rules}

def main(path: str) -> None:
    torch.manual_seed(SEED)
    data = torch.load(path, weights_only=True)
{rows}
{made}
    parameters = torch.nn.ModuleList([{models}]).parameters()
    optimizer = torch.optim.Adam(parameters, lr=RATE)
{follow}{start}    for step in range(STEPS):
{drawn}
        value, {after}parts = loss({models}, Noise.at(SEED, step), {before}**batch{size}{weight})
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
{after_all}        if step % 100 == 0 or step + 1 == STEPS:
            print(step, *(f"{{name}} {{part.item():.3f}}" for name, part in parts.items()))
    torch.save({saved}, "{name}.pt")


if __name__ == "__main__":
    main(sys.argv[1])
'''


OF_PLAYERS = '''"""Train {name} on your own tensors; needs torch only.

    python train.py data.pt        a dict of tensors, one row each: {fields}
"""

import sys

import torch
{imports}{following}
from noise import Noise
from objective import {losses}

STEPS, BATCH, SEED = {steps}, {batch}, {seed}

# For each player: the loss, its arguments, prefixes of the parameters that it trains, the initial
# state, the learning rate, and the number of updates in each step.
PLAYERS = [
{players}
]
'''

SEVERAL = (
    OF_PLAYERS
    + """{rules}

def main(path: str) -> None:
    torch.manual_seed(SEED)
    data = torch.load(path, weights_only=True)
{rows}
{made}
{follow}    modules = {modules}
    named = [(f"{{n}}.", p) for n, p in torch.nn.ModuleDict(modules).named_parameters()]
    optimizers = [
        torch.optim.Adam([p for n, p in named if n.startswith(trained)], lr=rate)
        for _, _, trained, _, rate, _ in PLAYERS
    ]
    states = [{{k: v() for k, v in first.items()}} for *_, first, _, _ in PLAYERS]
    # In each round these players update simultaneously.
    rounds = {rounds}
    for step in range(STEPS):
        for turn, moving in enumerate(rounds):
            for number in moving:
                (loss, taken, trained, *_), optimizer = PLAYERS[number], optimizers[number]
{drawn}
                noise, state = Noise.at(SEED, step, turn, number), states[number]
                before = [state] if state else []
{numbers}                own = {{name: given[name] for name in taken}}
                value, *after, parts = loss({models}, noise, *before, **own)
                states[number] = after[0] if after else state
                optimizer.zero_grad()
                value.backward(inputs=[p for n, p in named if n.startswith(trained)])
                if step % 100 == 0 or step + 1 == STEPS:
                    print(step, *(f"{{name}} {{part.item():.3f}}" for name, part in parts.items()))
            for number in moving:
                optimizers[number].step()
{after_each}    torch.save({saved}, "{name}.pt")


if __name__ == "__main__":
    main(sys.argv[1])
"""
)


STAGED = (
    OF_PLAYERS
    + '''\
# For each stage: its name, its players, whether they update simultaneously, and the tensors that
# take the values of others when it starts: target, source, and whether the source is transposed.
{about_rows}STAGES = [
{stages}
]
{rules}

def main(path: str) -> None:
    torch.manual_seed(SEED)
    data = torch.load(path, weights_only=True)
{rows}
{made}
{follow}    modules = {modules}
    root = torch.nn.ModuleDict(modules)
    named = [(f"{{n}}.", p) for n, p in root.named_parameters()]
    states = [{{k: v() for k, v in first.items()}} for *_, first, _, _ in PLAYERS]
{whole}    for stage, (title, members, simultaneous, copies{chosen}) in enumerate(STAGES):
{own_rows}        copy(root, copies)
        hold_still(root, tuple(prefix for number in members for prefix in PLAYERS[number][2]))
        optimizers = [
            torch.optim.Adam([p for n, p in named if n.startswith(trained)], lr=rate)
            for _, _, trained, _, rate, _ in PLAYERS
        ]
        # In each round these players update simultaneously.
        rounds = [[n] for n in members for _ in range(PLAYERS[n][-1])]
        if simultaneous:
            most = max(PLAYERS[n][-1] for n in members)
            rounds = [[n for n in members if k < PLAYERS[n][-1]] for k in range(most)]
        for step in range(STEPS):
            for turn, moving in enumerate(rounds):
                for number in moving:
                    (loss, taken, trained, *_), optimizer = PLAYERS[number], optimizers[number]
{drawn}
                    noise, state = Noise.at(SEED, stage, step, turn, number), states[number]
                    before = [state] if state else []
{numbers}                    own = {{name: given[name] for name in taken}}
                    value, *after, parts = loss({models}, noise, *before, **own)
                    states[number] = after[0] if after else state
                    optimizer.zero_grad()
                    value.backward(inputs=[p for n, p in named if n.startswith(trained)])
                    if step % 100 == 0 or step + 1 == STEPS:
                        shown = (f"{{name}} {{part.item():.3f}}" for name, part in parts.items())
                        print(title, step, *shown)
                for number in moving:
                    optimizers[number].step()
{after_each}    torch.save({saved}, "{name}.pt")


@torch.no_grad()
def copy(root: torch.nn.Module, copies: list) -> None:
    """Sets tensors to the values of others, all from the values before any copy."""
    tensors = {{f"{{n}}.": t for n, t in root.state_dict(keep_vars=True).items()}}
    found = [
        (tensors[f"{{target}}." + name.removeprefix(f"{{source}}.")], tensor.clone(), transposed)
        for target, source, transposed in copies
        for name, tensor in tensors.items()
        if name.startswith(f"{{source}}.")
    ]
    for target, values, transposed in found:
        target.copy_(values.mT if transposed else values)


{of_classes}def hold_still(root: torch.nn.Module, trained: tuple) -> None:
    """Holds modules that a stage does not train in evaluation mode."""
    root.train()
    moving = {{id(p) for n, p in root.named_parameters() if f"{{n}}.".startswith(trained)}}
    for module in (inner for part in root.children() for inner in part.children()):
        own = {{id(p) for p in module.parameters()}}
        if own and not own & moving:
            module.eval()


if __name__ == "__main__":
    main(sys.argv[1])
'''
)


OF_THE_STEP = {"progress": "step / STEPS"}
"""How a script computes a number of the step."""

ROUNDS = {
    "alternating": "[[n] for n, player in enumerate(PLAYERS) for _ in range(player[-1])]",
    "simultaneous": """[
        [n for n, player in enumerate(PLAYERS) if k < player[-1]]
        for k in range(max(player[-1] for player in PLAYERS))
    ]""",
}


OF_CLASSES = {
    "about_rows": """\
# Last the rows of a stage, by the fields of a source, the one that chooses, and its classes.
""",
    "whole": "    whole = data\n",
    "chosen": ", choice",
    "own_rows": """\
        data = of_classes(whole, choice)
        rows = len(next(iter(data.values())))
""",
    "of_classes": '''\
def of_classes(data: dict, choice: list) -> dict:
    """The rows with these classes."""
    for fields, name, classes in choice:
        index = torch.isin(data[name].long(), torch.tensor(classes)).nonzero().flatten()
        data = {**data, **{field: data[field][index] for field in fields}}
    return data


''',
}
"""The parts of a script whose stages use some of the rows."""


def _script(plan: Plan) -> str:
    players = plan.objective.players
    if plan.objective.stages:
        rows = _of_rows(plan, "given", " " * 20, with_size=True)
        return STAGED.format(**_common(plan), **_of_stages(plan), **rows)
    if len(players) > 1:
        rows = _of_rows(plan, "given", " " * 16, with_size=True)
        return SEVERAL.format(**_common(plan), **_of_players(plan), **rows)
    (player,) = players
    rising = player.warm_up
    weights = [f"kl_weight=min(1.0, step / ({rising:g} * STEPS))"] if rising else []
    loss, sizes = plan.losses[player.name], plan.graph.graph.plates
    weights += [f"{name}={OF_THE_STEP[name]}" for name in loss.scalars]
    weights += [f"{name}=torch.ones({sizes[plate]})" for plate, name in loss.weights.items()]
    return SCRIPT.format(
        **_common(plan),
        **_of_rows(plan, "batch", " " * 8),
        **_of_state(player),
        size=", data_size=rows" if loss.needs_data_size else "",
        weight=f", {', '.join(weights)}" if weights else "",
    )


def _of_rows(plan: Plan, name: str, indent: str, with_size: bool = False) -> dict[str, str]:
    """How a script counts rows, and draws those of a batch `name`."""
    if len(plan.counts) == 1:
        chosen = "torch.randint(rows, (min(BATCH, rows),))"
        if plan.objective.coupled:
            chosen = "torch.arange(rows)  # the rows of an element are in one sum"
        lines = [
            f"index = {chosen}",
            f"{name} = {{name: values[index] for name, values in data.items()}}",
            *([f'{name}["data_size"] = rows'] if with_size else []),
        ]
        counted = "    rows = len(next(iter(data.values())))"
        return {"rows": counted, "drawn": textwrap.indent("\n".join(lines), indent)}
    sizes = {own.name: own.batch_size for own in plan.experiment.data}
    fields: dict[str, list[str]] = {}
    for field in plan.data:
        fields.setdefault(plan.source_of(field), []).append(plan.python[field])
    shown = ", ".join(f"({own!r}, {sizes[source] or 'BATCH'})" for source, own in fields.items())
    lines = [
        f"{name} = {{}}",
        "for fields, size in sources:",
        "    index = torch.randint(len(data[fields[0]]), (size,))",
        f"    {name} |= {{name: data[name][index] for name in fields}}",
    ]
    counted = "    # The fields of each source, and the rows of it in a batch.\n"
    counted += f"    sources = [{shown}]"
    return {"rows": counted, "drawn": textwrap.indent("\n".join(lines), indent)}


def _of_state(player: Player) -> dict[str, str]:
    """Return the lines of the script that create and pass the state of a loss."""
    if not player.state:
        return {"start": "", "before": "", "after": ""}
    made = (f'"{own.name}": {_first_state(own)}' for own in player.state)
    start = f"    state = {{{', '.join(made)}}}\n"
    return {"start": start, "before": "state, ", "after": "state, "}


def _first_state(own: State) -> str:
    """Return the expression of the first value of a tensor of the state."""
    if own.spread:
        return f"{own.initial} + {own.spread} * torch.randn({own.shape})"
    return f"torch.full({own.shape}, {own.initial})"


def _following(plan: Plan) -> dict[str, str]:
    """Return the lines of the script that update tensors after parameters, empty without any."""
    found = after_updates(plan)
    if not found:
        return dict.fromkeys(("following", "rules", "follow", "after_all", "after_each"), "")
    indent = " " * (20 if plan.objective.stages else 16)
    rules = "".join(f"    {_rule(**each)},\n" for each in found)
    modules = ", ".join(f'"{name}": {name}' for name in plan.programs)
    advance = "after_update.advance(root, "
    return {
        "following": "\nimport after_update",
        "rules": f"\n# Tensors that follow parameters after each update.\nRULES = [\n{rules}]\n",
        "follow": f"    root = torch.nn.ModuleDict({{{modules}}})\n"
        "    after_update.start(root, RULES)\n",
        "after_all": f"        {advance}RULES)\n",
        "after_each": f"{indent}{advance}after_update.moved_by(RULES, PLAYERS[number][2]))\n",
    }


def _rule(rule: str, module: str, of: str, **options: float) -> str:
    return f'after_update.AfterUpdate("{rule}", "{module}", "{of}", {options!r})'


def _common(plan: Plan) -> dict[str, object]:
    """Return the lines of the script about the programs, the data and the training."""
    training, names = plan.experiment.training, list(plan.programs)
    taken = [name for loss in plan.losses.values() for name in loss.inputs]
    return {
        "name": plan.experiment.name,
        "fields": ", ".join(f'"{plan.python[n]}"' for n in dict.fromkeys(taken)),
        "imports": "\n".join(
            f"from {n} import {plan.programs[n].class_name}" for n in sorted(names)
        ),
        "steps": training.steps or 2000,
        "batch": training.batch_size,
        "rate": training.shared.learning_rate,
        "seed": training.seed,
        "made": "\n".join(f"    {n} = {made(plan.programs[n])}" for n in names),
        "models": ", ".join(names),
        **_following(plan),
        "saved": "{" + ", ".join(f'"{n}": {n}.state_dict()' for n in names) + "}",
    }


def _of_stages(plan: Plan) -> dict[str, str]:
    """Return the lines of the script about stages and their players."""
    players, stages = plan.objective.players, plan.objective.stages
    has_rows = any(stage.rows for stage in stages)
    numbers = {player.name: number for number, player in enumerate(players)}
    lines = []
    for stage in stages:
        copies = [(*pair, own.transposed) for own in stage.copies for pair in copied(plan, own)]
        members = [numbers[name] for name in stage.players]
        together = stage.order == "simultaneous"
        chosen = f", {_rows_of(plan, stage)!r}" if has_rows else ""
        lines.append(f"    ({stage.name!r}, {members!r}, {together!r}, {copies!r}{chosen}),")
    indent = " " * 20
    rising = (
        f"{indent}if number == {numbers[player.name]}:\n"
        f'{indent}    given["kl_weight"] = min(1.0, step / ({player.warm_up:g} * STEPS))\n'
        for player in players
        if player.warm_up
    )
    found = _of_players(plan, indent)
    found |= {"stages": "\n".join(lines), "numbers": found["numbers"] + "".join(rising)}
    return found | {key: text if has_rows else "" for key, text in OF_CLASSES.items()}


def _rows_of(plan: Plan, stage: Stage) -> list[tuple[list[str], str, list[int]]]:
    """Return the fields of a source, the one of them that chooses its rows, and its classes."""
    return [
        (
            [plan.python[each] for each in plan.data if plan.source_of(each) == source],
            plan.python[name],
            list(classes),
        )
        for name, classes in stage.rows.items()
        for source in [plan.source_of(name)]
    ]


def _of_players(plan: Plan, indent: str = " " * 16) -> dict[str, str]:
    """Return the lines of the script about several players."""
    lines = []
    for player in plan.objective.players:
        loss = plan.losses[player.name]
        taken = [plan.python[n] for n in loss.inputs]
        taken += ["data_size"] if loss.needs_data_size else []
        taken += [*(["kl_weight"] if player.warm_up else []), *loss.scalars]
        starts = tuple(f"{name}." for name in trained(plan, player))
        made = (f'"{each.name}": lambda: {_first_state(each)}' for each in player.state)
        first = f"{{{', '.join(made)}}}"
        own = plan.experiment.training.of(player.name)
        rest = f"{first}, {own.learning_rate!r}, {own.updates!r}"
        lines.append(f"    ({loss.function}, {taken!r}, {starts!r}, {rest}),")
    scalars = {name for loss in plan.losses.values() for name in loss.scalars}
    numbers = (f'{indent}given["{name}"] = {OF_THE_STEP[name]}\n' for name in sorted(scalars))
    return {
        "numbers": "".join(numbers),
        "losses": ", ".join(plan.functions),
        "players": "\n".join(lines),
        "modules": "{" + ", ".join(f'"{name}": {name}' for name in plan.programs) + "}",
        "rounds": ROUNDS[plan.objective.order],
    }
