"""Codes of names and roles: unknown, unused, in a cycle, or not available in a program."""

from __future__ import annotations

from specc.diagnostics.codes import energies
from specc.diagnostics.codes.code import Code, error, warning

CODES: tuple[Code, ...] = (
    error(
        "E0201",
        "unknown-name",
        "`{name}` is neither a node that the {program} can use nor a constant",
        "{hint}",
    ),
    error(
        "E0202",
        "unknown-distribution",
        "there is no distribution `{name}`",
        "{hint}",
    ),
    error(
        "E0203",
        "unknown-support",
        "a parameter is declared by its support, and there is no support `{name}`",
        "{hint}",
    ),
    error(
        "E0204",
        "unknown-parameter",
        "the distribution `{distribution}` has no parameter `{name}`",
        "{hint}",
    ),
    error(
        "E0205",
        "missing-parameter",
        "the {distribution} node `{name}` needs {missing}",
        "write `{first}: ...`, or `params: link(...)` to let a link feed all of them",
    ),
    error(
        "E0206",
        "parameter-without-distribution",
        "the {role} node `{name}` has no distribution, so it cannot have `{key}`",
        "delete `{key}`, or make the node latent or observed",
    ),
    error(
        "E0207",
        "parameter-twice",
        "the node `{node}` has both `{name}` and `{other}`, which mean the same",
        "delete one of them",
    ),
    error(
        "E0208",
        "params-feeds-nothing",
        "all parameters of the node `{name}` are written out, so `params` has nothing to feed",
        "delete `params`, or the parameters that the link should feed",
    ),
    error(
        "E0209",
        "name-twice",
        "`{name}` is a node and also a {kind}; an expression could mean either",
        "rename one of them",
    ),
    error(
        "E0211",
        "unknown-plate",
        "there is no plate `{name}`",
        "{hint}",
    ),
    error(
        "E0212",
        "plate-size",
        "the size of the plate `{name}` is `{value}`; it must be an integer of at least 1",
        "write the number of repetitions, or a constant that holds it",
    ),
    error(
        "E0221",
        "uses-itself",
        "`{name}` depends on itself",
        "a node may use itself only through a causal link, or at the previous step, `{name}[t-1]`",
    ),
    error(
        "E0222",
        "member-in-node",
        "`{program}.{name}` can be used in an objective, not in this node",
        "write `{name}`",
    ),
    error(
        "E0224",
        "link-without-arguments",
        "`{name}` is a link: it has a value only when it is applied",
        "apply it to nodes, such as `{example}`",
    ),
    error(
        "E0225",
        "function-without-arguments",
        "`{name}` is a function: it has a value only when it is applied",
        "apply it, such as `{example}`",
    ),
    error(
        "E0226",
        "out-of-reach",
        "the {role} node `{name}` of the model cannot be used in the {program}",
        "{hint}",
    ),
    error(
        "E0227",
        "latent-not-drawn",
        "`{name}` is {role} in the model, and the {program} does not draw it",
        "declare `{name}` in the {program}, or use the data instead",
    ),
    error(
        "E0228",
        "link-of-nothing",
        "the link `{name}` is applied to {given}",
        "give it at least one node, such as `{example}`",
    ),
    error(
        "E0229",
        "dim-argument",
        "`dim` gives the size of one node; here it is applied to {found}",
        "write the name of a node, such as `{example}`",
    ),
    error(
        "E0230",
        "node-as-function",
        "`{name}` is a node, and a node cannot be applied",
        "for a product write `{name} * ...`, for an entry `{name}[...]`",
    ),
    error(
        "E0240",
        "not-a-sequence",
        "`{option}` of `{name}` applies to the steps of a sequence, and `{name}` is not one",
        "{hint}",
    ),
    error(
        "E0241",
        "step-outside",
        "`{text}` is a step of `{plate}`, and `{name}` is not on that plate",
        "write `plate: {plate}` on `{name}`",
    ),
    error(
        "E0242",
        "step-of-no-sequence",
        "`{text}` refers to a step of `{name}`, which is not on the plate `{plate}`",
        "write `plate: {plate}` on `{name}`, or `{name}` without the index",
    ),
    error(
        "E0243",
        "wrong-step",
        "`{text}` cannot be used: `{name}` runs {order}, and only previous steps are available",
        "write `{right}`, or a step further back",
    ),
    error(
        "E0244",
        "no-initial",
        "`{text}` needs a value before the first step, and `{name}` has none",
        "write `initial: 0` on `{name}`, or another value of its shape",
    ),
    error(
        "E0245",
        "lengths-of-nothing",
        "the lengths of `{plate}` must be a scalar `given` node of the model; `{name}` is not one",
        "{hint}",
    ),
    error(
        "E0246",
        "global-with-steps",
        "`{name}` is global, one value for all rows, and has a value for each step of `{plate}`",
        "delete `global: true`, or `plate: {plate}`; a `parameter` may have one value a step",
    ),
    error(
        "E0247",
        "not-data",
        "`{function}` marks where data have values, and `{given}` is {reason}",
        "{hint}",
    ),
    error(
        "E0248",
        "initial-with-steps",
        "`initial` of `{name}` is one value, and `{used}` has one for each step of `{plate}`",
        "use a node with one value a row, a parameter without `plate: {plate}`, or a number",
    ),
    error(
        "E0249",
        "both-directions",
        "`{name}` runs backwards over the steps and `{other}` forwards, and each "
        "waits for the other",
        "remove one of the two uses, or let both run in the same direction",
    ),
    error("E0231", "unknown-function", "there is no link or function `{name}`", "{hint}"),
    error(
        "E0232",
        "argument-count",
        "the function `{name}` takes {wanted}, but is given {count}",
    ),
    error(
        "E0233",
        "cycle",
        "`{name}` depends on itself: {path}",
        "a node may use only nodes that come before it; cut one of these uses",
    ),
    error(
        "E0234",
        "latent-without-guide",
        "the guide does not draw the latent `{name}` of the model",
        "add `{name}: {{latent: ..., params: encoder(...)}}` to the guide",
    ),
    error(
        "E0235",
        "guide-draws-no-latent",
        "the guide draws `{name}`, which is not a latent of the model",
        "{hint}",
    ),
    error(
        "E0236",
        "guide-role",
        "`{name}` is {role} in the guide, which draws the latents of the model",
        "{hint}",
    ),
    error(
        "E0237",
        "guide-missing",
        "the objective `{objective}` needs a guide for {latents}",
        "add a `guide:` that draws them, or choose an objective that needs none",
    ),
    error(
        "E0251",
        "part-name-in-use",
        "the part `{part}` of `{name}` has the name of another node",
        "each part is a separate node: give it a name that no other node has",
    ),
    error(
        "E0252",
        "unknown-part",
        "`shapes` of `{name}` has a size for `{part}`, which is not one of its parts",
        "{hint}",
    ),
    error(
        "E0253",
        "joint-outside-model",
        "`{name}` is a joint node, which the program `{program}` cannot have",
        "only the model and the guide can have joint nodes; draw each latent alone: "
        "`{part}: {{latent: ...}}`",
    ),
    error(
        "E0254",
        "joint-uses-its-part",
        "`{name}` is drawn together with its part `{part}`, so it cannot depend on it",
        "use an earlier node, or apply a causal link to `{name}`",
    ),
    error(
        "E0255",
        "data-not-of-rows",
        "`{name}` is {role}: each row of the data has a separate value, so `{option}` does not "
        "fit it",
        "delete `{option}`",
    ),
    error(
        "E0256",
        "given-in-program",
        "the program `{program}` declares the given node `{name}`, which only model and guide can",
        "delete it, and use `data.{field}` in its place",
    ),
    error(
        "E0257",
        "constant-without-number",
        "the constant `{name}` is {kind}, and {place} needs a number",
        "give it a number, as in `constants: {{{name}: 1}}`",
    ),
    error(
        "E0258",
        "reduction-over-no-plate",
        "`{text}` is a value from all elements of a plate, and `{name}` is not a plate",
        "{hint}",
    ),
    error(
        "E0259",
        "reduction-of-one-value",
        "`{text}` needs a value on each element of `{plate}`, and `{operand}` has none",
        "put its node on the plate, or use the value without the function",
    ),
    error(
        "E0262",
        "set-without-order",
        "`{text}` is a value of `{name}` before another, and the elements of `{plate}` have no "
        "order",
        "declare a sequence, `plates: {{{plate}: {{scan: 10}}}}`, or leave out the index",
    ),
    error(
        "E0260",
        "initial-values",
        "`{text}` needs {count} values before the first step, and `initial` of `{name}` has "
        "{found}",
        "write `initial: {example}` on `{name}`, or other values in the order of the steps",
    ),
    error(
        "E0261",
        "step-beyond-sequence",
        "`{index}` is no step of `{plate}`, of which `{base}` has a value at each",
        "{hint}",
    ),
    error(
        "E0263",
        "guide-beyond-an-end",
        "the guide draws `{name}` from {found}; in the model its `{parameter}` is `{end}`, which "
        "may be between them",
        "map it between the same ends: `through: f({end})`, with `f: {{onto: ...}}` under `links:` "
        "and `context` for that end, as `auto: mean_field` does",
    ),
    error(
        "E0264",
        "point-beyond-an-end",
        "`{name}` is a point, and an end of its values depends on `{other}`, which is drawn",
        "let a guide draw both, as `auto: mean_field`, or make both points",
    ),
    error(
        "E0265",
        "end-of-other-data",
        "an end of `{name}` depends on `{other}`, {reason}",
        "choose a distribution without this end, or let a guide draw `{name}`",
    ),
    error(
        "E0267",
        "modifier-misfit",
        "`{name}` is no distribution: {reason}",
        "{hint}",
    ),
    warning(
        "W0241",
        "unused-link",
        "the link `{name}` is never used",
        "apply it in a node, or delete it",
    ),
    warning(
        "W0242",
        "unused-constant",
        "the constant `{name}` is never used",
        "use it, or delete it",
    ),
    warning(
        "W0243",
        "unused-node",
        "nothing uses the {role} node `{name}`",
        "use it, or delete it",
    ),
    *energies.CODES,
)
