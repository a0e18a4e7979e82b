"""Codes of data: sources, fields, values that do not fit."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code, error

CODES: tuple[Code, ...] = (
    error("E0501", "unknown-source", "there is no data source `{name}`", "{hint}"),
    error(
        "E0502",
        "unknown-field",
        "the node `{node}` takes its value from the data field `{name}`, which does not exist",
        "{hint}",
    ),
    error(
        "E0503",
        "unknown-column",
        "the data source `{source}` has no column `{name}`",
        "{hint}",
    ),
    error("E0504", "data-file-missing", "the data file `{path}` does not exist", "{hint}"),
    error("E0505", "data-file-unreadable", "the data file `{path}` cannot be read: {problem}"),
    error(
        "E0506",
        "path-outside",
        "the path `{path}` leads outside the data folder",
        "write a path inside the folder given by `--data-dir`",
    ),
    error(
        "E0507",
        "rows-disagree",
        "the field `{name}` has {found} rows, but `{other}` has {expected}",
        "all fields of one source need the same number of rows",
    ),
    error(
        "E0508",
        "data-values",
        "`{name}`: row {row} of {path} is {value}, but a {distribution} node holds {expected}",
        "{hint}",
    ),
    error(
        "E0509",
        "split",
        "the split `{name}` cannot be made: {problem}",
        "{hint}",
    ),
    error("E0510", "data-missing", "the model has data, but the spec has no `data:`", "{hint}"),
    error(
        "E0511",
        "field-option",
        "`{option}` does not fit the field `{name}`: {problem}",
        "{hint}",
    ),
    error(
        "E0512",
        "non-finite-data",
        "`{name}`: row {row} of {path} is {value}, and every value must be a finite number",
        "remove the row, or fill in the value",
    ),
    error(
        "E0513",
        "data-too-large",
        "the data file `{path}` needs {size} of memory, but only {free} is free",
        "`source: npy` reads an array from its file, batch by batch",
    ),
    error(
        "E0514",
        "package-missing",
        "the source `{name}` needs {package}, which is not installed",
        "install it: `pip install {package}`",
    ),
    error(
        "E0515",
        "constant-column",
        "`{name}`: column {column} is {value} in every training row, so it cannot be standardized",
        "leave the column out, or scale the field with `scale`",
    ),
    error(
        "E0516",
        "partly-missing",
        "`{name}`: row {row} of {path} has some of its entries missing; they are drawn together",
        "remove the row, or let all of its entries be missing",
    ),
    error(
        "E0517",
        "nothing-known",
        "no training row has a value of `{name}`",
        "give some rows a value, or make the node latent",
    ),
    error(
        "E0518",
        "hide",
        "`hide` cannot be applied to the field `{name}`: {problem}",
        "{hint}",
    ),
    error(
        "E0519",
        "field-twice",
        "the sources `{other}` and `{source}` both have a field `{name}`",
        "rename one of them, and say which column it is `from:`",
    ),
    error(
        "E0520",
        "source-and-plate",
        "`{name}` is a source of data and also a plate; `plate: {name}` could mean either",
        "rename one of them",
    ),
    error(
        "E0521", "subset", "the source has no field `{name}`, whose classes are divided", "{hint}"
    ),
    error("E0522", "subset-rows", "`subset` cannot be chosen: {problem}", "{hint}"),
    error("E0523", "categories", "`{name}` {problem}", "{hint}"),
    error("E0530", "rows-of-classes", "the part `{part}` has no rows for `{stage}`", "{hint}"),
    error(
        "E0531",
        "fewer-steps",
        "`{name}` cannot be sampled in fewer steps: {problem}",
        "{hint}",
    ),
)
