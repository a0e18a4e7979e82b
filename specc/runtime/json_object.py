"""Typed reads of a decoded JSON value; errors state the path of the key."""

from __future__ import annotations

from typing import Any, TypeVar, cast

T = TypeVar("T")


class ManifestError(Exception):
    """A key of the manifest that is missing or of the wrong type."""


class JsonObject:
    """A JSON object with its path; each read of a key checks the type of the value.

    Every method raises ManifestError if a key is missing or its value has another type.
    """

    def __init__(self, value: object, path: str) -> None:
        if not isinstance(value, dict):
            raise ManifestError(f"`{path}` is not an object" if path else "it is not a JSON object")
        self.value = cast("dict[str, Any]", value)
        self.path = path

    def _at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def get(self, key: str, kind: type[T], default: T | None = None) -> T:
        """The value of a key, of the type `kind`; `default` if the key is missing."""
        if key not in self.value:
            if default is None:
                raise ManifestError(f"the key `{self._at(key)}` is missing")
            return default
        found = self.value[key]
        if kind is float and isinstance(found, int) and not isinstance(found, bool):
            found = float(found)
        if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
            raise ManifestError(f"`{self._at(key)}` is {found!r}, not of type {kind.__name__}")
        return found

    def optional(self, key: str, kind: type[T]) -> T | None:
        """The value of a key, or None if it is missing or null."""
        return None if self.value.get(key) is None else self.get(key, kind)

    def child(self, key: str, default: dict[str, Any] | None = None) -> JsonObject:
        """The object under a key."""
        return JsonObject(self.get(key, dict, default), self._at(key))

    def children(self) -> list[tuple[str, JsonObject]]:
        """All keys with the objects under them."""
        return [(key, JsonObject(value, self._at(key))) for key, value in self.value.items()]

    def items(self, key: str, default: list[Any] | None = None) -> list[JsonObject]:
        """The objects of a list."""
        found = self.get(key, list, default)
        return [JsonObject(item, f"{self._at(key)}[{i}]") for i, item in enumerate(found)]

    def names(self, key: str) -> tuple[str, ...]:
        """A list of strings."""
        found = self.get(key, list)
        if not all(isinstance(name, str) for name in found):
            raise ManifestError(f"`{self._at(key)}` is {found!r}, not a list of names")
        return tuple(found)

    def sizes(self, key: str) -> tuple[int, ...]:
        """A list of integers that are not negative."""
        found = self.get(key, list)
        if not all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in found):
            raise ManifestError(f"`{self._at(key)}` is {found!r}, not a list of sizes")
        return tuple(found)

    def numbers(self, key: str, count: int) -> tuple[float, ...]:
        """A list of `count` numbers."""
        found = self.get(key, list)
        are_numbers = all(isinstance(n, int | float) and not isinstance(n, bool) for n in found)
        if len(found) != count or not are_numbers:
            raise ManifestError(f"`{self._at(key)}` is {found!r}, not a list of {count} numbers")
        return tuple(float(n) for n in found)
