"""Entries of the reference, for `specc explain normal` and `specc explain train.epochs`."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from specc.cli.failure import usage

SPEC_ENDINGS = (".yaml", ".yml")


def is_spec(word: str) -> bool:
    """Whether a word names a spec: `-`, an existing file, or a word that looks like a path."""
    if word == "-" or word.endswith(SPEC_ENDINGS) or any(mark in word for mark in "/\\:"):
        return True
    return Path(word).is_file()


def entries(word: str, as_json: bool = False) -> str:
    """The entries of a name or key; raises `Failure` if there is none."""
    from specc.catalog.registry import DISTRIBUTIONS
    from specc.reference.pages import find, guess
    from specc.reference.text import render

    found = find(word)
    if not found:
        meant = guess(word)
        about = "there is no spec, code, name of the catalog or key of a spec"
        hint = (
            f"did you mean `{meant}`?" if meant else "names, keys and codes are in docs/reference"
        )
        raise usage(f"{about} `{word}`", DISTRIBUTIONS.problem(word) or hint)
    if as_json:
        values = [dataclasses.asdict(entry) for entry in found]
        return json.dumps(values, indent=2, ensure_ascii=False) + "\n"
    return "\n\n".join(render(entry) for entry in found)
