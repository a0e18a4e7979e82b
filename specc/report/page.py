"""A run on one page: a single HTML file without scripts, links to elsewhere, or other files."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, TypeGuard

from specc.engine import checkpoint, files, log, record
from specc.engine.forms import Facts
from specc.engine.opened import OpenRun
from specc.evaluate import anatomy
from specc.report import svg
from specc.report.conclude import RECONSTRUCTIONS, SAMPLES, picture_field
from specc.report.errors import error_of, own_units
from specc.report.labelled import labelled
from specc.report.latent import Latent, between, latent_of, principal
from specc.report.markup import figure, table
from specc.report.pictures import as_png
from specc.report.plane import PLANE
from specc.report.training import training

STYLE = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: its anchor, its heading, and its HTML."""

    anchor: str
    heading: str
    body: str


def page(opened: OpenRun) -> str:
    """The whole page of a run that is open.

    Raises RunFailure: E0803, where a file that it shows is not what was written.
    """
    facts, _ = record.facts_of(opened.folder)
    last = checkpoint.latest(opened.folder)
    if last is not None:
        log.known_part(opened.folder, last.metrics)
    name = opened.manifest.name
    sections = [section for section in _sections(opened, facts) if section.body]
    headline = _headline(opened.folder, record.read_metrics(opened.folder))
    links = "".join(f'<a href="#{s.anchor}">{escape(s.heading)}</a>' for s in sections)
    body = "".join(
        f'<section id="{s.anchor}"><h2>{escape(s.heading)}</h2>{s.body}</section>' for s in sections
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(name)}</title><style>{STYLE}</style></head><body>"
        f"<header><h1>{escape(name)}</h1><p>{escape(opened.manifest.doc)}</p>"
        f'{headline}</header><nav aria-label="Sections">{links}</nav>'
        f"<main>{body}</main></body></html>\n"
    )


def _sections(opened: OpenRun, facts: Facts) -> Iterator[Section]:
    folder = opened.folder
    metrics = record.read_metrics(folder)
    part = opened.held_out
    yield Section("figures", "Figures", _figures(folder))
    yield Section("curves", "Training", training(metrics))
    yield Section("bound", "What the loss is made of", _bound(opened, part))
    yield Section("labels", "Labels", labelled(opened, part))
    yield Section("samples", "Samples", _picture(folder / SAMPLES, "Samples from the model"))
    yield Section(
        "plane", "Points", _picture(folder / PLANE, "Data, samples, and the density of the model")
    )
    pairs = "Rows of data, each above its reconstruction"
    yield Section("pairs", "Reconstructions", _picture(folder / RECONSTRUCTIONS, pairs))
    yield Section("latent", "Latent space", _latent(opened, part))
    yield Section("graph", "Graph", _graph(record.current(folder, facts, record.GRAPH)))
    explained = record.current(folder, facts, record.EXPLAIN)
    yield Section("mathematics", "Mathematics", _text(explained))
    yield Section("spec", "Spec", _spec(record.current(folder, facts, record.SPEC)))
    yield Section("provenance", "Provenance", _provenance(facts))


def _headline(folder: Path, metrics: Sequence[Mapping[str, Any]]) -> str:
    """The first figure, large; the loss of a run that has none; how far a run is that goes on."""
    found = record.result_of(folder)
    figures = list(found.get("evaluate", {}).items())
    if figures:
        name, first = figures[0]
        sign = "=" if first["estimator"] == "exact" else "&ge;"
        value, error = _nats(first["value"], 2), error_of(first["standard_error"], 2)
        words = f"{escape(first.get('of', 'log p(x)'))} {sign} {value}"
        words += "" if error is None else f" &plusmn; {error}"
        scale = first.get("log_scale")
        units = "" if scale is None else f", standardized: {own_units(scale)}"
        return f'<p class="headline"><b>{words}</b> nats a row on {escape(name)}{units}</p>'
    epochs = f"{len(metrics)} epoch{'' if len(metrics) == 1 else 's'}"
    if not metrics:
        return '<p class="headline">The first epoch is not complete.</p>'
    loss = f"<b>loss {_nats(metrics[-1]['loss'], 2)}</b> on the training rows after {epochs}"
    after = "" if found else "; training is not complete"
    return f'<p class="headline">{loss}{after}</p>'


