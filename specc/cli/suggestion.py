"""The likely meaning of an option that a verb does not have."""

from __future__ import annotations

import typer


def suggestion(error: typer.TyperException) -> str:
    """A line with the likely fix, or an empty text.

    `--epochs` of `train SPEC --epochs 3` is a key of the spec, which `--set train.epochs=3` sets.
    """
    option, context = getattr(error, "option_name", None), getattr(error, "ctx", None)
    if option is None or context is None:
        return ""
    if not any(parameter.name == "settings" for parameter in context.command.params):
        return ""
    from specc.language.schema.keys import keys_ending_in

    found = keys_ending_in(option.lstrip("-").replace("-", "_"))
    if not found:
        return ""
    return f"\n  did you mean `--set {found[0]}=...`?"
