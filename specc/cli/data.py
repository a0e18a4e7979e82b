"""`specc data`: what a spec will read, before anything is trained on it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from specc.cli import exits, options
from specc.cli.failure import WrongSpec, usage
from specc.cli.terminal import echo_error, echo_foreign

if TYPE_CHECKING:
    from specc.api import Model
    from specc.data.describe import Summary
    from specc.language.schema.spec import Spec
    from specc.runtime.failure import RunFailure
    from specc.runtime.manifest import Field, Manifest

HEAD = ("part", "field", "from", "rows", "shape", "type", "range", "missing", "taken by", "as")


HELP = "Show the data that SPEC reads: parts, fields, ranges, and what does not fit."


def command(
    spec: options.Spec,
    *,
    settings: options.Settings,
    data_dir: options.DataDir = None,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="PNG", help="Draw it: a grid of pictures, or histograms."),
    ] = None,
    as_json: options.Json = False,
) -> int:
    """Read, print and draw; values that do not fit are findings."""
    if out is not None and Path(out).suffix != ".png":
        raise usage(f"{out} does not end in .png", "for example --out data.png")
    model, manifest = _read(spec, settings, data_dir)
    from specc.data.rows import ROWS

    data = manifest.data
    if data is None or data.source == ROWS:
        hint = "`specc train` trains it on rows without data; add `data:` for others"
        raise usage(f"the spec of `{manifest.name}` reads no data", hint)
    from specc.data.describe import described
    from specc.data.missing import marked
    from specc.data.read import digest, failures, parted, tables_of
    from specc.data.statistics import standardized
    from specc.data.wanted import lacking
    from specc.runtime.failure import RunFailure

    tables = tables_of(data, model.data_dir(data_dir))
    wrong = list(failures(tables, data))
    parts = parted(tables, data)
    if not wrong:
        try:
            parts = marked(parts, data)
            wrong = standardized(data, parts).failures
        except RunFailure as failure:
            wrong = [failure]
    wrong += [failure for _, failure in lacking(manifest, parts)]
    summaries, found = described(parts, data), digest(parts)
    if as_json:
        typer.echo(json.dumps(_as_json(manifest, summaries, found, wrong), indent=2))
    else:
        echo_foreign("\n".join([_as_text(manifest, summaries, found), *map(_said, wrong)]))
    if out is not None:
        from specc.cli.files import write_bytes
        from specc.data.picture import picture

        write_bytes(Path(out), picture(parts, data))
        typer.echo(f"picture: {out}", err=as_json)
    return exits.FINDINGS if wrong else exits.DONE


def _said(failure: RunFailure) -> str:
    place = f"{failure.place}: " if failure.place else ""
    hint = f"\n  {failure.hint}" if failure.hint else ""
    return f"\n{place}error[{failure.code}]: {failure.message}{hint}"


def _read(spec: str, settings: Sequence[str], data_dir: Path | None) -> tuple[Model, Manifest]:
    """A sound spec, and its manifest as a run would read it.

    Of a spec that is wrong it shows what the files hold, which may be what is to be corrected.
    """
    from specc.api import Model
    from specc.cli.findings import examine, has_errors, rendered
    from specc.codegen.manifest import manifest
    from specc.runtime.manifest import parse

    checked, findings = examine(spec, settings)
    if checked is None or has_errors(findings):
        shown = None if checked is None or checked.spec is None else _held(checked.spec, data_dir)
        raise WrongSpec("\n".join(filter(None, [rendered(findings), shown])))
    if findings:
        echo_error(rendered(findings))
    assert checked.plan is not None, "a sound spec has no plan"
    found = parse(json.loads(json.dumps(manifest(checked.plan))))
    return Model(checked.plan, tuple(checked.diagnostics), tuple(settings)), found


def _held(spec: Spec, data_dir: Path | None) -> str | None:
    """A table of the columns that the files hold, with the field that each would be."""
    data, folder = spec.document.data, data_dir or Path(spec.source.path).parent
    if data is None:
        return None
    from specc.data.held import held
    from specc.runtime.failure import RunFailure

    columns = [field.column for field in data.fields.values()]
    used = {name for own in columns for name in ([own] if isinstance(own, str) else own)}
    try:
        found = held(data.source, data.options, folder, used or None)
    except RunFailure as failure:
        return f"the data cannot be shown: {failure}"
    names = {str(field.column): name for name, field in data.fields.items()}
    lines = [("part", "column", "rows", "shape", "type", "range", "as a field")]
    for own in found:
        field = f"{names.get(own.name, own.name)}: {{from: {own.name}, shape: {own.shape}}}"
        numbers = own.found
        span = "none" if numbers.low is None else f"{numbers.low:.4g} to {numbers.high:.4g}"
        lines.append((own.part, own.name, str(numbers.rows), own.shape, numbers.kind, span, field))
    return "\n".join(["", f"what `{data.source}` holds:", *_table(lines)])


def _as_json(
    manifest: Manifest,
    summaries: Mapping[str, Mapping[str, Summary]],
    digest: str,
    wrong: Sequence[RunFailure],
) -> dict[str, Any]:
    assert manifest.data is not None
    fields = manifest.data.fields
    return {
        "source": manifest.data.source,
        "digest": digest,
        "parts": {
            part: {name: {**asdict(s), **_taken(manifest, fields[name])} for name, s in of.items()}
            for part, of in summaries.items()
        },
        "findings": [
            {"code": f.code, "place": f.place, "message": f.message, "hint": f.hint} for f in wrong
        ],
    }


def _taken(manifest: Manifest, field: Field) -> dict[str, Any]:
    node = manifest.nodes["model"][field.name]
    return {
        "from": field.column if isinstance(field.column, str) else list(field.column),
        "role": node.role,
        "distribution": field.distribution or None,
        "transforms": _transforms(field),
    }


def _transforms(field: Field) -> dict[str, Any]:
    given = {
        "scale": field.scale,
        "standardize": field.standardize or None,
        "binarize": field.binarize,
        "one_hot": field.one_hot,
        "missing": field.missing and field.missing.marker,
        "hide": field.missing and _words(field.missing.hide),
        "repeat": field.missing and (field.missing.repeat if field.missing.repeat > 1 else None),
        "many_hot": field.many_hot and f"{field.many_hot[1]} from {field.many_hot[0]}",
    }
    return {name: value for name, value in given.items() if value is not None}


def _words(options: Mapping[str, Any] | None) -> str | None:
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
    said = [f"source: {manifest.data.source}", f"digest: {digest}", ""]
    return "\n".join(said + _table(lines))


def _table(lines: Sequence[Sequence[str]]) -> list[str]:
    """The lines with their cells in columns."""
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    rows = ("  ".join(v.ljust(w) for v, w in zip(line, widths, strict=True)) for line in lines)
    return [row.rstrip() for row in rows]


def _line(manifest: Manifest, field: Field, part: str, summary: Summary) -> tuple[str, ...]:
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