def _figures(folder: Path) -> str:
    rows = [
        (
            name,
            f["estimator"],
            _nats(f["value"]),
            error_of(f["standard_error"]) or "-",
            f"{f['particles']:,}",
            f"{f['rows']:,}",
            _number(f.get("effective_sample_size")),
            _share(f.get("pareto_k_above_0.7")),
        )
        for name, f in record.result_of(folder).get("evaluate", {}).items()
    ]
    head = (
        "figure",
        "estimator",
        "nats a row",
        "std. error",
        "particles",
        "rows",
        "ESS",
        "k > 0.7",
    )
    return table(head, rows) if rows else ""


def _nats(value: float | None, digits: int = 3) -> str:
    return "not finite" if value is None else f"{value:.{digits}f}"


def _number(value: object) -> str:
    return f"{value:.1f}" if _is_finite(value) else "-"


def _share(value: object) -> str:
    return f"{100 * value:.1f} %" if _is_finite(value) else "-"


def _is_finite(value: object) -> TypeGuard[float]:
    return isinstance(value, float) and math.isfinite(value)


def _bound(opened: OpenRun, part: str) -> str:
    shares = anatomy.parts(opened, part)
    rows = [(n, f"{s.value:.3f}", error_of(s.standard_error) or "-") for n, s in shares.items()]
    terms = table(("term", "nats a row", "std. error"), rows)
    kl = {name: s.value for name, s in shares.items() if name.startswith("KL(")}
    units = anatomy.active_units(opened, part)
    told = "".join(
        f"<p>{active} of the {of} units of <code>{escape(name)}</code> are active.</p>"
        for name, (active, of) in units.items()
    )
    drawn = (
        figure(svg.bars(kl, "Divergence of each latent", "nats"), "Divergences")
        if len(kl) > 1
        else ""
    )
    return f"<p>On the {escape(part)} rows.</p>{terms}{drawn}{told}"


def _latent(opened: OpenRun, part: str) -> str:
    latent = latent_of(opened, part)
    if latent is None:
        return (
            "<p>Not drawn: this needs exactly one local, real-valued latent vector and a guide.</p>"
        )
    drawn = []
    found = principal(latent)
    if found is not None:
        places, share = found
        words = (
            f"E[{latent.name} | x] along its first two principal directions, "
            f"{100 * share:.0f} % of the variance"
        )
        drawn.append(figure(_points(latent, places, words), _coloured(latent, words)))
    shown = picture_field(opened)
    pixels = between(opened, latent, shown) if shown is not None else None
    if pixels is not None:
        drawn.append(
            _image(as_png(pixels), "Linear interpolation between the latents of pairs of rows")
        )
    return "".join(drawn)


def _points(latent: Latent, places: list[tuple[float, float]], words: str) -> str:
    own = latent.classes
    numbers, names = (own.numbers, own.names) if own is not None else ((), ())
    axes = "first principal direction", "second principal direction"
    return svg.points(places, words, *axes, numbers, names)


def _coloured(latent: Latent, words: str) -> str:
    return words if latent.classes is None else f"{words}, coloured by {latent.classes.of}"


def _picture(path: Path, words: str) -> str:
    """A picture of the run's end, where it has one that can be read."""
    try:
        return _image(files.read(path), words)
    except (OSError, ValueError):
        return ""


def _image(png: bytes, words: str) -> str:
    data = base64.b64encode(png).decode("ascii")
    image = f'<img alt="{escape(words)}" src="data:image/png;base64,{data}">'
    return f"<figure>{image}<figcaption>{escape(words)}</figcaption></figure>"


def _graph(drawing: bytes | None) -> str:
    """The drawing as a picture of its own, so that nothing in it is part of the page."""
    if drawing is None:
        return ""
    data = base64.b64encode(drawing).decode("ascii")
    words = "The model and its guide as graphs"
    image = f'<img class="paper" alt="{words}" src="data:image/svg+xml;base64,{data}">'
    return f"<figure>{image}</figure>"


def _text(text: bytes | None) -> str:
    return "" if text is None else f"<pre>{escape(text.decode('utf-8', 'replace'))}</pre>"


def _spec(spec: bytes | None) -> str:
    if spec is None:
        return ""
    lines = spec.decode("utf-8", "replace").splitlines()
    numbered = "".join(f"<li><code>{escape(line) or ' '}</code></li>" for line in lines)
    return f'<ol class="source">{numbered}</ol>'


def _provenance(facts: Mapping[str, Any]) -> str:
    rows = []
    for key, value in facts.items():
        if key == "files":
            continue
        if isinstance(value, Mapping):
            rows += [(f"{key}.{k}", _plain(v)) for k, v in value.items()]
        elif value not in (None, {}, []):
            rows.append((key, _plain(value)))
    return table(("what", "value"), rows, "facts")


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
