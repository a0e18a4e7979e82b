"""Codes of energies: conditionals that have no closed form, and objectives of energies."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code, error, warning

CODES: tuple[Code, ...] = (
    error(
        "E0270",
        "argument-in-energy",
        "`{name}` has `{key}:`, but the energy gives its distribution",
        "delete `{key}:`, and write how `{name}` depends on the others as a term of `energy:`",
    ),
    error(
        "E0271",
        "node-without-energy",
        "the energy does not depend on `{name}`, so nothing gives its distribution",
        "add a term with `{name}`, or delete the node",
    ),
    error(
        "E0272",
        "conditional-without-closed-form",
        "the distribution of `{name}` given the others has no closed form here: {reason}",
        "the energy must be {allowed}; change this part{other}",
    ),
    error(
        "E0273",
        "energy-unbounded",
        "the energy has {found} of `{name}`, so its distribution cannot be normalized",
        "add a positive square, such as `sum({name} ** 2) / 2`",
    ),
    error(
        "E0274",
        "distribution-without-energy",
        "`{name}` is {kind}, which is not derived from an energy",
        "the nodes of an energy are {known}",
    ),
    error(
        "E0275",
        "energy-with-shape",
        "the energy is a number for each row, and this has the shape {shape}",
        "sum it, as in `sum({text})`",
    ),
    error(
        "E0276",
        "density-of-energy",
        "`{objective}` needs a normalized density, and that of this model is exp(-energy) / Z "
        "with an unknown Z",
        "write `objective: {{cd: {{steps: 1}}}}`, which needs no Z, or `mle` if its states are few",
    ),
    error(
        "E0277",
        "objective-without-energy",
        "`{objective}` trains a model with an energy, and this model has none",
        "give the model an energy, or use another objective, such as `elbo`",
    ),
    error(
        "E0278",
        "free-energy-without-closed-form",
        "`{objective}` needs the energy of the data alone, which has no closed form: {reason}",
        "{hint}",
    ),
    error(
        "E0279",
        "persistent-chains-of-conditional",
        "persistent chains go on from step to step, but each row has its own `{given}`",
        "delete `persistent:`; each chain then starts from the data of its own row",
    ),
    error(
        "E0280",
        "key-in-energy",
        "`{name}` has `{key}:`, which no node of a program with an energy can have",
        "delete `{key}:`",
    ),
    error(
        "E0282",
        "energy-too-large",
        "with the values of its `let` nodes in it, the energy has more than {limit} names, numbers "
        "and operations, or {levels} nodes inside each other",
        "use fewer terms, or a `let` node fewer times",
    ),
    error(
        "E0283",
        "too-many-states",
        "`{objective}` needs {what}, a sum over {states} states of {units}, and at most {most} are "
        "summed",
        "use fewer units, or write `objective: {{cd: {{steps: 1}}}}`, which needs no such sum",
    ),
    error(
        "E0284",
        "conditional-with-latents",
        "`{objective}` needs the distribution of an entry of `{name}` given the others, which has "
        "no closed form: it is {kind} and interacts with the latent node `{latent}`",
        "write `objective: {{cd: {{steps: 1}}}}`",
    ),
    error(
        "E0287",
        "chain-without-energy",
        "`{name}` is drawn by the chain `{chain}`, which moves only nodes of an energy",
        "delete it, or write the density of the program as `energy:`; latents of rows are drawn by "
        "`sampler:` beside the objective",
    ),
    error(
        "E0288",
        "chain-over-discrete",
        "`{name}` is {kind}, and the chain `{chain}` moves real numbers along a gradient",
        "delete `draw:`; the energy gives the distribution of `{name}` given the others",
    ),
    error(
        "E0281",
        "energy-without-data",
        "`{objective}` trains an energy on data, and the energy has no observed node",
        "make a node `observed`",
    ),
    error(
        "E0292",
        "transpose-of-other-link",
        "`{link}.T` is the transpose of a link that is affine, f(x) = W x + b, and {reason}",
        "use a link without activations, such as `linear` or `convolution`, and give it one value",
    ),
    error(
        "E0294",
        "density-above-net",
        "`{objective}` needs a density that has no closed form, as `{name}` is drawn below an "
        "energy",
        "train the energy by `cd(model)` at draws of a guide, and `{name}` by "
        "`-log_prob(model.{name})`, as two players",
    ),
    error(
        "E0295",
        "persistent-chain-with-other-terms",
        "the chains of a loss with other terms than those of `cd` start anew for each row",
        "delete `persistent:`, or write `minimize: cd(model)` as the loss of a player of its own",
    ),
    error(
        "E0296",
        "chain-without-draws",
        "`{name}` has `chain:`, and its loss draws nothing from a model with an energy",
        "delete `chain:`",
    ),
    warning(
        "W0293",
        "precision-of-unknown-sign",
        "the distribution of `{name}` given the others needs {expected} in `{expression}`, whose "
        "values are {found}",
        "use parameters of the kind `positive` there, or a function such as `exp`",
    ),
)
