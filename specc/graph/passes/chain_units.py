"""Nodes that a Markov chain moves along the gradient of an energy.

Such a node of an energy needs no conditional distribution in closed form. Its values are real
numbers, as the chain adds steps and normal noise to them.
"""

from __future__ import annotations

from collections.abc import Mapping

from specc.catalog.registry import CHAINS
from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.report import diagnose
from specc.graph.findings import Findings
from specc.graph.nodes import EnergyNode, Latent, Node, Observed


def chains_of_directed(nodes: Mapping[str, Node], findings: Findings) -> None:
    """Report chains of nodes that no energy depends on (E0287)."""
    energies = (node for node in nodes.values() if isinstance(node, EnergyNode))
    units = {name for energy in energies for name in energy.units}
    for node in (node for node in nodes.values() if node.name not in units):
        if node.draw is not None and node.is_moved:
            kind = node.draw.kind
            findings.add(diagnose("E0287", node.draw.span, name=node.name, chain=kind), node.id)


def chain_mistake(node: Latent | Observed) -> Diagnostic | None:
    """What is wrong with the draw of a node of an energy, if anything.

    It is no chain (E0280), or the node is not continuous, so there is no gradient (E0288).
    """
    if node.draw is None:
        return None
    if not node.is_moved:
        return diagnose("E0280", node.span, name=node.name, key="draw")
    if not node.entry.continuous:
        span, chain = node.draw.span, node.draw.kind
        return diagnose("E0288", span, name=node.name, kind=node.entry.name, chain=chain)
    return None


def or_chain(node: Latent | Observed) -> str:
    """The end of a hint: the chains that draw a continuous node without a closed form."""
    if not node.entry.continuous:
        return ""
    shown = ", ".join(f"`{name}`" for name in CHAINS)
    return f", or give `{node.name}` a chain along the gradient with `draw:`, one of {shown}"
