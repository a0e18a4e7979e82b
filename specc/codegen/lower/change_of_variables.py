"""Lowers the log-determinant of the maps from unconstrained numbers onto the latents."""

from __future__ import annotations

from specc.codegen.code import expressions as code
from specc.codegen.code.expressions import Code, Signed
from specc.codegen.code.statements import Function, Return
from specc.codegen.lower.ends import log_det_of
from specc.codegen.plan import ProgramPlan

LONGEST = 85
"""The characters of a summary that fit into a line, indented and in quotation marks."""


def log_det(program: ProgramPlan) -> Function:
    """Return `log_det`: the sum over the latents of the log-determinants of their maps."""
    mapped = [item for item in program.learnable if item.constrainer.log_det]
    names = ", ".join(item.node.name for item in mapped)
    free = ", ".join(item.raw for item in mapped)
    words = f"log |det d({names}) / d({free})|." if mapped else "0: the latents are real numbers."
    if len(words) > LONGEST:
        words = "log |det dw/du| of the maps from unconstrained numbers u onto the latents w."
    terms = tuple(Signed(False, log_det_of(item)) for item in mapped)
    value: Code = code.Sum(terms)
    if not terms:
        value = code.call(code.torch("zeros"), code.Tuple(()))
    return Function("log_det", (), (), "Tensor", words, (Return(value),))
