"""`specc data`: the data that a spec reads, without training."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from specc.cli import exits, options
from specc.cli.failure import WrongSpec, usage
from specc.cli.terminal import echo_error, echo_untrusted

if TYPE_CHECKING:
    from specc.api import Model
    from specc.data.describe import Summary
    from specc.language.schema.spec import Spec
    from specc.runtime.failure import RunFailure
    from specc.runtime.manifest import Field, Manifest

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

    data = manifest.data
    if data is None or data.source == ROWS:
        hint = "`specc train` trains it without data; to use data, add `data:`"
        raise usage(f"the spec of `{manifest.name}` reads no data", hint)
    from specc.data.describe import described
    from specc.data.missing import with_masks
    from specc.data.read import digest, failures, parted, tables_of
    from specc.data.required_parts import missing_parts
    from specc.data.statistics import standardized
    from specc.runtime.failure import RunFailure

    tables = tables_of(data, model.data_dir(data_dir))
    wrong = list(failures(tables, data))
    parts = parted(tables, data)
    if not wrong:
        try:
            parts = with_masks(parts, data)
            wrong = standardized(data, parts).failures
        except RunFailure as failure:
            wrong = [failure]
    wrong += [failure for _, failure in missing_parts(manifest, parts)]
    summaries, found = described(parts, data), digest(parts)
    if as_json:
        typer.echo(json.dumps(_as_json(manifest, summaries, found, wrong), indent=2))
    else:
        echo_untrusted("\n".join([_as_text(manifest, summaries, found), *map(_finding, wrong)]))
    if out is not None:
        from specc.cli.writing import write_bytes
        from specc.data.picture import picture

        write_bytes(Path(out), picture(parts, data))
        typer.echo(f"picture: {out}", err=as_json)
    return exits.FINDINGS if wrong else exits.DONE


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
    data, folder = spec.document.data, data_dir or Path(spec.source.path).parent
    if data is None:
        return None
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
    manifest: Manifest,
    summaries: Mapping[str, Mapping[str, Summary]],
    digest: str,
    wrong: Sequence[RunFailure],
) -> dict[str, Any]:
    """The summary of the data as JSON."""
    assert manifest.data is not None
    fields = manifest.data.fields
    return {
        "source": manifest.data.source,
        "digest": digest,
        "parts": {
            part: {name: {**asdict(s), **_use(manifest, fields[name])} for name, s in of.items()}
            for part, of in summaries.items()
        },
        "findings": [
            {"code": f.code, "place": f.place, "message": f.message, "hint": f.hint} for f in wrong
        ],
    }


def _use(manifest: Manifest, field: Field) -> dict[str, Any]:
    node = manifest.nodes["model"][field.name]
    return {
        "from": field.column if isinstance(field.column, str) else list(field.column),
        "role": node.role,
        "distribution": field.distribution or None,
        "transforms": _transforms(field),
    }


def _transforms(field: Field) -> dict[str, Any]:
    transforms = {
        "scale": field.scale,
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


def _as_text(
    manifest: Manifest, summaries: Mapping[str, Mapping[str, Summary]], digest: str
) -> str:
    assert manifest.data is not None
    lines: list[tuple[str, ...]] = [HEAD]
    for part, fields in summaries.items():
        for name, summary in fields.items():
            lines.append(_line(manifest, manifest.data.fields[name], part, summary))
    head = [f"source: {manifest.data.source}", f"digest: {digest}", ""]
    return "\n".join(head + _table(lines))


def _table(lines: Sequence[Sequence[str]]) -> list[str]:
    """The lines with their cells in columns."""
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    rows = ("  ".join(v.ljust(w) for v, w in zip(line, widths, strict=True)) for line in lines)
    return [row.rstrip() for row in rows]


def _line(manifest: Manifest, field: Field, part: str, summary: Summary) -> tuple[str, ...]:
    """The cells of a row of the table: one field in one part."""
    node = manifest.nodes["model"][field.name]
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
        field.distribution or node.role,
        ", ".join(f"{name}: {_plain(value)}" for name, value in _transforms(field).items()),
    )


def _plain(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value).lower()
