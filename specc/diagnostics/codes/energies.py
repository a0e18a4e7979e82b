"""Codes of energies: conditionals that have no closed form, and objectives of energies."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code, error

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
        "the energy must be {allowed}; change this part",
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
        "write `objective: {{cd: {{steps: 1}}}}`, which needs no Z",
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
        "`{name}` has `{key}:`, which no node of an energy can have",
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
        "E0281",
        "energy-without-data",
        "`{objective}` compares the data with draws, and the energy has no observed node",
        "make a node `observed`",
    ),
)
