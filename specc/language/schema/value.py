"""The base class of all parts of a document."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from specc.language.expressions import tree


class Value(BaseModel):
    """A part of a document: strict types, no unknown keys, immutable."""

    model_config = ConfigDict(
        defer_build=True,
        strict=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        populate_by_name=True,
    )


class _ExpressionTree:
    """The pydantic type of a parsed expression, which is text in a file."""

    def __get_pydantic_core_schema__(
        self,
        source: Any,  # noqa: ANN401
        handler: GetCoreSchemaHandler,
    ) -> CoreSchema:
        del source, handler
        return core_schema.is_instance_schema(
            tree.Expression, serialization=core_schema.to_string_ser_schema()
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        del schema, handler
        return {"type": ["number", "string", "array"], "description": "An expression."}


Expression = Annotated[tree.Expression, _ExpressionTree()]
