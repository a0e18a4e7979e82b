"""The page of a run: a single HTML file without scripts, external links or other files."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, TypeGuard

from specc.counted import counted
from specc.engine.storage import checkpoint, file_io, metrics_log, run_folder
from specc.engine.storage.loaded_run import LoadedRun
from specc.engine.storage.record_schemas import Facts
from specc.evaluate import decomposition
from specc.report import svg
from specc.report.classification_section import classification_section
from specc.report.filters import MOST, filters
from specc.report.final_evaluation import RECONSTRUCTIONS, SAMPLES, picture_field
from specc.report.guide import guide_section
from specc.report.latent import Latent, between, latent_of, principal
from specc.report.likelihood_figures import normalizer_in_words, relation_of
from specc.report.markup import figure, table
from specc.report.pictures import as_png
from specc.report.plane import PLANE
from specc.report.posterior import PICTURE, in_words, posterior_section
from specc.report.posterior_checks import CHECKS, PAIRS
from specc.report.sample_figures import likelihoods, line, of_samples, rows_of
from specc.report.snapshots import snapshots
from specc.report.standard_error import error_of, own_units
from specc.report.styles import class_grid, prior_interpolations
from specc.report.training import training
from specc.report.values import values_section

STYLE = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: its anchor, its heading, and its HTML."""

    anchor: str
    heading: str
    body: str


OF_POSTERIOR = (PICTURE, CHECKS, PAIRS)
"""The pictures of a posterior by chains, or by a guide."""


def page(loaded: LoadedRun) -> str:
    """The page of a loaded run.

    Raises RunFailure: E0803, if the hash of a file that the page shows is wrong.
    """
    facts, _ = run_folder.facts_of(loaded.folder)
    last = checkpoint.latest(loaded.folder)
    if last is not None:
        metrics_log.known_part(loaded.folder, last.metrics)
    name = loaded.manifest.name
    sections = [section for section in _sections(loaded, facts) if section.body]
    headline = _headline(loaded.folder, run_folder.read_metrics(loaded.folder))
    links = "".join(f'<a href="#{s.anchor}">{escape(s.heading)}</a>' for s in sections)
    body = "".join(
        f'<section id="{s.anchor}"><h2>{escape(s.heading)}</h2>{s.body}</section>' for s in sections
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(name)}</title><style>{STYLE}</style></head><body>"
        f"<header><h1>{escape(name)}</h1><p>{escape(loaded.manifest.doc)}</p>"
        f'{headline}</header><nav aria-label="Sections">{links}</nav>'
        f"<main>{body}</main></body></html>\n"
    )


def _sections(loaded: LoadedRun, facts: Facts) -> Iterator[Section]:
    """The sections of the page, in order; some may be empty."""
    folder = loaded.folder
    metrics = run_folder.read_metrics(folder)
    part = loaded.held_out
    yield Section("metrics", "Metrics", _metrics(folder))
    result = run_folder.result_of(folder)
    captions = result.get("captions", {})
    named = [(folder / name, captions[name]) for name in OF_POSTERIOR if name in captions]
    drawn = "".join(_picture(path, words) for path, words in named)
    yield Section("posterior", "Posterior", posterior_section(result.get("posterior"), drawn))
    yield Section("guide", "Posterior by the guide", guide_section(result.get("guide"), drawn))
    yield Section("values", "Values that are summed out", values_section(result.get("shared", {})))
    yield Section("curves", "Training", training(metrics, loaded.manifest.losses))
    yield Section("bound", "Terms of the loss", _bound(loaded, part))
    yield Section("labels", "Labels", classification_section(loaded, part))
    yield Section("snapshots", "Samples during training", _snapshots(folder))
    yield Section("samples", "Samples", _picture(folder / SAMPLES, "Samples from the model"))
    yield Section(
        "plane", "Points", _picture(folder / PLANE, "Data, samples, and the density of the model")
    )
    pairs = "Rows of data, each above its reconstruction"
    yield Section("pairs", "Reconstructions", _picture(folder / RECONSTRUCTIONS, pairs))
    yield Section("filters", "Filters", _filters(loaded))
    yield Section("styles", "Classes and styles", _styles(loaded))
    yield Section("latent", "Latent space", _latent(loaded, part))
    yield Section("graph", "Graph", _graph(run_folder.current(folder, facts, run_folder.GRAPH)))
    explained = run_folder.current(folder, facts, run_folder.EXPLAIN)
    yield Section("mathematics", "Mathematics", _text(explained))
    yield Section("spec", "Spec", _spec(run_folder.current(folder, facts, run_folder.SPEC)))
    yield Section("provenance", "Provenance", _provenance(facts))


