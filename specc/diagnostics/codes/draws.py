"""Codes of objectives, and of the draws and gradient estimators that they need."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code, error, warning
from specc.diagnostics.codes.guides import CODES as GUIDES
from specc.diagnostics.codes.missing import CODES as MISSING
from specc.diagnostics.codes.players import CODES as PLAYERS
from specc.diagnostics.codes.samplers import CODES as SAMPLERS
from specc.diagnostics.codes.stages import CODES as STAGES

CODES: tuple[Code, ...] = (
    error("E0401", "unknown-objective", "there is no objective `{name}`", "{hint}"),
    error(
        "E0402",
        "unknown-objective-option",
        "the objective `{objective}` has no option `{name}`",
        "{hint}",
    ),
    error(
        "E0403",
        "objective-option-value",
        "`{name}` of the objective `{objective}` is {value}; it must be {expected}",
        "",
    ),
    error("E0404", "unknown-program", "there is no program `{name}`", "{hint}"),
    error(
        "E0405",
        "no-density",
        "`{name}` has no density, but the objective needs {term}",
        "{hint}",
    ),
    error(
        "E0406",
        "latents-under-mle",
        "`{objective}` needs the density of the data alone, but {latents} is latent and has too "
        "many values to sum over",
        "use `elbo` with a guide that draws it",
    ),
    error("E0407", "unknown-draw", "there is no draw `{name}`", "{hint}"),
    error(
        "E0408",
        "guide-not-used",
        "`{objective}` does not use a guide, and this spec has one",
        "delete the guide, or use `elbo`, which trains it",
    ),
    error(
        "E0409",
        "inside-the-log",
        "`{objective}` with {particles} particles is the log of a mean: a factor or a further term "
        "would go inside that log",
        "minimize it alone, as `-{objective}(model, guide, {particles})`, or use `elbo`",
    ),
    error(
        "E0410",
        "part-not-drawn",
        "`{part}` is latent and one part of `{name}`, whose parts have one density together: it "
        "cannot be summed out by itself",
        "use `elbo`, with a guide that draws it: `{part}: {{latent: ..., params: encoder(...)}}`",
    ),
    error(
        "E0411",
        "draw-on-wrong-role",
        "`{name}` is {role}; `draw:` is for latents, and a chain for nodes of an energy",
        "delete `draw:`",
    ),
    error(
        "E0412",
        "pathwise-needs-continuous",
        "`{name}` is {distribution}: pathwise gradients need a continuous `{name}`",
        "{hint}",
    ),
    error(
        "E0413",
        "pathwise-needs-reparameterization",
        "`{name}` is {distribution}, which has no pathwise gradient",
        "use `draw: score`, or a distribution that has one",
    ),
    error(
        "E0463",
        "relax-needs-relaxation",
        "`{name}` is {distribution}: only draws of {fitting} are relaxed",
        "{hint}",
    ),
    error(
        "E0414",
        "enumerate-needs-finite",
        "`{name}` is {distribution}, which has no finite set of values to sum over",
        "{hint}",
    ),
    error(
        "E0415",
        "enumerate-too-large",
        "summing out {names} means {count} combinations; the limit is {limit}",
        "draw some of them with `draw: score`",
    ),
    error(
        "E0416",
        "baseline-needs-particles",
        "the baseline `{baseline}` compares particles, but the objective draws {particles}",
        "set `particles` to 2 or more, or use another baseline",
    ),
    error(
        "E0417",
        "draw-does-not-fit-objective",
        "the objective `{objective}` cannot use `draw: {draw}` for `{name}`: {reason}",
        "{hint}",
    ),
    error(
        "E0418",
        "unknown-draw-option",
        "the draw `{draw}` has no option `{name}`",
        "{hint}",
    ),
    error(
        "E0419",
        "data-less-probable",
        "the log-density of the observed `{name}` has the factor {factor} in what is minimized, "
        "so training makes the data less probable",
        "put a minus before it, such as `-elbo(model, guide)`",
    ),
    error(
        "E0420",
        "sum-is-no-density",
        "`{name}` is summed out inside a log, but the terms ({joint}) are not a joint density",
        "write {term}, or use the complete bound, as in `-mle(model)`",
    ),
    error(
        "E0422",
        "objective-function",
        "`{name}` is not available in an objective",
        "{hint}",
    ),
    error(
        "E0423",
        "objective-without-gradient",
        "no parameter of the spec has an effect on the objective",
        "let a link or a parameter feed an observed node, or one that the guide draws",
    ),
    error(
        "E0424",
        "objective-missing",
        "the spec has no `objective:`, so there is nothing to train",
        "add one, such as `objective: elbo`",
    ),
    error(
        "E0425",
        "objective-not-a-sum",
        "`{expression}` is not a term of an objective",
        "write a bound as a term of a sum, such as `-elbo(model, guide)`; do not divide by 0",
    ),
    error(
        "E0426",
        "objective-arguments",
        "`{name}` has the wrong arguments",
        "write `{example}`",
    ),
    error(
        "E0427",
        "bounds-disagree",
        "`{name}` has another number of particles than the bound before it in this objective",
        "give both bounds the same number of particles, or delete one of them",
    ),
    error(
        "E0428",
        "bound-needs-local-latents",
        "`{objective}` weighs the particles of each data row, but `{name}` is shared by all rows",
        "use `elbo`, or make `{name}` local",
    ),
    error(
        "E0429",
        "free-bits-need-exact-divergences",
        "`free_bits` cannot be applied to the divergence of `{name}`: {reason}",
        "delete `free_bits`, or use `warm_up`, which has no such condition",
    ),
    error(
        "E0499",
        "no-noising-chain",
        "`steps: random` needs a noising chain, and {reason}",
        "{hint}",
    ),
    error(
        "E0430",
        "two-chains",
        "`{name}` and `{other}` are states of sequences that do not run together, and one density "
        "needs both",
        "let both run in one direction, or draw one in a guide",
    ),
    error(
        "E0439",
        "no-integral",
        "`{name}` cannot be integrated out of the density: {reason}",
        "{hint}",
    ),
    error(
        "E0440",
        "remembered-state",
        "`{text}` depends on `{name}` at earlier steps, and its states are summed out step by step",
        "let a guide draw `{name}`, or use `{memory}` at the current step only",
    ),
    error(
        "E0441",
        "shared-sum",
        "the sum over `{name}` needs all rows that share a value of it together, and {problem}",
        "{hint}",
    ),
    error(
        "E0478",
        "learnt-baseline",
        "the score gradient of `{name}` has no learnt baseline: {reason}",
        "{hint}",
    ),
    warning(
        "W0431",
        "score-variance",
        "`{name}` is drawn with a score gradient without a baseline, whose variance is large",
        "use `draw: {{score: {{baseline: leave_one_out}}}}` with several particles",
    ),
    warning(
        "W0432",
        "option-without-effect",
        "`{option}` of {where} has no effect: {reason}",
        "delete it",
    ),
    *MISSING,
    *PLAYERS,
    *STAGES,
    *GUIDES,
    *SAMPLERS,
    error(
        "E0467",
        "unknown-subsample",
        "`subsample` names `{name}`, which is no plate of the spec",
        "{hint}",
    ),
    error(
        "E0468",
        "no-subsample",
        "an update cannot leave out elements of `{plate}`: {reason}",
        "{hint}",
    ),
)
