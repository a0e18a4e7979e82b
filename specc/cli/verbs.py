"""The verbs of the command line in groups; the module of each has its name."""

from __future__ import annotations

PANELS: dict[str, dict[str, str]] = {
    "Write": {
        "new": "Write a spec to start from.",
        "fmt": "Format specs in canonical style.",
        "compile": "Write the PyTorch code of specs.",
        "schema": "Print the JSON Schema of specs, for editors.",
        "completion": "Print the completion script of a shell.",
    },
    "Check": {
        "check": "Report all errors and warnings in specs.",
        "explain": "Explain the compiler's decisions, an error code, or a name.",
        "graph": "Draw the graph of a spec.",
        "diff": "Show what changed between two specs, revisions or runs.",
        "data": "Show the data that a spec reads, and values that do not fit.",
    },
    "Run": {
        "train": "Train a spec and evaluate the result.",
        "evaluate": "Evaluate a trained run.",
        "sample": "Draw samples from a trained run.",
        "predict": "Predict rows from their given values with a trained run.",
        "impute": "Fill in missing values with a trained run.",
        "query": "Compute exact probabilities, or decide independence in a graph.",
    },
    "Inspect": {
        "report": "Write an HTML page about a run.",
        "runs": "List runs, or compare two of them.",
    },
}

VERBS: dict[str, str] = {name: text for panel in PANELS.values() for name, text in panel.items()}
