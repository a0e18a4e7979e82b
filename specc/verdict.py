"""Decides which weights of a run can be used with another spec, for `diff` and for `train`.

The compiler and the run time both make a `Side` of a spec, the latter from its manifest. A
checkpoint can be resumed if the mathematics is the same up to renaming, and all settings that must
not change during a run (`fixed`) are equal. Otherwise tensors are matched one by one, by name,
layer and shape. This module imports neither the compiler nor the run time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct, field

Shape = tuple[int, ...]
Outcome = Literal["resumes", "all", "some", "none"]


class Module(Struct, frozen=True):
    """A link, a head or a learnable tensor of a program, without its name.

    `canonical` is its number in the canonical order (`specc.codegen.alpha_renaming`). If a link
    concatenates several arguments, `inputs` are these arguments with their widths, and `columns`
    has the tensors with an axis along which they are concatenated, with the index of that axis; it
    is empty if that is unknown.
    """

    canonical: str
    inputs: tuple[tuple[str, int], ...] = ()
    columns: Mapping[str, int] = field(default_factory=dict)


class Side(Struct, frozen=True):
    """The parts of a compiled spec that determine its weights, with the shapes of tensors.

    `draws` is the number of draws of its sampler, if it has one: a run may make more of them.
    """

    digests: Mapping[str, str]
    shapes: Mapping[str, Shape]
    modules: Mapping[str, Module]
    fixed: Mapping[str, Any]
    draws: int = 0


class Compatibility(Struct, frozen=True):
    """Whether a checkpoint can be resumed, and which of its tensors fit the new spec.

    `names` maps each tensor of the new spec that fits to its name in the checkpoint. `columns` maps
    a tensor whose inputs were permuted to an axis, and to the indices of the old entries along it.
    `tensors` is the number of tensors of the new spec. `differs` are phrases for what prevents a
    resume.
    """

    outcome: Outcome
    names: Mapping[str, str]
    columns: Mapping[str, tuple[int, tuple[int, ...]]]
    tensors: int
    differs: tuple[str, ...]

    def sentence(self) -> str:
        """Return a phrase: `checkpoint resumes`, `all 14 tensors fit`, `8 of 14 tensors fit`."""
        if self.outcome == "resumes":
            return "checkpoint resumes"
        if self.outcome == "none":
            return "no tensor fits"
        if self.outcome == "all":
            return "the tensor fits" if self.tensors == 1 else f"all {self.tensors} tensors fit"
        return f"{len(self.names)} of {self.tensors} tensors fit"

    def shifted(self) -> str:
        """Return a clause with the tensors whose columns are permuted; empty if there are none."""
        return (
            f" (columns follow their arguments: {', '.join(self.columns)})" if self.columns else ""
        )

    def reason(self) -> str:
        """Return a clause with the differences: `the mathematics differs`, `train.seed differs`."""
        shown = ", ".join(self.differs)
        return f"{shown} differ{'s' if len(self.differs) == 1 else ''}"


def compare_weights(old: Side, new: Side, moved: Mapping[str, str]) -> Compatibility:
    """Compare the weights of two specs; `moved` maps old names of tensors to new ones."""
    same = old.digests["math"] == new.digests["math"]
    names = _by_place(old, new) if same else None
    if names is not None:
        differs = tuple(_differing(old.fixed, new.fixed))
        if not (old.fixed and new.fixed) and old.digests["training"] != new.digests["training"]:
            differs = ("the training",)
        if new.draws < old.draws:
            differs += ("sampler.draws",)
        return Compatibility("all" if differs else "resumes", names, {}, len(new.shapes), differs)
    found, columns = _fitting(old, new, moved)
    outcome: Outcome = "all" if len(found) == len(new.shapes) else "some"
    differs = ("the layers",) if same else ("the mathematics",)
    return Compatibility(outcome if found else "none", found, columns, len(new.shapes), differs)


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterable[str]:
    """Return the fixed settings that differ, without those inside another one that differs."""
    found = [key for key in dict.fromkeys([*new, *old]) if old.get(key) != new.get(key)]
    for key in (key for key in found if key.rpartition(".")[0] not in found):
        before, after = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from (f"{key}.{inner}" for inner in _differing(before, after))
        else:
            yield key


# the same mathematics: modules are matched by their canonical numbers


def _by_place(old: Side, new: Side) -> dict[str, str] | None:
    """Map each new tensor to the old one of the same canonical module; None if one is missing."""
    if set(old.shapes.items()) == set(new.shapes.items()) and not _renamed(old, new):
        return {name: name for name in new.shapes}
    before = {module.canonical: prefix for prefix, module in old.modules.items()}
    found = {}
    for name, shape in new.shapes.items():
        prefix = module_of(name)
        canonical = new.modules[prefix].canonical if prefix in new.modules else ""
        if canonical not in before:
            return None
        twin = before[canonical] + name.removeprefix(prefix)
        if old.shapes.get(twin) != shape:
            return None
        found[name] = twin
    return found if len(found) == len(old.shapes) else None


def _renamed(old: Side, new: Side) -> bool:
    """Whether a module has another canonical number than the module of the same name."""
    both = old.modules.keys() & new.modules.keys()
    return any(old.modules[name].canonical != new.modules[name].canonical for name in both)


def module_of(name: str) -> str:
    """Return the module of a tensor: `model.decoder` of `model.decoder.0.weight`."""
    return ".".join(name.split(".")[:2])


# other mathematics: tensors are matched by name, layer and shape


def _fitting(
    old: Side, new: Side, moved: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, tuple[int, tuple[int, ...]]]]:
    """Map new tensors to old ones of equal name and shape, and find permutations of columns."""
    known = {renamed(name, moved): name for name in old.shapes}
    before, after = slots(known), slots(new.shapes)
    ranks, now = _ranks(old.shapes, known, before), _ranks(new.shapes, None, after)
    found: dict[str, str] = {}
    columns: dict[str, tuple[int, tuple[int, ...]]] = {}
    for slot, name in after.items():
        layer = slot.rpartition(".")[0]
        if slot not in before or (layer and ranks[layer] != now[layer]):
            continue
        twin = known[before[slot]]
        if old.shapes[twin] != new.shapes[name]:
            continue
        permuted = _order(old, new, twin, name)
        if permuted is None:
            continue
        found[name] = twin
        if permuted[1] is not None:
            columns[name] = permuted[0], permuted[1]
    return found, columns


def slots(names: Iterable[str]) -> dict[str, str]:
    """Map canonical names of tensors to their names, counting only layers with tensors.

    Therefore adding a layer without tensors, such as dropout, changes no canonical name. A single
    layer is named like a chain of one layer.
    """
    listed = list(names)
    counted: dict[str, set[int]] = {}
    for name in listed:
        parts = name.split(".")
        for at, part in enumerate(parts):
            if part.isdecimal():
                counted.setdefault(".".join(parts[:at]), set()).add(int(part))
    numbers = {above: sorted(found) for above, found in counted.items()}
    return {_slot(name, numbers): name for name in listed}


def _slot(name: str, numbers: Mapping[str, Sequence[int]]) -> str:
    parts = name.split(".")
    found = list(parts)
    for at, part in enumerate(parts):
        if part.isdecimal():
            found[at] = str(numbers[".".join(parts[:at])].index(int(part)))
    if len(found) > 2 and not found[2].isdecimal():
        found.insert(2, "0")
    return ".".join(found)


def _ranks(
    shapes: Mapping[str, Shape], known: Mapping[str, str] | None, places: Mapping[str, str]
) -> dict[str, dict[str, int]]:
    """Return the rank of each tensor of each layer, which differs by the kind of layer."""
    found: dict[str, dict[str, int]] = {}
    for slot, name in places.items():
        layer, _, leaf = slot.rpartition(".")
        found.setdefault(layer, {})[leaf] = len(shapes[known[name] if known else name])
    return found


def _order(old: Side, new: Side, twin: str, name: str) -> tuple[int, tuple[int, ...] | None] | None:
    """Return the axis of a tensor along its inputs, and the permutation of it, None if unchanged.

    Returns None if the inputs changed and the permutation is unknown.
    """
    before = old.modules.get(module_of(twin), Module(""))
    after = new.modules.get(module_of(name), Module(""))
    order = permutation(before.inputs, after.inputs)
    leaf = name.removeprefix(f"{module_of(name)}.")
    if order is None or (after.columns and leaf not in after.columns):
        return 0, None
    return (after.columns[leaf], order) if order and after.columns else None


def permutation(
    old: Sequence[tuple[str, int]], new: Sequence[tuple[str, int]]
) -> tuple[int, ...] | None:
    """Return the index of the old entry for each new one if arguments were permuted, else None.

    An argument that only one of the two lists has is matched with the next such argument of the
    other. The result is empty if these have different widths. A single argument has no order.
    """
    if min(len(old), len(new)) < 2:
        return None
    left = list(range(len(old)))
    places: list[int | None] = []
    for item in new:
        places.append(next((at for at in left if old[at] == item), None))
        left = [at for at in left if at != places[-1]]
    found = [left.pop(0) if at is None and left else at for at in places]
    pairs = [(at, item) for at, item in zip(found, new, strict=True) if at is not None]
    if len(pairs) != len(old) or any(old[at][1] != width for at, (_, width) in pairs):
        return ()
    starts = [sum(width for _, width in old[:at]) for at in range(len(old))]
    order = tuple(starts[at] + k for at, (_, width) in pairs for k in range(width))
    return None if order == tuple(sorted(order)) else order


def renamed(name: str, moved: Mapping[str, str]) -> str:
    """Return the new name of a tensor, by the longest prefix of its name in `moved`."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        above = ".".join(parts[:length])
        if above in moved:
            return ".".join([moved[above], *parts[length:]])
    return name
