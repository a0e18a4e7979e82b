"""The sizes of plates: of indexed ones, of sequences and of sets."""

from __future__ import annotations

from collections.abc import Mapping

from specc.catalog.limits import MAX_SIZE, MAX_STEPS
from specc.diagnostics.report import diagnose
from specc.graph.constants import number_of
from specc.graph.findings import Findings
from specc.graph.graph import DataField
from specc.graph.passes.amounts import too_large
from specc.language.expressions.tree import Expression
from specc.language.expressions.walk import names
from specc.language.schema.document import Scan
from specc.language.schema.spec import Spec


def plate_sizes(
    spec: Spec,
    constants: Mapping[str, object],
    fields: Mapping[str, DataField],
    findings: Findings,
) -> dict[str, int]:
    """The number of elements of each plate; one that has an error is 1."""
    sizes: dict[str, int] = {}
    for name, plate in spec.document.plates.items():
        is_scan = isinstance(plate, Scan)
        size: Expression | None = plate.steps if isinstance(plate, Scan) else plate
        if size is not None and any(spec.unread.holds("constants", n.id) for n in names(size)):
            sizes[name] = 1
            continue
        key = "size" if isinstance(plate, Scan) and not plate.is_ordered else "scan"
        span = spec.spans.value(("plates", name, key) if is_scan else ("plates", name))
        value = _of_data(spec, name, fields) if size is None else None
        if size is not None:
            value = number_of(size, constants, lambda name: None)
        sizes[name] = value if isinstance(value, int) and value >= 1 else 1
        if sizes[name] != value:
            findings.add(diagnose("E0212", span, name=name, value=span.text))
        what, limit = ("steps", MAX_STEPS) if is_scan else ("elements", MAX_SIZE)
        found = too_large(f"the count of {what} of `{name}`", sizes[name], span, limit)
        if found is not None:
            findings.add(found)
            sizes[name] = 1
    return sizes


def _of_data(spec: Spec, plate: str, fields: Mapping[str, DataField]) -> int | float | None:
    """The first size of the data of a node on a plate, or None."""
    for name, node in spec.document.model.items():
        if node.plate != plate or node.role not in ("observed", "given"):
            continue
        field = fields.get(str(node.head) if node.role == "given" else node.from_field or name)
        if field is not None and field.shape:
            return field.shape[0]
    return None
