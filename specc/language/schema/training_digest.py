"""The training settings of a document: those in the digest, and those that a run cannot change.

The digest class of a field (`specc.language.schema.digests`) determines both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel

from specc.catalog.registry import SAMPLERS
from specc.language.schema.data import Sources
from specc.language.schema.digests import digest_classes, is_digested
from specc.language.schema.document import Document
from specc.language.schema.optimizers import OPTIMIZERS
from specc.language.schema.sampler import ChainSpec, SamplerSpec
from specc.language.schema.train import Optimizer, PlayerSettings


def digested(document: Document) -> tuple[object, ...]:
    """The values in the digest of the training, with all defaults.

    First those of all players, then those of single players that differ, then the lengths and the
    rows of stages that state them.
    """
    own = (document.player_settings(), document.stage_lengths(), document.stage_rows())
    return (_training(document), *(_plain(settings) for settings in own if settings))


def _training(document: BaseModel) -> object:
    """All values of the document that belong to the training."""
    found: dict[str, object] = {}
    for name, kind in digest_classes(type(document)).items():
        value = getattr(document, name)
        if not is_digested(document, name):
            continue
        if kind in ("training", "steering"):
            found[name] = _plain(value)
        elif isinstance(value, BaseModel):
            inner = _training(value)
            if inner:
                found[name] = inner
    if isinstance(document, Sources):
        found = {name: _training(source) for name, source in document.sources.items()}
    return found


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return {
            name: _plain(getattr(value, name))
            for name, kind in digest_classes(type(value)).items()
            if kind not in ("environment", "documentation") and is_digested(value, name)
        }
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def fixed(document: Document) -> dict[str, object]:
    """The settings that a resumed run cannot change, by their path in the spec.

    These are the fields of class `training`; a resumed run may change those of class `steering`.
    """
    given = {"data": document.data, "train": document.train, "sampler": document.sampler}
    found = {where: item for key, value in given.items() for where, item in _fixed(key, value)}
    rows = document.stage_rows().items()
    found |= {f"objective.stages.{stage}.rows": _plain(classes) for stage, classes in rows}
    return found | _fixed_of_players(document)


def _fixed_of_players(document: Document) -> dict[str, object]:
    """The fixed settings of single players that differ from those of `train`."""
    unsaid = PlayerSettings()
    found: dict[str, object] = {}
    shared = dict(_fixed("", unsaid.resolved(document.train)))
    for loss in document.losses():
        settings = loss.settings.differing(document.train)
        player = unsaid.model_copy(update=settings).resolved(document.train)
        own = dict(_fixed("", player))
        differing = {key: item for key, item in own.items() if shared.get(key) != item}
        found |= {f"{loss.place}{key}": item for key, item in differing.items()}
    return found


def _steering(sampler: SamplerSpec) -> frozenset[str]:
    """The options that a run of a sampler may change; chains for updates change none."""
    if isinstance(sampler, ChainSpec):
        return frozenset()
    classes = digest_classes(SAMPLERS[sampler.name].Options)
    return frozenset(name for name, kind in classes.items() if kind == "steering")


def _fixed(where: str, value: object) -> Iterator[tuple[str, object]]:
    if not isinstance(value, BaseModel):
        return
    for name, kind in digest_classes(type(value)).items():
        inner = getattr(value, name)
        if isinstance(inner, Optimizer):
            yield f"{where}.{name}", inner.name
            options = digest_classes(OPTIMIZERS[inner.name])
            held = (o for o in inner.options if options[o] == "training")
            yield from ((f"{where}.{name}.{o}", _plain(inner.options[o])) for o in held)
        elif isinstance(value, SamplerSpec) and isinstance(inner, Mapping):
            steers = _steering(value)
            yield f"{where}.{name}", {k: _plain(o) for k, o in inner.items() if k not in steers}
        elif kind == "training" and is_digested(value, name):
            yield f"{where}.{name}", _plain(inner)
        elif isinstance(inner, Mapping):
            for key, item in inner.items():
                yield from _fixed(f"{where}.{name}.{key}", item)
