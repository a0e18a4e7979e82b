"""Settings of `train` that nothing uses, since every stage, player or source has its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from specc.diagnostics.diagnostic import Label
from specc.diagnostics.report import diagnose
from specc.graph.findings import Findings
from specc.language.schema.data import SourceSpec
from specc.language.schema.spec import Path, Spec
from specc.language.schema.train import SHARED

LENGTHS = ("epochs", "steps")
"""The settings of a length, in place of which a stage has `epochs`."""


def check_overridden(spec: Spec, findings: Findings) -> None:
    """Warn about settings of `train` without effect (W0494)."""
    for option, (kind, paths) in _overriding(spec).items():
        path = ("train", option)
        if path not in spec.spans or not paths:
            continue
        own, first = str(paths[0][-1]), ".".join(map(str, paths[0]))
        others = " and those of the others" if len(paths) > 1 else ""
        label = Label(spec.spans.key(paths[0]), f"the first `{own}`")
        findings.add(
            diagnose(
                "W0494",
                spec.spans.key(path),
                labels=(label,),
                option=option,
                kind=kind,
                own=own,
                first=first,
                others=others,
            )
        )


def _overriding(spec: Spec) -> Mapping[str, tuple[str, tuple[Path, ...]]]:
    """Return the places that replace each option, with what they are, if no place is without."""
    document = spec.document
    found: dict[str, tuple[str, tuple[Path, ...]]] = {}
    stages = [(("objective", "stages", n, "epochs"), s) for n, s in enumerate(document.stages)]
    lengths = tuple(path for path, stage in stages if stage.epochs is not None)
    if len(lengths) == len(stages):
        found |= dict.fromkeys(LENGTHS, ("stage", lengths))
    for option in SHARED:
        paths = tuple(_of_losses(spec, option))
        if len(paths) == len(document.losses()):
            found[option] = ("stage" if stages else "player", tuple(dict.fromkeys(paths)))
    sources = document.sources
    sized = [n for n, own in sources.items() if isinstance(own, SourceSpec) and own.batch_size]
    if len(sized) == len(sources):
        paths = tuple(("data", "sources", name, "batch_size") for name in sized)
        found["batch_size"] = ("source", paths)
    return found


def _of_losses(spec: Spec, option: str) -> Iterator[Path]:
    """Yield the place of an option for each loss that has it, its own or that of its stage."""
    for loss in spec.document.losses():
        if getattr(loss.settings, option) is None:
            continue
        above = loss.path[:3] if loss.stage is not None else loss.path
        path = (*loss.path, option)
        yield path if path in spec.spans else (*above, option)
