"""The likely meaning of an option that a verb does not have, and of a word that it cannot have."""

from __future__ import annotations

import re

import typer


def suggestion(error: typer.TyperException) -> str:
    """A line with the likely fix, or an empty text.

    `--epochs` of `train SPEC --epochs 3` is a key of the spec, which `--set train.epochs=3` sets.
    """
    option, context = getattr(error, "option_name", None), getattr(error, "ctx", None)
    if option is None or context is None:
        return _word(error)
    names = {parameter.name for parameter in context.command.params}
    if option in DEVICES and "device" in names:
        return f"\n  did you mean `--device {DEVICES[option]}`?"
    if "settings" not in names:
        return ""
    from specc.language.schema.keys import keys_ending_in

    found = keys_ending_in(option.lstrip("-").replace("-", "_"))
    if not found:
        return ""
    return f"\n  did you mean `--set {found[0]}=...`?"


DEVICES = {"--gpu": "cuda", "--cuda": "cuda", "--cpu": "cpu"}
"""The devices by options that other programs have for them."""

NOT_ONE_OF = re.compile(r"(?:Value error, )?'(?P<word>.*)' is not one of (?P<known>'.*')\.$", re.S)
"""Typer's message about a word that is not one of those of an option, by its validator."""


ALIKE = re.compile(r"(?<=: --gpu|: --cpu) \(Possible options: .*\)$")
"""What Typer adds to the message about an option that names a device."""


def plain(message: str) -> str:
    """The message of a wrong command line, without the kind of the exception in it.

    Options that are alike by their letters are left out, as `--out` for `--gpu`.
    """
    return ALIKE.sub("", message.replace("Value error, ", "", 1))


def _word(error: typer.TyperException) -> str:
    """A line with the word that is meant: `ddim` for `--sampler dddim`."""
    found = NOT_ONE_OF.match(getattr(error, "message", ""))
    if found is None:
        return ""
    from specc.diagnostics.nearest import nearest

    meant = nearest(found["word"], re.findall(r"'([^']*)'", found["known"]))
    return f"\n  did you mean `{meant}`?" if meant else ""
