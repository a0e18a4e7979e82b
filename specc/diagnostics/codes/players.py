"""Codes of several players, each with a loss and the links that it trains."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code, error, warning

CODES: tuple[Code, ...] = (
    error("E0442", "unknown-trained", "there is no link or parameter `{name}`", "{hint}"),
    error(
        "E0443",
        "player-without-gradient",
        "the loss of `{player}` does not depend on anything that it trains",
        "list the links that feed the nodes of its expression, outside of `stop`",
    ),
    warning(
        "W0444",
        "trained-by-none",
        "no player trains `{name}`, so it stays at its initial values",
        "add it to the `links:` of a player",
    ),
    warning(
        "W0445",
        "trained-by-several",
        "`{player}` and `{other}` both train `{name}`, each for its own loss",
        "list it under one player only, unless both should train it",
    ),
    warning(
        "W0446",
        "trained-without-effect",
        "the loss of `{player}` does not depend on `{name}`, so this player never changes it",
        "delete it from the `links:` of `{player}`",
    ),
    error(
        "E0447",
        "minimized-no-number",
        "a minimized term is one number for each row; `{name}` has {found}",
        "{hint}",
    ),
    error(
        "E0448",
        "value-of-a-sum",
        "`{name}` is summed out of the density, so nothing else can depend on its value",
        "let the guide draw `{name}`, or use densities alone",
    ),
    error("E0451", "unknown-data", "there is no data `{name}`", "{hint}"),
    error(
        "E0452",
        "programs-in-a-circle",
        "the programs {cycle} need each other's values",
        "let `{program}` use no node of `{other}`, or declare both nodes in one program",
    ),
    error(
        "E0453",
        "no-gradient-through-draw",
        "no gradient passes through the draw of `{name}` to {moved}, which the player trains",
        "write `draw: {{score: {{baseline: mean}}}}` on it, or `draw: enumerate` for few values",
    ),
    error(
        "E0454",
        "no-derivative",
        "`{value}` has no gradient with respect to `{variable}`: {reason}",
        "{hint}",
    ),
    error(
        "E0455",
        "density-without-value",
        "the density needs a value of `{name}`, and `{values}` has none",
        "write a program that draws `{name}` after `at=`",
    ),
    error(
        "E0456",
        "no-values-to-choose",
        "`at=` names the values of a density, and `{name}` is not a density",
        "delete it, or write `log_prob(model.x, at=guide)`",
    ),
    error(
        "E0457",
        "no-long-form",
        "`{name}` cannot be written out for this spec: {reason}",
        "give it what it needs, or write `players:` in its place",
    ),
    error(
        "E0458",
        "rows-not-comparable",
        "`{name}` uses all rows of a batch: {reason}",
        "{hint}",
    ),
    error(
        "E0459",
        "draws-with-two-meanings",
        "`{name}` differentiates draws of the guide, which in `{other}` pass no gradient",
        "let another player minimize `{name}`",
    ),
    error(
        "E0460",
        "nothing-to-hold",
        "`{text}` holds rows of earlier steps: {reason}",
        "{hint}",
    ),
    error(
        "E0461",
        "loss-of-unpaired-rows",
        "rows of `{first}` and of `{second}` are not paired: {reason}",
        "{hint}",
    ),
    error(
        "E0462",
        "weight-inside-a-value",
        "`{name}` is a number of the step, and {where}",
        "{hint}",
    ),
    error(
        "E0450",
        "several-patiences",
        "the schedule of `{player}` has patience {count}, another one {patience}",
        "write the same `patience` in both; the run counts validations without improvement once",
    ),
)
