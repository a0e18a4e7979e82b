"""The verbs of the command line, by what a user wants to do; each is a file of its name."""

from __future__ import annotations

PANELS: dict[str, dict[str, str]] = {
    "Write": {
        "new": "Write a small spec to start from.",
        "fmt": "Format specs in canonical style.",
        "compile": "Write the PyTorch code of specs.",
        "schema": "Print the JSON Schema of specs, for editors.",
        "completion": "Print the completion script of a shell.",
    },
    "Check": {
        "check": "Report everything that is wrong with specs.",
        "explain": "Show what the compiler decided for a spec, or what a code or name means.",
        "graph": "Draw the graph of a spec.",
        "diff": "Show what changed between two specs, or two revisions of one.",
        "data": "Show the data that a spec reads, and what in it does not fit.",
    },
    "Run": {
        "train": "Train a spec and evaluate the result.",
        "evaluate": "Evaluate a trained run.",
        "sample": "Draw samples from a trained run.",
        "impute": "Fill in missing values with a trained run.",
        "query": "Compute exact probabilities, and read independence off a graph.",
    },
    "Look": {
        "report": "Write a trained run as one HTML page.",
        "runs": "List runs, or compare two of them.",
    },
}

VERBS: dict[str, str] = {name: text for panel in PANELS.values() for name, text in panel.items()}