def _headline(folder: Path, metrics: Sequence[Mapping[str, Any]]) -> str:
    """The first metric, or the training loss of a run without metrics."""
    found = run_folder.result_of(folder)
    figures = likelihoods(found)
    if figures:
        name, first = next(iter(figures.items()))
        sign = escape(relation_of(first)).replace("&gt;=", "&ge;")
        value, error = _nats(first["value"], 2), error_of(first["standard_error"], 2)
        words = f"{escape(first.get('of', 'log p(x)'))} {sign} {value}"
        words += "" if error is None else f" &plusmn; {error}"
        scale = first.get("log_scale")
        units = "" if scale is None else f", transformed: {own_units(scale)}"
        return f'<p class="headline"><b>{words}</b> nats a row on {escape(name)}{units}</p>'
    samples = of_samples(found)
    if samples:
        name, shown = next(iter(samples.items()))
        return f'<p class="headline">{escape(line(name, shown))}</p>'
    if "posterior" in found:
        return f'<p class="headline">{escape(in_words(found["posterior"]))}</p>'
    epochs = counted(len(metrics), "epoch")
    if not metrics:
        return '<p class="headline">The first epoch is not complete.</p>'
    loss = f"<b>loss {_nats(metrics[-1]['loss'], 2)}</b> on the training rows after {epochs}"
    after = "" if found else "; training is not complete"
    return f'<p class="headline">{loss}{after}</p>'


def _metrics(folder: Path) -> str:
    """The tables of metrics in result.json."""
    result = run_folder.result_of(folder)
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
        for name, f in likelihoods(result).items()
    ]
    head = (
        "metric",
        "estimator",
        "nats a row",
        "std. error",
        "particles",
        "rows",
        "ESS",
        "k > 0.7",
    )
    notes = "".join(
        f"<p>{escape(name)}: {escape('; '.join(normalizer_in_words(own)))}</p>"
        for name, own in likelihoods(result).items()
        if "log_z" in own or "simulated" in own
    )
    return (table(head, rows) if rows else "") + notes + rows_of(of_samples(result))


def _nats(value: float | None, digits: int = 3) -> str:
    return "not finite" if value is None else f"{value:.{digits}f}"


def _number(value: object) -> str:
    return f"{value:.1f}" if _is_finite(value) else "-"


def _share(value: object) -> str:
    return f"{100 * value:.1f} %" if _is_finite(value) else "-"


def _is_finite(value: object) -> TypeGuard[float]:
    return isinstance(value, float) and math.isfinite(value)


def _bound(loaded: LoadedRun, part: str) -> str:
    """The section on the terms of the loss and the active units."""
    means = decomposition.loss_terms(loaded, part)
    rows = [(n, f"{m.value:.3f}", error_of(m.standard_error) or "-") for n, m in means.items()]
    terms = table(("term", "mean over rows", "std. error"), rows)
    kl = {name: m.value for name, m in means.items() if name.startswith("KL(")}
    units = decomposition.active_units(loaded, part)
    active_units = "".join(
        f"<p>{active} of the {of} units of <code>{escape(name)}</code> are active.</p>"
        for name, (active, of) in units.items()
    )
    drawn = (
        figure(svg.bars(kl, "Divergence of each latent", "nats"), "Divergences")
        if len(kl) > 1
        else ""
    )
    over = decomposition.averaged_over(loaded)
    means_over = f", means over {over}" if over else ""
    has_densities = any(loss.bound for loss in loaded.manifest.losses)
    unit = "; densities and divergences in nats" if has_densities else ""
    where = f"<p>On the {escape(part)} rows{means_over}{unit}.</p>"
    return f"{where}{terms}{drawn}{active_units}"


