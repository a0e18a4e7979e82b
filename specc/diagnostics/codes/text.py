"""What can be wrong with the text of a spec, before anything in it has a meaning."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code, error

CODES: tuple[Code, ...] = (
    error(
        "E0001",
        "not-utf8",
        "the byte {byte} at position {position} of the file is not UTF-8",
        "save the file as UTF-8",
    ),
    error(
        "E0002",
        "byte-order-mark",
        "the file starts with a byte order mark ({encoding})",
        "save the file as UTF-8 without a byte order mark",
    ),
    error(
        "E0003",
        "control-character",
        "the character {character} cannot be seen and has no meaning in a spec",
        "delete it",
    ),
    error(
        "E0004",
        "too-large",
        "the text is {size} bytes long; a spec may have {limit}",
        "a spec describes a model; keep the data in a file of its own",
    ),
    error(
        "E0005",
        "tab-indentation",
        "a tab stands where YAML wants spaces",
        "indent with spaces, two for each level",
    ),
    error(
        "E0006",
        "duplicate-key",
        "the key `{key}` stands twice in one mapping",
        "rename one of the two, or delete it",
    ),
    error(
        "E0007",
        "alias-expansion",
        "the aliases of this file expand to more than {limit} values",
        "write the repeated part out, or name it under `constants:`",
    ),
    error(
        "E0008",
        "merge-key",
        "`<<` would merge one mapping into another; a spec says each thing where it stands",
        "write the keys out",
    ),
    error(
        "E0009",
        "tag",
        "`{tag}` is a YAML tag; a spec has only mappings, lists, numbers, words, true and false",
        "delete the tag",
    ),
    error(
        "E0010",
        "several-documents",
        "a second YAML document starts here; a spec is one document",
        "put it in a file of its own, or delete the line `{marker}`",
    ),
    error(
        "E0011",
        "merge-conflict",
        "this line is the mark of an unresolved merge conflict",
        "choose one of the two versions and delete the marks",
    ),
    error(
        "E0012",
        "too-deep",
        "lists and mappings are nested more than {limit} levels deep here",
        "a spec needs about six levels; look for a bracket too many",
    ),
    error(
        "E0013",
        "key-not-a-name",
        "{found} cannot be a key; the keys of a spec are words",
        "{fix}",
    ),
    error(
        "E0014",
        "number-too-large",
        "`{number}` is too large a number to compute with",
        "write a number below {limit}",
    ),
    error(
        "E0015",
        "expression-cut",
        "inside {{ }} YAML ends a plain value at a comma or bracket, so `{expression}` is cut "
        "after `{piece}`",
        "quote it: `{fix}`",
    ),
    error(
        "E0016",
        "yaml-syntax",
        "this is not YAML: {problem}",
        "{fix}",
    ),
    error(
        "E0017",
        "empty",
        "there is nothing in this spec",
        "start it with `specc: 1`, or let `specc new` write one",
    ),
    error(
        "E0018",
        "bracket-not-closed",
        "this `{opening}` is never closed",
        "add the `{closing}`",
    ),
    error(
        "E0019",
        "quote-not-closed",
        "this {quote} quote is never closed",
        "add the closing {quote} quote",
    ),
    error(
        "E0020",
        "indentation",
        "this line is indented by {found} spaces, which fits nothing above it",
        "indent it like its neighbours: {expected} spaces",
    ),
    error(
        "E0021",
        "colon-expected",
        "`{text}` stands where a key was expected, but no colon follows it",
        "write `key: value`, with a space after the colon",
    ),
    error(
        "E0022",
        "special-character",
        "a plain value cannot start with `{character}`: {meaning}",
        "quote the value",
    ),
    error(
        "E0023",
        "escape",
        "`{escape}` means nothing inside double quotes",
        "use single quotes, where a backslash is only a backslash",
    ),
    error(
        "E0024",
        "unknown-alias",
        "`*{name}` refers to an anchor that the file does not have before it",
        "{fix}",
    ),
    error(
        "E0025",
        "colon-in-value",
        "a second colon on the line: a plain value cannot contain a colon and a space",
        "quote the value, or start a new line for the key",
    ),
    error(
        "E0026",
        "key-without-value",
        "`{key}` stands in {{ }} without a value",
        "write `{key}: ...`, or use [ ] for a list",
    ),
    error(
        "E0027",
        "alias-in-itself",
        "`*{name}` stands inside the value that it names",
        "write out what is meant",
    ),
    error(
        "E0028",
        "unexpected-bracket",
        "this `{found}` closes nothing",
        "delete it, or add the `{opening}` that it should close",
    ),
    error(
        "E0029",
        "item-beside-keys",
        "{found} stands where {expected} was expected; one level holds either keys or items",
        "indent it under the key that it belongs to",
    ),
    error(
        "E0030",
        "directive",
        "`{directive}` is a YAML directive; a spec needs none",
        "delete the line",
    ),
    error(
        "E0031",
        "comma-expected",
        "a comma or the closing `{closing}` was expected before `{found}`",
        "separate the entries by commas, and quote an expression that has brackets or commas",
    ),
    error(
        "E0032",
        "too-many-values",
        "the text has more than {limit} values",
        "a spec describes a model; keep the data in a file of its own",
    ),
    error(
        "E0033",
        "line-break",
        "the character {character} is a line break to YAML but not to most editors",
        "delete it, or start a new line",
    ),
)
