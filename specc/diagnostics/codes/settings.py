"""Codes of the command line and its settings."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code, error

CODES: tuple[Code, ...] = (
    error(
        "E0701",
        "set-syntax",
        "`--set {argument}` is not `key.key=value`",
        "write, for example, `--set train.batch_size=64`",
    ),
    error("E0702", "set-unknown-path", "the spec has no `{path}` to set", "{hint}"),
    error("E0703", "spec-missing", "there is no file `{path}`", "{hint}"),
    error("E0706", "spec-unreadable", "the file `{path}` cannot be read: {problem}"),
)
