"""The C++ code of each operation of torch, by its name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from specc.engine.compile import cpp_entries, cpp_sums, cpp_views
from specc.engine.compile.cpp_entries import LOGIC, NUMBERS, SUM, TRUTHS

Operation = Callable[..., Any]

POINTWISE: dict[str, Operation] = {
    **{
        name: partial(cpp_entries.by_entry, form)
        for name, form in (NUMBERS | TRUTHS | LOGIC).items()
    },
    "pow": cpp_entries.power,
    "where": cpp_entries.choice,
    "clamp": cpp_entries.clamp,
    "clamp_min": cpp_entries.clamp,
    "clamp_max": lambda code, shape, x, high: cpp_entries.clamp(code, shape, x, high=high),
}
"""The operations whose result has an entry for each entry of the inputs."""

OPERATIONS: dict[str, Operation] = {
    **POINTWISE,
    "_to_copy": cpp_entries.copied,
    "clone": cpp_entries.same,
    "copy": lambda code, shape, x, source, *_: cpp_views.expand(code, shape, code.operand(source)),
    "detach": cpp_entries.same,
    "alias": cpp_entries.same,
    "lift_fresh_copy": cpp_entries.same,
    "view": cpp_views.view,
    "_unsafe_view": cpp_views.view,
    "reshape": cpp_views.view,
    "unsqueeze": cpp_views.view,
    "squeeze": cpp_views.view,
    "expand": cpp_views.expand,
    "permute": cpp_views.permute,
    "transpose": cpp_views.transpose,
    "t": cpp_views.transpose,
    "select": cpp_views.select,
    "slice": cpp_views.part,
    "unbind": cpp_views.unbind,
    "split": cpp_views.split,
    "split_with_sizes": cpp_views.split,
    "flip": cpp_views.flip,
    "getitem": cpp_views.getitem,
    "cat": cpp_views.joined,
    "stack": cpp_views.stacked,
    "select_scatter": cpp_views.select_scatter,
    "slice_scatter": cpp_views.slice_scatter,
    "constant_pad_nd": cpp_views.padded,
    "index": cpp_views.index,
    "_unsafe_index": cpp_views.index,
    "index_put": cpp_views.index_put,
    "_unsafe_index_put": cpp_views.index_put,
    "index_select": cpp_views.index_select,
    "gather": cpp_views.gather,
    "scatter_add": cpp_views.scatter_add,
    "sum": partial(cpp_sums.reduced, SUM, "V{}"),
    "amax": partial(cpp_sums.reduced, "v_maximum({0}, {1})", "K(-INFINITY)"),
    "amin": partial(cpp_sums.reduced, "v_minimum({0}, {1})", "K(INFINITY)"),
    "mean": cpp_sums.mean,
    "argmax": cpp_sums.argmax,
    "any": cpp_sums.any_of,
    "all": cpp_sums.all_of,
    "cumsum": cpp_sums.cumsum,
    "mm": cpp_sums.product,
    "bmm": cpp_sums.product,
    "mv": cpp_sums.matrix_vector,
    "dot": cpp_sums.dot,
    "addmm": cpp_sums.add_product,
}
"""The code of each operation by its name."""
