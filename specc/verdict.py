"""What becomes of a run's weights under another spec: one judgement for `diff` and for `train`.

Both compilers and runs have a `Side` of it, which stands in the manifest beside generated code. A
checkpoint is resumed where the mathematics is the same once names are erased, and so is everything
that a run holds on to (`fixed`). Else its tensors fit one by one, by name, layer and shape. This
file imports neither tower, so that both can ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Shape = tuple[int, ...]
Fate = Literal["resumes", "all", "some", "none"]


@dataclass(frozen=True, slots=True)
class Module:
    """A link, a head or a learnt tensor of a program, without its name.

    `erased` is the number that stands for its name. Where a link joins several arguments into one
    vector, `inputs` are these arguments with their widths, and `columns` the tensors along whose
    axis they lie; it is empty where that is not known.
    """

    erased: str
    inputs: tuple[tuple[str, int], ...] = ()
    columns: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Side:
    """A compiled spec as far as its weights are concerned; `shapes` are the learnt tensors'."""

    digests: Mapping[str, str]
    shapes: Mapping[str, Shape]
    modules: Mapping[str, Module]
    fixed: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The fate of a checkpoint, and which of its tensors fits where.

    `names` gives for a tensor of the new spec the one that it comes from; `columns` the order in
    which the old one's entries along an axis are taken, where an argument changed its place.
    `differs` says in words what stands in the way of a resume.
    """

    fate: Fate
    names: Mapping[str, str]
    columns: Mapping[str, tuple[int, tuple[int, ...]]]
    tensors: int
    differs: tuple[str, ...]

    def sentence(self) -> str:
        """`checkpoint resumes`, `all 14 tensors fit`, `8 of 14 tensors fit`."""
        if self.fate == "resumes":
            return "checkpoint resumes"
        if self.fate == "none":
            return "no tensor fits"
        if self.fate == "all":
            return f"all {self.tensors} tensors fit"
        return f"{len(self.names)} of {self.tensors} tensors fit"

    def shifted(self) -> str:
        """Which tensors have their columns moved, as a clause; nothing where none has."""
        return (
            f" (columns follow their arguments: {', '.join(self.columns)})" if self.columns else ""
        )

    def reason(self) -> str:
        """What differs, for a sentence: `the mathematics differs`, `train.seed differs`."""
        shown = ", ".join(self.differs)
        return f"{shown} differ{'s' if len(self.differs) == 1 else ''}"


def judge(old: Side, new: Side, moved: Mapping[str, str]) -> Verdict:
    """What becomes of the weights of `old` under `new`; `moved` has new names by the old."""
    same = old.digests["math"] == new.digests["math"]
    names = _by_place(old, new) if same else None
    if names is not None:
        differs = tuple(_differing(old.fixed, new.fixed))
        if not (old.fixed and new.fixed) and old.digests["training"] != new.digests["training"]:
            differs = ("the training",)
        return Verdict("all" if differs else "resumes", names, {}, len(new.shapes), differs)
    found, columns = _fitting(old, new, moved)
    fate: Fate = "all" if len(found) == len(new.shapes) else "some"
    differs = ("the layers",) if same else ("the mathematics",)
    return Verdict(fate if found else "none", found, columns, len(new.shapes), differs)


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterable[str]:
    """What is held on to and differs; of a thing that is another one, no parts."""
    found = [key for key in dict.fromkeys([*new, *old]) if old.get(key) != new.get(key)]
    return (key for key in found if key.rpartition(".")[0] not in found)


# the same mathematics: a module comes from the one that stands at its place


def _by_place(old: Side, new: Side) -> dict[str, str] | None:
    """The old name of each tensor, by its module's erased name; None where one has no twin."""
    if set(old.shapes.items()) == set(new.shapes.items()) and not _renamed(old, new):
        return {name: name for name in new.shapes}
    before = {module.erased: prefix for prefix, module in old.modules.items()}
    found = {}
    for name, shape in new.shapes.items():
        prefix = module_of(name)
        erased = new.modules[prefix].erased if prefix in new.modules else ""
        if erased not in before:
            return None
        twin = before[erased] + name.removeprefix(prefix)
        if old.shapes.get(twin) != shape:
            return None
        found[name] = twin
    return found if len(found) == len(old.shapes) else None


def _renamed(old: Side, new: Side) -> bool:
    """Whether a module of one name stands at another place."""
    both = old.modules.keys() & new.modules.keys()
    return any(old.modules[name].erased != new.modules[name].erased for name in both)


def module_of(name: str) -> str:
    """`model.decoder` of `model.decoder.0.weight`."""
    return ".".join(name.split(".")[:2])


# other mathematics: tensors by name, layer and shape


def _fitting(
    old: Side, new: Side, moved: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, tuple[int, tuple[int, ...]]]]:
    """The old name of each tensor that has one, and the order of its columns where it changes."""
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
        lies = _order(old, new, twin, name)
        if lies is None:
            continue
        found[name] = twin
        if lies[1] is not None:
            columns[name] = lies[0], lies[1]
    return found, columns


def slots(names: Iterable[str]) -> dict[str, str]:
    """Names by their place: of the layers in a chain only those that have tensors are counted.

    So a layer without any, such as dropout, moves no tensor. A chain of one layer is that layer.
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
    """For each layer the numbers of axes of its tensors: a linear layer is no normalization."""
    found: dict[str, dict[str, int]] = {}
    for slot, name in places.items():
        layer, _, leaf = slot.rpartition(".")
        found.setdefault(layer, {})[leaf] = len(shapes[known[name] if known else name])
    return found


def _order(old: Side, new: Side, twin: str, name: str) -> tuple[int, tuple[int, ...] | None] | None:
    """The axis along which inputs lie, and the order of the old entries, None where it stays.

    None where the inputs changed and it is not known how that moves the entries.
    """
    before = old.modules.get(module_of(twin), Module(""))
    after = new.modules.get(module_of(name), Module(""))
    order = arranged(before.inputs, after.inputs)
    leaf = name.removeprefix(f"{module_of(name)}.")
    if order is None or (after.columns and leaf not in after.columns):
        return 0, None
    return (after.columns[leaf], order) if order and after.columns else None


def arranged(
    old: Sequence[tuple[str, int]], new: Sequence[tuple[str, int]]
) -> tuple[int, ...] | None:
    """Which old entry each new one is where arguments changed their order; None where none did.

    An argument that is in one of the two alone stands for the next such of the other. Empty where
    these have other widths. One argument alone has no order.
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
    """The new name of a tensor: its own entry in `moved`, or that of the nearest name above it."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        above = ".".join(parts[:length])
        if above in moved:
            return ".".join([moved[above], *parts[length:]])
    return name
