"""Links as torch modules, every layer on a line of its own."""

from __future__ import annotations

from itertools import groupby

from specc.catalog.entry import Initializer, Layer, Lowered
from specc.codegen.writer import Writer


def write_module(out: Writer, attribute: str, lowered: Lowered, imports: set[str]) -> None:
    """`self.attribute = nn.Sequential(...)`, or the one layer, and its initialization."""
    layers = lowered.layers
    if len(layers) == 1:
        _write(out, f"self.{attribute} = ", layers[0], "", imports)
    else:
        whole = Layer("nn.Sequential", children=layers)
        _write(out, f"self.{attribute} = ", whole, "", imports)
    if lowered.init is not None:
        _write_init(out, attribute, lowered.init, imports)


def _write_init(out: Writer, attribute: str, init: Initializer, imports: set[str]) -> None:
    options = [f"{key}={value!r}" for key, value in init.options.items()]
    out.call(_called(init.target, imports), [f"self.{attribute}", *options], "")


def _write(out: Writer, before: str, layer: Layer, after: str, imports: set[str]) -> None:
    called, items = _called(layer.target, imports), _items(layer)
    if not layer.children:
        out.call(f"{before}{called}", items, after)
        return
    out.line(f"{before}{called}(")
    with out.indented():
        for child, same in groupby(layer.children):
            _write_alike(out, child, len(list(same)), imports)
        for item in items:
            out.line(f"{item},")
    out.line(f"){after}")


def _write_alike(out: Writer, layer: Layer, count: int, imports: set[str]) -> None:
    """Layers that are alike, as often: from three on `*(Layer() for _ in range(3)),`."""
    each = f"{_called(layer.target, imports)}({', '.join(_items(layer))})"
    again = f"for _ in range({count})"
    if count < 3 or layer.children or not out.fits(f"    {each}"):
        for _ in range(count):
            _write(out, "", layer, ",", imports)
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


def _called(target: str, imports: set[str]) -> str:
    if target.startswith("nn."):
        return target
    module, name = target.rsplit(".", 1)
    if target.startswith("specc.runtime.init."):
        imports.add(module)
        return f"init.{name}"
    imports.add(target)
    return name


def _value(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)
