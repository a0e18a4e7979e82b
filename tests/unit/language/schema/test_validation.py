"""How the errors of any pydantic model are retold, one for each cause."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import AfterValidator, Discriminator, Field, Tag

from specc.diagnostics.source import Source
from specc.language.located import Mapping
from specc.language.schema.problems import fields_at
from specc.language.schema.reading import Reading
from specc.language.schema.validation import read_model, report_problem
from specc.language.schema.value import Value
from specc.language.text import read

from .reading import words


def be_even(value: int) -> int:
    if value % 2:
        raise ValueError("an even number")
    return value


class Inner(Value):
    """A model inside another."""

    deep: int = 0


class Circle(Value):
    """One member of a union with tags."""

    circle: float


class Square(Value):
    """The other member."""

    square: float


def tag(value: object) -> str:
    return next(iter(value), "") if isinstance(value, dict) else ""


Figure = Annotated[
    Annotated[Circle, Tag("circle")] | Annotated[Square, Tag("square")], Discriminator(tag)
]


class Model(Value):
    """One field of each sort."""

    either: float | bool | tuple[float, ...] = 0.0
    even: Annotated[int, AfterValidator(be_even)] = 0
    pattern: Annotated[str, Field(pattern="^a")] = "a"
    inner: Inner = Inner()
    inners: tuple[Inner, ...] = ()
    table: dict[Literal["a", "b"], int] = Field(default_factory=dict)
    figure: Figure | None = None
    word: Literal["one"] = "one"
    renamed: int = Field(0, alias="short")


def refuse(text: str) -> list[tuple[str, str, str]]:
    root, findings = read(Source("spec.yaml", text))
    assert isinstance(root, Mapping)
    assert not findings
    reading = Reading()
    assert read_model(reading, Model, root, ("train",), report_problem) is None
    return [(f.code, f.span.text, words(f)) for f in reading.findings]


@pytest.mark.parametrize(
    ("text", "code", "marked", "said"),
    [
        ("either: word", "E0104", "word", "a number or true or false or a list"),
        ("either: [1, word]", "E0104", "word", "`train.either[1]` must be a number"),
        ("even: 3", "E0104", "3", "must be an even number"),
        ("pattern: b", "E0104", "b", "must be another value"),
        ("inner: 3", "E0104", "3", "a mapping of keys"),
        ("inner: {deep: a}", "E0104", "a", "`train.inner.deep`"),
        ("inner: {dep: 3}", "E0102", "dep", "did you mean `deep`?"),
        ("inners: [{deep: 1}, {zzz: 1}]", "E0102", "zzz", "its keys are `deep`"),
        ("table: {c: 1}", "E0113", "c", "it is `a` or `b`"),
        ("table: {a: x}", "E0104", "x", "`train.table.a`"),
        ("figure: {crcle: 1}", "E0113", "crcle", "did you mean `circle`?"),
        ("figure: {circle: x}", "E0104", "x", "`train.figure.circle` must be a number"),
        ("figure: 3", "E0104", "3", "`circle` or `square`"),
        ("word: two", "E0113", "two", "it is `one`"),
        ("shrt: 3", "E0102", "shrt", "did you mean `short`?"),
        ("short: x", "E0104", "x", "`train.short`"),
    ],
)
def test_errors_are_retold(text: str, code: str, marked: str, said: str):
    (found,) = refuse(text)
    assert found[:2] == (code, marked)
    assert said in found[2]


def test_several_errors_come_in_the_order_of_the_text():
    assert [marked for _, marked, _ in refuse("even: 3\ninner: {deep: a}\nzzz: 1\nword: b")] == [
        "3",
        "a",
        "zzz",
        "b",
    ]


def test_tags_of_unions_do_not_show():
    for text in ("figure: {circle: x}", "figure: {circle: 1, side: 2}", "either: [a, b]"):
        for _, _, said in refuse(text):
            assert "tuple" not in said
            assert "Circle" not in said


def test_keys_of_models_inside():
    assert list(fields_at(Model, ("inners", 0))) == ["deep"]
    assert set(fields_at(Model, ("figure",))) == {"circle", "square"}
    assert "short" in set(fields_at(Model, ()))
