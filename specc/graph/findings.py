"""The diagnostics of the passes, and the nodes that later passes skip.

A node with an error is marked broken, and so are its descendants, so that a typo gives one message.
"""

from __future__ import annotations

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.report import severity
from specc.graph.nodes import NodeId


class Findings:
    """The diagnostics of all passes so far, and the broken nodes.

    `partial` states that some parts of the spec could not be read, so it cannot be compiled.
    """

    def __init__(self, partial: bool = False) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.broken: set[NodeId] = set()
        self.partial = partial

    def add(self, diagnostic: Diagnostic, node: NodeId | None = None) -> None:
        """Adds a diagnostic; with `node`, later passes skip that node."""
        self.diagnostics.append(diagnostic)
        if node is not None:
            self.broken.add(node)

    def has_errors(self) -> bool:
        """Whether a diagnostic so far is an error."""
        return self.partial or any(severity(d) == "error" for d in self.diagnostics)
