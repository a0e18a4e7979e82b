"""`specc data`: the data that a spec reads, without training."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec import Struct

from specc.cli import exits, options
from specc.cli.failure import WrongSpec, usage
from specc.cli.terminal import echo_error, echo_untrusted

if TYPE_CHECKING:
    from specc.api import Model
    from specc.data.describe import Summary
    from specc.data.table import Part
    from specc.language.schema.data import DataSpec
    from specc.language.schema.spec import Spec
    from specc.runtime.failure import RunFailure
    from specc.runtime.fields import Data, Field
from specc.runtime.manifest import Manifest

HEAD = (
    "part",
    "field",
    "from",
    "rows",
    "shape",
    "type",
    "range",
    "missing",
    "distribution",
    "transforms",
)


HELP = "Show the data that SPEC reads: parts, fields, ranges, and values that do not fit."


def command(
    spec: options.Spec,
    *,
    settings: options.Settings,
    data_dir: options.DataDir = None,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="PNG",
            help="Write a picture of it to PNG: a grid of images, or histograms.",
        ),
    ] = None,
    as_json: options.Json = False,
) -> int:
    """Read, print and draw; values that do not fit are findings."""
    if out is not None and Path(out).suffix != ".png":
        raise usage(f"{out} does not end in .png", "for example --out data.png")
    model, manifest = _read(spec, settings, data_dir)
    from specc.data.numbered_rows import ROWS

    if manifest.data is None or manifest.data.source == ROWS:
        hint = "`specc train` trains it without data; to use data, add `data:`"
        raise usage(f"the spec of `{manifest.name}` reads no data", hint)
    from specc.data.required_parts import missing_parts

    sources = [_source(data, model.data_dir(data_dir)) for data in manifest.sources]
    wrong = [failure for source in sources for failure in source.wrong]
    wrong += [failure for _, failure in missing_parts(manifest, [own.parts for own in sources])]
    if as_json:
        typer.echo(json.dumps(_as_json(manifest, sources, wrong), indent=2))
    else:
        shown = "\n\n".join(_as_text(manifest, source) for source in sources)
        echo_untrusted("\n".join([shown, *map(_finding, wrong)]))
    if out is not None:
        from specc.cli.writing import write_bytes
        from specc.data.picture import picture

        write_bytes(Path(out), picture([(source.parts, source.data) for source in sources]))
        typer.echo(f"picture: {out}", err=as_json)
    return exits.FINDINGS if wrong else exits.DONE


class _Source(Struct, frozen=True):
    """What a source of data has: its parts, their summaries, and the values that do not fit."""

    data: Data
    parts: Mapping[str, Part]
    summaries: Mapping[str, Mapping[str, Summary]]
    digest: str
    wrong: list[RunFailure]


def _source(data: Data, folder: Path | None) -> _Source:
    """Reads a source."""
    from specc.data.describe import described
    from specc.data.read import Parts, digest, failures, finished, parted, tables_of
    from specc.data.statistics import standardized
    from specc.runtime.failure import RunFailure

    tables = tables_of(data, folder)
    wrong = list(failures(tables, data))
    made = Parts(parted(tables, data), {})
    if not wrong:
        try:
            made = finished(made.parts, data)
            wrong = standardized(data, made.parts).failures
        except RunFailure as failure:
            wrong = [failure]
    found = described(made.parts, data)
    return _Source(data, made.parts, found, digest(made.parts, made.categories), wrong)


def _finding(failure: RunFailure) -> str:
    place = f"{failure.place}: " if failure.place else ""
    hint = f"\n  {failure.hint}" if failure.hint else ""
    return f"\n{place}error[{failure.code}]: {failure.message}{hint}"


def _read(spec: str, settings: Sequence[str], data_dir: Path | None) -> tuple[Model, Manifest]:
    """A spec without errors, and its manifest as a run would read it.

    For a spec with errors, the message adds the columns of the data files, which may help.
    """
    from specc.api import Model
    from specc.cli.findings import examine, has_errors, rendered
    from specc.codegen.manifest import manifest
    from specc.runtime.manifest import parse

    checked, findings = examine(spec, settings)
    if checked is None or has_errors(findings):
        shown = (
            None if checked is None or checked.spec is None else _columns_of(checked.spec, data_dir)
        )
        raise WrongSpec("\n".join(filter(None, [rendered(findings), shown])))
    if findings:
        echo_error(rendered(findings))
    assert checked.plan is not None, "a sound spec has no plan"
    found = parse(json.loads(json.dumps(manifest(checked.plan))))
    return Model(checked.plan, tuple(checked.diagnostics), tuple(settings)), found


def _columns_of(spec: Spec, data_dir: Path | None) -> str | None:
    """A table of the columns in the data files, with the `fields:` entry for each."""
    folder = data_dir or Path(spec.source.path).parent
    return "\n".join(_columns(data, folder) for data in spec.document.sources.values()) or None


def _columns(data: DataSpec, folder: Path) -> str:
    """The columns of one source."""
    from specc.data.source_columns import source_columns
    from specc.runtime.failure import RunFailure

    columns = [field.column for field in data.fields.values()]
    used = {name for c in columns for name in ([c] if isinstance(c, str) else c)}
    try:
        found = source_columns(data.source, data.options, folder, used or None)
    except RunFailure as failure:
        return f"the data cannot be shown: {failure}"
    names = {str(field.column): name for name, field in data.fields.items()}
    lines = [("part", "column", "rows", "shape", "type", "range", "as a field")]
    for column in found:
        name, shape, numbers = column.name, column.shape, column.found
        field = f"{names.get(name, name)}: {{from: {name}, shape: {shape}}}"
        span = "none" if numbers.low is None else f"{numbers.low:.4g} to {numbers.high:.4g}"
        lines.append((column.part, name, str(numbers.rows), shape, numbers.kind, span, field))
    return "\n".join(["", f"columns of `{data.source}`:", *_table(lines)])


def _as_json(
    manifest: Manifest, sources: Sequence[_Source], wrong: Sequence[RunFailure]
) -> dict[str, Any]:
    """The summary of the data as JSON."""
    found = {source.data.name: _source_json(manifest, source) for source in sources}
    shown = next(iter(found.values())) if len(found) == 1 else {"sources": found}
    findings = [
        {"code": f.code, "place": f.place, "message": f.message, "hint": f.hint} for f in wrong
    ]
    return {**shown, "findings": findings}


def _source_json(manifest: Manifest, source: _Source) -> dict[str, Any]:
    """The summary of one source as JSON."""
    fields = source.data.fields
    return {
        "source": source.data.source,
        "digest": source.digest,
        "parts": {
            part: {name: {**asdict(s), **_use(manifest, fields[name])} for name, s in of.items()}
            for part, of in source.summaries.items()
        },
    }


def _use(manifest: Manifest, field: Field) -> dict[str, Any]:
    return {
        "from": field.column if isinstance(field.column, str) else list(field.column),
        "role": _role(manifest, field),
        "distribution": field.distribution or None,
        "transforms": _transforms(field),
    }


def _role(manifest: Manifest, field: Field) -> str:
    """The role of the node with the field; one that losses alone use has none, and is given."""
    node = manifest.nodes["model"].get(field.name)
    return "given" if node is None or node.role == "let" else node.role


def _transforms(field: Field) -> dict[str, Any]:
    transforms = {
        "scale": field.scale,
        "categories": field.categories or None,
        "base": field.base or None,
        "clip": field.clip and f"{field.clip[0]:g} to {field.clip[1]:g}",
        "log": field.log or None,
        "logit": field.logit,
        "standardize": field.standardize or None,
        "binarize": field.binarize,
        "one_hot": field.one_hot,
        "missing": field.missing and field.missing.marker,
        "hide": field.missing and _option_words(field.missing.hide),
        "repeat": field.missing and (field.missing.repeat if field.missing.repeat > 1 else None),
        "many_hot": field.many_hot and f"{field.many_hot[1]} from {field.many_hot[0]}",
    }
    return {name: value for name, value in transforms.items() if value is not None}


def _option_words(options: Mapping[str, Any] | None) -> str | None:
    """`keep 100 per_class`."""
    shown = {name: value for name, value in (options or {}).items() if value not in (False, None)}
    words = (name if value is True else f"{name} {value}" for name, value in shown.items())
    return " ".join(words) or None


def _as_text(manifest: Manifest, source: _Source) -> str:
    lines: list[tuple[str, ...]] = [HEAD]
    for part, fields in source.summaries.items():
        for name, summary in fields.items():
            lines.append(_line(manifest, source.data.fields[name], part, summary))
    name = f" {source.data.name}" if source.data.name else ""
    head = [f"source{name}: {source.data.source}", f"digest: {source.digest}", ""]
    return "\n".join(head + _table(lines))


def _table(lines: Sequence[Sequence[str]]) -> list[str]:
    """The lines with their cells in columns."""
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    rows = ("  ".join(v.ljust(w) for v, w in zip(line, widths, strict=True)) for line in lines)
    return [row.rstrip() for row in rows]


def _line(manifest: Manifest, field: Field, part: str, summary: Summary) -> tuple[str, ...]:
    """The cells of a row of the table: one field in one part."""
    shape = f"[{', '.join(map(str, summary.shape))}]"
    if summary.shape != field.shape:
        shape += f" as [{', '.join(map(str, field.shape))}]"
    return (
        part,
        field.name,
        field.origin,
        str(summary.rows),
        shape,
        summary.kind if summary.kind == summary.dtype else f"{summary.kind} to {summary.dtype}",
        "none" if summary.low is None else f"{summary.low:.4g} to {summary.high:.4g}",
        f"{100 * summary.missing:.3g}%",
        field.distribution or _role(manifest, field),
        ", ".join(f"{name}: {_plain(value)}" for name, value in _transforms(field).items()),
    )


def _plain(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value).lower()
