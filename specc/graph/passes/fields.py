"""The types of data fields, from the declaration of the source and the transformations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from specc.catalog.registry import SOURCES
from specc.catalog.source import Column
from specc.catalog.supports import BOOLEAN, OF_DATA, ONE_HOT, Interval, Support, meet
from specc.diagnostics.nearest import nearest
from specc.diagnostics.report import diagnose
from specc.graph.findings import Findings
from specc.graph.graph import DataField
from specc.language.schema.data import DataSpec, FieldSpec
from specc.language.schema.spec import Path, Spec


def resolve_fields(spec: Spec, findings: Findings) -> dict[str, DataField]:
    """All data fields by name; reports unknown columns."""
    sources = spec.document.sources
    for key, data in sources.items():
        if data.source not in SOURCES:
            guess = nearest(data.source, SOURCES)
            hint = "the sources are " + ", ".join(f"`{s}`" for s in SOURCES)
            place = spec.spans.value((*spec.data_path(key), "source"))
            findings.add(diagnose("E0501", place, suggestion=guess, name=data.source, hint=hint))
            return {}
    if not sources:
        return {}
    _check_nodes(spec, findings)
    _check_missing(spec, findings)
    return {
        name: _field(spec, key, data, name, findings)
        for key, data in sources.items()
        for name in data.fields
    }


def _check_nodes(spec: Spec, findings: Findings) -> None:
    """Checks that the field of every observed and given node exists."""
    fields = spec.document.fields
    for program, owner, name, path, wanted in _readers(spec):
        if wanted in fields or spec.is_field_unread(wanted):
            continue
        guess = nearest(wanted, fields)
        hint = f"declare it: `data: {{fields: {{{wanted}: {{from: ...}}}}}}`"
        findings.add(
            diagnose(
                "E0502",
                spec.spans.key(path),
                node=name,
                name=wanted,
                hint=f"did you mean `{guess}`?" if guess else hint,
            ),
            (program, owner),
        )


def _readers(spec: Spec) -> Iterator[tuple[str, str, str, Path, str]]:
    """The nodes with data: program, node, name, path, and field."""
    for name, node in spec.document.model.items():
        path: Path = ("model", name)
        if node.role == "observed":
            yield "model", name, name, path, node.from_field or name
        for part, role in node.parts.items():
            if role == "observed":
                yield "model", name, part, (*path, "joint", part), part
    for program, nodes in spec.document.programs_by_name():
        for name, node in nodes.items():
            if node.role == "given":
                yield program, name, name, (*spec.section(program), name), str(node.head)


def _check_missing(spec: Spec, findings: Findings) -> None:
    """Checks that fields with options for missing values have a node with `missing:`."""
    nodes = spec.document.model.items()
    able = {node.from_field or name for name, node in nodes if node.missing is not None}
    for name, field in spec.document.fields.items():
        options = [option for option, value in _of_missing(field).items() if value is not None]
        if options and name not in able and not any(spec.is_unread("model", n) for n, _ in nodes):
            place = spec.spans.key((*_path(spec, name), options[0]))
            hint = f"write `missing: ...` in the node, or delete `{options[0]}`"
            joint = next((own for own, node in nodes if name in node.parts), None)
            if joint is not None:
                reason = f"no part of a joint draw such as `{joint}` can be missing"
                hint = f"delete `{options[0]}`: {reason}"
            findings.add(diagnose("E0438", place, name=name, option=options[0], hint=hint))


def _path(spec: Spec, name: str) -> Path:
    """The path of a field."""
    sources = spec.document.sources.items()
    source = next(key for key, data in sources if name in data.fields)
    return (*spec.data_path(source), "fields", name)


def _field(spec: Spec, key: str, data: DataSpec, name: str, findings: Findings) -> DataField:
    """The field `name` of the source with the name `key`."""
    field, declared = data.fields[name], SOURCES[data.source].columns(data.options)
    span = spec.spans.key(_path(spec, name))
    _check_columns(spec, data.source, name, field, declared, findings)
    _check_transforms(spec, name, field, findings)
    _check_constraint(spec, name, field, findings)
    several = not isinstance(field.column, str)
    column = None if several else declared.get(str(field.column))
    shape = field.shape if field.shape is not None else (column.shape if column else None)
    if several and shape is None:
        shape = (len(field.column),)
    support = column.support if column else None
    if field.one_hot is not None and shape is not None:
        shape = (*shape, field.one_hot)
    if field.many_hot is not None and shape:
        shape = (*shape[:-1], field.many_hot.size)
    return DataField(
        name=name,
        origin=field.column,
        shape=shape,
        support=_constrained(field, _transformed(field, support)),
        picture=field.picture or (column.picture if column else None),
        span=span,
        source=key,
        transforms={
            "binarize": None if field.binarize == "none" else field.binarize,
            "scale": field.scale,
            "categories": field.categories or None,
            "base": field.base or None,
            "clip": field.clip and list(field.clip),
            "log": field.log or None,
            "logit": field.logit,
            "standardize": field.standardize or None,
            "one_hot": field.one_hot,
            "many_hot": field.many_hot and field.many_hot.model_dump(by_alias=True),
            "dtype": field.dtype,
            "constrain": field.constrain,
            **_of_missing(field),
        },
    )


def _check_columns(
    spec: Spec,
    source: str,
    name: str,
    field: FieldSpec,
    declared: Mapping[str, Column],
    findings: Findings,
) -> None:
    """Checks that the source has the columns of a field, if its columns are known."""
    path = _path(spec, name)
    several = () if isinstance(field.column, str) else field.column
    for number, column in enumerate(several or (str(field.column),)):
        if not declared or column in declared:
            continue
        guess = nearest(column, declared)
        known = ", ".join(f"`{c}`" for c in declared)
        place = (*path, "from", number) if several else (*path, "from")
        span = spec.spans.value(place if place in spec.spans else path)
        findings.add(
            diagnose("E0503", span, source=source, name=column, hint=_columns(guess, known))
        )


def _of_missing(field: FieldSpec) -> dict[str, object]:
    """The options of a field for missing values; None for defaults."""
    hide = None if field.hide is None else field.hide.model_dump(exclude_none=True)
    options = {"missing": field.missing, "fill": field.fill, "hide": hide}
    return {**options, "repeat": field.repeat}


def _check_transforms(spec: Spec, name: str, field: FieldSpec, findings: Findings) -> None:
    """Checks that one-hot encoding and binarization have no other transformation."""
    also = {
        "one_hot": field.one_hot is not None,
        "many_hot": field.many_hot is not None,
        "binarize": field.binarize != "none",
        "categories": field.categories,
        "base": field.base != 0,
        "clip": field.clip is not None,
        "log": field.log,
        "logit": field.logit is not None,
        "standardize": field.standardize,
        "scale": field.scale is not None,
        "dtype": field.standardize and field.dtype in ("int64", "uint8", "bool"),
    }
    given = [option for option, is_given in also.items() if is_given]
    if field.fill == "mean":
        given += ["fill" for option in ("one_hot", "many_hot") if also[option]]
    path = _path(spec, name)
    _check_values(spec, name, field, path, findings)
    wrong = _incompatible(given)
    if wrong is None:
        return
    first, second = wrong
    place = (
        spec.spans.key((*path, second)) if (*path, second) in spec.spans else spec.spans.key(path)
    )
    hint = f"keep one of `{first}` and `{second}`"
    problem = f"it has `{first}` already"
    findings.add(
        diagnose("E0511", place, option=second, name=name, problem=problem, hint=hint),
    )


def _check_values(spec: Spec, name: str, field: FieldSpec, path: Path, findings: Findings) -> None:
    """Checks the bounds of `clip`, and that categories are those of one column."""
    found: tuple[str, str, str] | None = None
    if field.clip is not None and not field.clip[0] < field.clip[1]:
        found = "clip", "its lower bound is not below the upper one", "write `clip: [low, high]`"
    elif field.categories and not isinstance(field.column, str):
        found = "categories", "it has several columns", "declare a field for each of them"
    if found is not None:
        option, problem, hint = found
        place = spec.spans.key((*path, option))
        findings.add(diagnose("E0511", place, option=option, name=name, problem=problem, hint=hint))


REAL = frozenset({"clip", "log", "logit", "standardize", "scale"})
"""Transformations of real numbers, which are applied one after the other."""

COMPATIBLE = frozenset(
    {("binarize", "scale"), ("one_hot", "base"), ("base", "dtype"), ("one_hot", "categories")}
)


def _incompatible(given: list[str]) -> tuple[str, str] | None:
    """The first two of the transformations that exclude each other."""
    for first, second in combinations(given, 2):
        together = {first, second}
        if together <= REAL and together != {"log", "logit"}:
            continue
        if (first, second) not in COMPATIBLE:
            return first, second
    return None


def _check_constraint(spec: Spec, name: str, field: FieldSpec, findings: Findings) -> None:
    """Checks that `constrain` is not used with a transformation that changes the support."""
    makes = {
        "one_hot": field.one_hot is not None,
        "many_hot": field.many_hot is not None,
        "binarize": field.binarize != "none",
        "standardize": field.standardize,
        "categories": field.categories,
        "clip": field.clip is not None,
        "log": field.log,
        "logit": field.logit is not None,
    }
    made = next((option for option, is_given in makes.items() if is_given), None)
    if field.constrain is not None and made is not None:
        place = spec.spans.key((*_path(spec, name), "constrain"))
        problem = f"its values are those that `{made}` makes"
        hint = f"delete `constrain`; the compiler knows what `{made}` makes"
        finding = diagnose(
            "E0511", place, option="constrain", name=name, problem=problem, hint=hint
        )
        findings.add(finding)


def _constrained(field: FieldSpec, support: Support | None) -> Support | None:
    """The support of the values, from the source and from `constrain`."""
    stated = None if field.constrain is None else OF_DATA[field.constrain]
    if stated is None or support is None:
        return support if stated is None else stated
    return meet(stated, support) or stated


def _columns(guess: str | None, known: str) -> str:
    return f"did you mean `{guess}`?" if guess else f"it has {known}"


def _transformed(field: FieldSpec, support: Support | None) -> Support | None:
    if field.binarize != "none" or field.many_hot is not None:
        return BOOLEAN
    if field.one_hot is not None:
        return ONE_HOT
    if field.standardize or field.log or field.logit is not None:
        return Interval()
    if field.clip is not None:
        return Interval(*field.clip)
    if field.categories or field.base:
        return None  # numbers of classes, whose range the node states and the data are checked for
    if field.scale is not None and support is not None:
        return Interval() if support.event_rank else _scaled(support, field.scale)
    return support


def _scaled(support: Support, factor: float) -> Support:
    low = getattr(support, "low", float("-inf"))
    high = getattr(support, "high", float("inf"))
    return Interval(low * factor, high * factor)
