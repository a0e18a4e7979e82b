"""Links as torch modules, every layer on a line of its own."""

from __future__ import annotations

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
    called = _called(layer.target, imports)
    items = [_value(a) for a in layer.arguments]
    items += [f"{key}={_value(value)}" for key, value in layer.options.items()]
    if not layer.children:
        out.call(f"{before}{called}", items, after)
        return
    out.line(f"{before}{called}(")
    with out.indented():
        for child in layer.children:
            _write(out, "", child, ",", imports)
        for item in items:
            out.line(f"{item},")
    out.line(f"){after}")


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
