"""Codes of the types of values: shapes, supports, and plates."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code, error, warning

CODES: tuple[Code, ...] = (
    error(
        "E0301",
        "shape-mismatch",
        "`{parameter}` of `{name}` has shape {found}, but {reason}",
        "{hint}",
    ),
    error(
        "E0302",
        "support-mismatch",
        "`{parameter}` of the {distribution} node `{name}` must be {expected}, but "
        "`{expression}` gives {found}",
        "{hint}",
    ),
    error(
        "E0303",
        "operands-mismatch",
        "`{operator}` cannot combine the shapes {left} and {right}",
        "{hint}",
    ),
    error(
        "E0304",
        "function-shape",
        "`{function}` cannot be applied here: {problem}",
        "",
    ),
    error(
        "E0305",
        "shape-unknown",
        "the shape of `{name}` cannot be inferred from the spec",
        "write its sizes, such as `shape: [8]`; `shape: []` is one number",
    ),
    error(
        "E0306",
        "size-not-a-number",
        "`{size}` in the shape of `{name}` is not an integer of at least 1",
        "write a number, a constant, or `dim(x)`",
    ),
    error(
        "E0307",
        "data-outside-support",
        "`{name}` is {distribution}, whose values are {expected}; the data field `{field}` "
        "holds {found}",
        "{hint}",
    ),
    error(
        "E0308",
        "guide-shape",
        "the guide draws `{name}` with shape {found}; in the model it has shape {expected}",
        "delete `shape` in the guide, which takes it from the model",
    ),
    error(
        "E0309",
        "guide-support",
        "the guide draws `{name}` from {found}; in the model its values are {expected}",
        "choose a distribution over {expected}",
    ),
    error(
        "E0329",
        "initial-shape",
        "`{name}` has shape {expected} at each step, and {found} before the first one",
        "make `initial` a value of that shape, or one number for all entries",
    ),
    error(
        "E0331",
        "guide-plates",
        "the guide and the model repeat `{name}` differently: {found} in the guide, and in "
        "the model {expected}",
        "delete `global:` and `plate:` in the guide: it draws what the model declares",
    ),
    error(
        "E0332",
        "initial-outside",
        "the initial value of `{name}` is {value}, and {needs}",
        "{hint}",
    ),
    error(
        "E0333",
        "initial-name",
        "the start of a sequence is a node `{name}`, and there is another node with this name",
        "give the other node another name, or write its name as `initial:`",
    ),
    error(
        "E0310",
        "global-uses-local",
        "`{name}` is global, but uses `{used}`, which has a value for each row of the data",
        "{hint}",
    ),
    error(
        "E0311",
        "plate-mismatch",
        "`{name}` and `{used}` are repeated by different plates: {plates}",
        "{hint}",
    ),
    error(
        "E0312",
        "index-not-of-plate",
        "`{base}[{index}]`: `{index}` is not an index into the plate `{plate}`",
        "{hint}",
    ),
    error(
        "E0313",
        "index-out-of-range",
        "`{base}` has {size} elements; the index {index} is out of range",
        "use an index from 0 to {last}",
    ),
    error(
        "E0314",
        "classes-mismatch",
        "`{name}` has {classes} classes, but its `{parameter}` has {found} entries",
        "make the two agree",
    ),
    error(
        "E0315",
        "shape-of-data",
        "`{name}` has shape {found}, but its data field `{field}` has shape {expected}",
        "delete `shape`; it follows from the data",
    ),
    error(
        "E0316",
        "parameter-size-open",
        "the size of `{parameter}` of `{name}` cannot be inferred from the spec",
        "write it as an option of the node (`classes: 10`), or give `{parameter}` a vector",
    ),
    error(
        "E0325",
        "bijection-of-discrete",
        "`{name}` is {distribution}, which is discrete; bijections need continuous values",
        "delete `through`, or use a continuous distribution",
    ),
    error(
        "E0326",
        "bijection-domain",
        "the domain of the `{kind}` bijection `{link}` is {domain}, but its input is {found}",
        "choose a distribution or a bijection before it with exactly these values",
    ),
    error(
        "E0327",
        "steps-of-data",
        "`{name}` has {steps} steps on the plate `{plate}`, and its data are {found}",
        "the first axis of the field has one entry per step; write its size there, or mend the "
        "shape of the field",
    ),
    error(
        "E0328",
        "classes-unknown",
        "`{name}` depends on its previous step, so its number of classes must be written out",
        "write it, for example `classes: 3`",
    ),
    error(
        "E0317",
        "params-not-a-link",
        "`params` of `{name}` must be one link applied to nodes",
        "write `params: encoder(x)`; to compute a parameter otherwise, give it by its name",
    ),
    error(
        "E0318",
        "option-not-a-number",
        "`{key}` of `{name}` must be an integer of at least 1",
        "write a number, a constant, or `dim(x)`",
    ),
    error(
        "E0319",
        "ragged-list",
        "the entries of this list have different shapes",
        "give all entries one shape",
    ),
    error(
        "E0320",
        "index-not-a-number",
        "`[{index}]` cannot index {shape}",
        "index a vector with an integer or a class number, a node on a plate with a node",
    ),
    error(
        "E0321",
        "event-rank",
        "one event of `{name}` has shape {expected}, so its shape cannot be {found}",
        "add the missing sizes at the end of `shape`",
    ),
    error(
        "E0322",
        "parameter-not-for-a-link",
        "`{parameter}` of `{name}` must be {expected}, which a link cannot compute",
        "write `{parameter}: ...` on the node; `params` feeds its other parameters",
    ),
    error(
        "E0323",
        "init-outside-support",
        "`{name}` starts at {value}, but its values are {expected}",
        "write an initial value among {expected}",
    ),
    error(
        "E0324",
        "init-size",
        "`init` of `{name}` has {count} entries, but `{name}` has shape {shape}",
        "give one number for each entry of the last size, or one number for all",
    ),
    error(
        "E0345",
        "inverse-of-other-link",
        "`{link}.inverse` is the inverse of a bijection, and `{link}` is {kind}",
        "declare a bijection under `links:`, such as `{link}: {{residual: {{layers: 8}}}}`",
    ),
    error(
        "E0346",
        "value-outside-of-bijection",
        "`{link}` takes {expected}, as the bijection is `{kind}`, and is given {found}",
        "map the value onto them first, or choose a bijection of other values",
    ),
    error(
        "E0347",
        "draw-shape",
        "`{link}` is given a value of shape {given}, and maps draws of shape {takes}",
        "give it the draw of a node that goes `through: {link}`, or `{link}.inverse(x)` of a value",
    ),
    error(
        "E0351",
        "part-shape-unknown",
        "the shape of the part `{part}` of `{name}` cannot be inferred from the spec",
        "write its sizes on `{name}`, such as `shapes: {{{part}: [8]}}`",
    ),
    error(
        "E0352",
        "no-finite-value",
        "`{expression}` is not a finite number",
        "correct the expression; integers may have 63 bits, other numbers must be below 1.8e308",
    ),
    error(
        "E0353",
        "too-much",
        "{what} is {size}; the limit is {limit}",
        "{hint}",
    ),
    error(
        "E0354",
        "unpaired-rows",
        "`{name}` is of rows of `{first}` and `{used}` of rows of `{second}`, which are not paired",
        "{hint}",
    ),
    error(
        "E0355",
        "function-support",
        "`{function}` takes {expected}, but `{expression}` gives {found}",
        "{hint}",
    ),
    error(
        "E0356",
        "not-positive-definite",
        "`{parameter}` of `{name}` must be symmetric and positive definite, but `{expression}` "
        "{problem}",
        "correct the numbers; the eigenvalues of numpy.linalg.eigvalsh must be positive",
    ),
    error(
        "E0357",
        "dependent-elements",
        "the elements of `{plate}` are not independent given the rest, so `{name}` cannot be "
        "summed out one by one: {reason}",
        "{hint}",
    ),
    error(
        "E0358",
        "score-of-other-rows",
        "`{drawn}` is drawn with a score gradient for each row, but rows share `{name}`, which is "
        "summed out, and so the costs of `{drawn}`",
        "let the guide draw `{name}`, with `draw: enumerate`",
    ),
    error(
        "E0362",
        "value-of-all-states",
        "`{value}` depends on `{name}` on all elements of `{plate}`, which are summed out one by "
        "one",
        "let a guide draw `{name}`, or use it on each element alone",
    ),
    error(
        "E0363",
        "earlier-state",
        "`{text}` is used, and the states of `{name}` are summed out over pairs of two steps alone",
        "let a guide draw `{name}`, or make the state before a part of `{name}`",
    ),
    error(
        "E0335",
        "indices-do-not-broadcast",
        "the indices of `{indexed}` have the shapes {shapes}, which do not fit",
        "give all indices one shape; each number is the place of one entry, as in numpy",
    ),
    error(
        "E0341",
        "table-size",
        "`{index}` has {classes} classes, but the axis of `{base}` that it indexes has {size} "
        "entries",
        "give the table one entry for each class",
    ),
    error(
        "E0342",
        "index-not-a-class",
        "`{base}` is indexed by `{index}`, which is not a class number 0 to {last} but {found}",
        "index it with a categorical or Bernoulli node, or with data of known classes",
    ),
    error(
        "E0343",
        "not-probabilities",
        "`{parameter}` of `{name}` must be vectors that sum to one, but `{expression}` sums to "
        "{total}",
        "correct the numbers of that row, or give `logits`",
    ),
    error(
        "E0344",
        "not-a-cholesky-factor",
        "`{parameter}` of `{name}` must be lower triangular with a positive diagonal, but "
        "`{expression}` is {value}",
        "write the Cholesky factor L of the covariance L L', as numpy.linalg.cholesky computes it",
    ),
    warning(
        "W0332",
        "guide-narrower",
        "the guide draws `{name}` from {found}, and in the model its values are {expected}: a "
        "bound of many particles ignores the rest, and stays below log p(x)",
        "choose a distribution over {expected}, or map the draw onto them with `through:`",
    ),
    error(
        "E0364",
        "numbers-out-of-order",
        "`{parameter}` of `{name}` must be {expected}, but in `{expression}` {value} follows "
        "{before}",
        "write its numbers in ascending order, each one once",
    ),
    error(
        "E0365",
        "empty-interval",
        "`{upper}` of `{name}` is {high}, and must be above `{lower}`, which is {low}",
        "exchange the two, or correct one",
    ),
    error(
        "E0334",
        "function-through-a-node",
        "`{function}` takes its first argument as a function of `{variable}`, and `{name}` in it "
        "would keep its value when `{variable}` changes",
        "write the expression of `{name}` in its place",
    ),
    error(
        "E0366",
        "no-variable",
        "`{function}` takes a node as its second argument, and `{text}` is none",
        "write the state of which the first argument is a function, as in `{example}`",
    ),
    warning(
        "W0333",
        "probability-as-logit",
        "`{key}` of `{name}` is `{expression}`, whose values are {found}, like those of a "
        "probability; as {key} they pass through a sigmoid or softmax once more",
        "if it is a probability, replace the entry by `{other}: {expression}`",
    ),
)
