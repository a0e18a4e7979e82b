"""What the passes find: diagnostics, and the nodes that no later pass should look at.

A node with an error is marked broken, and so is all that depends on it: one typo, one message.
"""

from __future__ import annotations

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.report import severity
from specc.graph.graph import NodeId


class Findings:
    """A list of diagnostics that grows from pass to pass, and the broken nodes.

    `partial` says that the spec has parts that could not be read, so that it cannot be compiled
    whatever else is found.
    """

    def __init__(self, partial: bool = False) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.broken: set[NodeId] = set()
        self.partial = partial

    def add(self, diagnostic: Diagnostic, node: NodeId | None = None) -> None:
        """Record a finding; with `node`, later passes leave that node alone."""
        self.diagnostics.append(diagnostic)
        if node is not None:
            self.broken.add(node)

    def has_errors(self) -> bool:
        """Whether anything found so far stops the compiler."""
        return self.partial or any(severity(d) == "error" for d in self.diagnostics)