def _filters(loaded: LoadedRun) -> str:
    """The weights of each unit as a picture; "" if no parameter has an axis of pixels."""
    drawn = []
    for name, units, pixels in filters(loaded):
        many = f"the first {MOST} of {units:,}" if units > MOST else f"all {units}"
        words = f"The weights of {name} as pictures, {many}: zero is grey, positive weights lighter"
        drawn.append(_image(as_png(pixels), words))
    return "".join(drawn)


def _styles(loaded: LoadedRun) -> str:
    """A grid of classes by draws of the latents; "" if the model is not conditioned on a class."""
    shown = picture_field(loaded)
    found = class_grid(loaded, shown) if shown is not None else None
    if found is None:
        return ""
    pixels, name = found
    words = f"A row for each value of {name}, a column for each draw of the latents from the prior"
    return _image(as_png(pixels), words)


def _prior_interpolations(loaded: LoadedRun) -> str:
    """Interpolations between prior draws of the latent; "" if the model has no such pictures."""
    shown = picture_field(loaded)
    pixels = prior_interpolations(loaded, shown) if shown is not None else None
    words = "Great circles between pairs of draws of the latent from the prior"
    return "" if pixels is None else _image(as_png(pixels), words)


def _latent(loaded: LoadedRun, part: str) -> str:
    """The section on the latent space."""
    latent = latent_of(loaded, part)
    if latent is None:
        return _prior_interpolations(loaded) or _not_drawn(loaded)
    drawn = []
    found = principal(latent)
    if found is not None:
        places, share = found
        words = (
            f"E[{latent.name} | x] along its first two principal directions, "
            f"{100 * share:.0f} % of the variance"
        )
        drawn.append(figure(_points(latent, places, words), _coloured(latent, words)))
    shown = picture_field(loaded)
    pixels = between(loaded, latent, shown) if shown is not None else None
    if pixels is not None:
        drawn.append(
            _image(as_png(pixels), "Linear interpolation between the latents of pairs of rows")
        )
    return "".join([*drawn, _prior_interpolations(loaded)])


def _not_drawn(loaded: LoadedRun) -> str:
    """Why there is no drawing of latents of rows; "" if no guide draws any."""
    nodes = loaded.manifest.nodes
    if all(node.is_global for node in nodes.get("guide", {}).values() if node.role == "latent"):
        return ""
    return "<p>Not drawn: this needs exactly one local, real-valued latent vector.</p>"


def _points(latent: Latent, places: list[tuple[float, float]], words: str) -> str:
    own = latent.classes
    numbers, names = (own.numbers, own.names) if own is not None else ((), ())
    axes = "first principal direction", "second principal direction"
    return svg.points(places, words, *axes, numbers, names)


def _coloured(latent: Latent, words: str) -> str:
    return words if latent.classes is None else f"{words}, coloured by {latent.classes.of}"


def _picture(path: Path, words: str) -> str:
    """A picture of the final evaluation; "" if there is none that can be read."""
    try:
        return _image(file_io.read(path), words)
    except (OSError, ValueError):
        return ""


def _snapshots(folder: Path) -> str:
    """The samples after each epoch that has a picture, in order; "" if there are none."""
    drawn = [_picture(path, f"Epoch {epoch:,}") for epoch, path in snapshots(folder)]
    return f'<div class="row">{"".join(drawn)}</div>' if any(drawn) else ""


def _image(png: bytes, words: str) -> str:
    data = base64.b64encode(png).decode("ascii")
    image = f'<img alt="{escape(words)}" src="data:image/png;base64,{data}">'
    return f"<figure>{image}<figcaption>{escape(words)}</figcaption></figure>"


def _graph(drawing: bytes | None) -> str:
    """The drawing as a separate image, so that its elements are not part of the page."""
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
