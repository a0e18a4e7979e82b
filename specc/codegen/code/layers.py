"""Prints links as torch modules, with each layer on its own line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from specc.catalog.entry import Initializer, Layer, Lowered
from specc.codegen.code.writer import Writer

INIT = "specc.runtime.init."


def write_module(out: Writer, attribute: str, lowered: Lowered) -> None:
    """Write `self.attribute = nn.Sequential(...)`, or a single layer, and its initialization."""
    layers = lowered.layers
    layer = layers[0] if len(layers) == 1 else Layer("nn.Sequential", children=layers)
    after = ".requires_grad_(requires_grad=False)" if lowered.frozen else ""
    _write(out, f"self.{attribute} = ", layer, after)
    if lowered.init is not None:
        _write_init(out, attribute, lowered.init)


def _write_init(out: Writer, attribute: str, init: Initializer) -> None:
    options = [f"{key}={value!r}" for key, value in init.options.items()]
    out.call(_called(init.target), [f"self.{attribute}", *options], "")


def _write(out: Writer, before: str, layer: Layer, after: str) -> None:
    called, items = _called(layer.target), _items(layer)
    if not layer.children:
        out.call(f"{before}{called}", items, after)
        return
    out.line(f"{before}{called}(")
    with out.indented():
        for child, same in groupby(layer.children):
            _write_repeated(out, child, len(list(same)))
        for item in items:
            out.line(f"{item},")
    out.line(f"){after}")


def _write_repeated(out: Writer, layer: Layer, count: int) -> None:
    """Write equal layers `count` times; three or more as `*(Layer() for _ in range(3)),`."""
    each = f"{_called(layer.target)}({', '.join(_items(layer))})"
    again = f"for _ in range({count})"
    if count < 3 or layer.children or not out.fits(f"    {each}"):
        for _ in range(count):
            _write(out, "", layer, ",")
    elif out.fits(f"*({each} {again}),"):
        out.line(f"*({each} {again}),")
    else:
        out.line("*(")
        with out.indented():
            out.line(each)
            out.line(again)
        out.line("),")


def _items(layer: Layer) -> list[str]:
    named = [f"{key}={_value(value)}" for key, value in layer.options.items()]
    return [_value(argument) for argument in layer.arguments] + named


def _called(target: str) -> str:
    if target.startswith("nn."):
        return target
    name = target.rpartition(".")[2]
    return f"init.{name}" if target.startswith(INIT) else name


def imported_by(lowered: Lowered) -> Iterator[str]:
    """Yield the imports that layers and their initialization need."""
    targets = [layer.target for layer in _all(lowered.layers)]
    targets += [lowered.init.target] if lowered.init is not None else []
    for target in targets:
        if not target.startswith("nn."):
            yield INIT.rstrip(".") if target.startswith(INIT) else target


def _all(layers: Iterable[Layer]) -> Iterator[Layer]:
    for layer in layers:
        yield layer
        yield from _all(layer.children)


def _value(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)
