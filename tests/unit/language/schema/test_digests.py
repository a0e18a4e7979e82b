"""What holds of every declaration of the document: digest classes, descriptions, torch's names."""

from __future__ import annotations

import inspect

import pytest
import torch
from pydantic import BaseModel, ValidationError

from specc.engine.settings import OPTIMIZERS as OF_ENGINE
from specc.language.schema.digests import CLASSES, digest_class
from specc.language.schema.document import Document
from specc.language.schema.node import Node
from specc.language.schema.optimizers import OPTIMIZERS
from specc.language.schema.problems import models_in
from specc.language.schema.train import TrainSpec
from specc.language.schema.value import Value


def declarations() -> list[type[BaseModel]]:
    found: dict[type[BaseModel], None] = {}
    waiting: list[type[BaseModel]] = [Document, *OPTIMIZERS.values()]
    while waiting:
        model = waiting.pop()
        if model not in found and issubclass(model, Value):
            found[model] = None
            for field in model.model_fields.values():
                waiting.extend(models_in(field.annotation))
    return list(found)


FIELDS = [
    (model, name, field) for model in declarations() for name, field in model.model_fields.items()
]


def test_the_whole_document_is_covered():
    names = {model.__name__ for model in declarations()}
    assert {"Document", "Node", "Draw", "LinkSpec", "FieldSpec", "Evaluation", "Adam"} <= names


@pytest.mark.parametrize(("model", "name", "field"), FIELDS)
def test_every_field_has_a_digest_class_and_a_description(model, name: str, field):
    assert digest_class(field) in CLASSES
    assert field.description


def test_a_field_without_a_class_is_noticed():
    class Loose(Value):
        """A declaration that forgets its class."""

        field: int = 0

    assert digest_class(Loose.model_fields["field"]) is None


@pytest.mark.parametrize("model", declarations())
def test_declarations_are_strict_frozen_and_closed(model):
    assert model.model_config["strict"]
    assert model.model_config["frozen"]
    assert model.model_config["extra"] == "forbid"


def test_an_expression_is_a_tree():
    with pytest.raises(ValidationError):
        Node.model_validate({"role": "let", "head": 3})
    assert "expression" in str(Node.model_json_schema()).lower()


def test_a_run_has_one_length():
    assert TrainSpec().epochs is not None


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_options_and_defaults_of_optimizers_are_those_of_torch(name: str):
    signature = inspect.signature(OF_ENGINE[name].__init__)
    for option, field in OPTIMIZERS[name].model_fields.items():
        default = signature.parameters[option].default
        shown = float(default) if isinstance(default, torch.Tensor) else default
        assert field.default == shown, option


def test_the_engine_has_every_optimizer():
    assert set(OPTIMIZERS) == set(OF_ENGINE)
