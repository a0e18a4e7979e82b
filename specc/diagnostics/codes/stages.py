"""Codes of stages, objectives that are trained one after the other."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code, error, warning

CODES: tuple[Code, ...] = (
    error("E0470", "stage-without-objective", "the stage `{name}` has no objective", "{hint}"),
    error(
        "E0471",
        "stages-of-one-name",
        "two losses of the stages have the name `{name}`",
        "give each stage a name of its own, such as `second`",
    ),
    error(
        "E0472",
        "stage-trains-nothing",
        "the stage `{name}` freezes everything that its loss depends on",
        "omit {frozen} under `freeze:`, or minimize something else",
    ),
    error(
        "E0473",
        "copy-does-not-fit",
        "`{source}` cannot be copied to `{target}`: {reason}",
        "{hint}",
    ),
    error(
        "E0474",
        "stage-trains-twice",
        "`{first}` and `{second}` both say what the stage trains",
        "delete one of them; each of several players has its own `links:`",
    ),
    error(
        "E0476",
        "rows-of-stage",
        "the rows of a stage cannot be chosen: `{name}` {problem}",
        "{hint}",
    ),
    warning(
        "W0494",
        "overridden-setting",
        "`{option}` of `train` has no effect: every {kind} has its own `{own}`",
        "set `{first}`{others}, or delete `{option}` of `train`",
    ),
    warning(
        "W0475",
        "trained-in-no-stage",
        "no stage trains `{name}`, so it stays at its initial values",
        "add it to the `links:` of a stage",
    ),
)
